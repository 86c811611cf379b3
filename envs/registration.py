"""Names under which `gymnasium.make` and `gymnasium.make_vec` find the environments."""

import gymnasium

MEMORIZE = "kuznechik/Memorize-v0"


def register_all() -> None:
    """Register the environments with Gymnasium; a second call changes nothing."""
    if MEMORIZE not in gymnasium.registry:
        gymnasium.register(
            id=MEMORIZE,
            entry_point="envs.keyboard_env:memorize",
            vector_entry_point="envs.vector_keyboard_env:memorize_many",
        )
