"""Listeners by name: those that come with the project, trained ones from files, and weighted sums.

    theory                  rules of music theory
    ending                  a long last note on the tonic or the fifth
    variety                 as many different bars as typical real melodies
    vae-elbo                the evidence lower bound of the MusicVAE that comes with the project
    ngram, melody, learned, vae   trained listeners that come with the project, in listener/models
    PATH.safetensors        one that you trained
    RUN                     the same, by the folder of the run that trained it
    theory=1,ngram=.5       a weighted sum
    file.py:Class           your own, or module:Class, with arguments as in file.py:Class(weight=2)

Conventions: only listeners that are networks import torch, and only when they are loaded. `load_listener` may run the
user's own code, since the name comes from the command line or a call. `listener_named` takes names that may come from a
file, and never runs new code.
"""

import re
import sys
from pathlib import Path
from typing import Any

from listener.corpus import Corpora
from listener.ending import Ending
from listener.files import (
    FORM,
    JUDGE,
    SUFFIX,
    TASTE,
    USES_OF_JUDGE,
    model_in,
    models_folder,
    read_about,
    read_listener,
)
from listener.listener import Listener, WeightedSum
from listener.ngram import NGramTraining
from listener.own_listener import OwnListener, try_listener
from listener.rules import MusicTheory
from listener.stages import Training
from listener.variety import Variety
from songs.own_code import entry_points, load_part, names_code

TRAINED = ("ngram", "melody", "learned", "vae")
NAMES = ("theory", "ending", "variety", "vae-elbo", *TRAINED)
KINDS = (*TRAINED, JUDGE, FORM)
"""Kinds that can be trained."""
BESIDE_PRIOR = {"learned", "vae", "vae-elbo", TASTE}
"""Kinds that reward only at bar lines, by how much the song so far resembles real music."""
ENTRY_POINTS = "kuznechik.listeners"
"""Group of entry points through which an installed package offers listeners."""

_own: dict[str, OwnListener] = {}
"""The user's own listeners that a call has named, which this process may therefore use."""


def load_listener(text: str) -> Listener:
    """Return the listener with a name, which may be the user's own code; that is tested first.

    Raises:
        ValueError: as for `listener_named`, or the user's code is not a listener.
    """
    lend_own(text)
    return listener_named(text)


def lend_own(text: str) -> None:
    """Load the user's own listeners named in a text, for use in this process; raises ValueError as `load_listener`."""
    for name in own_names(text):
        lend_listener(name, load_part(name, ENTRY_POINTS))


def lend_listener(name: str, listener: Any) -> None:
    """Register a user's listener under a name, for use in this process; raises ValueError if it is not a listener."""
    _own[name], remark = try_listener(name, listener)
    if remark:
        print(remark, file=sys.stderr)


def own_names(text: str) -> list[str]:
    """Return the names in a text, of one listener or a sum, that refer to the user's own code."""
    names = [name for name, _ in _named(text)]
    unknown = [name for name in names if name not in (*NAMES, JUDGE) and trained_file(name) is None]
    offered = entry_points(ENTRY_POINTS) if any(not names_code(name) for name in unknown) else {}
    return [name for name in unknown if names_code(name) or name in offered]


def listener_named(text: str) -> Listener:
    """Return the listener for a name, a file, or a weighted sum such as `theory=1,ngram=.5`.

    Raises:
        ValueError: a name is unknown, a weight is not a number, or a file is not usable.
    """
    named = _named(text)
    if len(named) == 1 and named[0][1] is None:
        return _single(named[0][0])
    return WeightedSum([_single(name) for name, _ in named], [1.0 if weight is None else weight for _, weight in named])


def trained_file(text: str) -> Path | None:
    """Return the file of a trained listener by its name, path or run; None for sums and listeners without a file."""
    name = str(text).strip()
    if name in TRAINED:
        return models_folder() / f"{name}{SUFFIX}"
    if not name or name in NAMES or "," in name:
        return None
    return model_in(Path(name)) if name.endswith(SUFFIX) or Path(name).is_dir() else None


def reference_scores(text: str) -> list[float] | None:
    """Return the scores of real melodies of 16 bars at the percentiles 0 to 100, or None if they are not known."""
    path = trained_file(text)
    return read_about(path).get("reference") if path else None


def needs_prior(text: str) -> bool:
    """Return True if a listener in a text rewards too seldom for a search without a prior.

    Raises:
        ValueError: a weight is not a number, or the file of a listener is not usable.
    """
    files = {name: trained_file(name) for name, _ in _named(text)}
    return any((read_about(path)["kind"] if path else name) in BESIDE_PRIOR for name, path in files.items())


def training_of(kind: str, corpora: Corpora, options: Any, seed: int) -> Training:
    """Return the training of a listener, of the held-out judge, or of the model of form.

    Args:
        kind: one of `KINDS`.
        corpora: real melodies.
        options: options for that kind, from `listener.training_options`; an n-gram has none.
        seed: the same seed gives a bit-identical listener on the same kind of machine.
    """
    if kind == "ngram":
        return NGramTraining(corpora.excerpts.training.melodies)
    if kind == "melody":
        from listener.melody_training import MelodyTraining

        return MelodyTraining(corpora, options, seed)
    if kind == JUDGE:
        from listener.judge.training import JudgeTraining

        return JudgeTraining(corpora, options, seed)
    if kind == FORM:
        from listener.form.training import FormTraining

        return FormTraining(corpora, options, seed)
    if kind == "vae":
        from listener.learned.vae_training import VaeTraining

        return VaeTraining(corpora, options, seed)
    from listener.learned.training import LearnedTraining

    return LearnedTraining(corpora, options, seed)


def _named(text: str) -> list[tuple[str, float | None]]:
    """Return the names and weights of a sum, None for a missing weight; raises ValueError for an invalid one."""
    return [_weighted(part.strip()) for part in re.split(r",(?![^(]*\))", str(text))]


def _weighted(part: str) -> tuple[str, float | None]:
    """Return the name and weight of one part of a sum; arguments in parentheses belong to the name."""
    if part.endswith(SUFFIX) or "=" not in part.rpartition(")")[2]:
        return part, None
    name, _, number = part.rpartition("=")
    try:
        weight = float(number)
    except ValueError:
        weight = float("nan")
    if not abs(weight) < float("inf"):
        raise ValueError(f"{part!r}: the weight of a listener is a number, as in theory=1,ngram=.5")
    return name.strip(), weight


def _single(name: str) -> Listener:
    if name == "theory":
        return MusicTheory()
    if name == "ending":
        return Ending()
    if name == "variety":
        return Variety()
    if name == "vae-elbo":
        return _vae_elbo()
    if name == JUDGE:
        raise ValueError(f"{JUDGE!r} is the held-out judge, not a listener; {USES_OF_JUDGE}")
    if name in _own:
        return _own[name]
    if names_code(name):
        raise ValueError(f"{name} is your own code and runs only if this command names it: add --listener '{name}'")
    path = trained_file(name)
    if path is None:
        raise ValueError(
            f"no listener {name!r}; choose {', '.join(NAMES)}, the {SUFFIX} file or the run of a trained one, "
            "your own as file.py:Class, or a sum such as theory=1,ngram=.5"
        )
    return read_listener(path)


def _vae_elbo() -> Listener:
    try:
        from listener.vae_elbo import VaeElbo
        from vae.config import ModelError
    except ModuleNotFoundError as error:
        raise ValueError(f"the MusicVAE needs {error.name}: pip install 'kuznechik[torch]'") from None
    try:
        return VaeElbo.of_the_project()
    except ModelError as error:
        raise ValueError(str(error)) from None
