"""Simulated people: how well their taste is learned from few choices, and whether they prefer what is evolved for it.

Each of five people has a hidden listener of its own and chooses between two melodies, wrongly one time in five:

    echoes   bars that are like an earlier one        leaps    intervals above a third
    sparse   few notes                                minor    notes of a minor key rather than of the major ones
    long     time that is spent in notes of half a bar or longer

    python tests/benchmarks/bench_taste.py --seeds 0 1 2 3 4            # what 60 choices predict: a minute
    python tests/benchmarks/bench_taste.py --evolve OUT                 # and champions of each taste, beside `learned`

A hidden listener is code of this file, on the notes alone. The melodies are draws of the model of real melodies, 16
bars each; held-out pairs are of other draws, and nobody errs there.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.cli import main as kuznechik
from experiments.runs.source import Playing
from experiments.runs.sources import read_source
from listener.files import read_judge, write_listener
from listener.registry import listener_named, reference_scores
from listener.taste.training import Preference, learn_taste
from listener.theory import REST, highest_keys

CHOICES, FLIPPED, POOL, HELD_OUT = 60, 0.2, 200, 2000


def notes(melody: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pitches of a melody (T,), and how many steps each is held."""
    at = np.flatnonzero(melody != REST)
    return melody[at].astype(int), np.diff(at, append=len(melody))


def echoes(melody: np.ndarray) -> float:
    bars = melody.reshape(-1, 8)
    likeness = [
        max(((bar == earlier) & (bar != REST)).sum() / max(((bar != REST) | (earlier != REST)).sum(), 1)
            for earlier in bars[:number])
        for number, bar in enumerate(bars) if number
    ]  # fmt: skip
    return float(np.mean(likeness))


def leaps(melody: np.ndarray) -> float:
    intervals = np.abs(np.diff(notes(melody)[0]))
    return float((intervals > 4).mean()) if len(intervals) else 0.0


def sparse(melody: np.ndarray) -> float:
    return -float(len(notes(melody)[0]))


def minor(melody: np.ndarray) -> float:
    """Return how much better the best minor key fits than the best major one: 1 for a note of it, 2 of its triad."""
    counts = np.bincount(notes(melody)[0] % 12, minlength=12)
    fits = []
    for scale, triad in (((0, 2, 3, 5, 7, 8, 10), (0, 3, 7)), ((0, 2, 4, 5, 7, 9, 11), (0, 4, 7))):
        weights = np.isin(np.arange(12), scale) + 1.0 * np.isin(np.arange(12), triad) + (np.arange(12) == 0)
        fits.append(max(counts @ np.roll(weights, tonic) for tonic in range(12)))
    return float(fits[0] - fits[1]) / max(int(counts.sum()), 1)


def long(melody: np.ndarray) -> float:
    held = notes(melody)[1]
    return float(held[held >= 4].sum() / len(melody))


PEOPLE: dict[str, Callable[[np.ndarray], float]] = {
    "echoes": echoes, "leaps": leaps, "sparse": sparse, "minor": minor, "long": long,
}  # fmt: skip


def scores(person: str, rolls: np.ndarray) -> np.ndarray:
    """Return what a person thinks of rolls (N, T, K), (N,); ties are broken at random."""
    values = np.array([PEOPLE[person](melody) for melody in highest_keys(rolls)])
    return values + 1e-8 * np.random.default_rng(len(values)).random(len(values))


def choose(person: str, pool: np.ndarray, seed: int) -> list[Preference]:
    """Return choices between two melodies of a pool (N, T, K), some of them wrong."""
    generator, liked = np.random.default_rng([seed, 1]), scores(person, pool)
    choices = []
    for _ in range(CHOICES):
        pair = generator.choice(len(pool), 2, replace=False)
        better = int(np.argmax(liked[pair])) ^ int(generator.random() < FLIPPED)
        choices.append(Preference(list(pool[pair]), frozenset([better])))
    return choices


def draws(seed: int) -> np.ndarray:
    """Return draws of the model of real melodies, (N, T, K)."""
    return np.array([song.roll for song in read_source("melody", Playing(melodies=POOL, seed=seed)).songs])


