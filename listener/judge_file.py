"""The held-out judge as a file: NAME.safetensors with the parameters, and NAME.json beside it, of the kind judge.

Conventions: as in `listener.files`. The judge of the project is listener/models/judge.safetensors.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from listener.files import FORMAT, JUDGE, VERSION, load_network, read_about, read_arrays
from listener.judge import Counter, Judge, Reader, ReaderOptions
from listener.registry import models_folder
from songs.files import write_atomically


def write_judge(path: Path, judge: Judge, about: dict[str, Any]) -> None:
    """Write a judge.

    Args:
        path: of the .safetensors file; the JSON goes beside it.
        judge: what to write.
        about: plain data for the JSON.
    """
    arrays = {
        f"{part}.{name}": np.ascontiguousarray(value.numpy())
        for part, network in (("reader", judge.reader), ("counter", judge.counter))
        for name, value in network.state_dict().items()
    }
    write_atomically(path, save(arrays))
    head = {"format": FORMAT, "version": VERSION, "kind": JUDGE}
    head |= {"reader": vars(judge.reader.options), "reference": judge.reference}
    write_atomically(path.with_suffix(".json"), json.dumps({**head, **about}, indent=1, allow_nan=False) + "\n")


def read_judge(path: Path | None = None) -> Judge:
    """Read a judge, without a path that of the project.

    Raises:
        ValueError: a file is missing or damaged, has other parameters than its JSON says, or is no judge.
    """
    path = path or models_folder() / f"{JUDGE}.safetensors"
    about = read_about(path)
    if about.get("kind") != JUDGE:
        raise ValueError(f"{path}: is a listener of the kind {about.get('kind')!r}, not a judge")
    arrays = read_arrays(path)
    try:
        reader, counter = Reader(ReaderOptions(**about["reader"])), Counter()
        load_network(reader, "reader", arrays, path)
        load_network(counter, "counter", arrays, path)
        return Judge(reader, counter, [float(score) for score in about["reference"]])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.with_suffix('.json')}: is broken: {error!r} is missing or no number") from None
