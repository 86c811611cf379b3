"""Names under which `gymnasium.make` and `gymnasium.make_vec` find the environments."""

import gymnasium

MEMORIZE = "kuznechik/Memorize-v0"
"""Reproduce one song."""

MEMORIZE_ONE_KEY = "kuznechik/MemorizeOneKey-v0"
"""The same with at most one key at a step and with float32 observations, for programs made for control tasks."""


def register_all() -> None:
    """Register the environments with Gymnasium; a second call changes nothing."""
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
