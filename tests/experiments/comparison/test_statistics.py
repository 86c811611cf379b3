"""Statistics over seeds: by hand, and against slow loops."""

import numpy as np
import pytest

from experiments.comparison.curves import Comparison, Curve, Group
from experiments.comparison.run_list import ListedRun
from experiments.comparison.statistics import (
    STATISTICS,
    _probability,
    band,
    better,
    interquartile_mean,
    interval,
    pooled,
    share_solved,
    table,
)
from experiments.runs.folder import RunFolder


def curve(y, x=None, solved=False, song="tune", stopped="budget", **options):
    summary = {"stopped": stopped, "solved": solved, "song": song, "cpu_seconds": 1.0}
    run = ListedRun(RunFolder("run"), "evolve", "", {"task.kind": "song", **options}, summary)
    return Curve(run, np.array(x or range(1, len(y) + 1), dtype=float), np.array(y, dtype=float))


def comparison(*groups, measure="right"):
    named = [Group(label, curves) for label, curves in zip("abc", groups, strict=False)]
    return Comparison(named, "steps", measure, {}, False, [])


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end():
    assert interquartile_mean(np.array([0.0, 2, 3, 4, 5, 6, 7, 1000])) == (3 + 4 + 5 + 6) / 4


def test_the_bootstrap_resamples_every_song_on_its_own():
    samples = [np.array([[0.0, 1.0, 2.0]]), np.array([[10.0, 10.0]])]
    low, high = interval(samples, pooled(np.mean))
    generator, means = np.random.default_rng(0), []
    for _ in range(4000):
        drawn = [sample[0][generator.integers(0, sample.shape[1], sample.shape[1])] for sample in samples]
        means.append(np.concatenate(drawn).mean())
    expected = np.percentile(means, (2.5, 97.5))
    np.testing.assert_allclose([low[0], high[0]], expected, atol=0.21)  # means are multiples of 0.2
    assert low[0] >= 4.0  # were the songs mixed, all five could come from the first


def test_a_song_with_a_single_run_counts_once():
    low, high = interval([np.array([5.0]), np.array([0.0, 9.0])], pooled(np.mean))
    assert (low, high) == (5 / 3, 23 / 3)
    assert interval([np.array([5.0]), np.array([1.0])], pooled(np.mean)) is None


def test_a_band_holds_results_of_solved_runs_and_ends_with_the_first_budget():
    grid = np.array([1.0, 2, 3, 4, 5])
    solved = curve([1, 4], solved=True, stopped="solved")
    group = Group("a", [solved, curve([0, 1, 2, 2]), curve([9] * 2, stopped="interrupted")])
    np.testing.assert_array_equal(band(group, grid, STATISTICS["median"])[0], [0.5, 2.5, 3, 3, np.nan])
    alone = band(Group("a", [solved]), grid, STATISTICS["median"])
    np.testing.assert_array_equal(alone, [[1, 4, *[np.nan] * 3], [np.nan] * 5, [np.nan] * 5])


def test_shares_solved_are_kaplan_meier_estimates():
    group = Group(
        "a", [curve([0, 1], [1, 10], solved=True), curve([0, 0], [1, 20]), curve([0, 1], [1, 30], solved=True)]
    )
    costs, shares = share_solved(group)
    at = lambda cost: shares[np.searchsorted(costs, cost, side="right") - 1]  # noqa: E731
    assert [at(cost) for cost in (0, 9, 30)] == [0, 0, 1]
    assert at(10) == at(29) == pytest.approx(1 / 3)
    assert share_solved(Group("a", [curve([0, 0], [1, 20])]))[1].tolist() == [0, 0]


def test_ties_count_half():
    ours, theirs = np.array([1.0, 2, 2]), np.array([2.0, 0])
    slow = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a in ours for b in theirs])
    assert _probability(ours, theirs) == pytest.approx(slow)


def test_a_run_is_better_that_is_solved_at_a_lower_cost():
    quick, slow = curve([0, 6], [1, 5], solved=True), curve([0, 6], [1, 50], solved=True)
    unsolved, worse = curve([0, 5]), curve([0, 4])
    rows = better(comparison([quick, unsolved], [slow, worse]))
    assert [(row["group"], row["other"], row["better"]) for row in rows] == [("a", "b", 0.75)]
    (row,) = better(comparison([quick], [slow]))
    assert (row["better"], row["low"], row["high"]) == (1, None, None)
    (row,) = better(comparison([quick], [slow, unsolved]))
    assert (row["better"], row["low"], row["high"]) == (1, 1, 1)
    assert better(comparison([curve([1, 0], song="x")], [curve([1, 0], song="y")])) == []
    (row,) = better(comparison([curve([3, 1])], [curve([3, 2])], measure="loss"))
    assert row["better"] == 1


def test_in_an_environment_a_solved_run_is_better_than_any_return():
    env = {"task.kind": "environment", "environment.solved_at": 2e7}
    solved, unsolved = curve([0, 2e7], solved=True, **env), curve([0, 9e7], **env)
    (row,) = better(comparison([solved], [unsolved], measure="reward"))
    assert row["better"] == 1
    open_ended = curve([0, 2e7], **{**env, "environment.solved_at": 0.0})
    (row,) = better(comparison([open_ended], [unsolved], measure="reward"))
    assert row["better"] == 0


def test_the_table_counts_an_unsolved_run_with_all_its_cost():
    runs = [curve([0, 6], [1, 5], solved=True), curve([0, 2], [1, 90]), curve([0, 4], [1, 90])]
    (row,) = table(comparison([*runs, curve([0], stopped="interrupted")]), np.median)
    assert {name: row[name] for name in ("group", "runs", "ended", "solved", "lower_bound", "result", "cost")} == {
        "group": "a",
        "runs": 4,
        "ended": 3,
        "solved": 1,
        "lower_bound": True,
        "result": 4,
        "cost": 90,
    }
    assert (row["cost_low"], row["cost_high"], row["result_low"], row["result_high"]) == (5, 90, 2, 6)


def test_a_group_of_which_no_run_has_ended_has_no_figures():
    (row,) = table(comparison([curve([0, 1], stopped="interrupted")]), np.median)
    assert row == {"group": "a", "runs": 1, "ended": 0}
