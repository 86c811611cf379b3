"""Settings: frozen dataclasses that TOML files and `--set` change, with ranges and errors that help.

A configuration is a dataclass whose fields are sections; a section is a dataclass whose fields are made by
`option`. A TOML file holds only what differs from the defaults. A key that does not exist is an error
that lists those that do.
"""

import dataclasses
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import tomli_w

from experiments.config.renamed import current_name
from songs.files import read_text
from songs.options import OptionError, checked_value, limits


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the key and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """Base of a whole configuration: its fields are sections."""

    KIND: ClassVar[str] = ""
    """Kind of run that it configures; also the folder of its presets below `presets`."""

    @property
    def seed(self) -> int:
        """Seed of the run."""
        raise NotImplementedError

    def change(self, section: str, **values: Any) -> Self:
        """Return a configuration with other values in one section; raises ConfigError."""
        fields = {one.name: one.type for one in dataclasses.fields(self)}
        if section not in fields:
            raise ConfigError(f"unknown section [{section}]: there are {', '.join(fields)}")
        old = getattr(self, section)
        options = {one.name: one for one in dataclasses.fields(old)}
        for name, value in values.items():
            if name not in options:
                raise ConfigError(f"unknown key {section}.{name}: [{section}] has {', '.join(options)}")
            try:
                values[name] = checked_value(f"{section}.{name}", options[name], value)
            except OptionError as error:
                raise ConfigError(str(error)) from None
        try:
            return dataclasses.replace(self, **{section: dataclasses.replace(old, **values)})
        except ValueError as error:
            raise ConfigError(f"{section}.{error}") from None

    def to_toml(self) -> str:
        """Return the configuration as TOML text that `load` reads."""
        return tomli_w.dumps(dataclasses.asdict(self))

    @classmethod
    def presets(cls) -> list[str]:
        """Return the names of the configurations of this kind that come with the project."""
        folder = _preset_folder(cls.KIND)
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))

    @classmethod
    def load(cls, source: str | Path | None) -> Self:
        """Read a TOML file or, by its name, a preset; None gives the defaults. Raises ConfigError."""
        if source is None:
            return cls()
        if str(source) in cls.presets():
            text = (_preset_folder(cls.KIND) / f"{source}.toml").read_text("utf-8")
        else:
            try:
                text = read_text(Path(source))
            except FileNotFoundError:
                presets = f" or preset; presets are {', '.join(cls.presets())}" if cls.presets() else ""
                raise ConfigError(f"{source}: no such file{presets}") from None
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{source}: cannot be read: {error}") from None
        try:
            return cls.from_toml(text)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a configuration from TOML text; raises ConfigError."""
        try:
            sections = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # not only TOMLDecodeError: a number may have too many digits
            raise ConfigError(f"not a TOML file: {error}") from None
        current: dict[str, dict[str, Any]] = {}
        for section, values in sections.items():
            if not isinstance(values, dict):
                raise ConfigError(f"{section} stands outside of a section: write it below a line such as [task]")
            if not values:
                current.setdefault(section, {})
            for key, value in values.items():
                new_section, _, new_key = current_name(cls.KIND, f"{section}.{key}").partition(".")
                current.setdefault(new_section, {})[new_key] = value
        config = cls()
        for section, values in current.items():
            config = config.change(section, **values)
        return config

    def apply(self, setting: str) -> Self:
        """Return the configuration with one `section.key=value` applied; raises ConfigError."""
        name, equals, value = setting.partition("=")
        section, dot, key = current_name(self.KIND, name.strip()).partition(".")
        if not (equals and dot and key):
            raise ConfigError(f"--set {setting}: write section.key=value, as in --set evolve.population_size=300")
        try:
            parsed = tomllib.loads(f"value = {value.strip()}")["value"]
        except (ValueError, RecursionError):
            parsed = value.strip()  # a text without quotes
        return self.change(section, **{key: parsed})

    @classmethod
    def describe(cls) -> str:
        """Return all options as text in the form of TOML, each with its default, help and range."""
        lines = []
        for section in dataclasses.fields(cls):
            lines += ["", f"[{section.name}]"]
            for option in dataclasses.fields(cast(Any, section.type)):
                default = tomli_w.dumps({option.name: option.default}).strip()
                allowed = limits(option)
                help_text = option.metadata.get("help", "")
                lines.append(f"{default:<32} # {help_text}{f' ({allowed})' if allowed else ''}")
        return "\n".join(lines[1:])


def _preset_folder(name: str):
    return files("experiments.config") / "presets" / name
