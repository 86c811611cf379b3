"""Exported networks press the same keys as the champion on all windows of the song, or take the same actions."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

from experiments.cli import main
from experiments.runs.champion import open_run
from songs.piano_roll import memory_windows

SETTINGS = ("evolve.population_size=40", "genome.node_add_prob=0.3", "evolve.generations=30")
SMALL = ("--memory", "6", "--prompt", "4", *(part for setting in SETTINGS for part in ("--set", setting)))
DQN = ("dqn.steps=300", "dqn.evaluate_every=100", "dqn.learning_starts=50", "network.hidden=16", "dqn.updates=1")
DQN = ("--memory", "6", "--prompt", "4", *(part for setting in DQN for part in ("--set", setting)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, write_song):
    """Return a folder of runs that learned the same tune; nobody changes it."""
    folder = tmp_path_factory.mktemp("exported")
    tune = str(write_song(folder / "tune.mid", "CDEFGAB.C[EG]CEGCD.[EB]C.D"))
    for name, *options in (
        ("neat", "evolve", tune, *SMALL),
        ("recurrent", "evolve", tune, *SMALL, "--set", "genome.recurrent=true"),
        ("sigmoid", "evolve", tune, *SMALL, "--config", "plain-neat", "--set", "genome.activation=sigmoid"),
    ):
        assert main([*options, "--out", str(folder / name)]) == 0
    return folder


@pytest.fixture(scope="module")
def q_runs(runs):
    """Add runs of a DQN with both heads; nobody changes them."""
    pytest.importorskip("torch")
    for name, *options in (
        ("branching",),
        ("dueling", "--set", "network.dueling=true"),
        ("one_key", "--set", "network.head=one_key", "--set", "dqn.td_loss=step"),
    ):
        assert main(["dqn", str(runs / "tune.mid"), *DQN, *options, "--out", str(runs / name)]) == 0
    return runs


def windows(run):
    """Return all memories of the run's song as observations (T, I), and the keys of the champion (T, K)."""
    (song,) = run.songs
    memory = memory_windows(song.roll, run.task.remembered, run.task.prompt)
    player = run.player()
    player.reset(1)
    keys = np.concatenate([player.press(one[None]) for one in memory])
    return memory.reshape(len(memory), -1).astype(np.float32), keys


def load(path):
    """Import a program that was written."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exported(kuznechik, tmp_path, run, kind, suffix):
    path = tmp_path / f"champion{suffix}"
    called = kuznechik("export", run, "--to", kind, "--out", path)
    assert (called.status, called.err) == (0, "")
    assert called.out.splitlines()[0] == str(path)
    return path


def by_python(path, observations):
    program = load(path)
    program.start()
    return [program.keys(one) for one in observations.tolist()]


def by_torch(path, observations):
    torch = pytest.importorskip("torch")
    program = load(path)
    network = program.load()
    network.start(1)
    return torch.cat([program.decide(network(one)) for one in torch.from_numpy(observations)[:, None]]).tolist()


def by_onnx(path, observations):
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    return session.run(["keys"], {"observation": observations})[0].tolist()


FORMATS = {"python": (".py", by_python), "torch": (".py", by_torch), "onnx": (".onnx", by_onnx)}


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("name", ["neat", "recurrent", "sigmoid"])
def test_a_genome_presses_the_same_keys(kuznechik, tmp_path, runs, name, to):
    pytest.importorskip("torch" if to == "torch" else "onnx" if to == "onnx" else "json")
    suffix, play = FORMATS[to]
    if (name, to) == ("recurrent", "onnx"):
        called = kuznechik("export", runs / name, "--to", to)
        assert "a recurrent network can only be exported to python, torch or neat-json" in called.err
        return
    observations, keys = windows(open_run(runs / name))
    assert keys.any()
    assert play(exported(kuznechik, tmp_path, runs / name, to, suffix), observations) == keys.tolist()


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("name", ["branching", "dueling", "one_key"])
def test_a_q_network_presses_the_same_keys(kuznechik, tmp_path, q_runs, name, to):
    pytest.importorskip("onnx" if to == "onnx" else "json")
    suffix, play = FORMATS[to]
    observations, keys = windows(open_run(q_runs / name))
    assert keys.any()
    assert play(exported(kuznechik, tmp_path, q_runs / name, to, suffix), observations) == keys.tolist()


def by_neat_json(path, observations):
    """Evaluate a file of neat-python's format, feed-forward, with nothing of ours."""
    content = json.loads(path.read_text())
    assert (content["format_version"], content["network_type"]) == ("1.0", "feedforward")
    functions = {"tanh": lambda z: np.tanh(2.5 * z), "sigmoid": lambda z: 1 / (1 + np.exp(-5 * z)), "identity": None}
    outputs, keys = content["topology"]["output_keys"], []
    for one in observations.tolist():
        values = dict(zip(content["topology"]["input_keys"], one, strict=True))
        for node in (node for node in content["nodes"] if node["type"] != "input"):
            fed = [(gene["from"], gene["weight"]) for gene in content["connections"] if gene["to"] == node["id"]]
            total = sum(values[source] * weight for source, weight in fed)
            values[node["id"]] = functions[node["activation"]["name"]](node["bias"] + node["response"] * total)
        sigmoid = content["nodes"][-1]["activation"]["name"] == "sigmoid"
        keys.append([bool(values[output] > (0.5 if sigmoid else 0)) for output in outputs])
    return keys


