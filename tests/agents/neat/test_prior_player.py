"""Networks with a prior: the choices are weighted, and many networks together play as each does by itself."""

import numpy as np
import pytest

from agents.neat.improvisation import play_together
from agents.neat.linear_network import make_genome
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.neat.prior_player import PriorPlayer
from agents.prior import ROWS, FollowedPrior, play_prior, with_noise
from agents.rollout import continue_prompts, play_on
from agents.sampling_player import SamplingPlayer
from songs.keyboard import KEYS

MEMORY, STEPS = 6, 20


class Climbing:
    """Expects the key above the last one most, then a rest, then the last one again; key 0 after silence."""

    def __init__(self, melodies: int, first: int = 0):
        self._last = np.full(melodies, -1)

    def begin(self, envs, rolls, steps):
        assert not steps.any()
        self._last[envs] = -1

    def add(self, keys):
        self._last = np.where(keys.any(axis=1), keys.argmax(axis=1), self._last)

    def log_probabilities(self):
        logits = np.full((len(self._last), KEYS + 1), -9.0, dtype=np.float32)
        rows = np.arange(len(logits))
        logits[rows, np.maximum(self._last + 1, 0)] = -2.0
        logits[:, 0] = -1.0
        logits[rows, (self._last + 1) % KEYS + 1] = 0.0
        return logits

    def state(self):
        return {}, {}

    def restore(self, arrays, data):
        pass


def player(genome) -> PriorPlayer:
    return PriorPlayer(NetworkPlayer(Network(genome, KEYS)), Climbing, 1)


def network(connections=None, **biases):
    """Return a network whose outputs are 0 but for connections and biases, by `k` and the number of the key."""
    return make_genome({key: biases.get(f"k{key}", 0.0) for key in range(KEYS)}, connections or {})


PROMPT = np.zeros((1, KEYS), dtype=bool)
PROMPT[0, 3] = True


def keys_played(roll: np.ndarray) -> list[int]:
    return [int(step.argmax()) if step.any() else -1 for step in roll]


def test_a_network_without_outputs_plays_what_the_prior_expects():
    assert keys_played(play_on(player(network()), PROMPT, 6, MEMORY)) == [3, 4, 5, 6, 7, 8]


def test_an_output_weighs_its_key_against_what_is_expected():
    assert keys_played(play_on(player(network(k7=8.9)), PROMPT, 4, MEMORY)) == [3, 4, 5, 6]
    assert keys_played(play_on(player(network(k7=9.1)), PROMPT, 4, MEMORY)) == [3, 7, 7, 7]


def test_networks_that_all_dislike_keys_rest():
    assert keys_played(play_on(player(network(**{f"k{k}": -1.5 for k in range(KEYS)})), PROMPT, 3, MEMORY)) == [
        3,
        -1,
        -1,
    ]


