"""Options that have another name now; the old names are read for one more version.

Conventions: the kind of configuration, then old `section.key` -> new `section.key`.
"""

RENAMED: dict[str, dict[str, str]] = {
    "evolve": {},
    "dqn": {
        "dqn.credit": "dqn.td_loss",
        "elite.size": "episode_archive.size",
        "elite.chance": "episode_archive.return_probability",
        "elite.explore": "episode_archive.explore_steps",
        "elite.share": "episode_archive.imitation_weight",
    },
}
