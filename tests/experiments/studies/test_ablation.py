"""Ablations: variants of one experiment, several seeds each."""

import json

import numpy as np
import pytest

from experiments.config.settings import ConfigError
from experiments.studies.ablation import Outcome, bootstrap_interval, markdown, read_ablation, run_ablation, summarise
from songs.song import Song

FILE = """
seeds = 2
[base.task]
song = "{song}"
memory = 4
prompt = 2
[base.evolve]
generations = 3
population_size = 20
[variants]
"default" = []
"no focus" = ["operators.loss_weighted_output=0", "evolve.generations=1"]
"""


@pytest.fixture
def file(tmp_path):
    roll = np.zeros((8, 13), dtype=bool)
    roll[[0, 2, 4, 6], [0, 4, 7, 4]] = True
    Song("tune", roll).write(tmp_path / "tune.mid")
    path = tmp_path / "compare.toml"
    path.write_text(FILE.format(song=tmp_path / "tune.mid"))
    return path


def outcome(variant, solved, evaluations):
    return Outcome(variant, 0, solved, 6 if solved else 5, 6, evaluations, 1.0, 3, 2.0)


def test_a_variant_is_the_base_with_its_settings(file):
    ablation = read_ablation(file)
    assert ablation.seeds == 2
    assert [config.operators.loss_weighted_output for config in ablation.variants.values()] == [0.7, 0.0]
    assert [config.evolve.population_size for config in ablation.variants.values()] == [20, 20]


def test_workers_that_are_interrupted_leave_nothing_behind(file, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    outcomes = run_ablation(read_ablation(file), range(4), workers=2)
    next(outcomes)
    with pytest.raises(KeyboardInterrupt):
        outcomes.throw(KeyboardInterrupt)
    assert not list((tmp_path / "temporary").iterdir())


def test_every_variant_runs_with_every_seed_and_the_order_is_that_of_the_file(file):
    outcomes = list(run_ablation(read_ablation(file), [5, 6]))
    assert [(one.variant, one.seed) for one in outcomes] == [
        ("default", 5),
        ("default", 6),
        ("no focus", 5),
        ("no focus", 6),
    ]
    assert all(one.cases == 6 and (one.solved or one.evaluations >= 20) for one in outcomes)
    assert all(one.evaluations == 20 for one in outcomes[2:])


def test_workers_change_nothing_but_the_time(file):
    def without_time(outcomes):
        return sorted((one.variant, one.seed, one.right, one.evaluations, one.connections) for one in outcomes)

    ablation = read_ablation(file)
    assert without_time(run_ablation(ablation, [1, 2], workers=2)) == without_time(run_ablation(ablation, [1, 2]))


def test_medians_and_lower_bounds():
    rows = summarise([outcome("a", True, 10), outcome("a", True, 20), outcome("a", False, 90), outcome("b", False, 90)])
    assert [(row["variant"], row["solved"], row["runs"], row["evaluations"]) for row in rows] == [
        ("a", 2, 3, 20.0),
        ("b", 0, 1, 90.0),
    ]
    assert [row["lower_bound"] for row in rows] == [False, True]
    table = markdown(rows).splitlines()
    assert table[2] == "| a | 2 of 3 | 6 of 6 | 20 (10 to 90) | 1.0 | 3 | 2 |"
    assert table[3] == "| b | 0 of 1 | 5 of 6 | > 90 (90 to 90) | 1.0 | 3 | 2 |"


def test_the_interval_is_about_the_median_and_always_the_same():
    values = list(range(101))
    low, high = bootstrap_interval(values)
    assert 35 <= low < 50 < high <= 65
    assert (low, high) == bootstrap_interval(values)
    assert bootstrap_interval([7.0]) == (7.0, 7.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"\[variants\] is missing"),
        ("nonsense = 1\n[variants]\na = []", "unknown key nonsense"),
        ('[variants]\na = ["operators.fokus=0"]', "unknown key operators.fokus"),
        ("seeds = 0\n[variants]\na = []", "at least one seed"),
        ("not toml", "compare.toml"),
    ],
)
def test_a_file_that_makes_no_sense_is_told(tmp_path, text, reason):
    path = tmp_path / "compare.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        read_ablation(path)


def test_the_verb_prints_the_table_and_keeps_the_outcomes(kuznechik, file, tmp_path):
    called = kuznechik("ablate", file, "--seeds", 1, "--first-seed", 3, "--out", tmp_path / "runs.json")
    assert (called.status, called.err) == (0, "")
    assert called.out.splitlines()[2].startswith("| default | ")
    kept = json.loads((tmp_path / "runs.json").read_text())["outcomes"]
    assert [(one["variant"], one["seed"]) for one in kept] == [("default", 3), ("no focus", 3)]