def held_out_share(person: str, preferences: np.ndarray, rolls: np.ndarray) -> float:
    """Return the share of pairs of held-out melodies that preferences (N,) put in the order of the person."""
    pairs = np.random.default_rng(0).integers(0, len(rolls), (HELD_OUT, 2))
    one, other = pairs[pairs[:, 0] != pairs[:, 1]].T
    liked = scores(person, rolls)
    return float(((preferences[one] > preferences[other]) == (liked[one] > liked[other])).mean())


def learn(seed: int, out: Path | None) -> dict[str, float]:
    """Learn the taste of each person, and return what it predicts; with a folder, write the listeners there."""
    learned, pool, held_out = listener_named("learned"), draws(2 * seed + 1000), draws(2 * seed + 1001)
    predicted = {}
    for person in PEOPLE:
        taste = learn_taste(learned, choose(person, pool, seed))
        predicted[person] = held_out_share(person, taste.listener.preferences(held_out), held_out)
        print(f"seed {seed}, {person}: {predicted[person]:.3f} of held-out pairs; {taste.certainty}", flush=True)
        if out:
            write_listener(out / f"{person}-{seed}.safetensors", taste.listener, {})
    return predicted


def champion(listener: str, seed: int, options: argparse.Namespace) -> np.ndarray:
    """Return what the champion of a run for a listener plays after a bar of the grasshopper, (T, K)."""
    run = options.evolve / f"{Path(listener).stem}-champion-{seed}"
    if not (run / "summary.json").exists():
        kuznechik(["dqn", "grasshopper", "--listener", listener, "--preset", "prior", "--seed", str(seed), "--json",
                   "--set", f"dqn.steps={options.steps}", "--set", f"prior.draws={options.draws}",
                   "--out", str(run)])  # fmt: skip
    return read_source(str(run)).songs[0].roll


def evolve(options: argparse.Namespace) -> None:
    """Print how often people prefer the champions of their taste to those of `learned`, and how strange these are."""
    seeds, out = options.seeds, options.evolve
    plain = np.array([champion("learned", seed, options) for seed in seeds])
    print(f"learned: {strangeness(plain)}", flush=True)
    own = {
        (person, seed): champion(str(out / f"{person}-{seed}.safetensors"), seed, options)
        for seed in seeds
        for person in PEOPLE
    }
    for person in PEOPLE:
        rolls = np.array([own[person, seed] for seed in seeds])
        better = scores(person, rolls)[:, None] > scores(person, plain)[None]
        by_seed = " ".join(f"{share:.0%}" for share in better.mean(axis=1))
        print(
            f"{person}: preferred in {better.mean():.0%} of pairs (by seed {by_seed}); {strangeness(rolls)}", flush=True
        )


def strangeness(rolls: np.ndarray) -> str:
    """Return where the judge and `learned` rank rolls (N, T, K) among real melodies; degenerate players are below 5."""
    totals = listener_named("learned").rewards(rolls).sum(axis=1)
    ranks = np.searchsorted(reference_scores("learned") or [], totals)
    return f"percentiles by the judge {np.round(read_judge().percentiles(rolls))}, by learned {ranks}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument(
        "--evolve", type=Path, metavar="DIR", help="make champions for the tastes, in run folders there"
    )
    parser.add_argument("--steps", type=int, default=4000, help="environment steps of a champion's run")
    parser.add_argument("--draws", type=int, default=2000, help="draws of the prior, the best of which it begins with")
    options = parser.parse_args()
    if options.evolve:
        options.evolve.mkdir(parents=True, exist_ok=True)
    tastes = [f"{person}-{seed}.safetensors" for person in PEOPLE for seed in options.seeds]
    if not options.evolve or not all((options.evolve / name).exists() for name in tastes):
        rows = [learn(seed, options.evolve) for seed in options.seeds]
        for person in PEOPLE:
            shares = [row[person] for row in rows]
            print(f"{person}: {CHOICES} choices predict {np.mean(shares):.3f} of the pairs, at least {min(shares):.3f}")
    if options.evolve:
        evolve(options)


if __name__ == "__main__":
    main()
