"""Searches over options: a sweep with trials whose settings are proposed by Optuna, one after another.

A sweep's file may have, in addition to its variants or instead of them:

    [search]
    trials      number of trials; each is a variant, run with every song and seed of the sweep
    metric      a figure in summary.json; the value of a trial is the mean over its runs
    direction   minimize or maximize
    seed        seed of the proposals
    [search.options]    by name, a list of choices, or a table of low, high and optionally log = true

There is no database. The trials are in sweep.toml and their results in the run folders; the study is rebuilt from
these before each proposal. So a search that was killed continues with the same proposals, for any number of parallel
runs. A trial with a failed run counts as failed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.config.settings import ConfigError
from experiments.options import require
from experiments.runs.folder import RunError, RunFolder
from experiments.studies.sweep import plan, read_sweep
from songs.validate import validate_like

if TYPE_CHECKING:
    from optuna import Study

DEFAULTS = {"trials": 20, "metric": "cpu_seconds", "direction": "minimize", "seed": 0}
TRIAL = "trial-"
"""Prefix of a trial's name, before its number."""


def read(path: Path) -> dict[str, Any]:
    """Return the content of a sweep's file, with or without a search; raise ConfigError if it is invalid."""
    content = read_sweep(path)
    if "search" in content:
        require("optuna", extra="sweep", what="[search]")
        try:
            content = {**content, "search": DEFAULTS | content["search"]}
            content.setdefault("variants", {})
            _check(content)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{path}: {error}") from None
    return content


def _check(content: Mapping[str, Any]) -> None:
    """Raise ConfigError if a search cannot be carried out."""
    search = content["search"]
    try:
        if unknown := sorted(set(search) - {*DEFAULTS, "options"}):
            raise ValueError(f"unknown key {unknown[0]}: there are {', '.join(DEFAULTS)}, options")
        validate_like({**DEFAULTS, "options": None}, search)
        distributions = _distributions(search)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"[search]: {error}") from None
    if search["direction"] not in ("minimize", "maximize"):
        raise ConfigError(f"search.direction = {search['direction']!r}: it must be minimize or maximize")
    for name, distribution in distributions.items():
        for value in getattr(distribution, "choices", None) or (distribution.low, distribution.high):
            plan({**content, "seeds": 1, "variants": {name: [f"{name}={_text(value)}"]}})


def _distributions(search: Mapping[str, Any]) -> dict[str, Any]:
    """Return Optuna's distribution of each option, sorted by name; raises ValueError, TypeError or KeyError."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    def distribution(about: Any) -> Any:
        if isinstance(about, list):
            return CategoricalDistribution(about)
        whole = isinstance(about["low"], int) and isinstance(about["high"], int)
        return (IntDistribution if whole else FloatDistribution)(**about)

    return {name: distribution(about) for name, about in sorted(search["options"].items())}


def rounds(content: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the content of a sweep; with a search, yield it again after each trial with one more trial.

    Args:
        content: Content of the file; trials are added to its variants.
        folder: Folder of the sweep, in which the runs yielded before have ended or failed.

    Raises:
        ConfigError: The runs do not have the figure named as the metric.
    """
    if content["variants"]:
        yield content
    while "search" in content and len(tried := _trials(content)) < content["search"]["trials"]:
        proposed = _study(content, folder).ask(_distributions(content["search"])).params
        content["variants"][f"{TRIAL}{len(tried)}"] = [f"{name}={_text(value)}" for name, value in proposed.items()]
        yield content


def _trials(content: Mapping[str, Any]) -> list[str]:
    return [name for name in content["variants"] if name.startswith(TRIAL)]


def _study(content: Mapping[str, Any], folder: Path) -> "Study":
    """Return a study of the completed trials; its next proposal depends on nothing else."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search, distributions, tried = content["search"], _distributions(content["search"]), _trials(content)
    seed = np.random.SeedSequence([search["seed"], len(tried)]).generate_state(1)[0]
    sampler = optuna.samplers.TPESampler(seed=int(seed))
    study = optuna.create_study(sampler=sampler, direction=search["direction"])
    for name in tried:
        values = _values(content, folder, name)
        settings = (setting.partition("=") for setting in content["variants"][name])
        params = {option: _value(distributions[option], text) for option, _, text in settings}
        state = optuna.trial.TrialState.COMPLETE if values else optuna.trial.TrialState.FAIL
        value = float(np.mean(values)) if values else None
        study.add_trial(optuna.trial.create_trial(state=state, value=value, params=params, distributions=distributions))
    return study


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(distribution: Any, text: str) -> Any:
    """Return the value of a setting, given as text."""
    choices = getattr(distribution, "choices", None)
    return next(one for one in choices if _text(one) == text) if choices else type(distribution.low)(text)


def _values(content: Mapping[str, Any], folder: Path, variant: str) -> list[float]:
    """Return the metric of every run of a variant; empty if a run failed. Raises ConfigError if it is not a number."""
    metric, found = content["search"]["metric"], []
    for run in plan({**content, "variants": {variant: content["variants"][variant]}}):
        try:
            summary = RunFolder(folder / run.name).read_json("summary.json")
        except RunError:
            return []
        if not isinstance(summary.get(metric), int | float):
            figures = ", ".join(sorted(name for name, value in summary.items() if isinstance(value, int | float)))
            raise ConfigError(f"search.metric = {metric!r}: {run.name} has {figures}")
        found.append(float(summary[metric]))
    return found


def ranking(content: Mapping[str, Any], folder: Path) -> str:
    """Return a Markdown table: variants and trials with mean, least and greatest metric, the best first.

    Failed ones are left out.
    """
    search = content["search"]
    results = {name: values for name in content["variants"] if (values := _values(content, folder, name))}
    best_first = sorted(results, key=lambda name: np.mean(results[name]), reverse=search["direction"] == "maximize")
    lines = [f"| | {search['metric']} (mean) | least to greatest | settings |", "|---|---|---|---|"]
    for name in best_first:
        values = results[name]
        spread = f"{min(values):,.5g} to {max(values):,.5g}"
        lines.append(f"| {name} | {np.mean(values):,.5g} | {spread} | {_settings(content['variants'][name])} |")
    return "\n".join([*lines, ""])


def _settings(variant: Any) -> str:
    return ", ".join(f"`{setting}`" for setting in (variant if isinstance(variant, list) else variant.get("set", [])))
