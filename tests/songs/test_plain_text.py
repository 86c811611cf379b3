"""Untrusted text: control characters for terminals are escaped or removed."""

import pytest

from songs.plain_text import plain, without_controls


@pytest.mark.parametrize(
    ("text", "shown", "left"),
    [
        ("Grasshopper", "Grasshopper", "Grasshopper"),
        ("ёжик и 2 пивных 🦗", "ёжик и 2 пивных 🦗", "ёжик и 2 пивных 🦗"),
        ("[red]x[/]", "[red]x[/]", "[red]x[/]"),
        ("\x1b[31mred", r"\x1b[31mred", "[31mred"),
        ("a\nb\tc\r", r"a\nb\tc\r", "abc"),
        ("\x9b31m", r"\x9b31m", "31m"),  # the one-byte escape of some terminals
        ("tune\u202edim.", r"tune\u202edim.", "tunedim."),  # turns the direction
        ("a\u2066b\u2069\u200f", r"a\u2066b\u2069\u200f", "ab"),
        ("one\u2028two\u2029", r"one\u2028two\u2029", "onetwo"),
        ("\ufeffbom", r"\ufeffbom", "bom"),
        ("latin\udce9", r"latin\udce9", "latin"),  # a byte that is not UTF-8, as Python reads names of files
        ("👩\u200d🚀 می\u200cخواهم", "👩\u200d🚀 می\u200cخواهم", "👩\u200d🚀 می\u200cخواهم"),  # joined on purpose
        ("", "", ""),
    ],
)
def test_what_does_more_than_show_is_escaped_or_left_out(text, shown, left):
    assert plain(text) == shown
    assert without_controls(text) == left
