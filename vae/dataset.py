"""Data sets: windows of the melodies of folders of MIDI files, split so that no test window stands in training.

    FOLDER/2bars-pianoroll-transposed/
        dataset.json            how it was made, pieces and windows of each split
        train.npz, validation.npz, test.npz

Conventions:
    An .npz holds `roll` (N, T) uint8, `onsets` (N, T) bool packed to bits, `pieces` and `sources` (N,) int32, and is
    read without pickle. A source is one of the folders. Windows are cut as in `vae.windows`.
    Whole groups of pieces go to a split. Windows of training whose shape stands in validation or test are then left
    out of training, and those of validation that stand in test out of validation.
    The split depends on the pieces and the seed alone: that of 16 bars is that of 2 bars.
    A folder with a CSV as MAESTRO's (columns midi_filename and split) is split as it says.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songs.catalog import MIDI_SUFFIXES
from songs.files import read_text, read_whole, write_atomically
from songs.score import MidiError
from vae.dataset_check import BARS, SPLITS, check_meta, command_for, dataset_name, read_arrays
from vae.melody import Piece, read_piece
from vae.tokens import Representation, representation
from vae.windows import Windows, cut_windows, group_pieces, shapes

SHARES = (0.9, 0.05, 0.05)
LARGE_GROUP = 20
"""Groups of more pieces always train: one of them would be a whole test."""


class DatasetError(ValueError):
    """A data set that is missing, broken or too small; the message says what to do."""


@dataclass(frozen=True)
class DatasetOptions:
    """What a data set is made of."""

    bars: int = 2
    """Length of a window: 2, 4, 8 or 16."""
    stride: int = 1
    """Bars from one window to the next, 1 or more."""
    representation: str = "pianoroll"
    """pianoroll, midilike or onsets: what its unique windows are counted in and models are trained on."""
    transposed: bool = False
    """Every piece is moved to C major or A minor."""
    track: str | None = None
    """Read the tracks of this name [MELODY if there is one, else the highest notes of all]."""
    seed: int = 0
    """Of the split."""

    def __post_init__(self):
        if self.bars not in BARS:
            raise DatasetError(f"windows of {self.bars} bars: choose {', '.join(map(str, BARS))}")
        if self.stride < 1:
            raise DatasetError(f"a stride of {self.stride} bars: it must be 1 or more")
        representation(self.representation)

    @property
    def name(self) -> str:
        """What the data set is called."""
        return dataset_name(self.bars, self.representation, self.transposed)


@dataclass(frozen=True, eq=False)
class Split:
    """The windows of one split of a data set."""

    windows: Windows
    sources: np.ndarray
    """(N,) index of the source of each window."""
    source_names: tuple[str, ...]
    form: Representation

    def tokens(self) -> np.ndarray:
        """Return all windows as tokens (N, T) int64, in the representation of the data set."""
        return self.form.write(self.windows.roll, self.windows.onsets)

    def unique_tokens(self) -> np.ndarray:
        """Return the different ones of the windows as tokens, sorted."""
        return np.unique(self.tokens(), axis=0)


def read_folders(
    folders: Sequence[Path], track: str | None = None, report: Callable[[int, int], None] = lambda done, of: None
) -> tuple[list[Piece], list[int], list[str | None], list[str]]:
    """Read the melodies of all MIDI files under some folders.

    Args:
        folders: searched with all that is in them.
        track: as for `read_piece`.
        report: is told how many files of how many are read.

    Returns:
        The pieces, the source of each, the split of each where a CSV names one, and what was wrong with other files.

    Raises:
        DatasetError: a folder is missing, or there is no MIDI file at all.
    """
    files: list[tuple[Path, int, str | None]] = []
    for number, folder in enumerate(folders):
        if not folder.is_dir():
            raise DatasetError(f"{folder}: no such folder")
        listed = maestro_splits(folder)
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES and path.is_file())
        for path in found:
            split = listed.get(path.relative_to(folder).as_posix()) if listed else None
            if split is not None or not listed:
                files.append((path, number, split))
    if not files:
        raise DatasetError(f"{', '.join(map(str, folders))}: holds no .mid or .midi file")
    pieces, sources, splits, complaints = [], [], [], []
    for done, (path, source, split) in enumerate(files, start=1):
        try:
            piece = read_piece(path, track)
        except MidiError as error:
            complaints.append(str(error))
        else:
            pieces.append(piece)
            sources.append(source)
            splits.append(split)
        report(done, len(files))
    if not pieces:
        raise DatasetError(f"none of the {len(files)} MIDI files can be used; the first: {complaints[0]}")
    return pieces, sources, splits, complaints


def maestro_splits(folder: Path) -> dict[str, str]:
    """Return the split of each file of a folder with MAESTRO's CSV, nothing if there is none."""
    for path in sorted(folder.glob("*.csv")):
        try:
            rows = list(csv.DictReader(io.StringIO(read_text(path), newline="")))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DatasetError(f"{path}: cannot be read: {error}") from None
        if rows and {"midi_filename", "split"} <= set(rows[0]):
            return {row["midi_filename"]: row["split"] for row in rows if row["split"] in SPLITS}
    return {}