@pytest.mark.parametrize("name", ["neat", "sigmoid"])
def test_neat_json_presses_the_same_keys(kuznechik, tmp_path, runs, name):
    observations, keys = windows(open_run(runs / name))
    assert by_neat_json(exported(kuznechik, tmp_path, runs / name, "neat-json", ".json"), observations) == keys.tolist()


def test_an_exported_program_needs_nothing_but_python(kuznechik, tmp_path, runs):
    path = exported(kuznechik, tmp_path, runs / "neat", "python", ".py")
    call = f"import {path.stem} as c, sys; print(len(c.keys([0] * 78)), 'numpy' in sys.modules, __debug__)"
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {call}"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("13 False True\n", "")


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1"])
def test_a_champion_of_an_environment_acts_alike(kuznechik, tmp_path, env_id):
    run, few = tmp_path / "run", ("environment.episodes=1", "environment.validation=1", "environment.test=1")
    small = ("evolve.population_size=8", "evolve.generations=2", "environment.max_steps=20", *few)
    settings = [part for setting in small for part in ("--set", setting)]
    assert kuznechik("evolve", "--env", env_id, *settings, "--out", run).status == 0
    from agents.neat.env_player import NetworkPolicy
    from experiments.runs.evolve.env_task import make_env

    champion = open_run(run).environment
    env = make_env(champion.config.environment)
    policy = NetworkPolicy(champion.genome, env)
    observations = np.array([env.observation_space.sample() for _ in range(5)]).clip(-3, 3).astype(np.float32)
    expected = np.array([policy(one) for one in observations])
    program = load(exported(kuznechik, tmp_path, run, "python", ".py"))
    np.testing.assert_allclose([program.act(one) for one in observations.tolist()], expected, rtol=1e-6)
    onnxruntime, torch = pytest.importorskip("onnxruntime"), pytest.importorskip("torch")
    session = onnxruntime.InferenceSession(exported(kuznechik, tmp_path, run, "onnx", ".onnx"))
    np.testing.assert_allclose(session.run(["action"], {"observation": observations})[0], expected, rtol=1e-6)
    (tmp_path / "champion.py").unlink()
    program = load(exported(kuznechik, tmp_path, run, "torch", ".py"))
    np.testing.assert_allclose(program.decide(program.load()(torch.from_numpy(observations))), expected, rtol=1e-6)


def test_what_cannot_be_exported_is_one_line(kuznechik, tmp_path, runs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert kuznechik("export", runs / "neat", "--to", "python").out == "neat.py\n"
    for arguments, message in (
        ((runs / "neat", "--to", "python"), "neat.py already exists: choose another name, or replace it with --fo"),
        ((runs / "neat", "--to", "onnx", "--out", "x.py"), "x.py: --to onnx writes a .onnx file"),
        ((tmp_path / "none", "--to", "onnx"), "none: no such run folder"),
        ((runs / "neat", "--to", "pickle"), "invalid choice: 'pickle'"),
    ):
        called = kuznechik("export", *arguments)
        assert called.status == 2
        assert message in called.err


def test_a_q_network_is_no_genome(kuznechik, q_runs):
    called = kuznechik("export", q_runs / "branching", "--to", "neat-json")
    assert "a Q-network is not a genome: export it to python, torch or onnx" in called.err
