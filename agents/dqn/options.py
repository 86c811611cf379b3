"""Options of the Q-network and of learning. This module does not load torch, so that commands can list them quickly.

The options of other parts are declared in their own modules: `exploration`, `replay`, `prior`, `episode_archive`.
"""

from dataclasses import dataclass

from songs.options import check_options, option

HEADS = ("branching", "one_key")
TD_LOSSES = ("key", "step", "product")


@dataclass(frozen=True)
class NetworkOptions:
    """The Q-network."""

    head: str = option(
        "branching", "'branching': each key separately, so also chords; 'one_key': one key or none", choices=HEADS
    )
    hidden: int = option(128, "units of a hidden layer", 1, 16_384)
    layers: int = option(1, "hidden layers", 1, 16)
    dueling: bool = option(True, "estimate the value of a memory and the advantages of the choices separately")

    def __post_init__(self):
        check_options(self)


@dataclass(frozen=True)
class LearningOptions:
    """Deep Q-learning."""

    td_loss: str = option(
        "key",
        "reward that a branch learns from: of its 'key' or of the 'step'; 'product': all branches learn together",
        choices=TD_LOSSES,
    )
    soft: float = option(
        0.0, "temperature of the soft maximum over the next step's values; 0: the maximum", 0.0, 1000.0
    )
    gamma: float = option(0.0, "discount of the next step; 0: only the immediate reward counts", 0.0, 1.0)
    double: bool = option(True, "choose the next action by the network, evaluate it by the target network")
    target_every: int = option(200, "updates between copies to the target network", 1, 10**9)
    batch_size: int = option(128, "transitions per update", 1, 1_000_000)
    learning_starts: int = option(128, "transitions in the replay buffer before the first update", 1, 10**9)
    updates: int = option(1, "updates after each step of all keyboards", 1, 1000)
    learning_rate: float = option(0.003, "step size of Adam", 0.0, 10.0)
    max_grad_norm: float = option(10.0, "clip the gradient to this norm; 0: never", 0.0, 1e9)

    def __post_init__(self):
        check_options(self)
