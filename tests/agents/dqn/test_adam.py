"""Adam is bit-identical to torch's own, without loading its compiler."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agents.dqn.adam import Adam  # noqa: E402

ROOT = Path(__file__).parents[3]


def weights(seed: int) -> list:
    generator = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 5), (7,), (2, 2, 2))]


def test_steps_are_those_of_torch_to_the_bit():
    own, theirs = weights(0), weights(0)
    adam, peer = Adam(own, 0.003), torch.optim.Adam(theirs, lr=0.003, foreach=False, fused=False)
    for number in range(1, 60):
        for one, other, gradient in zip(own, theirs, weights(number), strict=True):
            one.grad, other.grad = gradient.detach() * 10.0 ** (number % 7 - 3), gradient * 10.0 ** (number % 7 - 3)
        adam.step(number)
        peer.step()
        assert all(torch.equal(one, other) for one, other in zip(own, theirs, strict=True)), number


def test_a_state_is_restored_and_an_invalid_one_refused():
    one, other = weights(0), weights(0)
    first, second = Adam(one, 0.1), Adam(other, 0.1)
    for each in (*one, *other):
        each.grad = torch.ones_like(each)
    first.step(1)
    second.restore(first.state())
    for each, target in zip(one, other, strict=True):
        target.data.copy_(each)
    first.step(2)
    second.step(2)
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))
    with pytest.raises(ValueError, match=r"1\.exp_avg has the shape \(6,\), this run needs \(7,\)"):
        second.restore(first.state() | {"1.exp_avg": np.zeros(6, np.float32)})
    with pytest.raises(ValueError, match="1.exp_avg_sq holds values that are not from 0"):
        second.restore(first.state() | {"1.exp_avg_sq": np.full(7, -1, np.float32)})


def test_learning_does_not_load_the_compiler(tmp_path):
    program = (
        "import sys; from experiments.cli import main; "
        f"main(['dqn', 'grasshopper', '--out', {str(tmp_path / 'run')!r}, '--set', 'dqn.steps=160', '--json']); "
        "sys.exit('torch._dynamo' in sys.modules or 'sympy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
