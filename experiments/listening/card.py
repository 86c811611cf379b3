"""The audit of a listener as Markdown tables, and the card of a trained one."""

from typing import Any

from listener.audit import deafness

KINDS = {
    "ngram": "An n-gram over rhythm and intervals",
    "melody": "A recurrent model of what comes next in a melody",
    "learned": "The learned listener",
    "form": "A model of the form of melodies",
    "vae": "A listener on the encoder of a MusicVAE",
}


def tables(results: dict[str, Any]) -> str:
    """Return the tables of an audit."""
    real = results["real"]
    parts = [
        f"Listener {results['listener']} on {results['melodies']} real melodies of 16 bars, of {results['pieces']} "
        f"pieces ({', '.join(results['data'])}{', held out' if results['held out'] else ''}); score of a real melody: "
        f"median {real['median']:.2f}, middle 90% {real['5%']:.2f} to {real['95%']:.2f}.",
        _corruptions(results["corruptions"]),
        _degenerates(results["degenerates"]),
    ]
    if results.get("sources"):
        parts.append(_sources(results["sources"]))
    if results["options"]["generations"]:
        parts.append(_red_team(results["red team"], results["options"]))
    parts.append(deafness(results))
    parts.append(f"{results['cpu_seconds']:.0f} CPU seconds, seed {results['options']['seed']}.")
    return "\n\n".join(parts)


def _corruptions(results: dict[str, dict]) -> str:
    lines = ["| real against | AUC | 95% interval | paired | |", "|---|---|---|---|---|"]
    for name, row in results.items():
        paired = f"{row['paired']:.3f}" if "paired" in row else ""
        lines.append(
            f"| {name} | {row['auc']:.3f} | {row['low']:.3f} to {row['high']:.3f} | {paired} | {row['kind']} |"
        )
    return "\n".join(lines)


def _degenerates(results: dict[str, dict]) -> str:
    lines = ["| degenerate player | median percentile among real melodies | highest |", "|---|---|---|"]
    lines += [f"| {name} | {row['median']:.1f} | {row['highest']:.1f} |" for name, row in results.items()]
    return "\n".join(lines)


def _sources(results: dict[str, dict]) -> str:
    lines = ["| source | melodies | median percentile among real melodies | highest |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {row['melodies']} | {row['median']:.1f} | {row['highest']:.1f} |" for name, row in results.items()
    ]
    return "\n".join(lines)


def _red_team(results: dict[str, dict], options: dict) -> str:
    lines = [
        f"Red team: {options['islands']} islands of {options['size']} melodies, {options['generations']} generations. "
        "Gain: the islands' champions over the real median, in standard deviations of real melodies.",
        "",
        "| attack on | median gain | best gain | of 13 features outside the real 5-95% (real) | percentile of reward |",
        "|---|---|---|---|---|",
    ]
    for name, row in results.items():
        lines.append(
            f"| {name} | {row['gain']:.2f} | {row['best gain']:.2f} | {row['outside']:.1f} "
            f"({row['outside real']:.1f}) | {row['percentile of reward']:.0f} |"
        )
    return "\n".join(lines)


def card(name: str, about: dict[str, Any], results: dict[str, Any] | None = None) -> str:
    """Return the model card of a trained listener.

    Args:
        name: Name of the listener.
        about: Its JSON.
        results: Its audit; None if not yet available.
    """
    data = about["data"]
    sizes = "; ".join(
        f"{length}: " + ", ".join(f"{number} {part}" for part, number in parts.items())
        for length, parts in data["excerpts"].items()
    )
    lines = [
        f"# {name}",
        "",
        f"{KINDS[about['kind']]} of kuznechik{_cost(about)}.",
        "",
        f"- data: {', '.join(data['folders'])}, {data['pieces']} melodies; excerpts that fit on {data.get('keys', 13)} "
        f"keys ({sizes})",
        f"- split: by groups of pieces that share phrases (seed {data['split_seed']}); no excerpt of validation or "
        "test, in any key, is in training; thresholds and weights come from validation, the audit from the test",
        f"- licence of the data: {data['licence'] or 'see the sources'}",
        f"- trained by `{about['command']}`",
    ]
    if about["kind"] in ("learned", "vae"):
        weights = ", ".join(f"{term} {weight:.2f}" for term, weight in about["weights"].items())
        lines.append(f"- weights: {weights}")
    if results:
        lines += ["", f"## Audit, `{results['command']}`", "", tables(results)]
    return "\n".join(lines) + "\n"


