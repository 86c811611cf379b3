"""`import kuznechik`: the names a newcomer needs."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import kuznechik

ROOT = Path(__file__).parents[1]


def test_importing_it_registers_the_environments():
    program = (
        "import gymnasium, kuznechik\n"
        "for name in 'kuznechik/Memorize-v0', 'kuznechik/MemorizeOneKey-v0':\n"
        "    env, vector = gymnasium.make(name), gymnasium.make_vec(name, 3)\n"
        "    print(env.reset(seed=1)[0].shape, vector.reset(seed=1)[0].shape)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "(416,) (3, 416)\n" * 2, "")


def test_all_that_it_names_is_there():
    assert all(hasattr(kuznechik, name) for name in kuznechik.__all__)
    assert isinstance(kuznechik.KeyboardEnv([kuznechik.find_song("can_can")]), gymnasium.Env)
    assert kuznechik.make_listener("theory").rewards(np.zeros((1, 8, 13), dtype=bool)).shape == (1, 8)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Return the path of a song of one bar: a key at every step."""
    path = tmp_path_factory.mktemp("songs") / "ladder.mid"
    kuznechik.Song("ladder", np.eye(13)[[0, 2, 4, 5, 7, 9, 11, 12] * 2]).write(path)
    return str(path)


def test_a_song_is_evolved_scored_and_played(short, tmp_path, capsys):
    small = {"task": {"memory": 2, "prompt": 2}, "evolve": {"generations": 3, "population_size": 20}}
    run = kuznechik.evolve(short, seed=3, out=tmp_path / "run", **small)
    assert [song.name for song in run.songs] == ["ladder"]
    assert repr(run) == f"Run({str(tmp_path / 'run')!r})"
    assert (tmp_path / "run" / "summary.json").is_file()
    scores = kuznechik.score(run)
    assert (scores["song"], scores["steps"], scores["ceiling"]) == ("ladder", 14, 14)
    assert kuznechik.score(tmp_path / "run", short) == scores
    kuznechik.play(run, wav=tmp_path / "ladder.wav")
    assert "16 steps" in capsys.readouterr().out
    assert (tmp_path / "ladder.wav").read_bytes()[:4] == b"RIFF"


def test_a_song_is_learned_by_deep_q_learning(short, tmp_path):
    pytest.importorskip("torch", reason="needs torch: pip install '.[torch]'")
    small = {"task": {"memory": 2, "prompt": 2}, "dqn": {"steps": 200, "evaluate_every": 100}}
    run = kuznechik.learn(short, out=tmp_path / "run", **small)
    assert kuznechik.score(run)["steps"] == 14


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"song": "nothing like it"}, "nothing like it"),
        ({"genomes": {"size": 3}}, "unknown section"),
        ({"evolve": {"size": 3}}, "unknown key evolve.size"),
        ({"preset": "nowhere"}, "no such file or preset"),
    ],
)
def test_mistakes_are_a_line_and_leave_no_folder(arguments, match, tmp_path):
    with pytest.raises(ValueError, match=match):
        kuznechik.evolve(out=tmp_path / "run", **arguments)
    assert not (tmp_path / "run").exists()
