"""A roll as HTML for notebooks: a picture and a player."""

import base64
from html import escape

import numpy as np

from songs.keyboard import BLACK_KEYS, KEY_NAMES, KEYS, STEPS_PER_BAR
from songs.piano_roll import check_roll
from songs.synth import encode_wav, render

STEP, KEY = 7, 9
"""Width of a step and height of a key, in pixels."""
MARGIN = 28
SAMPLE_RATE = 16_000
LONGEST = 1024
"""Steps that are shown and played; more would make a notebook heavy."""


def roll_html(roll: np.ndarray, title: str = "", tempo_bpm: float = 120.0) -> str:
    """Return HTML that shows a roll and plays it; it needs nothing beside it and runs no script.

    Args:
        roll: (T, 13) bool; what is beyond `LONGEST` steps is left out, and said so.
        title: any text.
        tempo_bpm: quarter notes a minute.
    """
    roll = check_roll(roll)
    shown = roll[:LONGEST]
    sound = base64.b64encode(encode_wav(render(shown, tempo_bpm, sample_rate=SAMPLE_RATE), SAMPLE_RATE)).decode()
    rest = f" (the first {LONGEST} of {len(roll)} steps)" if len(roll) > LONGEST else ""
    return (
        f"<figure><figcaption>{escape(title)}{rest}</figcaption>{roll_svg(shown)}"
        f'<br><audio controls src="data:audio/wav;base64,{sound}"></audio></figure>'
    )


def roll_svg(roll: np.ndarray) -> str:
    """Return a roll (T, 13) as a picture: a column for each step, the low keys below."""
    width, height = MARGIN + len(roll) * STEP + 1, KEYS * KEY + 1
    shapes = [
        f'<rect x="{MARGIN}" y="{_top(key)}" width="{len(roll) * STEP}" height="{KEY}" fill="#8882"/>'
        for key in BLACK_KEYS
    ]
    shapes += [
        f'<line x1="{x}" x2="{x}" y1="0" y2="{height}" stroke="#8886"/>'
        for x in range(MARGIN, width, STEPS_PER_BAR * STEP)
    ]
    size = f'width="{STEP - 1}" height="{KEY - 1}"'
    shapes += [
        f'<rect x="{MARGIN + step * STEP + 0.5}" y="{_top(key) + 0.5}" {size} fill="#009e73"/>'
        for step, key in np.argwhere(roll).tolist()
    ]
    shapes += [
        f'<text x="0" y="{_top(key) + KEY - 1}" font-size="9" fill="currentColor">{KEY_NAMES[key]}</text>'
        for key in (0, KEYS - 1)
    ]
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" style="max-width:100%">{"".join(shapes)}</svg>'


def _top(key: int) -> int:
    return (KEYS - 1 - key) * KEY
