"""Rolls as HTML for notebooks: a picture and a player."""

import base64
from html import escape

import numpy as np

from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, Grid, Keyboard
from songs.synth import encode_wav

STEP, KEY = 7, 9
"""Width of a step and height of a key, in pixels."""
MARGIN = 28
SAMPLE_RATE = 16_000
LONGEST = 1024
"""Most steps that are shown and played, to limit the size of notebooks."""


def roll_html(roll: np.ndarray, title: str, samples: np.ndarray, keyboard: Keyboard, grid: Grid) -> str:
    """Return self-contained HTML, without scripts, that shows a roll and plays it.

    Args:
        roll: (T, K) bool; steps beyond `LONGEST` are left out, with a note in the caption.
        title: any text.
        samples: the sound of the roll, (N, 2) float32, at `SAMPLE_RATE`.
        keyboard: keyboard with the K keys.
        grid: grid of the T steps.
    """
    sound = base64.b64encode(encode_wav(samples, SAMPLE_RATE)).decode()
    rest = f" (the first {LONGEST} of {len(roll)} steps)" if len(roll) > LONGEST else ""
    return (
        f"<figure><figcaption>{escape(title)}{rest}</figcaption>{roll_svg(roll[:LONGEST], keyboard, grid)}"
        f'<br><audio controls src="data:audio/wav;base64,{sound}"></audio></figure>'
    )


def roll_svg(roll: np.ndarray, keyboard: Keyboard = DEFAULT_KEYBOARD, grid: Grid = DEFAULT_GRID) -> str:
    """Return a roll (T, K) as an SVG picture: one column per step, low keys at the bottom."""
    width, height = MARGIN + len(roll) * STEP + 1, keyboard.keys * KEY + 1
    names = keyboard.names
    tops = [(keyboard.keys - 1 - key) * KEY for key in range(keyboard.keys)]
    shapes = [
        f'<rect x="{MARGIN}" y="{tops[key]}" width="{len(roll) * STEP}" height="{KEY}" fill="#8882"/>'
        for key in keyboard.black_keys
    ]
    shapes += [
        f'<line x1="{x}" x2="{x}" y1="0" y2="{height}" stroke="#8886"/>'
        for x in range(MARGIN, width, grid.steps_per_bar * STEP)
    ]
    size = f'width="{STEP - 1}" height="{KEY - 1}"'
    shapes += [
        f'<rect x="{MARGIN + step * STEP + 0.5}" y="{tops[key] + 0.5}" {size} fill="#009e73"/>'
        for step, key in np.argwhere(roll).tolist()
    ]
    shapes += [
        f'<text x="0" y="{tops[key] + KEY - 1}" font-size="9" fill="currentColor">{names[key]}</text>'
        for key in (0, keyboard.keys - 1)
    ]
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" style="max-width:100%">{"".join(shapes)}</svg>'
