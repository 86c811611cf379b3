"""The leaderboard: rewards of several listeners for several performers, real songs, random keys and silence.

    leaderboard.json       every row, with intervals
    NAME/melody.mid, .wav  one melody of each, and its roll.npy

Conventions: rolls are (T, 13) bool. Rewards are of a step, on average, without the first bar, which most performers
are given. Intervals are those that hold the mean in 95% of 1000 bootstrap samples of the melodies. Percentiles are
those of whole melodies among real ones, by the held-out judge.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.performer import RandomPlayer
from agents.rollout import play_on
from experiments.runs.champion import Run
from experiments.runs.folder import RunFolder
from experiments.runs.melody import write_melody
from listener import theory
from listener.description import describe_rolls, longest_shared_run, outside
from listener.listener import Listener
from listener.markov import MarkovChain
from songs.keyboard import KEYS, PROMPT_STEPS, STEPS_PER_BAR
from songs.song import Song

MARKOV_ORDER = 4
PIECE = 4 * STEPS_PER_BAR
"""Steps of the pieces that the Markov chain learns from."""
RESAMPLES = 1000

Percentiles = Callable[[np.ndarray], np.ndarray]
"""Percentiles (N,) of rolls (N, T, 13) among real melodies: those of `listener.judge.Judge`."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A performer and what it played."""

    name: str
    what: str
    rolls: Sequence[np.ndarray]
    """At least one, longer than the first bar."""
    song: Song
    """Gives the melodies their tempo."""
    real: bool = False
    """Whether these are the songs themselves."""


def baselines(songs: Sequence[Song], count: int, steps: int, seed: int) -> list[Entry]:
    """Return real songs, a Markov chain that learned from them, random keys and silence.

    Args:
        songs: at least one that is longer than a piece.
        count: melodies of the chain and of random keys.
        steps: of each of these.
        seed: of both.
    """
    chain, keys = (np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(2))
    pieces = [song.roll[first : first + PIECE] for song in songs for first in range(0, song.steps - PIECE + 1, PIECE)]
    drawn = MarkovChain(theory.melody(np.array(pieces)), MARKOV_ORDER).sample(count, steps, chain, MARKOV_ORDER)
    player, nothing = RandomPlayer(keys), np.zeros((0, KEYS), dtype=bool)
    at_random = [play_on(player, nothing, steps, 1) for _ in range(count)]
    first = songs[0]
    return [
        Entry("real", f"{len(songs)} real songs", [song.roll for song in songs], first, real=True),
        Entry("markov", f"a Markov chain of order {MARKOV_ORDER} that learned from them", list(_rolls(drawn)), first),
        Entry("random", "one key at random, or none", at_random, first),
        Entry("silence", "always rests", [np.zeros((steps, KEYS), dtype=bool)], first),
    ]


def _rolls(melodies: np.ndarray) -> np.ndarray:
    """Return melodies (N, T), -1 for a rest, as rolls (N, T, 13)."""
    return melodies[:, :, None] == np.arange(KEYS)


def champion(run: Run) -> Entry:
    """Return the champion of a run and what it plays: it improvises if it learned to, or plays its songs."""
    player, task = run.player(), run.task
    if run.improvising:
        rolls = list(run.improvising.play(player))
        what = "improvises"
    else:
        rolls = [play_on(player, song.roll[: task.prompt], song.steps, task.memory) for song in run.songs]
        what = "plays what it learned"
    return Entry(run.folder.path.name, what, rolls, run.songs[0])


def judge(
    entries: Sequence[Entry],
    listeners: dict[str, Listener],
    songs: Sequence[Song],
    seed: int,
    percentiles: Percentiles | None = None,
    trained_on: Sequence[np.ndarray] = (),
) -> list[dict]:
    """Return a row for every performer.

    Args:
        entries: the performers.
        listeners: by name.
        songs: real ones, for the statistics.
        seed: of the bootstrap.
        percentiles: of the held-out judge; None: it is not asked.
        trained_on: rolls (T, 13) that listeners learned from, to see what is copied from them.

    Returns:
        name, what, melodies; the judge's percentile, median and interval of the median; by listener the mean reward of
        a step and its interval; the statistics that lie outside the real songs' 5th to 95th percentile; steps of the
        longest stretch shared with a song, on average, None for the songs themselves; and of the longest in any melody
        that is shared with what listeners learned from.
    """
    rows = []
    for entry in entries:
        rewards = {
            name: _estimate("mean", _mean_rewards(listener, entry.rolls), seed) for name, listener in listeners.items()
        }
        table = describe_rolls([roll[PROMPT_STEPS:] for roll in entry.rolls], [song.roll for song in songs])
        copied = table.pop("longest_shared_run")["mean"]
        row = {"name": entry.name, "what": entry.what, "melodies": len(entry.rolls), "rewards": rewards}
        if percentiles:
            ranks = np.concatenate([percentiles(roll[None]) for roll in entry.rolls])
            row["percentile"] = _estimate("median", ranks, seed)
        if trained_on:
            row["shared_with_training"] = max(
                longest_shared_run(roll[PROMPT_STEPS:], trained_on) for roll in entry.rolls
            )
        row |= {"outside_the_real_ones": outside(table), "longest_shared_run": None if entry.real else copied}
        rows.append(row)
    best = next(iter(listeners))
    return sorted(rows, key=lambda row: -row["rewards"][best]["mean"])


def _estimate(name: str, values: np.ndarray, seed: int) -> dict[str, float | None]:
    """Return the mean or the median of values (N,) by its name, and its interval, None for a single value."""
    middle: Callable = np.mean if name == "mean" else np.median
    if len(values) == 1:
        return {name: float(values[0]), "low": None, "high": None}
    drawn = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(middle(values[drawn], axis=1), [2.5, 97.5]).tolist()
    return {name: float(middle(values)), "low": low, "high": high}


def _mean_rewards(listener: Listener, rolls: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean reward (N,) of a step of each roll."""
    return np.array([listener.rewards(roll[None])[0, PROMPT_STEPS:].mean(dtype=np.float64) for roll in rolls])


def write(folder: RunFolder, rows: Sequence[dict], entries: Sequence[Entry]) -> None:
    """Write the table and a melody of each performer."""
    folder.write_json("leaderboard.json", {"rows": list(rows)})
    for entry in entries:
        write_melody(folder.path / entry.name, entry.rolls[0], entry.song, entry.name)
