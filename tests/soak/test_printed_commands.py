"""Commands of README and documentation, carried out as printed, page after page; `make soak` takes some hours for them.

`python -m pytest -m slow tests/soak/test_printed_commands.py -k own-music` takes one page. Each has a new folder with
the files that it speaks of; lines of its `sh` blocks follow each other there.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.printed import PAGES, ROOT, blocks, commands, programs

NOT_HERE = {
    "--device cuda": "needs a GPU",
    "--ray-address": "needs a cluster",
    "ray start": "needs a cluster",
    "pip install": "changes the installation",
    "--minutes 30": "takes half an hour, to show an option",
    "kuznechik breed": "waits for a person",
    "mine.py:Mine": "needs your own listener, as made in docs/own-listener.md",
    "breed-1": "needs a run in which a person has chosen",
    "--midi FOLDER": "needs a collection of melodies",
    "form:16 --midi": "needs a collection of melodies",
    "16bars.safetensors": "needs the data set of 16 bars",
    "runs/one runs/two": "needs runs that play different melodies",
    "answers.json": "needs what a person answered",
    "taste.safetensors": "needs what a person answered",
}
"""What is not carried out, and why."""
NEEDS = {"--to onnx": "onnx", "pole.gif": "pygame"}
"""Packages without which a command is not carried out."""
TUNES = (
    "bingo",
    "can_can",
    "korobeiniki",
    "oh_susanna",
    "twinkle_twinkle",
    "ode_to_joy",
    "this_old_man",
    "summ_summ_summ",
)
FOLDERS = ("midi", "dense", "sparse", "FOLDER")
"""Folders of MIDI files that pages speak of; each has the same tunes here."""
COLLECTIONS = ("nottingham", "pop909")
"""Further ones, which have all tunes of the project."""
SAYS = {
    "kuznechik evolve grasshopper --seed 0 --out runs/first": r"120 of 120 steps right \(always resting: 64\)",
    "kuznechik score runs/first": r"right free running +120\n",
    "kuznechik score echo.py:Echo --song frere_jacques": r"teacher forced +85\n +right free running +76\n",
}
"""What the command prints where its page says it, as a regular expression."""
WITH_BLOCKS = [page for page in PAGES if blocks(page, "sh")]


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Path:
    """Return the folder of the run that many pages go on from."""
    out = tmp_path_factory.mktemp("first") / "first"
    carry_out(f"kuznechik evolve grasshopper --seed 0 --out {out}", out.parent)
    return out


def carry_out(line: str, folder: Path) -> str:
    """Carry out a line in a shell and return what it prints; fails if it does."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert ran.returncode == 0, f"{line}\n{ran.stderr[-2000:]}"
    return ran.stdout


def lay_out(page: str, folder: Path, first: Path) -> None:
    """Put what the page speaks of into a folder."""
    for name in ("basic_midi", "examples"):
        (folder / name).symlink_to(ROOT / name)
    for name in FOLDERS:
        (folder / name).mkdir()
        for tune in TUNES:
            shutil.copy(ROOT / "basic_midi" / f"{tune}.mid", folder / name)
    for name in COLLECTIONS:
        shutil.copytree(ROOT / "basic_midi", folder / name)
    for name in ("my.mid", "song.mid"):
        shutil.copy(ROOT / "basic_midi" / "bingo.mid", folder / name)
    text = (ROOT / page).read_text(encoding="utf-8")
    made = {"grasshopper-1"} if re.search(r"^kuznechik (evolve|dqn) grasshopper", text, re.MULTILINE) else set()
    for name in {"first", "a", "b", "one", "two", "grasshopper-1"} - {*made, *re.findall(r"--out runs/(\w+)\s", text)}:
        shutil.copytree(first, folder / "runs" / name)
    for name in re.findall(r"\b(\w+)\.toml", " ".join(blocks(page, "sh"))):
        (folder / f"{name}.toml").write_text("".join(blocks(page, "toml")[:1]), encoding="utf-8")
    for block in blocks(page, "python"):
        for name in re.findall(r"^class (\w+)", block, re.MULTILINE):
            (folder / f"{name.lower()}.py").write_text(block, encoding="utf-8")


def newest_run(folder: Path) -> str:
    """Return the folder of the newest run below a folder, for pages that say RUN."""
    runs = [path.parent for path in folder.rglob("meta.json")]
    return str(max(runs, key=lambda run: run.stat().st_mtime, default="RUN"))


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_a_page_runs_as_printed(page, tmp_path, first):
    lay_out(page, tmp_path, first)
    for printed in programs(page):
        if any(part in printed for part in [*NOT_HERE, *(part for part in NEEDS if find_spec(NEEDS[part]) is None)]):
            continue
        line = re.sub(r"\bRUN\b", newest_run(tmp_path), printed)
        print(line, flush=True)
        shown = carry_out(line, tmp_path)
        said = SAYS.get(" ".join(shlex.split(printed, comments=True)) if "\n" not in printed else "")
        assert said is None or re.search(said, shown), f"{line}\n{shown}"


@pytest.mark.parametrize("text", SAYS)
def test_what_is_checked_is_printed(text):
    assert any(" ".join(command.words) == text for page in PAGES for command in commands(page))
