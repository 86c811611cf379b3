"""Settings: frozen dataclasses changed by TOML files and `--set`, with ranges and helpful errors.

A configuration is a dataclass whose fields are sections; a section is a dataclass whose fields are made by
`option`. A TOML file holds only the values that differ from the defaults. An unknown key is an error that lists the
known ones.
"""

import codecs
import dataclasses
import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import tomli_w

from experiments.config.renamed import current_name
from songs.files import read_whole
from songs.options import OptionError, checked_value, limits

MOST_BYTES = 2**20
"""Maximum size of a TOML file."""
MOST_PARTS = 50
"""Maximum number of dots in a key or text of a TOML file; parsing time grows with its third power."""


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the key and what is allowed."""


def read_toml_text(path: Path) -> str:
    """Return the text of a TOML file, in UTF-8 or UTF-16, with or without a byte-order mark.

    Raises:
        OSError: The file cannot be read, or is too large.
        ConfigError: The file has another encoding.
    """
    content = read_whole(path, MOST_BYTES)
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot be read: {error}; save it as UTF-8") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Return the content of a TOML text; raise ConfigError if it is invalid."""
    if any(part.count(".") > MOST_PARTS for part in re.split(r"[,={}\[\]\n]", text)):
        raise ConfigError(f"not a configuration file: a key or text in it has more than {MOST_PARTS} dots")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not only TOMLDecodeError: a number may have too many digits
        raise ConfigError(f"not a TOML file: {error}") from None


@dataclass(frozen=True)
class Settings:
    """Base class of configurations; its fields are sections."""

    KIND: ClassVar[str] = ""
    """Kind of run that it configures; also the name of its folder in `presets`."""

    @property
    def seed(self) -> int:
        """Seed of the run."""
        raise NotImplementedError

    def change(self, section: str, **values: Any) -> Self:
        """Return a copy with new values in one section; raise ConfigError if one is invalid."""
        fields = {one.name: one.type for one in dataclasses.fields(self)}
        if section not in fields:
            raise ConfigError(f"unknown section [{section}]: the sections are {', '.join(fields)}")
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
        """Read a preset, given its name, or a TOML file; None gives the defaults. Raises ConfigError."""
        if source is None:
            return cls()
        try:
            if str(source) in cls.presets():
                return cls.from_toml((_preset_folder(cls.KIND) / f"{source}.toml").read_text("utf-8"))
            return cls.from_toml(read_toml_text(Path(source)))
        except FileNotFoundError:
            presets = f" or preset; presets are {', '.join(cls.presets())}" if cls.presets() else ""
            raise ConfigError(f"{source}: no such file{presets}") from None
        except OSError as error:
            raise ConfigError(f"{source}: cannot be read: {error}") from None
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a configuration from TOML text; raises ConfigError."""
        sections = parse_toml(text)
        current: dict[str, dict[str, Any]] = {}
        for section, values in sections.items():
            if not isinstance(values, dict):
                raise ConfigError(f"{section} is outside any section: write it below a line such as [task]")
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
            parsed = parse_toml(f"value = {value.strip()}")["value"]
        except ConfigError:
            parsed = value.strip()  # a text without quotes
        return self.change(section, **{key: parsed})

    @classmethod
    def describe(cls) -> str:
        """Return all options as TOML text, each with its default, help and range."""
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
