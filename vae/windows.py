"""Windows of melodies, and groups of pieces that share material.

Conventions:
    A *window* is a number of whole bars of one segment: `roll` (N, T) uint8, `onsets` (N, T) bool, and `pieces` (N,),
    the index of the piece. Its *shape* is the window transposed so that its first note is pitch 0.
    A *group* is a set of pieces that share two or more shapes of two bars, directly or via other pieces.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from vae.melody import Piece, shift_to_c, transposed
from vae.tokens import REST, STEPS_PER_BAR, implied_onsets

LONGEST_REST = STEPS_PER_BAR
FEWEST_NOTES = 2
SHARED_SHAPES = 2
COMMON_SHAPE = 6
"""A shape in more pieces than this is a common phrase and does not group them."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of a list of pieces."""

    roll: np.ndarray
    onsets: np.ndarray
    pieces: np.ndarray

    def __len__(self) -> int:
        return len(self.roll)

    def where(self, mask: np.ndarray) -> "Windows":
        """Return the windows selected by a mask."""
        return Windows(self.roll[mask], self.onsets[mask], self.pieces[mask])


def longest_rest(roll: np.ndarray) -> np.ndarray:
    """Return the length of the longest run of rests in each roll of (N, T)."""
    run = longest = np.zeros(len(roll), dtype=int)
    for step in range(roll.shape[1]):
        run = np.where(roll[:, step] == REST, run + 1, 0)
        longest = np.maximum(longest, run)
    return longest


def cut_windows(pieces: Sequence[Piece], bars: int, stride: int, to_c: bool) -> Windows:
    """Return all windows of the pieces except those with more than a bar of rest or fewer than two notes.

    Args:
        pieces: the melodies.
        bars: length of a window.
        stride: bars between the starts of windows.
        to_c: transpose every piece to C major or A minor.
    """
    steps = bars * STEPS_PER_BAR
    rolls, onsets, owners = [], [], []
    for number, piece in enumerate(pieces):
        shift = shift_to_c(piece.tonic, piece.minor) if to_c else 0
        for roll, begins in piece.segments:
            if len(roll) < steps:
                continue
            every = slice(None, None, stride * STEPS_PER_BAR)
            cut = np.lib.stride_tricks.sliding_window_view(transposed(roll, shift), steps)[every].astype(np.uint8)
            begin = np.lib.stride_tricks.sliding_window_view(begins, steps)[every]
            good = (longest_rest(cut) <= LONGEST_REST) & ((begin | implied_onsets(cut)).sum(axis=1) >= FEWEST_NOTES)
            rolls.append(cut[good])
            onsets.append(begin[good])
            owners.append(np.full(good.sum(), number, dtype=np.int32))
    if not rolls:
        return Windows(np.zeros((0, steps), np.uint8), np.zeros((0, steps), bool), np.zeros(0, np.int32))
    return Windows(np.concatenate(rolls), np.concatenate(onsets), np.concatenate(owners))


def shapes(roll: np.ndarray) -> list[bytes]:
    """Return the shape of each roll of (N, T), which is equal for all its transpositions."""
    roll = roll.astype(np.int16)
    sounds = roll != REST
    first = roll[np.arange(len(roll)), sounds.argmax(axis=1)]
    return [row.tobytes() for row in np.where(sounds, roll - first[:, None], 999)]


def group_pieces(pieces: Sequence[Piece]) -> np.ndarray:
    """Return the group of each piece, (len(pieces),): the lowest index of a piece in the group."""
    windows = cut_windows(pieces, bars=2, stride=1, to_c=False)
    owners: dict[bytes, set[int]] = defaultdict(set)
    for shape, piece in zip(shapes(windows.roll), windows.pieces.tolist(), strict=True):
        owners[shape].add(piece)
    shared: Counter[tuple[int, int]] = Counter()
    for having in owners.values():
        if 1 < len(having) <= COMMON_SHAPE:
            shared.update(combinations(sorted(having), 2))
    parent = list(range(len(pieces)))

    def root(piece: int) -> int:
        while parent[piece] != piece:
            parent[piece] = parent[parent[piece]]
            piece = parent[piece]
        return piece

    for (one, other), times in shared.items():
        if times >= SHARED_SHAPES:
            low, high = sorted((root(one), root(other)))
            parent[high] = low
    return np.array([root(piece) for piece in range(len(pieces))], dtype=int)
