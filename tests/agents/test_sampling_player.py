"""A performer that samples: as often as the softmax says, the same with the same seed, and greedy at temperature 0."""

import numpy as np
import pytest

from agents.neat.linear_network import make_genome
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.sampling_player import SamplingPlayer, ValuesChoices
from songs.keyboard import KEYS

MEMORY = 4
HEARD = np.random.default_rng(1).random((50, 3, MEMORY, KEYS)) < 0.3
BIASES = np.linspace(-2.01, 2, KEYS)


def network_player() -> NetworkPlayer:
    """Return the player of a network that answers to the newest step, and has a bias of -2 to 2 for each key."""
    newest = MEMORY * KEYS - KEYS
    connections = {(-1 - newest - key, (key + 1) % KEYS): 1.5 for key in range(KEYS)}
    return NetworkPlayer(Network(make_genome(dict(enumerate(BIASES)), connections), KEYS))


def q_player(head: str):
    pytest.importorskip("torch")
    from agents.dqn.network import QNetwork
    from agents.dqn.options import NetworkOptions
    from agents.dqn.q_player import QPlayer

    return QPlayer(QNetwork(MEMORY * KEYS, NetworkOptions(head=head), seed=2))


PLAYERS = {
    "network": network_player,
    "branching": lambda: q_player("branching"),
    "one key": lambda: q_player("one_key"),
}


@pytest.fixture(params=PLAYERS)
def player(request) -> ValuesChoices:
    return PLAYERS[request.param]()


def played(player, temperature: float | None, seed: int = 0) -> np.ndarray:
    """Return what a player answers to HEARD, sampled unless the temperature is None."""
    player = player if temperature is None else SamplingPlayer(player, temperature, np.random.default_rng(seed))
    player.reset(3)
    return np.array([player.press(memory) for memory in HEARD])


@pytest.mark.parametrize("temperature", [0, 1e-9])
def test_it_is_greedy_where_the_temperature_is_0_or_nearly(player, temperature):
    np.testing.assert_array_equal(played(player, temperature), played(player, None))


def test_the_same_seed_plays_the_same_and_another_one_does_not(player):
    first = played(player, 1.0)
    np.testing.assert_array_equal(first, played(player, 1.0))
    assert (first != played(player, 1.0, seed=1)).any()
    assert (first != played(player, None)).any()


def test_choices_are_as_frequent_as_the_softmax_of_their_values(player):
    memory = np.repeat(HEARD[0, :1], 20_000, axis=0)
    temperature, choices = 0.5, []
    player.reset(20_000)
    sampling = SamplingPlayer(player, temperature, np.random.default_rng(0))
    player.keys_of = lambda drawn: choices.append(drawn) or np.zeros((20_000, KEYS), dtype=bool)
    sampling.press(memory)
    values = player.values(memory)[0]
    expected = np.exp(values / temperature) / np.exp(values / temperature).sum(axis=1, keepdims=True)
    found = np.stack([(choices[0] == choice).mean(axis=0) for choice in range(values.shape[1])], axis=1)
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_a_temperature_below_0_is_refused():
    with pytest.raises(ValueError, match="the temperature is -1: it must be 0 or more"):
        SamplingPlayer(network_player(), -1, np.random.default_rng(0))
