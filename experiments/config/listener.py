"""Configuration of a listener's training; does not load torch, so that commands can show and check it at once."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar

from experiments.config.settings import ConfigError, Settings
from listener.corpus import WIDE
from listener.files import FORM, JUDGE
from listener.registry import KINDS
from listener.training_options import (
    MINUTES,
    FormOptions,
    JudgeOptions,
    LearnedOptions,
    MelodyOptions,
    VaeOptions,
    lasting,
)
from songs.keyboard import KEYS
from songs.options import option


@dataclass(frozen=True)
class Data:
    """The music that a listener learns from."""

    midi: str = option("", f"folders of MIDI files, separated by {os.pathsep!r}")
    licence: str = option("", "licence of the music, for the listener's model card")

    @property
    def folders(self) -> list[Path]:
        """The folders of MIDI files."""
        return [Path(name) for name in self.midi.split(os.pathsep) if name]


@dataclass(frozen=True)
class ListenerOptions:
    """The listener to train."""

    kind: str = option("learned", "what to train", choices=KINDS)
    minutes: float = option(
        0.0,
        "approximate time on one core: scales all steps in the section of this kind; 0 leaves them unchanged",
        0,
        10_000,
    )
    seed: int = option(0, "the same seed gives the same listener", 0, 2**63 - 1)

    @property
    def keys(self) -> int:
        """Number of keys that training melodies must fit on."""
        return WIDE if self.kind in ("learned", "vae", FORM) else KEYS


@dataclass(frozen=True)
class ListenerConfig(Settings):
    """The training of a listener, or of the held-out judge."""

    KIND: ClassVar[str] = "listener"

    data: Data = field(default_factory=Data)
    listener: ListenerOptions = field(default_factory=ListenerOptions)
    learned: LearnedOptions = field(default_factory=LearnedOptions)
    vae: VaeOptions = field(default_factory=VaeOptions)
    melody: MelodyOptions = field(default_factory=MelodyOptions)
    judge: JudgeOptions = field(default_factory=JudgeOptions)
    form: FormOptions = field(default_factory=FormOptions)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.listener.seed

    @property
    def rewards(self) -> bool:
        """True if it is a listener; False for the judge and the model of form."""
        return self.listener.kind not in (JUDGE, FORM)

    @property
    def is_judge(self) -> bool:
        """True if the held-out judge is trained, which is not a listener."""
        return self.listener.kind == JUDGE

    @property
    def minutes(self) -> float:
        """Minutes of training on one core; 0 for an n-gram, which is counted at once."""
        return self.listener.minutes or MINUTES.get(self.listener.kind, 0.0)

    @property
    def training(self) -> LearnedOptions | VaeOptions | MelodyOptions | JudgeOptions | FormOptions | None:
        """Options of the training, scaled to the minutes; None for an n-gram."""
        kind = self.listener.kind
        return None if kind == "ngram" else lasting(getattr(self, kind), self.minutes / MINUTES[kind])

    def with_absolute_folders(self) -> "ListenerConfig":
        """Return the configuration with absolute paths; raise ConfigError if no folder is given."""
        if not self.data.folders:
            raise ConfigError("data.midi = '': name the music: --midi DIR, a folder of MIDI files")
        if self.vae.model:
            self = self.change("vae", model=str(Path(self.vae.model).resolve()))
        return self.change("data", midi=os.pathsep.join(str(folder.resolve()) for folder in self.data.folders))

    @property
    def command(self) -> str:
        """The command that trains this listener, with folders by name only."""
        kind, words = self.listener.kind, ["kuznechik listener train"]
        words += [f"--midi {folder.resolve().name}" for folder in self.data.folders]
        words.append(f"--kind {kind}")
        if kind == "vae" and self.vae.model:
            words.append(f"--vae {Path(self.vae.model).name}")
        if self.minutes:
            words.append(f"--minutes {self.minutes:g}")
        words.append(f"--seed {self.seed}")
        if kind != "ngram":
            values = asdict(getattr(self, kind))
            defaults = asdict(getattr(ListenerConfig(), kind))
            words += [
                f"--set {kind}.{name}={value}"
                for name, value in values.items()
                if value != defaults[name] and name != "model"
            ]
        return " ".join(words)
