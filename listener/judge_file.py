"""The held-out judge as a file: NAME.safetensors with the parameters, and NAME.json beside it, of the kind judge.

Conventions: as in `listener.files`. The judge of the project is listener/models/judge.safetensors.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from listener.files import FORMAT, JUDGE, VERSION, read_contents
from listener.judge import FeatureClassifier, Judge, ReaderOptions, SequenceClassifier
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
    contents = read_contents(path)
    if contents.about["kind"] != JUDGE:
        raise ValueError(f"{path}: is a listener of the kind {contents.about['kind']!r}, not a judge")
    options = contents.options(ReaderOptions(), contents.about["reader"], "reader")
    reader = contents.network("reader", partial(SequenceClassifier, options))
    counter = contents.network("counter", FeatureClassifier)
    if not (counter.deviation > 0).all():
        raise ValueError(f"{path}: counter.deviation is not above 0")
    return Judge(reader, counter, contents.about["reference"])
