"""The progress bar keeps what tells most, however narrow the terminal is."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from experiments.runs import progress
from experiments.runs.trainable import Status

TEXT = "1113 of 1920 right, generation 1234 of 5000, 12 species"


@pytest.mark.parametrize("width", [80, 120])
def test_bar_right_steps_and_time_left_are_shown_whole(monkeypatch, width):
    output = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=output, width=width, force_terminal=True))
    statuses = [Status(0, 1920, 0.0, TEXT), Status(1920, 1920, 0.5, TEXT)]
    trainable = SimpleNamespace(name="auld_lang_syne, grasshopper, twinkle, ...", status=lambda: statuses.pop(0))
    with progress.ProgressBar() as bar:
        bar.begin(trainable)
        bar.update(trainable)
    lines = re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", output.getvalue()).replace("\r", "\n").split("\n")
    last = [line for line in lines if line.strip()][-1]
    assert len(last) <= width
    assert re.search(r"auld_l.* ━{20} 1113 of 1920 right, .* at most \d+ s left \d:\d\d:\d\d", last)
