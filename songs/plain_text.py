"""Decoding untrusted text, such as titles and file names, and making it safe to print.

Terminals obey control characters, some characters reverse the direction of others, and a name that is not UTF-8 cannot
be printed at all. Bytes in an unknown encoding are decoded only if the result is plausible.
"""

import codecs
import re
import unicodedata

_JOINERS = "\u200c\u200d"
"""Format characters that scripts and emoji need."""
_CYRILLIC_WORD = re.compile(r"[А-ЯЁІЇЄҐ]?[а-яёіїєґ]+|[А-ЯЁІЇЄҐ]+")


def shows(char: str) -> bool:
    """Return True if a character is safe to print: no control, surrogate, line break or change of direction."""
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or char in _JOINERS


def plain(text: str) -> str:
    r"""Return a text with every character that is not safe to print escaped, as in `\x1b`."""
    return "".join(char if shows(char) else char.encode("unicode_escape").decode() for char in text)


def without_controls(text: str) -> str:
    """Return a text without unsafe characters and surrounding spaces."""
    return "".join(char for char in text if shows(char)).strip()


def decode(data: bytes, most: int) -> str:
    """Decode bytes in an unknown encoding, without unsafe characters; "" if no encoding gives a plausible text.

    Args:
        data: bytes in UTF-8, Windows-1251 (Russian), GBK (Chinese), Shift-JIS (Japanese) or Windows-1252 (Latin).
        most: most characters to return.
    """
    whole = len(data) <= 4 * most  # a character has at most 4 bytes in any of the encodings
    for encoding, plausible in _ENCODINGS.items():
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(data[: 4 * most], final=whole)
        except UnicodeDecodeError:
            continue
        text = without_controls(text)
        if plausible(text):
            return text[:most].strip()
    return ""


def _is_russian(text: str) -> bool:
    """Return True if all words with non-ASCII letters are Russian, each in lower case, upper case or title case."""
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    return bool(words) and all(_CYRILLIC_WORD.fullmatch(word) for word in words)


def _is_chinese(text: str) -> bool:
    """Return True if most non-ASCII characters are among the 3,755 most common ones, the first level of GB 2312."""
    codes = [char.encode("gbk") for char in text if not char.isascii()]
    return sum(0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1 for code in codes) > 0.6 * len(codes)


def _is_japanese(text: str) -> bool:
    """Return True if all non-ASCII letters are kana or full-width Chinese characters."""
    letters = [char for char in text if char.isalpha() and not char.isascii()]
    return bool(letters) and all("\u3040" <= char <= "\u30ff" or "\u4e00" <= char <= "\u9fff" for char in letters)


def _is_latin(text: str) -> bool:
    """Return True if at most half of the letters are non-ASCII."""
    letters = [char.isascii() for char in text if char.isalpha()]
    return 2 * sum(letters) >= len(letters)


_ENCODINGS = {
    "utf-8": lambda text: True,
    "cp1251": _is_russian,
    "gbk": _is_chinese,
    "shift_jis": _is_japanese,
    "cp1252": _is_latin,
}
"""Encodings in the order in which they are tried, with a test for plausible text."""