def assign_splits(groups: np.ndarray, given: Sequence[str | None], seed: int) -> np.ndarray:
    """Return the split (index into SPLITS) of each piece: 90, 5 and 5 of 100 groups, at least one each.

    Args:
        groups: (P,) group of each piece.
        given: the split of each piece, where one is given.
        seed: of the shuffle.
    """
    names, sizes = np.unique(groups, return_counts=True)
    np.random.default_rng(seed).shuffle(order := names.copy())
    large = set(names[sizes > LARGE_GROUP].tolist())
    small = [name for name in order.tolist() if name not in large]
    held = max(1, round(SHARES[2] * len(names)))
    place = {name: 0 for name in names.tolist()}
    if len(small) >= 3 or large:
        place.update({name: 2 for name in small[:held]})
        place.update({name: 1 for name in small[held : 2 * held]})
    split = np.array([place[group] for group in groups.tolist()])
    for piece, name in enumerate(given):
        if name is not None:
            split[piece] = SPLITS.index(name)
    return split


def split_windows(windows: Windows, split: np.ndarray) -> list[Windows]:
    """Return the windows of train, validation and test; none of a later split has its shape in an earlier one."""
    keys = np.array(shapes(windows.roll), dtype=object)
    of = split[windows.pieces] if len(windows) else np.zeros(0, dtype=int)
    taken: set[bytes] = set()
    parts: list[Windows] = []
    for number in (2, 1, 0):
        chosen = of == number
        chosen[chosen] = [key not in taken for key in keys[chosen]]
        taken.update(keys[chosen])
        parts.insert(0, windows.where(chosen))
    return parts


def generate(
    folders: Sequence[Path],
    options: DatasetOptions,
    out: Path,
    splits: Sequence[str] = SPLITS,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> dict:
    """Make a data set from folders of MIDI files and write it.

    Returns:
        What dataset.json says.

    Raises:
        DatasetError: a folder is missing, or the melodies are too few for three splits.
    """
    pieces, sources, given, complaints = read_folders(folders, options.track, report)
    windows = cut_windows(pieces, options.bars, options.stride, options.transposed)
    split = assign_splits(group_pieces(pieces), given, options.seed)
    parts = split_windows(windows, split)
    form = representation(options.representation)
    counts = {}
    for name, part, number in zip(SPLITS, parts, range(3), strict=True):
        unique = len(np.unique(form.write(part.roll, part.onsets), axis=0)) if len(part) else 0
        counts[name] = {"pieces": int((split == number).sum()), "windows": len(part), "unique": unique}
    if not all(count["unique"] for count in counts.values()):
        found = ", ".join(f"{name} {count['unique']}" for name, count in counts.items())
        raise DatasetError(
            f"too little data for windows of {options.bars} bars: {len(pieces)} melodies give {len(windows)} windows "
            f"({found}); every split needs one: add MIDI files or choose fewer bars"
        )
    meta = {
        "bars": options.bars,
        "stride": options.stride,
        "representation": options.representation,
        "transposed": options.transposed,
        "seed": options.seed,
        "track": options.track,
        "sources": [folder.resolve().name for folder in folders],
        "pieces": len(pieces),
        "unusable": len(complaints),
        "complaints": complaints[:20],
        "splits": counts,
    }
    place = out / options.name
    for name, part in zip(SPLITS, parts, strict=True):
        if name in splits:
            _write_split(place / f"{name}.npz", part, np.array(sources, dtype=np.int32)[part.pieces])
    write_atomically(place / "dataset.json", json.dumps(meta, indent=1) + "\n")
    return meta


def _write_split(path: Path, windows: Windows, sources: np.ndarray) -> None:
    array = io.BytesIO()
    bits = np.packbits(windows.onsets, axis=1)
    np.savez_compressed(array, roll=windows.roll, onsets=bits, pieces=windows.pieces, sources=sources)
    write_atomically(path, array.getvalue())


def read_meta(place: Path) -> dict:
    """Return what dataset.json of a data set says.

    Raises:
        DatasetError: it is missing or broken.
    """
    try:
        meta = json.loads(read_text(place / "dataset.json"))
        check_meta(meta)
    except FileNotFoundError:
        raise DatasetError(f"{place}: no such data set; make it with {command_for(place)}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{place}: dataset.json is broken: {error}") from None
    return meta


def read_split(place: Path, name: str) -> Split:
    """Read one split of a data set.

    Raises:
        DatasetError: it is missing, broken or empty.
    """
    meta = read_meta(place)
    path = place / f"{name}.npz"
    try:
        arrays = read_arrays(read_whole(path), meta)
    except FileNotFoundError:
        raise DatasetError(f"{path}: is missing: make it with {command_for(place, name)}") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: is broken: {error}") from None
    windows = Windows(arrays["roll"], arrays["onsets"], arrays["pieces"])
    return Split(windows, arrays["sources"], tuple(meta["sources"]), representation(meta["representation"]))
