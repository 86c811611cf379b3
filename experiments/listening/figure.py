"""The figure of an audit: what a listener hears, what degenerate players reach, how far an attack comes."""

from matplotlib.figure import Figure

DEMANDED, OTHER, REAL = "#2a6f97", "#a9b8c2", "#c1440e"


def figure(found: dict) -> Figure:
    """Draw an audit, the plain data of `listener.audit.audit`."""
    drawn = Figure(figsize=(13, 8), layout="constrained")
    ((left, right),) = drawn.subfigures(1, 2, squeeze=False, width_ratios=(1.15, 1))
    _corruptions(left.subplots(), found["corruptions"])
    above, below = right.subplots(2, 1)
    _degenerates(above, found["degenerates"])
    _red_team(below, found["red team"])
    drawn.suptitle(f"Audit of the listener {found['listener']}: {found['melodies']} real melodies")
    return drawn


def _corruptions(axes, found: dict) -> None:
    names = list(found)[::-1]
    values = [found[name]["auc"] for name in names]
    spread = [[found[n]["auc"] - found[n]["low"] for n in names], [found[n]["high"] - found[n]["auc"] for n in names]]
    colours = [DEMANDED if found[name]["kind"] == "demanded" else OTHER for name in names]
    axes.barh(names, values, color=colours)
    axes.errorbar(values, names, xerr=[[max(0.0, one) for one in side] for side in spread], fmt="none", ecolor="black")
    axes.axvline(0.5, color=REAL, linestyle="--", linewidth=1)
    axes.set(xlim=(0.3, 1.01), xlabel="AUC, real against corrupted (grey: reported, not demanded)")


def _degenerates(axes, found: dict) -> None:
    names = list(found)[::-1]
    axes.barh(names, [found[name]["highest"] for name in names], color=DEMANDED)
    axes.axvline(5, color=REAL, linestyle="--", linewidth=1)
    axes.set(xlim=(0, 100), xlabel="highest percentile among real melodies (line: 5)")


def _red_team(axes, found: dict) -> None:
    for (name, row), colour in zip(found.items(), (DEMANDED, OTHER), strict=False):
        axes.plot(row["history"], color=colour, label=f"attack on {name}: {row['gain']:+.2f} sd")
    axes.axhline(0, color=REAL, linestyle="--", linewidth=1, label="median real melody")
    axes.set(xlabel="generation of the red team", ylabel="best score, sd from the real median")
    lowest = min((row["history"][-1] for row in found.values()), default=0.0)
    axes.set_ylim(min(-4.0, lowest - 1), None)
    axes.legend(frameon=False)
