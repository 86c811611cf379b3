"""The Q-network: shapes, dueling, and choices as keys."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agents.dqn.network import QNetwork, arrays_of, choices_of, load_weights  # noqa: E402
from agents.dqn.options import NetworkOptions  # noqa: E402

INPUTS = 26


def observations(count: int = 5):
    return torch.from_numpy(np.random.default_rng(0).integers(2, size=(count, INPUTS)).astype(np.float32))


@pytest.mark.parametrize(("head", "shape"), [("branching", (5, 13, 2)), ("one_key", (5, 1, 14))])
@pytest.mark.parametrize("dueling", [True, False])
def test_there_is_a_value_for_every_choice_of_every_branch(head, shape, dueling):
    assert QNetwork(INPUTS, NetworkOptions(head, dueling=dueling))(observations()).shape == shape


def test_an_unknown_head_is_refused():
    with pytest.raises(ValueError, match="head = 'tail': choose one of branching, one_key"):
        NetworkOptions("tail")


def test_the_values_are_what_the_layers_compute():
    network, seen = QNetwork(INPUTS, NetworkOptions("branching", hidden=7, layers=2)), observations()
    weights = arrays_of(network.state_dict())
    hidden = seen.numpy()
    for layer in ("body.0", "body.2"):
        hidden = hidden @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        hidden = np.maximum(hidden, 0.1 * hidden)
    advantages = (hidden @ weights["advantage.weight"].T + weights["advantage.bias"]).reshape(5, 13, 2)
    value = hidden @ weights["value.weight"].T + weights["value.bias"]
    expected = value[:, :, None] + advantages - advantages.mean(axis=2, keepdims=True)
    np.testing.assert_allclose(network(seen).detach().numpy(), expected, atol=1e-5)


def test_with_dueling_the_mean_over_the_choices_is_the_value_of_the_memory():
    means = QNetwork(INPUTS)(observations()).mean(dim=2)
    torch.testing.assert_close(means, means[:, :1].expand(-1, 13))


def test_the_greedy_player_takes_the_most_valued_choice_of_every_branch():
    network = QNetwork(INPUTS)
    values = network(observations())
    assert torch.equal(network.greedy(observations()), values[:, :, 1] > values[:, :, 0])
    one_key = QNetwork(INPUTS, NetworkOptions("one_key"))
    keys = one_key.greedy(observations())
    assert keys.sum(dim=1).max() <= 1
    assert torch.equal(choices_of(keys, "one_key"), one_key(observations()).argmax(dim=2))


def test_choices_of_one_key_are_nothing_and_the_thirteen_keys():
    choices = torch.arange(14)[:, None]
    keys = QNetwork(INPUTS, NetworkOptions("one_key")).keys_of(choices)
    assert not keys[0].any()
    assert torch.equal(keys[1:], torch.eye(13, dtype=torch.bool))
    assert torch.equal(choices_of(keys, "one_key"), choices)


def test_choices_of_branches_are_the_keys():
    keys = torch.from_numpy(np.random.default_rng(1).integers(2, size=(20, 13)))
    assert torch.equal(choices_of(keys, "branching"), keys)
    assert torch.equal(QNetwork(INPUTS).keys_of(keys), keys.bool())


def test_the_same_seed_gives_the_same_weights_whatever_torch_drew_before():
    one = arrays_of(QNetwork(INPUTS, seed=3).state_dict())
    torch.rand(10)
    again, other = (arrays_of(QNetwork(INPUTS, seed=seed).state_dict()) for seed in (3, 4))
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
    assert (one["body.0.weight"] != other["body.0.weight"]).any()


def test_making_a_network_leaves_the_random_numbers_of_torch_alone():
    before = torch.random.get_rng_state()
    QNetwork(INPUTS)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_initial_weights_have_the_distribution_of_torch():
    weights = arrays_of(QNetwork(400, NetworkOptions(hidden=300)).state_dict())["body.0.weight"]
    assert np.abs(weights).max() <= 1 / 20
    assert weights.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.02)


def test_a_copy_is_not_trained_and_does_not_change_with_its_original():
    network = QNetwork(INPUTS)
    copied = network.copy()
    before = copied(observations())
    with torch.no_grad():
        network.advantage.bias += 1 + torch.arange(26)
    assert torch.equal(copied(observations()), before)
    assert not any(weights.requires_grad for weights in copied.parameters())
    assert all(weights.requires_grad for weights in network.parameters())


def test_weights_move_from_one_network_to_another():
    one, other = QNetwork(INPUTS, seed=1), QNetwork(INPUTS, seed=2)
    load_weights(other, arrays_of(one.state_dict()))
    assert torch.equal(one(observations()), other(observations()))


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (
            QNetwork(INPUTS, NetworkOptions(hidden=9)),
            r"body.0.weight has the shape \(128, 26\), this run needs \(9, 26\)",
        ),
        (QNetwork(39), r"body.0.weight has the shape \(128, 26\), this run needs \(128, 39\)"),
        (
            QNetwork(INPUTS, NetworkOptions("one_key")),
            r"advantage.weight has the shape \(26, 128\), this run needs \(14, 128\)",
        ),
        (QNetwork(INPUTS, NetworkOptions(layers=2)), "network has the layers"),
        (QNetwork(INPUTS, NetworkOptions(dueling=False)), "network has the layers"),
    ],
)
def test_weights_of_another_shape_are_refused(other, match):
    with pytest.raises(ValueError, match=match):
        load_weights(other, arrays_of(QNetwork(INPUTS).state_dict()))
