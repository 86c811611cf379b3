"""A fit reduces the loss, its learning rate follows the schedule, and it resumes from a state bit for bit."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from vae.fit import CosineRate, Fit  # noqa: E402

ROWS = torch.linspace(-1, 1, 30).reshape(10, 3)


def fit(seed: int = 0) -> Fit:
    """Return the fit of a layer with seeded values."""
    torch.manual_seed(seed)
    return Fit(nn.Linear(3, 1), 0.1, weight_decay=0.01)


def descend(one: Fit, steps: int) -> float:
    """Take steps towards the sum of each row, and return the last loss."""
    loss = torch.zeros(())
    for _ in range(steps):
        loss = (one.network(ROWS)[:, 0] - ROWS.sum(dim=1)).square().mean()
        one.descend(loss)
    return loss.item()


def test_it_descends():
    one = fit()
    first = descend(one, 1)
    assert descend(one, 100) < first / 100


def test_the_gradient_is_clipped():
    one = Fit(nn.Linear(3, 1), 0.1, clip=0.5)
    one.descend(1e6 * one.network(ROWS).sum())
    norm = torch.stack([each.grad.norm() for each in one.network.parameters()]).norm()
    assert norm.item() == pytest.approx(0.5, rel=1e-4)


def test_the_learning_rate_rises_and_falls():
    rate = CosineRate(2.0, 100, final=0.1, warm_up=10)
    assert [rate.at(step) for step in (0, 4)] == pytest.approx([0.2, np.cos(0.02 * np.pi)])
    assert rate.at(50) == pytest.approx(np.sqrt(2))
    assert rate.at(99) == pytest.approx(0.2)
    one = fit()
    before = one.network.weight.detach().clone()
    one.set_rate(0.0)
    descend(one, 1)
    assert torch.equal(one.network.weight, before)


@pytest.mark.parametrize("steps", [0, 3])
def test_a_restored_fit_goes_on_to_the_same_bits(steps):
    one, other = fit(), fit(seed=1)
    descend(one, steps)
    other.restore(*one.state())
    for each in (one, other):
        descend(each, 5)
    (arrays, data), (again, same) = one.state(), other.state()
    assert data == same == {"steps": steps + 5}
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)


@pytest.mark.parametrize(
    ("damage", "data", "says"),
    [
        ({"network.weight": np.zeros((1, 4), np.float32)}, {"steps": 0}, r"has the shape \(1, 4\)"),
        ({"exp_avg.bias": np.zeros(1)}, {"steps": 0}, "exp_avg.bias is float64"),
        ({"exp_avg.bias": np.full(1, np.nan, np.float32)}, {"steps": 0}, "not finite"),
        ({"exp_avg_sq.bias": np.full(1, -1, np.float32)}, {"steps": 0}, "not from 0"),
        ({}, {"steps": -1}, "steps is -1"),
        ({}, {"steps": 10**20}, "steps holds values that are not from 0"),
        ({}, {}, "steps is missing"),
    ],
)
def test_a_foreign_state_is_refused_and_changes_nothing(damage, data, says):
    one = fit(seed=2)
    before, _ = one.state()
    with pytest.raises(ValueError, match=says):
        one.restore({**fit().state()[0], **damage}, data)
    with pytest.raises(ValueError, match="network.weight is missing"):
        one.restore({}, {"steps": 0})
    after, _ = one.state()
    assert all((before[name] == after[name]).all() for name in before)
