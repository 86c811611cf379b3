"""Runs that train a listener, or the held-out judge.

data.json     a digest of the music, which stays in its own folders
metrics.csv   a row per step of about a second
best/         the listener, once training has finished: listener.safetensors, listener.json, and its card listener.md
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from experiments.config.listener import ListenerConfig
from experiments.config.settings import ConfigError
from experiments.listening.model_files import write_model
from experiments.runs.checkpoint import State
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import Kind
from experiments.runs.listener.music import DATA, Music, read_again, read_identity
from experiments.runs.trainable import Callback, Log, Status, Trainable
from listener.files import IN_RUN
from listener.registry import training_of
from listener.stages import Trained
from songs.validate import validate_like

NAN = float("nan")


def prepare(config: ListenerConfig, folder: RunFolder, identity: dict[str, Any]) -> None:
    """Write the digest of the music."""
    folder.write_json(DATA, identity)


@contextmanager
def training(config: ListenerConfig, folder: RunFolder, music: Music | None = None) -> Iterator["ListenerTraining"]:
    """Context manager for the training of a run folder; `music` is read again if not given, and must be unchanged."""
    with processor(config):
        yield ListenerTraining(config, music or read_again(config, folder))


def processor(config: ListenerConfig) -> AbstractContextManager[None]:
    """Return the context manager that training runs in; raise ConfigError if torch is needed but not installed."""
    if config.listener.kind == "ngram":
        return nullcontext()
    try:
        from vae.processor import computing
    except ImportError:
        raise ConfigError(
            "learned listeners, melody models and judges need torch: pip install 'kuznechik[torch]', or use "
            "--kind ngram"
        ) from None
    return computing()


def resolve_listener(config: ListenerConfig, report: Callable[[int, int], None]) -> tuple[ListenerConfig, Music]:
    """Return the configuration of a new run with absolute folders, and its music.

    Raises:
        ValueError: No folder is given, one is missing, or the music is too little.
    """
    processor(config)  # raises errors before a folder is created
    config = config.with_absolute_folders()
    return config, Music.read(config.data.folders, config.listener.keys, report)


class ListenerTraining(Trainable):
    """The training of a listener in progress."""

    steps = 0

    def __init__(self, config: ListenerConfig, music: Music):
        self.config, self.music = config, music
        self.name = f"listener {config.listener.kind}"
        self._training = training_of(config.listener.kind, music.corpora, config.training, config.seed)
        self._trained: Trained | None = None
        self._text = ""

    @property
    def ended(self) -> str:
        return "finished" if self._training.finished else ""

    @property
    def champion(self) -> object | None:
        if self._trained is None and self._training.finished:
            self._trained = self._training.result
        return self._trained

    def step(self) -> Log:
        stage, row = self._training.stage, self._training.step()
        self.steps += 1
        self._text = f"{row['stage']}: {row['step']} of {row['steps']}"
        figures = {name: NAN if row[name] is None else row[name] for name in ("loss", "score")}
        return Log({"step": self.steps, "stage": stage, "progress": self._training.progress, **figures})

    def status(self) -> Status:
        return Status(self._training.progress, 1.0, self._training.progress, self._text)

    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        assert self._trained is not None, "it is the champion"
        write_model(folder.path / IN_RUN, self._trained, self.config, self.music.corpora)

    def summary(self) -> dict[str, Any]:
        corpora, listener = self.music.corpora, self.config.listener
        learned = corpora.wide.test if self.config.is_judge else corpora.excerpts.training
        rounds = self._trained.about.get("rounds", []) if self._trained else []
        return {
            "kind": listener.kind,
            "pieces": corpora.songs.pieces,
            "excerpts": len(learned),
            "seed": listener.seed,
            "steps": self.steps,
            "progress": round(self._training.progress, 4),
            "rounds": rounds,
        }

    def state(self) -> State:
        arrays, data = self._training.state()
        return arrays, {"steps": self.steps, "training": data}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like({"steps": 0, "training": {}}, data)
        self._training.restore(arrays, data["training"])
        self.steps, self._trained = data["steps"], None


KIND = Kind("listener", (), prepare, training, read_identity, checkpoint_every=30)
