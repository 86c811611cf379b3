"""Making data sets from folders of MIDI files, split so that no test window occurs in training.

Conventions:
    Whole groups of pieces are assigned to a split. Training windows whose shape also occurs in validation or test are
    then left out, and so are validation windows whose shape occurs in test.
    The split depends only on the pieces and the seed, so it is the same for 16 bars as for 2 bars.
    A folder with a CSV file like MAESTRO's (columns midi_filename and split) is split as the file states.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from songs.arrange import DEFAULTS, ArrangeOptions
from songs.catalog import MIDI_SUFFIXES
from songs.files import read_text, write_atomically
from songs.score import MidiError
from vae.dataset import SPLITS, DatasetError, DatasetOptions, write_split
from vae.melody import Piece, read_piece
from vae.tokens import representation
from vae.windows import Windows, cut_windows, group_pieces, shapes

SHARES = (0.9, 0.05, 0.05)
LARGE_GROUP = 20
"""Groups with more pieces are always used for training; one of them could make up a whole test split."""


def list_files(places: Sequence[Path]) -> list[tuple[Path, int, str | None]]:
    """Return all MIDI files among and below `places`, each with the index of its place and the split it was given.

    Raises:
        DatasetError: a place is missing, or there is no MIDI file at all.
    """
    files: list[tuple[Path, int, str | None]] = []
    for number, place in enumerate(places):
        if place.is_file() and place.suffix.lower() in MIDI_SUFFIXES:
            files.append((place, number, None))
            continue
        if not place.is_dir():
            raise DatasetError(f"{place}: no such folder or MIDI file")
        listed = maestro_splits(place)
        for path in sorted(path for path in place.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES):
            split = listed.get(path.relative_to(place).as_posix()) if listed else None
            if path.is_file() and (split is not None or not listed):
                files.append((path, number, split))
    if not files:
        raise DatasetError(f"{', '.join(map(str, places))}: holds no .mid or .midi file")
    return files


def read_folders(
    folders: Sequence[Path],
    options: ArrangeOptions = DEFAULTS,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[list[Piece], list[int], list[str | None], list[str]]:
    """Read the melodies of MIDI files and of all files under some folders.

    Args:
        folders: as for `list_files`.
        options: as for `read_piece`.
        report: called with the number of files read and the number of all files.

    Returns:
        The pieces, the source of each, the split of each if a CSV file gives one, and the errors in other files.

    Raises:
        DatasetError: a folder is missing, or there is no MIDI file at all.
    """
    files = list_files(folders)
    pieces, sources, splits, complaints = [], [], [], []
    for done, (path, source, split) in enumerate(files, start=1):
        try:
            piece = read_piece(path, options)
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
    """Return the split of each file in a folder with a CSV file like MAESTRO's; empty without one."""
    for path in sorted(folder.glob("*.csv")):
        try:
            rows = list(csv.DictReader(io.StringIO(read_text(path), newline="")))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DatasetError(f"{path}: cannot be read: {error}") from None
        if rows and {"midi_filename", "split"} <= set(rows[0]):
            return {row["midi_filename"]: row["split"] for row in rows if row["split"] in SPLITS}
    return {}


def assign_splits(groups: np.ndarray, given: Sequence[str | None], seed: int) -> np.ndarray:
    """Return the split (index into SPLITS) of each piece: 90%, 5% and 5% of the groups, at least one each.

    Args:
        groups: (P,) group of each piece.
        given: the given split of each piece, or None.
        seed: seed of the shuffle.
    """
    names, sizes = np.unique(groups, return_counts=True)
    np.random.default_rng(seed).shuffle(order := names.copy())
    large = set(names[sizes > LARGE_GROUP].tolist())
    small = [name for name in order.tolist() if name not in large]
    held = max(1, round(SHARES[2] * len(names)))
    chosen = {name: 0 for name in names.tolist()}
    if len(small) >= 3 or large:
        chosen.update({name: 2 for name in small[:held]})
        chosen.update({name: 1 for name in small[held : 2 * held]})
    split = np.array([chosen[group] for group in groups.tolist()])
    for piece, name in enumerate(given):
        if name is not None:
            split[piece] = SPLITS.index(name)
    return split


def split_windows(windows: Windows, split: np.ndarray) -> list[Windows]:
    """Return the windows of train, validation and test; no shape occurs in two splits."""
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
    """Make and write a data set from folders of MIDI files.

    Returns:
        The content of dataset.json.

    Raises:
        DatasetError: a folder is missing, or the melodies are too few for three splits.
    """
    arranging = DEFAULTS.change(track=options.track, channel=options.channel)
    pieces, sources, given, complaints = read_folders(folders, arranging, report)
    usable = np.array([bool(piece.segments) for piece in pieces])
    windows = cut_windows(pieces, options.bars, options.stride, options.transposed)
    split = assign_splits(group_pieces(pieces), given, options.seed)
    parts = split_windows(windows, split)
    form = representation(options.representation)
    counts = {}
    for name, part, number in zip(SPLITS, parts, range(3), strict=True):
        unique = len(np.unique(form.write(part.roll, part.onsets), axis=0)) if len(part) else 0
        counts[name] = {"pieces": int((usable & (split == number)).sum()), "windows": len(part), "unique": unique}
    if not all(count["unique"] for count in counts.values()):
        by_split = ", ".join(f"{name} {count['unique']}" for name, count in counts.items())
        raise DatasetError(
            f"too little data for windows of {options.bars} bars: {len(pieces)} melodies give {len(windows)} windows "
            f"({by_split}); every split needs one: add MIDI files or choose fewer bars"
        )
    meta = {
        "bars": options.bars,
        "stride": options.stride,
        "representation": options.representation,
        "transposed": options.transposed,
        "seed": options.seed,
        "track": options.track or None,
        "channel": options.channel or None,
        "sources": [folder.resolve().name for folder in folders],
        "pieces": int(usable.sum()),
        "other_meter": int((~usable).sum()),
        "unusable": len(complaints),
        "complaints": complaints[:20],
        "splits": counts,
    }
    for name, part in zip(SPLITS, parts, strict=True):
        if name in splits:
            write_split(out / options.name / f"{name}.npz", part, np.array(sources, dtype=np.int32)[part.pieces])
    write_atomically(out / options.name / "dataset.json", json.dumps(meta, indent=1) + "\n")
    return meta
