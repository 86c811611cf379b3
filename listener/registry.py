"""Listeners by name: those that come with the project, a trained one from its file, and weighted sums of several.

    theory                  rules of music theory
    vae                     the evidence lower bound of the MusicVAE that comes with the project
    ngram, melody, learned  trained ones that come with the project, in listener/models
    PATH.safetensors        one that you trained
    RUN                     the same, from the folder of the run that trained it
    theory=1,ngram=.5       a weighted sum

Conventions: only listeners that are networks load torch, when they are asked for.
"""

from pathlib import Path
from typing import Any

from listener.corpus import Corpora
from listener.files import JUDGE, SUFFIX, USES_OF_JUDGE, model_in, models_folder, read_about, read_listener
from listener.listener import Listener, WeightedSum
from listener.ngram import NGramTraining
from listener.rules import MusicTheory
from listener.stages import Training

TRAINED = ("ngram", "melody", "learned")
NAMES = ("theory", "vae", *TRAINED)
KINDS = (*TRAINED, JUDGE)
"""Kinds that can be trained."""


def listener_named(text: str) -> Listener:
    """Return the listener of a name, a file, or a weighted sum such as `theory=1,ngram=.5`.

    Raises:
        ValueError: there is none of that name, a weight is no number, or a file is not usable.
    """
    parts = [part.strip() for part in str(text).split(",")]
    if len(parts) == 1 and not _is_weighted(parts[0]):
        return _single(parts[0])
    pairs = [_weighted(part) for part in parts]
    return WeightedSum([_single(name) for name, _ in pairs], [weight for _, weight in pairs])


def trained_file(text: str) -> Path | None:
    """Return the file of a trained listener, by its name, path or run; None for sums and listeners without a file."""
    name = str(text).strip()
    if name in TRAINED:
        return models_folder() / f"{name}{SUFFIX}"
    if not name or name in NAMES or "," in name:
        return None
    return model_in(Path(name)) if name.endswith(SUFFIX) or Path(name).is_dir() else None


def reference_scores(text: str) -> list[float] | None:
    """Return the scores of real melodies of 16 bars at the percentiles 0 to 100; None where they are not known."""
    path = trained_file(text)
    return read_about(path).get("reference") if path else None


def training_of(kind: str, corpora: Corpora, options: Any, seed: int) -> Training:
    """Return the training of a listener, or of the held-out judge.

    Args:
        kind: one of `KINDS`.
        corpora: real melodies.
        options: of `listener.training_options` for that kind; an n-gram has none.
        seed: the same seed gives the same listener, to the bit, on one kind of machine.
    """
    if kind == "ngram":
        return NGramTraining(corpora.excerpts.training.melodies)
    if kind == "melody":
        from listener.melody_training import MelodyTraining

        return MelodyTraining(corpora, options, seed)
    if kind == JUDGE:
        from listener.judge_training import JudgeTraining

        return JudgeTraining(corpora, options, seed)
    from listener.learned.training import LearnedTraining

    return LearnedTraining(corpora, options, seed)


def _is_weighted(part: str) -> bool:
    return "=" in part and not part.endswith(SUFFIX)


def _weighted(part: str) -> tuple[str, float]:
    """Return the name and the weight of a part of a sum; without a weight it is 1."""
    name, _, number = part.rpartition("=") if _is_weighted(part) else (part, "", "1")
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
    if name == "vae":
        return _vae()
    if name == JUDGE:
        raise ValueError(f"{JUDGE!r} is the held-out judge, which rewards nobody; {USES_OF_JUDGE}")
    path = trained_file(name)
    if path is None:
        raise ValueError(
            f"no listener {name!r}; there are {', '.join(NAMES)}, the {SUFFIX} file or the run of a trained one, and "
            "sums such as theory=1,ngram=.5"
        )
    return read_listener(path)


def _vae() -> Listener:
    try:
        from listener.vae_elbo import VaeElbo
        from vae.config import ModelError
    except ModuleNotFoundError as error:
        raise ValueError(f"the MusicVAE needs {error.name}: pip install 'kuznechik[torch]'") from None
    try:
        return VaeElbo.of_the_project()
    except ModelError as error:
        raise ValueError(str(error)) from None
