"""TD losses, against sums written out by hand."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agents.dqn.losses import BranchLoss, ProductLoss, make_td_loss  # noqa: E402
from agents.dqn.options import LearningOptions  # noqa: E402


def tensor(*values):
    return torch.tensor(values, dtype=torch.float32)


def values_of(press: list[list[float]], branches: int = 13):
    """Return values (B, 13, 2): 0 to release, `press` for the first keys, -20 for the others."""
    values = torch.zeros(len(press), branches, 2)
    values[:, :, 1] = -20
    for row, given in zip(values, press, strict=True):
        row[: len(given), 1] = torch.tensor(given)
    return values


# Each branch for itself


def test_every_branch_learns_from_the_reward_of_its_own_key():
    values = torch.arange(4.0).reshape(1, 2, 2) / 10  # of two branches: release 0 and .2, press .1 and .3
    loss, errors = BranchLoss(2).errors(values, torch.tensor([[1, 0]]), tensor([1.0, 0.5]), tensor([0.0]), None, None)
    # half the squares of .1 - 1 and .2 - .5
    torch.testing.assert_close(loss, tensor((0.81 + 0.09) / 2))
    torch.testing.assert_close(errors, tensor(0.9))


def test_one_reward_is_shared_by_all_branches():
    values = torch.arange(4.0).reshape(1, 2, 2) / 10
    loss, _ = BranchLoss(1).errors(values, torch.tensor([[1, 0]]), tensor([1.0]), tensor([0.0]), None, None)
    torch.testing.assert_close(loss, tensor((0.81 + 0.64) / 2))


def test_the_next_value_is_the_mean_over_the_branches_of_the_choices_to_be_made():
    values = torch.zeros(2, 2, 2)
    later = tensor([[1.0, 2.0], [4.0, 8.0]]).expand(2, 2, 2)
    best = torch.tensor([[1, 0], [1, 0]])  # (2 + 4) / 2 = 3
    discount = tensor([0.5], [0.0])  # the second episode terminated
    chosen = torch.zeros(2, 2, dtype=torch.int64)
    _, errors = BranchLoss(1).errors(values, chosen, tensor([1.0], [1.0]), discount, later, best)
    torch.testing.assert_close(errors, tensor(1 + 0.5 * 3, 1.0))


def test_a_soft_maximum_of_the_next_values_is_their_log_sum_exp():
    values, later = torch.zeros(1, 1, 3), tensor([[1.0, 2.0, 4.0]])
    chosen, discount = torch.zeros(1, 1, dtype=torch.int64), tensor([0.5])
    for temperature in (0.5, 2.0):
        soft = temperature * np.log(np.exp(np.array([1.0, 2.0, 4.0]) / temperature).sum())
        _, errors = BranchLoss(1, temperature).errors(values, chosen, tensor([1.0]), discount, later, None)
        np.testing.assert_allclose(errors, [1 + 0.5 * soft], rtol=1e-6)


def test_the_product_has_no_soft_maximum():
    with pytest.raises(ValueError, match="set soft to 0; got 1"):
        make_td_loss(LearningOptions("product", soft=1.0, gamma=0.5), "branching")


def test_large_errors_count_only_linearly():
    values = torch.zeros(1, 1, 14)
    loss, _ = BranchLoss(1).errors(values, torch.tensor([[3]]), tensor([5.0]), tensor([0.0]), None, None)
    torch.testing.assert_close(loss, tensor(4.5))


def test_only_the_choices_made_are_taught():
    values = torch.zeros(1, 13, 2, requires_grad=True)
    chosen = torch.tensor([[1] + [0] * 12])
    loss, _ = BranchLoss(13).errors(values, chosen, torch.ones(1, 13), tensor([0.0]), None, None)
    loss.sum().backward()
    taught = values.grad[0] != 0
    assert taught.tolist() == [[False, True]] + [[True, False]] * 12


def test_the_value_of_a_step_is_the_mean_of_its_branches():
    steps = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 1]])  # both released, both pressed
    values = torch.arange(4.0).reshape(1, 2, 2)
    torch.testing.assert_close(BranchLoss(1).step_values(values, steps), tensor([1.0, 2.0]))


# Together


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_the_value_of_a_step_is_the_product_of_its_probabilities():
    values = values_of([[1.0, -2.0]])
    rest, first, both = torch.zeros(3, 26).reshape(3, 13, 2)
    for step, pressed in ((rest, ()), (first, (0,)), (both, (0, 1))):
        step[:, 0] = 1
        step[list(pressed)] = tensor(0.0, 1.0)
    steps = torch.stack([rest, first, both]).flatten(1)
    probabilities = [sigmoid(-1) * sigmoid(2), sigmoid(1) * sigmoid(2), sigmoid(1) * sigmoid(-2)]
    np.testing.assert_allclose(ProductLoss(0.0).step_values(values, steps)[0], probabilities, rtol=1e-5)


def test_the_loss_is_the_cross_entropy_of_the_step():
    chosen = torch.tensor([[1] + [0] * 12] * 2)
    loss, errors = ProductLoss(0.0).errors(
        values_of([[1.0, -2.0]] * 2), chosen, tensor([1.0], [0.0]), tensor([0.0], [0.0]), None, None
    )
    probability = sigmoid(1) * sigmoid(2)
    np.testing.assert_allclose(loss, [-np.log(probability), -np.log(1 - probability)], rtol=1e-5)
    np.testing.assert_allclose(errors, [1 - probability, probability], rtol=1e-5)


def test_a_right_step_teaches_every_key_and_a_wrong_one_mostly_the_least_sure():
    chosen = torch.tensor([[1, 0, *[0] * 11]])
    slopes = {}
    for reward in (1.0, 0.0):
        values = values_of([[0.5, -6.0]]).requires_grad_()
        loss, _ = ProductLoss(0.0).errors(values, chosen, tensor([reward]), tensor([0.0]), None, None)
        loss.sum().backward()
        slopes[reward] = -values.grad[0, :2, 1]
    assert slopes[1.0][0] > 0  # press the first key, which was pressed
    assert slopes[1.0][1] < 0  # and not the second one
    assert slopes[0.0][0] < 0
    assert 0 < slopes[0.0][1] < 0.01 * -slopes[0.0][0]


@pytest.mark.parametrize("sure", [5.0, 17.9, 40.0, 80.0])
def test_a_probability_rounded_to_1_can_still_be_lowered(sure):
    values = torch.zeros(1, 13, 2)
    values[:, :, 1] = -sure
    values.requires_grad_()
    loss, _ = ProductLoss(0.0).errors(
        values, torch.zeros(1, 13, dtype=torch.int64), tensor([0.0]), tensor([0.0]), None, None
    )
    loss.sum().backward()
    # all keys were equally sure and bear a thirteenth of the blame
    np.testing.assert_allclose(-values.grad[0, :, 1], 1 / 13, rtol=0.05)


def test_the_next_step_counts_by_its_probability():
    # normalised values: (1 - gamma) * reward + gamma^n * probability of the next step
    values, later = values_of([[0.0]]), values_of([[3.0]])
    chosen = torch.tensor([[1] + [0] * 12])
    _, errors = ProductLoss(0.5).errors(values, chosen, tensor([1.0]), tensor([0.5]), later, chosen)
    assert float(errors) == pytest.approx(0.5 + 0.5 * sigmoid(3) - 0.5, abs=1e-4)


@pytest.mark.parametrize(("reward", "gamma"), [(-0.1, 0.0), (1.5, 0.0), (2.5, 0.5)])
def test_rewards_that_are_no_probabilities_are_refused(reward, gamma):
    with pytest.raises(ValueError, match="rewards from 0 to 1: use 'key' or 'step'"):
        ProductLoss(gamma).errors(
            values_of([[0.0]]), torch.zeros(1, 13, dtype=torch.int64), tensor([reward]), tensor([0.0]), None, None
        )


# Choosing one


@pytest.mark.parametrize(
    ("kind", "head", "rewards"), [("key", "branching", 13), ("step", "branching", 1), ("step", "one_key", 1)]
)
def test_a_loss_says_how_many_rewards_it_needs(kind, head, rewards):
    assert make_td_loss(LearningOptions(kind, gamma=0.9), head).rewards == rewards


@pytest.mark.parametrize(
    ("kind", "head", "gamma", "match"),
    [
        ("fame", "branching", 0.0, "td_loss = 'fame': choose one of key, step, product"),
        ("key", "one_key", 0.0, "td_loss = 'key' needs a branch for each key"),
        ("product", "one_key", 0.0, "td_loss = 'product' needs a branch for each key"),
        ("product", "branching", 1.0, "needs gamma below 1; got 1"),
    ],
)
def test_a_loss_that_does_not_go_with_the_rest_is_refused(kind, head, gamma, match):
    with pytest.raises(ValueError, match=match):
        make_td_loss(LearningOptions(kind, gamma=gamma), head)
