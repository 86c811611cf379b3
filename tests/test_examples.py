"""The examples learn, and are short."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str):
    """Return an example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_fits_on_a_screen(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


def test_policy_gradient_by_hand_presses_keys_of_the_song():
    pytest.importorskip("torch", reason="needs torch: pip install '.[torch]'")
    from experiments.studies.benchmark import score

    player = load("pytorch_by_hand").learn("teacher-forced", seed=0, steps=6_400)
    assert score("teacher-forced", player).result > 64  # more than always resting
