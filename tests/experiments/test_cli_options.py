"""Every option of every verb, whatever is written behind it: what is wrong ends with one line and the status 2.

The options are read from the parsers, so a new one is tried as soon as it is there. A call is the least that a verb
takes, and names files that do not exist: whatever is accepted ends a moment later.
"""

import argparse
import contextlib
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from experiments.cli import main, make_parser

PARSER = make_parser()
NOTHING = {"evolve": ["none.mid"], "dqn": ["none.mid"], "sweep": ["none"], "songs": ["--folder", "none"]} | {
    "breed": ["none.mid"],
    "leaderboard": ["--folder", "none"],
    "capacity": ["--midi", "none"],
    "listening-test": ["--machine", "none", "--human", "none"],
    "vae sample": ["--model", "none"],
    "vae interpolate": ["--model", "none"],
}
"""What makes a verb fail that would do something without arguments."""

NO_NUMBERS = ("", " ", "x", "nan", "inf", "1e999", "-1", "1_", "1,5x", "0x1f", "1 2", "½", "四", "9" * 5000)
NO_WHOLE_NUMBERS = (*NO_NUMBERS, "1.5", "1e3", "1000000000000")
TEXTS = (
    "",
    " ",
    "no such thing",
    "ночь ☾",
    "a\nb",
    "x" * 5000,
    "nul\0",
    "\udcff",
    "-1",
    "..",
    "/dev/null",
)


class Option(NamedTuple):
    """An argument of a verb, and the others that the verb needs."""

    action: argparse.Action
    verb: tuple[str, ...]
    before: list[str]
    after: list[str]

    @property
    def name(self) -> str:
        """What a complaint calls it."""
        action = self.action
        return action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)

    def call(self, value: str) -> list[str]:
        """Return the least call with a value."""
        option = self.action.option_strings[-1:]
        given = [value] if not option else [f"{option[0]}={value}"] if option[0][:2] == "--" else [*option, value]
        return [*self.verb, *self.before, *given, *self.after]


def leaves(
    parser: argparse.ArgumentParser, verb: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Yield all verbs, with those of verbs, and their parsers."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield verb, parser
    for action in inner:
        for name, own in action.choices.items():
            yield from leaves(own, (*verb, name))


def least(action: argparse.Action, needed: bool = False) -> list[str]:
    """Return the value of an argument that is required, or needed by those behind it, and nothing for any other."""
    if not (action.required or needed) or action.nargs == "*":
        return []
    words = action.type in (None, str, Path) or takes_words(action)
    value = next(iter(action.choices)) if action.choices else "none.mid" if words else "2"
    return [f"{action.option_strings[-1]}={value}"] if action.option_strings else [value]


def takes_numbers(action: argparse.Action) -> bool:
    """Return whether an argument is a number."""
    if action.type in (None, str, Path):
        return False
    for text in ("2", "0.5", "60"):
        with contextlib.suppress(ValueError, argparse.ArgumentTypeError):
            return isinstance(action.type(text), int | float)
    return False


def takes_words(action: argparse.Action) -> bool:
    """Return whether an argument may also be the name of something."""
    with contextlib.suppress(ValueError, argparse.ArgumentTypeError):
        return action.type("none.mid") == "none.mid"
    return False


def takes_fractions(action: argparse.Action) -> bool:
    """Return whether an argument is a number that need not be whole."""
    for text in ("0.5", "60.5"):
        with contextlib.suppress(ValueError, argparse.ArgumentTypeError):
            return not action.choices and action.type(text) is not None
    return False


def options() -> Iterator[Option]:
    """Yield all arguments of all verbs that take a value."""
    for verb, parser in leaves(PARSER):
        actions = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
        nothing = NOTHING.get(" ".join(verb), [])
        for place, action in enumerate(actions):
            if action.nargs == 0:
                continue
            positional = not action.option_strings
            before = [
                part for other in actions[:place] for part in least(other, positional and not other.option_strings)
            ]
            after = [part for other in actions[place + 1 :] for part in least(other)]
            replaced = nothing[:1] == action.option_strings[-1:] or (len(nothing) == 1 and not action.option_strings)
            yield Option(action, verb, before, after + ([] if replaced else nothing))


LEAVES = list(leaves(PARSER))
VERBS = [verb for verb, _ in LEAVES]
OPTIONS = list(options())
NUMBERS = [option for option in OPTIONS if takes_numbers(option.action) and not takes_words(option.action)]
CHOICES = [option for option in OPTIONS if option.action.choices]
WORDS = [option for option in OPTIONS if option not in NUMBERS and option not in CHOICES]


def name(option: Option) -> str:
    return " ".join((*option.verb, option.name))


def test_all_options_are_found():
    assert len(OPTIONS) > 150
    assert {option.verb[0] for option in OPTIONS} == {verb[0] for verb, _ in leaves(PARSER)}
    assert len(NUMBERS) > 70
    assert {"evolve --seed", "vae train EPOCHS", "report --watch", "vae sample --tempo"} <= {*map(name, NUMBERS)}
    assert not [name(option) for option in OPTIONS if option.action.type in (int, float)]  # these take nan and -1


@pytest.mark.parametrize("option", [*NUMBERS, *CHOICES], ids=name)
def test_what_is_no_number_or_choice_of_an_option_is_named(option, capsys):
    values = NO_NUMBERS if takes_fractions(option.action) else NO_WHOLE_NUMBERS
    for value in (*values, "--", "-inf") if option.action.option_strings else values:
        with pytest.raises(SystemExit) as end:
            PARSER.parse_args(option.call(value))
        printed = capsys.readouterr()
        assert (end.value.code, printed.out, printed.err.count("\n")) == (2, "", 1), (value, printed)
        assert re.search(rf"argument (\S+/)?{re.escape(option.name)}: ", printed.err), (value, printed.err)


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    """Enter an empty folder in an empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(("verb", "parser"), LEAVES, ids=lambda value: " ".join(value) if value in VERBS else "")
def test_the_least_call_of_a_verb_fails_quietly(verb, parser, empty):
    """What the other tests rely on: a call with a value that is accepted begins nothing."""
    check([*verb, *(part for action in parser._actions for part in least(action)), *NOTHING.get(" ".join(verb), [])])
    assert [*empty.parent.iterdir()] == [empty]
    assert not [*empty.iterdir()]


@pytest.mark.parametrize("option", WORDS, ids=name)
def test_whatever_is_written_behind_an_option_is_told_in_one_line(option, empty):
    for value in TEXTS:
        check(option.call(value))
    assert [*empty.parent.iterdir()] == [empty]
    assert not [*empty.iterdir()]


def check(call: Sequence[str]) -> None:
    """Check that a call ends with the status 2 and one line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(call)
        except SystemExit as end:
            status = end.code
    assert (status, out.getvalue(), err.getvalue().count("\n")) == (2, "", 1), (call, err.getvalue())
    assert err.getvalue().startswith("kuznechik"), call
