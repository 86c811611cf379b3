"""Runs that begin with what another run has learned."""

import json

import pytest

from agents.neat.genome_json import genome_from_columns, genome_from_json, genome_to_columns
from experiments.cli import main

SETTINGS = ("evolve.population_size=40", "species.target_species=2", "genome.node_add_prob=0.3")
SMALL = ("--memory", "6", "--prompt", "4", *(part for setting in SETTINGS for part in ("--set", setting)))


@pytest.fixture(scope="module")
def tune(tmp_path_factory, write_song):
    return write_song(tmp_path_factory.mktemp("songs") / "tune.mid", "CDEFGAB.CEGCEGCD")


@pytest.fixture(scope="module")
def learned(tmp_path_factory, tune):
    """Return a run of forty generations; nobody changes it."""
    folder = tmp_path_factory.mktemp("learned") / "run"
    ending = ("--set", "evolve.generations=40", "--out", str(folder))
    assert main(["evolve", str(tune), *SMALL, *ending]) == 0
    return folder


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def test_evolution_begins_with_a_champion_and_its_children(kuznechik, tmp_path, tune, learned):
    run = tmp_path / "run"
    called = kuznechik("evolve", tune, *SMALL, "--seed", 5, "--from", learned, "--out", run,
                       "--set", "evolve.generations=1")  # fmt: skip
    champion, *shape = genome_from_json((learned / "best" / "genome.json").read_text())
    connections = sum(gene.enabled for gene in champion.connections.values())
    assert f"starts from the champion of {connections} connections of {learned}" in called.err
    (line,) = (run / "initial.jsonl").read_text().splitlines()
    assert json.loads(line) == genome_to_columns(champion, *shape)
    assert summary(run)["right_teacher_forced"] >= summary(learned)["right_teacher_forced"] > 5
    origin = json.loads((run / "meta.json").read_text())["origin"]
    assert (origin["run"], origin["seed"], origin["file"]) == (str(learned), 0, "initial.jsonl")


def test_a_run_with_an_origin_is_resumed_and_repeated_without_it(kuznechik, tmp_path, tune, learned):
    options = ("evolve", tune, *SMALL, "--from", learned)
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert kuznechik(*options, "--set", "evolve.generations=4", "--out", whole).status == 0
    assert kuznechik(*options, "--set", "evolve.generations=2", "--out", part, "--checkpoint-every", "0").status == 0
    assert kuznechik("evolve", "--resume", part, "--set", "evolve.generations=4").status == 0
    assert (part / "best" / "genome.json").read_bytes() == (whole / "best" / "genome.json").read_bytes()
    again = tmp_path / "again"
    assert kuznechik("repeat", whole, "--out", again).status == 0
    for name in ("initial.jsonl", "best/genome.json"):
        assert (again / name).read_bytes() == (whole / name).read_bytes()


def test_evolution_begins_with_the_population_of_a_checkpoint(kuznechik, tmp_path, tune, learned):
    run = tmp_path / "run"
    called = kuznechik("evolve", tune, *SMALL, "--from", learned / "checkpoints", "--out", run,
                       "--set", "evolve.generations=1", "--set", "evolve.population_size=15")  # fmt: skip
    assert f"starts from the population of 40 genomes of {learned}" in called.err
    genomes = [json.loads(line) for line in (run / "initial.jsonl").read_text().splitlines()]
    assert [genome_from_columns(one)[1:] for one in genomes] == [(6 * 13, 13)] * 40
    assert (summary(run)["evaluations"], summary(run)["generations"]) == (15, 1)
    assert summary(run)["right_teacher_forced"] > 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory", "7", "--prompt", "4"), r"78 inputs and 13 outputs, this run needs 91 and 13: --memory 6 lets it"),
        ((*SMALL, "--keys", "20"), r"this run needs 120 and 20: --keys 13 --fold gives tune as many keys"),
        ((*SMALL, "--set", "genome.recurrent=true"), "add --set genome.recurrent=false, as in its run"),
        ((*SMALL, "--set", "evolve.algorithm=openai_es"), "--from needs evolve.algorithm = 'neat'"),
    ],
)
def test_genomes_that_do_not_fit_are_refused_with_what_to_do(kuznechik, tmp_path, tune, learned, options, message):
    called = kuznechik("evolve", tune, *options, "--from", learned, "--out", tmp_path / "run")
    assert called.status == 2
    assert message in called.err
    assert not (tmp_path / "run").exists()


def test_other_runs_and_tasks_have_nothing_to_begin_with(kuznechik, tmp_path, tune, learned):
    called = kuznechik("evolve", "--env", "CartPole-v1", "--from", learned, "--out", tmp_path / "run")
    assert "78 inputs and 13 outputs, this run needs 4 and 2: use a run of the same task" in called.err
    assert "no such run folder" in kuznechik("evolve", tune, "--from", tmp_path / "none").err
    assert "--from does not go with --resume" in kuznechik("evolve", "--resume", learned, "--from", learned).err
    assert "--from does not go with --each" in kuznechik("evolve", "--each", "--from", learned).err


def test_a_broken_origin_is_one_line(kuznechik, tmp_path, tune, learned):
    run = tmp_path / "run"
    options = (*SMALL, "--from", learned, "--out", run, "--set", "evolve.generations=1", "--checkpoint-every", "0")
    assert kuznechik("evolve", tune, *options).status == 0
    for content in ('{"inputs": 1}\n', "", (run / "initial.jsonl").read_text().replace('"inputs":78', '"inputs":77')):
        (run / "initial.jsonl").write_text(content)
        called = kuznechik("repeat", run, "--out", tmp_path / "again")
        assert (called.status, called.err.count("\n")) == (2, 1)
        assert "initial.jsonl is broken" in called.err


def test_a_dqn_begins_with_the_network_of_another(kuznechik, tmp_path, tune, learned):
    pytest.importorskip("torch")
    settings = ("dqn.steps=60", "dqn.evaluate_every=30", "dqn.learning_starts=20", "network.hidden=16")
    small = ("--memory", "6", "--prompt", "4", *(part for setting in settings for part in ("--set", setting)))
    first, second = tmp_path / "first", tmp_path / "second"
    assert kuznechik("dqn", tune, *small, "--out", first).status == 0
    late = ("--set", "dqn.learning_starts=59", "--seed", "4")  # nothing is learned before the first evaluation
    called = kuznechik("dqn", tune, *small, *late, "--from", first, "--out", second, "--json")
    step = json.loads((first / "summary.json").read_text())["champion_of_step"]
    assert f"starts from the champion of step {step} of {first}" in called.err
    header, row, *_ = (second / "metrics.csv").read_text().splitlines()
    right = dict(zip(header.split(","), row.split(","), strict=True))["right_teacher_forced"]
    assert int(right) == summary(first)["right_teacher_forced"]
    assert kuznechik("repeat", second, "--out", tmp_path / "again").status == 0
    wrong = kuznechik("dqn", tune, *small, "--memory", "5", "--set", "network.hidden=8", "--from", first)
    assert "its network has a different shape: add --memory 6 --set network.hidden=16" in wrong.err
    assert "it is a run of evolve, which has no Q-network" in kuznechik("dqn", tune, *small, "--from", learned).err
    assert "it is a run of dqn, which has no genomes" in kuznechik("evolve", tune, *SMALL, "--from", first).err
