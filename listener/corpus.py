"""Real melodies for listeners: excerpts from MIDI files that fit on a keyboard, split by group.

Conventions:
    Melodies are (N, T) int8 on the grid of eighth notes, -1 for a rest and 0 to 12 for a key, as in `listener.theory`;
    on `WIDE` keys 0 to 24.
    Melodies of a corpus are transposed down until their lowest key is 0; `moved` transposes them at random.
    A *group* is a set of pieces that share phrases, as in `vae.windows`. A whole group belongs to one split, and
    excerpts of the test split, in any key, are left out of training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from listener.theory import REST
from songs.keyboard import KEYS, STEPS_PER_BAR

MOST_REST = 2
"""Bars; excerpts with a longer rest are left out."""
FEWEST_NOTES_A_BAR = 1.0
WIDE = 25
"""Keys on which nearly all melodies fit; on 13 keys a fifth of them fit."""
TEST_SHARE, VALIDATION_SHARE = 0.15, 0.12


@dataclass(frozen=True, eq=False)
class Excerpts:
    """Excerpts of one length."""

    melodies: np.ndarray
    """(N, T) int8, lowest key 0, no duplicates."""
    pieces: np.ndarray
    """(N,) int64, index of the piece that each excerpt comes from."""

    def __len__(self) -> int:
        return len(self.melodies)


@dataclass(frozen=True, eq=False)
class Corpus:
    """Real melodies for training, and held-out ones."""

    training: Excerpts
    validation: Excerpts
    """For thresholds, weights and model selection."""
    test: Excerpts
    """For the audit only."""
    pieces: int
    """Number of pieces read."""


@dataclass(frozen=True, eq=False)
class Corpora:
    """Real melodies of several lengths, from the same pieces and with the same split, for training a listener."""

    short: Corpus
    """Excerpts of 4 bars."""
    excerpts: Corpus
    """Excerpts of 8 bars."""
    songs: Corpus
    """Excerpts of 16 bars."""
    wide: Corpus
    """Excerpts of 16 bars on sixteenths, as MIDI pitches (N, T) int16 of any range; for the judge."""
    long: Corpus | None = None
    """Excerpts of 32 bars; None if there is too little music."""


SHORT_BARS, EXCERPT_BARS, SONG_BARS, LONG_BARS = 4, 8, 16, 32
SPLIT_SEED = 0
"""Seed of the one split that all listeners share, so no listener is trained on what is held out for another."""


def read_music(
    folders: Sequence[Path], report: Callable[[int, int], None] = lambda done, of: None, keys: int = KEYS
) -> Corpora:
    """Read the melodies of all MIDI files under some folders, with the shared split; raises ValueError."""
    from vae.windows import group_pieces

    pieces = read_pieces(folders, report)
    groups = group_pieces(pieces)
    lengths = (SHORT_BARS, EXCERPT_BARS, SONG_BARS)
    short, excerpts, songs = (split_corpus(pieces, groups, bars, keys) for bars in lengths)
    try:
        long = split_corpus(pieces, groups, LONG_BARS, keys)
    except ValueError:
        long = None
    return Corpora(short, excerpts, songs, split_corpus(pieces, groups, SONG_BARS, None), long)


def read_pieces(folders: Sequence[Path], report: Callable[[int, int], None] = lambda done, of: None) -> list:
    """Read the melodies of all MIDI files under some folders, as `vae.melody.Piece`.

    The track named MELODY is read if there is one, and bars come from beat files.

    Raises:
        ValueError: a folder is missing or has no usable MIDI file.
    """
    from vae.dataset_making import read_folders

    return read_folders([Path(folder) for folder in folders], report=report)[0]


def read_corpus(
    folders: Sequence[Path], bars: int, report: Callable[[int, int], None] = lambda done, of: None
) -> Corpus:
    """Read the melodies of all MIDI files under some folders as excerpts of `bars` bars; raises ValueError.

    `report` is called with the number of files read so far and the number of all files.
    """
    from vae.windows import group_pieces

    pieces = read_pieces(folders, report)
    return split_corpus(pieces, group_pieces(pieces), bars)


def split_corpus(pieces: Sequence, groups: np.ndarray, bars: int, keys: int | None = KEYS) -> Corpus:
    """Cut pieces (`vae.melody.Piece`) into excerpts, and hold out some of the groups; `groups` (P,) has one per piece.

    The split is the same for every length and every value of `keys`, which is as in `cut`. Raises ValueError if a part
    of the split is empty.
    """
    excerpts = cut(pieces, bars, keys)
    names = np.random.default_rng(SPLIT_SEED).permutation(np.unique(groups))
    ends = np.cumsum([max(1, round(share * len(names))) for share in (TEST_SHARE, VALIDATION_SHARE)])
    parts: list[Excerpts] = []
    taken: set[bytes] = set()
    for held in np.split(names, ends):
        part = _where(excerpts, np.isin(groups[excerpts.pieces], held))
        new = np.array([row.tobytes() not in taken for row in part.melodies], dtype=bool)
        parts.append(_where(part, new))
        taken.update(row.tobytes() for row in part.melodies)
    test, validation, training = parts
    if not all(len(part) for part in parts):
        raise ValueError(
            f"too little music: {len(pieces)} melodies give {len(training)} excerpts of {bars} bars on "
            f"{keys or 'any'} keys to train with, {len(validation)} to choose by and {len(test)} to test with; add MIDI"
            " files"
        )
    return Corpus(training, validation, test, len(pieces))


def cut(pieces: Sequence, bars: int, keys: int | None = KEYS) -> Excerpts:
    """Return all excerpts of `bars` bars, starting at every second bar, that fit on a keyboard and are not near silent.

    If `keys` is None they have any range: MIDI pitches (N, T) int16 on sixteenths.
    """
    from vae.tokens import STEPS_PER_BAR as SIXTEENTHS

    bar, dtype = (SIXTEENTHS, np.int16) if keys is None else (STEPS_PER_BAR, np.int8)
    melodies, owners = [np.zeros((0, bars * bar), dtype)], [np.zeros(0, dtype=np.int64)]
    for number, piece in enumerate(pieces):
        for roll, onsets in piece.segments:
            pitches = _pitches(roll, onsets)
            if keys is not None:
                pairs = pitches.reshape(-1, 2)  # in eighths; the first of two notes is kept
                pitches = np.where(pairs[:, 0] != REST, *pairs.T)
            for first in range(0, len(pitches) // bar - bars + 1, 2):
                part = pitches[first * bar : (first + bars) * bar]
                if not _sounds_enough(part, bar):
                    continue
                if keys is None:
                    melodies.append(part[None])
                elif np.ptp(part[part != REST]) < keys:
                    melodies.append(lowest(part[None]))
                else:
                    continue
                owners.append(np.array([number]))
    excerpts, owner = np.concatenate(melodies), np.concatenate(owners)
    kept = np.sort(np.unique(excerpts, axis=0, return_index=True)[1])
    return Excerpts(excerpts[kept], owner[kept])


def _pitches(roll: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Return the MIDI pitch (T,) int16 that begins at each sixteenth of a piece, -1 for none."""
    from vae.tokens import LOWEST_MIDI_PITCH
    from vae.tokens import REST as SILENT

    return np.where(onsets & (roll != SILENT), roll + LOWEST_MIDI_PITCH, REST).astype(np.int16)


