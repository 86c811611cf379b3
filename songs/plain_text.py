"""Text that comes from outside, such as titles and names of files, as text that does nothing but show.

A terminal obeys control characters, some characters turn the direction in which others are shown, and a name that is
not UTF-8 cannot be printed at all.
"""

import unicodedata

_JOINERS = "\u200c\u200d"
"""Of format characters, those that scripts and emoji are written with."""


def shows(char: str) -> bool:
    """Return whether a character only shows: it is no control, no surrogate, and breaks or turns no line."""
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or char in _JOINERS


def plain(text: str) -> str:
    r"""Return a text with an escape such as `\x1b` for every character that does more than show."""
    return "".join(char if shows(char) else char.encode("unicode_escape").decode() for char in text)


def without_controls(text: str) -> str:
    """Return a text without the characters that do more than show, and without spaces around it."""
    return "".join(char for char in text if shows(char)).strip()
