"""Old names of options, accepted for one more version with a line that gives the new name."""

import sys

RENAMED: dict[str, dict[str, str]] = {
    "evolve": {
        "operators.focus": "operators.loss_weighted_output",
        "operators.boost": "operators.error_reweighting",
        "operators.boost_every": "operators.reweighting_every",
        "operators.guided": "operators.target_guided",
        "operators.heard": "operators.active_input_bias",
        "per_key.guided": "per_key.target_guided",
        "per_key.boost": "per_key.error_reweighting",
    },
    "dqn": {
        "dqn.credit": "dqn.td_loss",
        "elite.size": "episode_archive.size",
        "elite.chance": "episode_archive.return_probability",
        "elite.explore": "episode_archive.explore_steps",
        "elite.share": "episode_archive.imitation_weight",
    },
    "vae": {},
    "listener": {},
}
"""New `section.key` by old name, for each kind of run."""

_shown: set[str] = set()


def current_name(kind: str, name: str) -> str:
    """Return the current name of an option, `section.key`, of a kind of run; print a line once if it was renamed."""
    new = RENAMED.get(kind, {}).get(name, name)
    if new != name and name not in _shown:
        _shown.add(name)
        print(f"kuznechik: the option {name} is now called {new}; the old name will stop working", file=sys.stderr)
    return new
