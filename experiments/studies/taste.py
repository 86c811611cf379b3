"""`kuznechik listener train --kind taste`: learn what one person prefers from their earlier choices."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments.listening.model_files import write_card
from experiments.options import UsageError, print_json, refuse, refuse_existing, require
from experiments.runs.breed.choices import read_choices
from experiments.studies.listening_answers import read_answers, rolls_of
from experiments.studies.listening_test import BETTER
from listener.attachment import in_eighths
from listener.files import SUFFIX, TASTE, write_listener
from listener.registry import listener_named
from songs.files import free_path

MUSIC = ("midi", "config", "vae", "minutes", "licence", "resume", "seed", "checkpoint_every", "tensorboard", "plot")
"""Options that only apply to training on music."""


def learn(options: argparse.Namespace) -> int:
    """Learn a taste, write its files, and print how certain it is."""
    require("torch", extra="torch", what="a taste")
    if not options.choices:
        raise UsageError(
            "--choices is missing: runs of kuznechik breed, or answers to kuznechik listening-test --better"
        )
    if options.kind not in (None, TASTE):
        raise UsageError(f"--choices needs --kind {TASTE}")
    refuse(options, "--choices", MUSIC)
    if options.set:
        raise UsageError("--set does not go with --choices")
    path = _path(options)
    from listener.learned.model import Learned
    from listener.taste.training import learn_taste, likings

    learned = listener_named("learned")
    assert isinstance(learned, Learned), "it is the learned listener of the project"
    taste = learn_taste(learned, preferences(options.choices))
    about = {
        "learned_from": [Path(name).resolve().name for name in options.choices],
        "certainty": asdict(taste.certainty),
        "likings": [[name, round(weight, 3), round(deviation, 3)] for name, weight, deviation in likings(taste)],
        "command": _command(options.choices),
    }
    write_listener(path, taste.listener, about)
    write_card(path)
    if options.json:
        print_json({**about, "file": str(path)})
        return 0
    print(f"{taste.certainty}.")
    if not taste.certainty.better_than_guessing:
        print("That may be guessing: choose more before you trust it.")
    print("Likes: " + ", ".join(f"{'more' if weight > 0 else 'less'} {name}" for name, weight, _ in likings(taste, 3)))
    print(f"Written: {path}", f"Next: kuznechik evolve grasshopper --listener {shlex.quote(str(path))}", sep="\n")
    return 0


def _path(options: argparse.Namespace) -> Path:
    """Return the file of the taste; raise UsageError if it already exists or has the wrong suffix."""
    path = Path(options.out) if options.out else free_path(Path(f"{TASTE}{SUFFIX}"))
    if path.suffix != SUFFIX:
        raise UsageError(f"--out {path}: a taste is a {SUFFIX} file, such as {TASTE}{SUFFIX}")
    refuse_existing(options, *(path.with_suffix(suffix) for suffix in (SUFFIX, ".json", ".md")))
    return path


def _command(names: Sequence[str]) -> str:
    """Return the command that learns a taste, with files by name only."""
    return shlex.join(
        ["kuznechik", "listener", "train", "--kind", TASTE, "--choices", *(Path(name).name for name in names)]
    )


def preferences(names: Sequence[str]) -> list[Any]:
    """Return the choices in breeding runs and files of answers, each as a `Preference`.

    A choice of all melodies is not informative and is left out.

    Raises:
        ValueError: A run or file contains no choices.
    """
    from listener.taste.training import Preference

    paths = [Path(name) for name in dict.fromkeys(names)]
    bred = [choice for path in paths if path.is_dir() for choice in read_choices(path)]
    made = [
        Preference(list(in_eighths(choice.rolls, choice.grid)), frozenset(choice.chosen))
        for choice in bred
        if len(choice.chosen) < len(choice.rolls)
    ]
    files = [path for path in paths if not path.is_dir()]
    answers = [answer for answer in read_answers(files) if answer.question == BETTER] if files else []
    if files and not answers:
        raise UsageError(f"{files[0]}: these answers are about which is the human's; make a test with --better")
    try:
        return made + [Preference(rolls_of(answer), frozenset([answer.chosen])) for answer in answers]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{files[0]}: no melodies can be learned from: {error!s:.120}") from None
