"""The leaderboard: rewards of several listeners for sources, compared with real songs, model samples, and chance.

    leaderboard.json       every row, with intervals
    NAME/melody.mid, .wav  one melody of each, and its roll.npy

Conventions: rolls are (T, K) bool. Rewards are means per step, without the first bar, which most performers are
given. Intervals are 95% percentile intervals over 1000 bootstrap samples of the melodies. Percentiles are those of
whole melodies among real ones, according to the held-out judge.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from experiments.options import UsageError
from experiments.runs.folder import RunFolder
from experiments.runs.melody import write_melody
from experiments.runs.source import REAL, Playing, Source, as_heard, catalogue
from experiments.runs.sources import read_source, read_sources
from experiments.studies.muspy_metrics import muspy_metrics
from experiments.studies.source_comparison import distances_from
from listener.description import describe_rolls, longest_shared_run, outside
from listener.listener import Listener
from songs.keyboard import KEYS, PROMPT_STEPS, STEPS_PER_BAR
from songs.plan import FEWEST_BARS, MOST_BARS
from songs.song import Song

LEAST_STEPS = 4 * STEPS_PER_BAR
DRAWS = 16
"""Number of draws from a model, the best of which is kept."""
AT_ONCE = 256
"""Draws that a listener rewards in one batch, which bounds the memory."""
RESAMPLES = 1000

Percentiles = Callable[[np.ndarray], np.ndarray]
"""Function that returns percentiles (N,) of rolls (N, T, K) among real melodies, as `listener.judge.model.Judge`."""


def performers(texts: Sequence[str], playing: Playing, listener: Listener, draws: int = DRAWS) -> list[Source]:
    """Return the given sources and those to compare them with.

    The latter are real songs, samples of the MusicVAE and of a Markov chain, random keys and silence; and draws of the
    model of real melodies and of the model of form, each the best of `draws` by a listener. Models that need torch are
    left out if it is not installed.
    """
    real = _real(playing)
    models = ["vae:16"] if find_spec("torch") else []
    others = [text for text in (*models, "markov:4", "random", "silence") if text not in texts]
    sources = [as_heard(source) for source in read_sources([*texts, *others], playing)]
    return [real, *sources, *(_best_draws(playing, listener, draws) if models else [])]


def _real(playing: Playing) -> Source:
    known = catalogue(playing)
    songs = [song for song in known.songs if song.steps >= LEAST_STEPS]
    if not songs:
        raise UsageError(f"{playing.folder}: no song has {LEAST_STEPS} steps or more")
    return replace(known, name=REAL, what=f"{len(songs)} real songs", songs=songs)


def _best_draws(playing: Playing, listener: Listener, draws: int) -> list[Source]:
    """Return the best draws, by a listener, of the model of real melodies and of the model of form."""
    from listener.files import read_form

    count = draws * playing.melodies
    alone = [song.roll for song in read_source("melody", replace(playing, melodies=count)).songs]
    steps = len(alone[0])
    bars = min(max(-(-steps // STEPS_PER_BAR), FEWEST_BARS), MOST_BARS)
    _, melodies = read_form().draw_pool(count, bars, np.random.default_rng(playing.seed))
    by_plan = melodies[:, :steps, None] == np.arange(KEYS)
    kinds = {f"best-of-{draws}": (alone, "real melodies"), f"best-of-{draws}-by-plan": (by_plan, "form")}
    return [
        Source(name, f"the best of {draws} draws of the model of {of} by the first listener", songs, sampled=True)
        for name, (rolls, of) in kinds.items()
        for songs in [_best(name, np.asarray(rolls), playing.melodies, listener)]
    ]


def _best(name: str, rolls: np.ndarray, count: int, listener: Listener) -> list[Song]:
    """Split rolls into `count` equal parts, and return the best roll (T, K) of each by a listener, as songs."""
    chunks = [rolls[first : first + AT_ONCE] for first in range(0, len(rolls), AT_ONCE)]
    rewards = np.concatenate([listener.rewards(chunk).sum(axis=1, dtype=np.float64) for chunk in chunks])
    return [Song(name, rolls[part[rewards[part].argmax()]]) for part in np.array_split(np.arange(len(rolls)), count)]


def judge(
    entries: Sequence[Source],
    listeners: dict[str, Listener],
    songs: Sequence[Song],
    seed: int,
    percentiles: Percentiles | None = None,
    trained_on: Sequence[np.ndarray] = (),
) -> list[dict]:
    """Return a row for every performer.

    Args:
        entries: The performers.
        listeners: Listeners by name.
        songs: Real songs, for the features.
        seed: Seed of the bootstrap.
        percentiles: The held-out judge's percentiles; None to leave them out.
        trained_on: Rolls (T, K) that listeners learned from, to measure what is copied from them.

    Returns:
        name, what, melodies; the judge's percentiles, their median and its interval; for each listener the mean reward
        per step and its interval; the features outside the real songs' 5th to 95th percentile; the mean length in
        steps of the longest passage shared with a song, None for the songs themselves; the longest passage in any
        melody that is shared with the listeners' training melodies; the share of the first listener's terms at their
        cap, if it has such; MusPy's metrics; and the Fréchet distance from the real songs in the MusicVAE's latent
        space, None for the songs themselves and without torch.
    """
    rows = []
    distances = distances_from(songs)
    for entry in entries:
        rolls = [song.roll for song in entry.songs]
        rewards = {
            name: _estimate("mean", _mean_rewards(listener, rolls), seed) for name, listener in listeners.items()
        }
        table = describe_rolls([roll[PROMPT_STEPS:] for roll in rolls], [song.roll for song in songs])
        copied = table.pop("longest_shared_run")["mean"]
        row = {"name": entry.name, "what": entry.what, "melodies": len(rolls), "rewards": rewards}
        row["muspy"] = muspy_metrics(entry.songs)
        row["frechet_distance"] = None if entry.name == REAL else distances(entry.songs)
        if percentiles:
            ranks = np.concatenate([percentiles(roll[None]) for roll in rolls])
            row |= {"percentile": _estimate("median", ranks, seed), "percentiles": ranks.tolist()}
        if capped := getattr(next(iter(listeners.values())), "capped", None):
            row["terms_at_cap"] = float(np.mean([capped(roll[None])[0] for roll in rolls]))
        if trained_on:
            row["shared_with_training"] = max(longest_shared_run(roll[PROMPT_STEPS:], trained_on) for roll in rolls)
        row |= {"outside_the_real_ones": outside(table), "longest_shared_run": None if entry.name == REAL else copied}
        rows.append(row)
    best = next(iter(listeners))
    return sorted(rows, key=lambda row: -row["rewards"][best]["mean"])


def _estimate(name: str, values: np.ndarray, seed: int) -> dict[str, float | None]:
    """Return the mean or median of values (N,), by name, and its interval; None for a single value."""
    middle: Callable = np.mean if name == "mean" else np.median
    if len(values) == 1:
        return {name: float(values[0]), "low": None, "high": None}
    drawn = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(middle(values[drawn], axis=1), [2.5, 97.5]).tolist()
    return {name: float(middle(values)), "low": low, "high": high}


def _mean_rewards(listener: Listener, rolls: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean reward per step of each roll, (N,)."""
    return np.array([listener.rewards(roll[None])[0, PROMPT_STEPS:].mean(dtype=np.float64) for roll in rolls])


def write(folder: RunFolder, rows: Sequence[dict], entries: Sequence[Source]) -> None:
    """Write the table and a melody of each performer."""
    folder.write_json("leaderboard.json", {"rows": list(rows)})
    for entry in entries:
        write_melody(folder.path / entry.name, entry.songs[0].roll, entry.songs[0], entry.name)
