"""Listeners are found by their names, by their files, and as weighted sums."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from listener.ending import Ending
from listener.files import models_folder
from listener.learned.model import Learned
from listener.ngram import NGram
from listener.registry import listener_named, needs_prior, reference_scores, trained_file
from listener.rules import MusicTheory
from listener.vae_elbo import VaeElbo
from listener.variety import Variety

ROOT = Path(__file__).parents[2]


def scale() -> np.ndarray:
    """Return the roll of a scale of a bar, (1, 8, 13)."""
    rolls = np.zeros((1, 8, 13), dtype=bool)
    rolls[0, range(8), (0, 2, 4, 5, 7, 9, 11, 12)] = True
    return rolls


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("theory", MusicTheory),
        ("ending", Ending),
        ("variety", Variety),
        ("ngram", NGram),
        ("learned", Learned),
        ("vae", Learned),
        ("vae-elbo", VaeElbo),
    ],
)
def test_the_listeners_of_the_project_have_names(name, kind):
    assert isinstance(listener_named(name), kind)
    assert isinstance(listener_named(f" {name} "), kind)


def test_a_sum_weighs_what_its_listeners_pay():
    both = listener_named("theory=2, ngram=-.5")
    theory, ngram = MusicTheory().rewards(scale()), listener_named("ngram").rewards(scale())
    np.testing.assert_allclose(both.rewards(scale()), 2 * theory - 0.5 * ngram, rtol=1e-5)
    np.testing.assert_allclose(listener_named("theory,ngram").rewards(scale()), theory + ngram, rtol=1e-5)


def test_a_trained_listener_is_found_by_its_file():
    path = models_folder() / "ngram.safetensors"
    np.testing.assert_array_equal(listener_named(str(path)).rewards(scale()), listener_named("ngram").rewards(scale()))
    assert trained_file(str(path)) == trained_file("ngram") == path
    assert trained_file("theory") is trained_file("theory=1,ngram=1") is None


def test_what_rewards_at_bar_lines_alone_needs_a_prior_whatever_its_file_is_called(tmp_path):
    for kind, name in (("learned", "mine"), ("ngram", "not-learned")):
        for ending in ("safetensors", "json"):
            shutil.copy(models_folder() / f"{kind}.{ending}", tmp_path / f"{name}.{ending}")
    assert needs_prior(f"{tmp_path}/mine.safetensors")
    assert not needs_prior(f"{tmp_path}/not-learned.safetensors")
    assert needs_prior("learned=1,ending=.3")
    assert needs_prior("vae")
    assert needs_prior("vae-elbo")
    assert not needs_prior("ngram=1,theory=.5")
    assert not needs_prior("learned_by_me.py:Mine(weight=1, other=2)")
    with pytest.raises(ValueError, match="no such listener"):
        needs_prior("taste.safetensors")


def test_listeners_load_no_torch_they_do_not_need_and_never_its_compiler():
    program = (
        "import sys, listener.audit, listener.corpus; from listener.registry import listener_named; "
        "listener_named('theory,ngram'); print('torch' in sys.modules); "
        "listener_named('learned,vae'); print('torch._dynamo' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout.split()) == (0, ["False", "False"]), ran.stderr


def test_the_scores_of_real_melodies_come_with_a_trained_listener():
    scores = reference_scores("learned")
    assert len(scores) == 101
    assert scores == sorted(scores)
    assert reference_scores("theory") is None


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("theary", "no listener 'theary'; choose theory, ending, variety, vae-elbo, ngram, melody, learned, vae"),
        ("", "no listener ''"),
        ("theory=1,nothing=2", "no listener 'nothing'"),
        ("theory=much", "'theory=much': the weight of a listener is a number"),
        ("theory=nan", "the weight of a listener is a number"),
        ("theory=inf,ngram", "the weight of a listener is a number"),
        ("theory,,ngram", "no listener ''"),
        ("nowhere/x.safetensors", "nowhere/x.safetensors: no such listener; train one with kuznechik listener train"),
    ],
)
def test_what_is_no_listener_is_refused(text, match):
    with pytest.raises(ValueError, match=match):
        listener_named(text)