def taste_card(name: str, about: dict[str, Any], results: dict[str, Any] | None = None) -> str:
    """Return the model card of a taste, with its audit if available; `about` is its JSON."""
    certainty = about["certainty"]
    lines = [
        f"# {name}",
        "",
        "What one person prefers, beside the terms of the learned listener of kuznechik.",
        "",
        f"- learned from: {', '.join(about['learned_from'])}, {certainty['choices']} choices",
        f"- how sure it is: {certainty['right']} of {certainty['choices']} choices are predicted from others, 95% "
        f"interval {certainty['low']:.2f} to {certainty['high']:.2f}; guessing is .50 (p = {certainty['p']:.3f})",
        f"- learned by `{about['command']}`",
        "- what it cannot hear: when a note ends before the next one begins, loudness, tempo, harmony below the melody",
        "",
        "| a standard deviation more of | preference | standard deviation |",
        "|---|---|---|",
        *(f"| {feature} | {weight:+.2f} | {deviation:.2f} |" for feature, weight, deviation in about["likings"]),
    ]
    if results:
        lines += ["", f"## Audit, `{results['command']}`", "", tables(results)]
    return "\n".join(lines) + "\n"


def _cost(about: dict[str, Any]) -> str:
    """Return the cost of training, if the JSON has it; for a run it is in the summary."""
    return f", {about['cpu_seconds']:.0f} CPU seconds of training" if "cpu_seconds" in about else ""


DEAF = 0.8
"""AUC below which the card states that the judge does not hear a change."""


def judge_card(name: str, about: dict[str, Any]) -> str:
    """Return the model card of a trained judge; `about` is its JSON."""
    data, evaluation = about["data"], about["evaluation"]
    counts = data["excerpts"]["16 bars"]
    unheard = [f"{family} ({value:.2f})" for family, value in evaluation["auc"].items() if value < DEAF]
    lines = [
        f"# {name}",
        "",
        f"The held-out judge of kuznechik{_cost(about)}: a recurrent network over the notes and bars of a melody. It "
        "is no reward and is refused as one.",
        "",
        f"- data: {', '.join(data['folders'])}, {data['pieces']} melodies, of which it learned from those alone that "
        f"the split (seed {data['split_seed']}) holds out from the training of every listener: {counts['test']} "
        f"excerpts of 16 bars, some made simpler; percentiles are among the {counts['validation']} excerpts of the "
        "validation pieces, from which it did not learn",
        f"- licence of the data: {data['licence'] or 'see the sources'}",
        f"- trained by `{about['command']}`",
        f"- what it hardly hears, AUC below {DEAF}: {'; '.join(unheard) or 'none of these changes'}",
        "- what it cannot hear: the lengths of notes, loudness, tempo, harmony below the melody, and bars other than "
        "4/4 and 2/4; of chords it hears the highest note, and takes off for the others",
        "",
        "| real melodies of validation against | AUC |",
        "|---|---|",
        *(f"| {family} | {value:.3f} |" for family, value in evaluation["auc"].items()),
        "",
        "| dull player, best of 24 | percentile among real melodies |",
        "|---|---|",
        *(f"| {player} | {value:.1f} |" for player, value in evaluation["percentile"].items()),
    ]
    return "\n".join(lines) + "\n"
