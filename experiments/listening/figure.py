"""The figure of an audit: AUCs of corruptions, percentiles of degenerate players, and the progress of attacks."""

from matplotlib.figure import Figure

NOTES, FORM, OTHER, REAL = "#2a6f97", "#5b8e3e", "#a9b8c2", "#c1440e"
KINDS = {"notes and rhythm": NOTES, "form": FORM}


def figure(results: dict) -> Figure:
    """Draw an audit, given as plain data by `listener.audit.audit`."""
    picture = Figure(figsize=(13, 8), layout="constrained")
    ((left, right),) = picture.subfigures(1, 2, squeeze=False, width_ratios=(1.15, 1))
    _corruptions(left.subplots(), results["corruptions"])
    above, below = right.subplots(2, 1)
    _degenerates(above, results["degenerates"])
    _red_team(below, results["red team"])
    picture.suptitle(f"Audit of the listener {results['listener']}: {results['melodies']} real melodies")
    return picture


def _corruptions(axes, results: dict) -> None:
    names = list(results)[::-1]
    rows = [results[name] for name in names]
    values = [row["auc"] for row in rows]
    spread = [[row["auc"] - row["low"] for row in rows], [row["high"] - row["auc"] for row in rows]]
    colours = [KINDS.get(row["kind"], OTHER) for row in rows]
    axes.barh(names, values, color=colours)
    axes.errorbar(values, names, xerr=[[max(0.0, one) for one in side] for side in spread], fmt="none", ecolor="black")
    axes.axvline(0.5, color=REAL, linestyle="--", linewidth=1)
    axes.set(xlim=(0.3, 1.01), xlabel="AUC, real against corrupted (blue: notes and rhythm, green: form)")


def _degenerates(axes, results: dict) -> None:
    names = list(results)[::-1]
    axes.barh(names, [results[name]["highest"] for name in names], color=NOTES)
    axes.axvline(5, color=REAL, linestyle="--", linewidth=1)
    axes.set(xlim=(0, 100), xlabel="highest percentile among real melodies (line: 5)")


def _red_team(axes, results: dict) -> None:
    for (name, row), colour in zip(results.items(), (NOTES, OTHER), strict=False):
        axes.plot(row["history"], color=colour, label=f"attack on {name}: {row['gain']:+.2f} sd")
    axes.axhline(0, color=REAL, linestyle="--", linewidth=1, label="median real melody")
    axes.set(xlabel="generation of the red team", ylabel="best score, sd from the real median")
    lowest = min((row["history"][-1] for row in results.values()), default=0.0)
    axes.set_ylim(min(-4.0, lowest - 1), None)
    axes.legend(frameon=False)
