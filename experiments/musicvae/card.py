"""The model card: what a model is, how it was made, and its figures."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from vae.model import MusicVAE, parameter_count

FIGURES = (
    ("free_running", "free running (likeliest notes, from the mean)"),
    ("free_running_at_changes", "at changes of pitch"),
    ("sampled", "sampled (draw of the posterior, temperature 1)"),
    ("teacher_forced", "teacher forced (the true notes before each step are given)"),
    ("teacher_forced_at_changes", "teacher forced, at changes"),
    ("free_running_whole", "melodies without an error, free running"),
    ("copy_previous", "baseline: the last note again"),
    ("cross_entropy", "cross entropy, nats a melody"),
    ("kl", "KL, nats a melody"),
    ("elbo", "ELBO, nats a melody"),
)
STATISTICS = ("notes_a_bar", "rests", "in_scale", "in_c", "changes", "different_bars", "range")


def portable(command: Sequence[str]) -> list[str]:
    """Return a command line without machine-specific folders: absolute paths are reduced to their names."""
    return [Path(word).name if Path(word).is_absolute() else word for word in command]


def without_machine(about: dict) -> dict:
    """Return the JSON of a model without the machine it was trained on; the versions used are kept."""
    versions = (about.get("provenance") or {}).get("versions") or {}
    known = {name: version for name, version in versions.items() if version}
    kept = {name: value for name, value in about.items() if name != "provenance"}
    return {
        **kept,
        **({"versions": known} if known else {}),
        "commands": [portable(command) for command in about.get("commands", [])],
    }


def model_card(name: str, model: MusicVAE, about: dict, path: Path) -> str:
    """Return the card of a model whose JSON has `data`, `figures`, `training` and `licence`."""
    data, figures, training = about["data"], about["figures"], about["training"]
    reconstruction, spread = figures["reconstruction"], figures["statistics"]
    sources = reconstruction.get("sources", {})
    lines = [
        f"# {name}",
        "",
        f"A MusicVAE of {model.config.bars} bars ({model.config.representation}, "
        f"{'C major or A minor' if data['transposed'] else 'all keys'}): {parameter_count(model):,} parameters, "
        f"{path.stat().st_size / 1e6:.1f} MB as {about['dtype']}.",
        "",
        f"- data: {', '.join(data['sources'])}, {data['pieces']} melodies; "
        + ", ".join(f"{split} {counts['windows']} windows" for split, counts in data["splits"].items()),
        "- split: by groups of pieces that share windows; no window of the test stands in training",
        f"- licence of the data: {about['licence'] or 'see the sources'}",
        "- trained by " + ", then ".join(f"`{shlex.join(command)}`" for command in about["commands"]),
        *([f"- trained on {about['hardware']}"] if about.get("hardware") else []),
        f"- {about['steps']} steps of {training['batch']} melodies, beta {training['beta']:g}",
        "",
        f"## On the test split ({reconstruction['windows']} windows)",
        "",
        "| | all | " + " | ".join(sources) + " |",
        "|---|" + "---|" * (1 + len(sources)),
    ]
    for key, title in FIGURES:
        row = [reconstruction[key], *(each[key] for each in sources.values())]
        lines.append(f"| {title} | " + " | ".join(f"{value:.4g}" for value in row) + " |")
    lines += [
        "",
        f"## {spread['samples']['melodies']} samples of the prior beside the test",
        "",
        "| | real | samples |",
        "|---|---|---|",
    ]
    for key in STATISTICS:
        lines.append(f"| {key.replace('_', ' ')} | {spread['real'][key]:.3g} | {spread['samples'][key]:.3g} |")
    lines += ["", "Total variation between real and sampled histograms: "]
    lines[-1] += ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in figures["distances"].items()) + "."
    affected = figures["affected_bars"]
    lines += [
        "",
        f"A change in one part of the latent vector (of {model.config.bars}) affects {affected['mean']:.2f} bars.",
    ]
    return "\n".join(lines) + "\n"
