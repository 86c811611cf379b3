"""The Fréchet distance between two collections of songs, in the latent space of the two-bar MusicVAE.

Each song is cut into windows of two bars, one at every bar line, transposed to C major or A minor with its median pitch
in the octave from C4, so that key and octave do not matter. The posterior means are summarised by a mean and a
covariance. The distance is 0 for equal collections and grows with their differences. Few songs increase it, so
compare it with that of as many real songs, and use some hundred windows or more.

Source: M. Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, 2017.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from songs.piano_roll import onsets_from_roll
from songs.song import Song

BARS, MIDDLE_C = 2, 60


def latent_vectors(songs: Sequence[Song]) -> np.ndarray:
    """Return the posterior means (N, latent) float64 of all windows of two bars with at least two notes.

    Raises:
        ValueError: A song is not in 4/4 or 2/4.
    """
    import torch

    from vae.melody import Piece
    from vae.sampling import encode
    from vae.windows import cut_windows

    pieces = []
    for song in songs:
        roll, onsets = sounding(song)
        pieces.append(Piece(song.name, [(in_c(roll), onsets)]))
    windows = cut_windows(pieces, BARS, 1, to_c=False)
    if not len(windows):
        return np.zeros((0, 1))
    mean, _ = encode(_model(), torch.from_numpy(windows.roll.astype(np.int64)))
    return mean.double().numpy()


@cache
def _model():
    from vae.shipped import find_model

    return find_model(BARS, "pianoroll", True)[0].eval()


def in_c(roll: np.ndarray) -> np.ndarray:
    """Return a roll (T,) of `vae.tokens` in C major or A minor, with its median pitch from C4 to B4."""
    from vae.melody import find_key, shift_to_c, transposed
    from vae.tokens import LOWEST_MIDI_PITCH, REST

    if (roll == REST).all():
        return roll
    shift = shift_to_c(*find_key(roll))
    middle = int(np.median(roll[roll != REST])) + LOWEST_MIDI_PITCH + shift
    return transposed(roll, shift + MIDDLE_C - middle // 12 * 12)


def sounding(song: Song) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest notes of a song in whole bars, as roll and onsets (T,) of `vae.tokens`, in sixteenths."""
    from vae.melody import on_grid
    from vae.tokens import STEPS_PER_BAR

    if song.grid.time_signature not in ((4, 4), (2, 4)):
        meter = "/".join(map(str, song.grid.time_signature))
        raise ValueError(f"{song.name} is in {meter}, but the MusicVAE reads only 4/4 and 2/4")
    onsets = onsets_from_roll(song.roll, song.keyboard).astype(np.float64)
    scale = STEPS_PER_BAR / (4 * song.grid.steps_per_quarter)
    steps = np.unique(onsets[:, 0])
    after = np.append(steps[1:], song.steps)[np.searchsorted(steps, onsets[:, 0])]
    ends = onsets[:, 0] + song.lengths if song.lengths is not None else after
    notes = np.stack((onsets[:, 0] * scale, ends * scale, onsets[:, 1]), axis=1)
    roll, begins, _ = on_grid(notes, int(song.steps * scale) // STEPS_PER_BAR)
    return roll, begins


def frechet_distance(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return the Fréchet distance of normal distributions fitted to vectors (N, D) and (M, D); None for under two."""
    if min(len(one), len(other)) < 2:
        return None
    root = _root(np.cov(one, rowvar=False))
    between = np.linalg.eigvalsh(root @ np.cov(other, rowvar=False) @ root)
    spread = one.var(axis=0, ddof=1).sum() + other.var(axis=0, ddof=1).sum()
    distance = np.square(one.mean(axis=0) - other.mean(axis=0)).sum() + spread
    return float(max(0.0, distance - 2 * np.sqrt(between.clip(min=0)).sum()))


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(values.clip(min=0)) @ vectors.T
