"""Names under which `gymnasium.make` and `gymnasium.make_vec` find the environments."""

import gymnasium

MEMORIZE = "kuznechik/Memorize-v0"
"""Reproduce one song."""

MEMORIZE_ONE_KEY = "kuznechik/MemorizeOneKey-v0"
"""The same with at most one key per step and float32 observations, for libraries made for control tasks."""

BENCHMARK = {
    "teacher-forced": "kuznechik/TeacherForced-v0",
    "first-error": "kuznechik/FirstError-v0",
    "all-songs": "kuznechik/AllSongs-v0",
    "round": "kuznechik/Round-v0",
    "improvise": "kuznechik/Improvise-v0",
}
"""The benchmark tasks, explained in `envs.benchmark`."""


def register_all() -> None:
    """Register the environments with Gymnasium; a second call does nothing."""
    if MEMORIZE in gymnasium.registry:
        return
    gymnasium.register(
        id=MEMORIZE,
        entry_point="envs.keyboard_env:memorize",
        vector_entry_point="envs.vector_keyboard_env:memorize_many",
    )
    gymnasium.register(
        id=MEMORIZE_ONE_KEY,
        entry_point="envs.one_key_action:memorize_with_one_key",
        vector_entry_point="envs.one_key_action:memorize_many_with_one_key",
    )
    for task, name in BENCHMARK.items():
        gymnasium.register(
            id=name,
            entry_point="envs.benchmark:make",
            vector_entry_point="envs.benchmark:make_many",
            kwargs={"task": task},
        )