def _sounds_enough(pitches: np.ndarray, steps_per_bar: int) -> bool:
    at = np.flatnonzero(pitches != REST)
    if len(at) < FEWEST_NOTES_A_BAR * len(pitches) / steps_per_bar:
        return False
    rests = np.diff(np.concatenate(([-1], at, [len(pitches)]))) - 1
    return bool(rests.max() <= MOST_REST * steps_per_bar)


def _where(excerpts: Excerpts, mask: np.ndarray) -> Excerpts:
    return Excerpts(excerpts.melodies[mask], excerpts.pieces[mask])


def lowest(melodies: np.ndarray) -> np.ndarray:
    """Transpose melodies (N, T) of any pitches so that the lowest key of each is 0."""
    sounds = melodies != REST
    bottom = np.min(melodies, axis=1, keepdims=True, where=sounds, initial=127)
    return np.where(sounds, melodies - bottom, REST).astype(np.int8)


def moved(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Transpose each melody of (N, T) by a shift drawn evenly from those with which it fits on the 13 keys.

    A melody with a wider range gets key 0 as its lowest.
    """
    low = lowest(melodies)
    room = np.maximum(KEYS - low.max(axis=1, initial=0), 1)
    shift = (generator.random(len(low)) * room).astype(np.int8)
    return np.where(low != REST, low + shift[:, None], REST).astype(np.int8)


def rolls_of(melodies: np.ndarray, keys: int = KEYS) -> np.ndarray:
    """Return the rolls (N, T, K) bool of melodies (N, T)."""
    return melodies[..., None] == np.arange(keys, dtype=np.int8)
