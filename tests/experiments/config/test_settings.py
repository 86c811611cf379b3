"""Settings: dataclasses that TOML and `--set` change, and what is said of what does not fit."""

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from experiments.config.settings import ConfigError, Settings
from songs.options import option


@dataclass(frozen=True)
class Oven:
    """A section with an option of every kind."""

    heat: int = option(180, "degrees", 50, 300)
    hours: float = option(0.5, "how long", 0.25)
    fan: bool = option(False, "whether air moves")
    rack: str = option("middle", "where", choices=("top", "middle", "bottom"))
    note: str = option("", "anything")


@dataclass(frozen=True)
class Dough:
    flour: float = option(1.0, "kilograms", 0.0, 10.0)


@dataclass(frozen=True)
class Recipe(Settings):
    KIND: ClassVar[str] = "evolve"
    oven: Oven = field(default_factory=Oven)
    dough: Dough = field(default_factory=Dough)


# TOML


def test_toml_holds_everything_and_reads_back_equal():
    recipe = Recipe().change("oven", heat=200, hours=1.5, fan=True, rack="top", note='say "ш" \\ twice\nand again')
    recipe = recipe.change("dough", flour=0.1)
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    assert Recipe.from_toml(Recipe().to_toml()) == Recipe()


def test_literal_toml():
    assert Recipe().to_toml() == (
        '[oven]\nheat = 180\nhours = 0.5\nfan = false\nrack = "middle"\nnote = ""\n\n[dough]\nflour = 1.0\n'
    )


def test_toml_need_only_hold_what_differs():
    recipe = Recipe.from_toml("[oven]\nheat = 100\n")
    assert recipe == dataclasses.replace(Recipe(), oven=Oven(heat=100))
    assert Recipe.from_toml("") == Recipe()


def test_a_whole_number_is_a_number():
    recipe = Recipe.from_toml("[oven]\nhours = 2\n")
    assert recipe.oven.hours == 2.0
    assert isinstance(recipe.oven.hours, float)


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("[oven", "not a TOML file: Expected"),
        ("[oven]\nheat = \n", "not a TOML file: .*line 2"),
        ("[oven]\nheat = 100\nheat = 100\n", "not a TOML file: .*line 3"),
        ("heat = 100\n", r"heat is outside any section: write it below a line such as \[task\]"),
        ("[cellar]\ncold = true\n", r"unknown section \[cellar\]: the sections are oven, dough"),
        ("[oven]\ncolour = 1\n", r"unknown key oven.colour: \[oven\] has heat, hours, fan, rack, note"),
        ("[oven.rack]\nx = 1\n", "oven.rack = {'x': 1}: it must be text in quotes"),
        ("[oven]\nheat = 99.5\n", "oven.heat = 99.5: it must be a whole number"),
        ("[oven]\nheat = true\n", "oven.heat = True: it must be a whole number"),
        ('[oven]\nheat = "100"\n', "oven.heat = '100': it must be a whole number"),
        ("[oven]\nhours = true\n", "oven.hours = True: it must be a number"),
        ('[oven]\nhours = "long"\n', "oven.hours = 'long': it must be a number"),
        ("[oven]\nfan = 1\n", "oven.fan = 1: it must be true or false"),
        ("[oven]\nrack = 3\n", "oven.rack = 3: it must be text in quotes"),
        ('[oven]\nrack = "roof"\n', "oven.rack = 'roof': choose one of top, middle, bottom"),
        ("[oven]\nheat = 49\n", "oven.heat = 49: it must be 50 to 300"),
        ("[oven]\nheat = 301\n", "oven.heat = 301: it must be 50 to 300"),
        ("[oven]\nhours = 0.2\n", "oven.hours = 0.2: it must be at least 0.25"),
        ("[oven]\nhours = nan\n", "oven.hours = nan: it must be finite"),
        ("[oven]\nhours = inf\n", "oven.hours = inf: it must be finite"),
        ("[dough]\nflour = -0.1\n", "dough.flour = -0.1: it must be 0 to 10"),
        ("[oven]\nnote = 1979-05-27\n", "oven.note = .*: it must be text in quotes"),
    ],
)
def test_toml_that_does_not_fit_is_refused(toml, reason):
    with pytest.raises(ConfigError, match=reason):
        Recipe.from_toml(toml)


@pytest.mark.parametrize("value", [50, 300])
def test_limits_are_allowed(value):
    assert Recipe.from_toml(f"[oven]\nheat = {value}\n").oven.heat == value