def test_many_networks_play_together_what_each_plays_alone():
    random = np.random.default_rng(0)
    genomes = [
        network({(-1 - int(i), int(k)): w for i, k, w in zip(*links, random.normal(0, 6, 12).round(2), strict=True)})
        for links in (random.integers(0, (MEMORY * KEYS, KEYS), (12, 2)).T for _ in range(ROWS // 2 + 3))
    ]
    prompts = np.stack([PROMPT, np.roll(PROMPT, 5, axis=1)])
    together = play_together(genomes, prompts, STEPS, MEMORY, Climbing)
    assert together.sum(axis=3).max() == 1
    assert len({roll.tobytes() for roll in together.reshape(-1, STEPS, KEYS)}) > 10
    for genome, rolls in zip(genomes, together, strict=True):
        assert (continue_prompts(player(genome), prompts, STEPS, MEMORY) == rolls).all()


def test_with_a_mode_bit_the_song_is_played_without_the_prior():
    echo = make_genome(
        dict.fromkeys(range(KEYS), -0.5), {(-1 - (MEMORY - 1) * KEYS - key, key): 1.0 for key in range(KEYS)}
    )
    both = PriorPlayer(NetworkPlayer(Network(echo, KEYS), mode_bit=True), Climbing, 1)
    chord = PROMPT | np.roll(PROMPT, 3)
    assert (play_on(both, chord, 5, MEMORY) == chord).all()
    assert keys_played(play_on(both, PROMPT, 5, MEMORY, improvise=True)) == [3, 4, 5, 6, 7]
    heard = np.tile(PROMPT, (2, MEMORY, 1)).astype(bool)
    both.reset(2)
    assert both.press(heard, np.array([False, True])).argmax(axis=1).tolist() == [3, 4]


def test_it_samples_by_the_same_values():
    sampled = SamplingPlayer(player(network()), 1.0, np.random.default_rng(0))
    heard = np.tile(PROMPT, (5000, MEMORY, 1)).astype(bool)
    sampled.reset(len(heard))
    keys = keys_played(sampled.press(heard))
    weights = np.exp([-9.0] * 11 + [-2.0, -1.0, 0.0])
    assert np.mean(np.array(keys) == 4) == pytest.approx(1 / weights.sum(), abs=0.03)
    assert np.mean(np.array(keys) == -1) == pytest.approx(np.exp(-1) / weights.sum(), abs=0.03)


@pytest.mark.parametrize("melodies", [1, ROWS, ROWS + 1])
def test_a_followed_prior_is_asked_about_as_many_melodies_at_once_however_many_there_are(melodies):
    asked = []

    def make(count: int, first: int = 0) -> Climbing:
        asked.append(count)
        return Climbing(count)

    followed = FollowedPrior(make, np.tile(PROMPT, (melodies, 1, 1)))
    assert asked == [ROWS] * (1 + (melodies > ROWS))
    values = followed.weighted(np.full((melodies, KEYS), 0.5))
    assert values.shape == (melodies, KEYS + 1)
    assert values[-1].tolist() == [-1.0] + [-8.5] * 3 + [-1.5, 0.5] + [-8.5] * 8


def test_with_noise_it_plays_one_of_the_draws_of_the_prior():
    prompts = np.repeat(PROMPT[None], 2000, axis=0)
    second = play_prior(with_noise(Climbing, range(2000), STEPS, KEYS), prompts, 2)[:, 1]
    weights = np.exp([-9.0] * 11 + [-2.0, -1.0, 0.0])
    assert second[:, 4].mean() == pytest.approx(1 / weights.sum(), abs=0.04)
    assert (~second.any(axis=1)).mean() == pytest.approx(np.exp(-1) / weights.sum(), abs=0.04)


def test_the_noise_of_a_seed_is_the_same_wherever_its_melody_stands():
    noisy = with_noise(Climbing, [7, 8, 9], STEPS, KEYS)
    rolls = play_prior(noisy, np.repeat(PROMPT[None], 2 * ROWS, axis=0), STEPS)
    assert len({roll.tobytes() for roll in rolls}) == 3
    np.testing.assert_array_equal(rolls[0], rolls[ROWS + 2])  # 3 * 34 is ROWS + 2
    np.testing.assert_array_equal(rolls[1], play_prior(with_noise(Climbing, [8], STEPS, KEYS), PROMPT[None], STEPS)[0])
    alone = PriorPlayer(NetworkPlayer(Network(network(), KEYS)), noisy, 1)
    np.testing.assert_array_equal(continue_prompts(alone, np.stack([PROMPT] * 3), STEPS, MEMORY), rolls[:3])


def test_a_noisy_prior_continues_from_its_state():
    noisy, other = (with_noise(Climbing, [1, 2], STEPS, KEYS)(2) for _ in range(2))
    for prior, steps in ((noisy, 3), (other, 0)):
        prior.begin(np.arange(2), np.zeros((2, 0, KEYS), dtype=bool), np.zeros(2, dtype=np.int64))
        for _ in range(steps):
            prior.add(np.zeros((2, KEYS), dtype=bool))
    other.restore(*noisy.state())
    np.testing.assert_array_equal(other.log_probabilities(), noisy.log_probabilities())
