"""The actions of `kuznechik vae` that make, list and delete data sets."""

import argparse
import shutil
from pathlib import Path

from experiments.listening.progress import progress
from experiments.musicvae.card import STATISTICS
from experiments.options import print_json, refuse_existing
from experiments.tables import show_table
from vae.dataset import SPLITS, DatasetError, DatasetOptions, dataset_name, read_meta, read_split
from vae.dataset_making import generate
from vae.statistics import statistics

COLUMNS = ("name", "sources", "pieces", "train", "validation", "test", "unique train")


def form_name(options: argparse.Namespace) -> str:
    """Return the representation that -p and --onsets select."""
    return "pianoroll" if options.pianoroll else "onsets" if options.onsets else "midilike"


def asked_form(options: argparse.Namespace) -> tuple[str | None, bool | None]:
    """Return the representation and keys that -p, --onsets and -t select; None and None without any of them."""
    if not (options.pianoroll or options.onsets or options.transposed):
        return None, None
    return form_name(options), options.transposed


def in_c(transposed: bool | None, about: dict) -> bool:
    """Return True if melodies are in C major or A minor: as requested, or as in the JSON of a model."""
    return bool((about.get("data") or {}).get("transposed")) if transposed is None else transposed


def dataset_folder(options: argparse.Namespace) -> Path:
    """Return the folder of the data set selected by BARS, -p, --onsets and -t."""
    return options.data / dataset_name(options.bars, form_name(options), options.transposed)


def generate_dataset(options: argparse.Namespace) -> int:
    """Make a data set."""
    wanted = DatasetOptions(
        options.bars,
        options.stride,
        form_name(options),
        options.transposed,
        options.track or "",
        options.channel or 0,
        options.seed,
    )
    splits = SPLITS if options.split == "all" else (options.split,)
    refuse_existing(options, *(options.data / wanted.name / f"{name}.npz" for name in splits))
    with progress(quiet=options.json) as report:
        meta = generate(options.midi, wanted, options.data, splits, lambda *done: report("reading melodies", *done))
    if options.json:
        print_json({"path": str(options.data / wanted.name), **meta})
        return 0
    left_out = f"{meta['other_meter']} without a bar of 4/4, {meta['unusable']} files that cannot be read"
    print(f"{options.data / wanted.name}: {meta['pieces']} melodies; left out: {left_out}")
    for complaint in meta["complaints"][:3]:
        print(f"  {complaint}")
    for name, counts in meta["splits"].items():
        print(f"  {name}: {counts['pieces']} melodies, {counts['windows']} windows, {counts['unique']} different")
    return 0


def show_datasets(options: argparse.Namespace) -> int:
    """List the data sets."""
    folders = sorted(path.parent for path in options.data.glob("*/dataset.json"))
    if not folders:
        raise DatasetError(f"{options.data}: contains no data sets; make one with kuznechik vae generate-dataset")
    listed = [{"name": each.name, **read_meta(each)} for each in folders]
    for each, path in zip(listed, folders, strict=True):
        if options.statistics:
            test = read_split(path, "test")
            each["statistics"] = statistics(*test.form.read(test.tokens()), test.form.steps_per_bar)
    if options.json:
        print_json(listed)
        return 0
    rows = []
    for each in listed:
        windows = [each["splits"][name]["windows"] for name in SPLITS]
        unique = each["splits"]["train"]["unique"]
        row = [each["name"], ", ".join(each["sources"]), each["pieces"], *windows, unique]
        rows.append(row + [f"{each['statistics'][name]:.3g}" for name in STATISTICS if options.statistics])
    columns = COLUMNS + (STATISTICS if options.statistics else ())
    show_table([column.replace("_", " ") for column in columns], rows, f"Data sets in {options.data}: {len(rows)}.")
    return 0


def delete_dataset(options: argparse.Namespace) -> int:
    """Delete the files of a data set, and its folder if nothing else is in it."""
    folder = dataset_folder(options)
    read_meta(folder)
    if folder.is_symlink():
        raise DatasetError(f"{folder}: is a link to another folder; delete that by hand")
    others = {path.name for path in folder.iterdir()} - {"dataset.json", *(f"{name}.npz" for name in SPLITS)}
    if others:
        raise DatasetError(f"{folder}: also contains other files ({', '.join(sorted(others)[:5])}); delete it by hand")
    shutil.rmtree(folder)
    print(f"{folder}: deleted")
    return 0