# --set


@pytest.mark.parametrize(
    ("setting", "section", "values"),
    [
        ("oven.heat=100", "oven", {"heat": 100}),
        (" oven.heat = 100 ", "oven", {"heat": 100}),
        ("oven.hours=2", "oven", {"hours": 2.0}),
        ("oven.hours=2.5e-1", "oven", {"hours": 0.25}),
        ("oven.fan=true", "oven", {"fan": True}),
        ("oven.rack=top", "oven", {"rack": "top"}),
        ('oven.rack="top"', "oven", {"rack": "top"}),
        ("oven.note=not too hot", "oven", {"note": "not too hot"}),
        ("oven.note=a=b", "oven", {"note": "a=b"}),
        ("oven.note=a.b", "oven", {"note": "a.b"}),
        ("oven.note=", "oven", {"note": ""}),
        ("dough.flour=0.25", "dough", {"flour": 0.25}),
    ],
)
def test_a_setting_changes_one_option(setting, section, values):
    assert Recipe().apply(setting) == Recipe().change(section, **values)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("", "--set : write section.key=value, as in --set evolve.population_size=300"),
        ("oven", "--set oven: write section.key=value"),
        ("oven.heat", "--set oven.heat: write section.key=value"),
        ("heat=100", "--set heat=100: write section.key=value"),
        (".heat=100", r"unknown section \[\]: the sections are oven, dough"),
        ("oven.=100", "--set oven.=100: write section.key=value"),
        ("cellar.cold=true", r"unknown section \[cellar\]"),
        ("oven.colour=red", "unknown key oven.colour"),
        ("oven.heat.more=1", "unknown key oven.heat.more"),
        ("oven.heat=warm", "oven.heat = 'warm': it must be a whole number"),
        ("oven.heat=100.0", "oven.heat = 100.0: it must be a whole number"),
        ("oven.heat=", "oven.heat = '': it must be a whole number"),
        ("oven.heat=1000", "oven.heat = 1000: it must be 50 to 300"),
        ("oven.hours=nan", "oven.hours = nan: it must be finite"),
        ("oven.fan=yes", "oven.fan = 'yes': it must be true or false"),
        ("oven.fan=1", "oven.fan = 1: it must be true or false"),
        ("oven.rack=roof", "oven.rack = 'roof': choose one of top, middle, bottom"),
        ("oven.rack=[1]", "oven.rack = .1.: it must be text in quotes"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(setting, reason):
    with pytest.raises(ConfigError, match=reason):
        Recipe().apply(setting)


def test_a_change_leaves_the_old_configuration_as_it_was():
    recipe = Recipe()
    recipe.change("oven", heat=100)
    recipe.apply("oven.heat=120")
    assert recipe == Recipe()
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.oven.heat = 3


# Files


def test_a_file_is_read(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('[oven]\nnote = "ёж"\n', encoding="utf-8")
    assert Recipe.load(path) == Recipe.load(str(path)) == Recipe().change("oven", note="ёж")
    assert Recipe.load(None) == Recipe()


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text("[oven]\nheat = 1\n")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, reason in (
        (tmp_path / "none.toml", "none.toml: no such file or preset; presets are .*plain-neat.*xor"),
        (tmp_path, "cannot be read: .*directory"),
        (binary, "binary.toml: cannot be read: .*decode"),
        (bad, "bad.toml: oven.heat = 1: it must be 50 to 300"),
    ):
        with pytest.raises(ConfigError, match=reason):
            Recipe.load(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_in_utf_8_and_utf_16(tmp_path, encoding):
    path = tmp_path / "mine.toml"
    path.write_bytes('[oven]\nnote = "кузнечик"\n'.encode(encoding))
    assert Recipe.load(path).oven.note == "кузнечик"


def test_another_encoding_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes('[oven]\nnote = "кузнечик"\n'.encode("cp1251"))
    with pytest.raises(ConfigError, match=r"mine\.toml: cannot be read: .*; save it as UTF-8"):
        Recipe.load(path)


@pytest.mark.parametrize("text", ["{}=1", "[{}]", "x={{{}=1}}", "x=[{{{}=1}}]"])
def test_keys_of_many_parts_are_refused_before_they_cost_seconds(text):
    with pytest.raises(ConfigError, match="more than 50 dots"):  # hours without this limit
        Recipe.from_toml(text.format(".".join(["a"] * 500_000)))
