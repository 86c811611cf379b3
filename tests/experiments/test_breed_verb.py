"""`kuznechik breed`: it prints the address of its page, and ends by Ctrl-C with what goes on."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from experiments.config.breed import BreedConfig
from experiments.runs.breed.kind import KIND, Beginning, training
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import set_up

ROOT = Path(__file__).parents[2]


def test_it_serves_a_page_until_ctrl_c(tmp_path, kuznechik):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "experiments", "breed", "--length", "1", "--no-browser", "--out", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        address = re.fullmatch(r"Open (http://127\.0\.0\.1:\d+/[\w-]{24}/) \(Ctrl-C ends\)\n", line)[1]
        body = json.dumps({"generation": 0, "chosen": [1], "keep": False}).encode()
        asked = urllib.request.Request(f"{address}choose", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert json.load(answer)["number"] == 1
        process.send_signal(signal.SIGINT)
        written, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert written.splitlines()[0] == "Interrupted after 1 choice."
    assert written.splitlines()[-1] == f"Continue: kuznechik breed --resume {out}"
    again = kuznechik("repeat", out, "--out", tmp_path / "again")
    assert again.status == 0
    assert "history/genomes.csv: the same to the byte" in again.out
    assert kuznechik("play", out, "--wav", tmp_path / "bred.wav").status == 0
    assert kuznechik("report", out).status == 0
    page = (out / "report.html").read_text()
    assert f'<pre tabindex="0">kuznechik repeat {out}</pre>' in page
    assert "data:image/png;base64," not in page  # what it plays is shown once, with a playhead
    scored = kuznechik("score", out)
    assert (scored.status, scored.err.count("\n")) == (2, 1)
    assert "nothing in it is right or wrong" in scored.err
    assert f"kuznechik listener score {out} --listener NAME" in scored.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--between", 3), "--between needs --listener"),
        (("no such song",), "no such song"),
        (("--set", "melody.lowest_pitch=127"), "must lie within 0 and 127"),
        (("--grid", 5), "5 steps a beat"),
        (("--listener", "nobody"), "nobody"),
    ],
)
def test_mistakes_are_a_line_and_leave_no_folder(kuznechik, tmp_path, options, message):
    called = kuznechik("breed", *options, "--no-browser", "--out", tmp_path / "run")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert message in called.err
    assert not (tmp_path / "run").exists()


def test_a_port_that_is_taken_is_named(kuznechik, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        called = kuznechik("breed", "--no-browser", "--port", port, "--out", tmp_path / "run")
    assert called.status == 2
    assert called.err.startswith(f"kuznechik: --port {port}: ")
    assert called.err.endswith("name another one, or leave it out\n")


@pytest.fixture(scope="module")
def bred_run(tmp_path_factory):
    """Return the folder of a run of one choice and one star, as it is after a kill."""
    config = BreedConfig().change("breed", seed=4).change("melody", bars=1)
    folder = RunFolder.create(tmp_path_factory.mktemp("bred") / "bred-1")
    set_up(KIND, config, folder, Beginning(), ["kuznechik", "breed"])
    with training(config, folder) as run:
        run.choose(0, [3], False)
        run.star(1, 2, "tune")
    return folder.path


def test_choices_and_stars_are_no_runs_that_left_nothing(kuznechik, bred_run):
    assert kuznechik("runs", bred_run.parent, "--prune", "--force").out.startswith("No run to remove")
    (row,) = json.loads(kuznechik("runs", bred_run.parent, "--json").out)
    assert (row["kind"], row["algorithm"], row["seed"]) == ("breed", "by ear", 4)
    star = bred_run / "starred" / "tune"
    called = kuznechik("repeat", star)
    assert called.status == 2
    assert "repeat the run that this star comes from" in called.err
    assert [path.name for path in star.parent.iterdir()] == ["tune"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("breed", "RUN", "--length", 4, "--no-browser"), "its network plays 1 bars: leave out --length"),
        (("breed", "RUN", "--keys", 24, "--no-browser"), "leave out --keys and --grid"),
        (("export", "RUN", "--to", "python"), "its network sees where in a bar it is"),
        (("evolve", "grasshopper", "--from", "RUN"), "use kuznechik breed"),
    ],
)
def test_what_a_bred_network_cannot_do_is_said(kuznechik, bred_run, tmp_path, monkeypatch, call, message):
    monkeypatch.chdir(tmp_path)
    called = kuznechik(*(bred_run / "starred" / "tune" if each == "RUN" else each for each in call))
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert message in called.err
