"""Options of per-key evolution."""

from dataclasses import dataclass

from songs.options import check_options, option


@dataclass(frozen=True)
class PerKeyOptions:
    """Every key evolved by itself."""

    hidden: str = option(
        "auto",
        "AND nodes, which are target-guided: where linear units do not suffice, never, or always",
        choices=("auto", "never", "always"),
    )
    target_guided: float = option(
        0.6, "probability that a proposal for a new connection uses inputs and targets", 0.0, 1.0
    )
    error_reweighting: float = option(
        0.1, "growth of the weight of rows that stay wrong in a generation; 0: all rows weigh the same", 0.0, 1000.0
    )
    cost: float = option(0.0, "parsimony: the loss that a connection of a linear unit must save", 0.0, 1000.0)
    proposals: int = option(256, "proposals of which the best sixteenth may be accepted", 1, 1_000_000)
    mutations: int = option(12, "mutations of each key in a generation", 1, 1_000_000)
    patience: int = option(60, "generations in which linear units must halve their errors, or get AND nodes", 1, 10**9)
    prune: bool = option(True, "delete at the end the connections that no case needs")
    prompt_noise: float = option(
        0.0, "probability that a cell of the prompt is wrong in copies of the songs that are learned too", 0.0, 1.0
    )
    noisy_copies: int = option(60, "copies of each song, if there is prompt noise", 1, 1_000_000)

    def __post_init__(self):
        check_options(self)

    @property
    def accepted(self) -> int:
        """Most proposals of a mutation that are accepted; about one in sixteen can be."""
        return max(1, self.proposals // 16)
