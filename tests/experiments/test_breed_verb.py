"""`kuznechik breed`: it prints the address of its page, and ends by Ctrl-C with what goes on."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

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
    assert written.splitlines()[0] == "Interrupted after 1 choices."
    assert written.splitlines()[-1] == f"Continue: kuznechik breed --resume {out}"
    again = kuznechik("repeat", out, "--out", tmp_path / "again")
    assert again.status == 0
    assert "history/genomes.csv: the same to the byte" in again.out
    assert kuznechik("play", out, "--wav", tmp_path / "bred.wav").status == 0
    scored = kuznechik("score", out)
    assert (scored.status, scored.err.count("\n")) == (2, 1)
    assert "nothing in it is right or wrong" in scored.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--between", 3), "--between goes with --listener"),
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
