"""Options of per-key evolution."""

from dataclasses import dataclass

from songs.options import check_options, option


@dataclass(frozen=True)
class PerKeyOptions:
    """Per-key evolution."""

    hidden: str = option(
        "auto",
        "use AND nodes, which are target-guided; 'auto': where linear units do not suffice",
        choices=("auto", "never", "always"),
    )
    target_guided: float = option(
        0.6, "probability that a proposal for a new connection uses inputs and targets", 0.0, 1.0
    )
    error_reweighting: float = option(
        0.1, "growth per generation of the weight of rows that stay wrong; 0: equal weights", 0.0, 1000.0
    )
    cost: float = option(0.0, "parsimony: the loss that a connection of a linear unit must save", 0.0, 1000.0)
    proposals: int = option(256, "proposals of which the best sixteenth may be accepted", 1, 1_000_000)
    mutations: int = option(12, "mutations of each key per generation", 1, 1_000_000)
    patience: int = option(60, "generations in which linear units must halve their errors, or get AND nodes", 1, 10**9)
    prune: bool = option(True, "finally delete the connections that no case needs")
    prompt_noise: float = option(
        0.0, "probability that a cell of the prompt is wrong in additional, noisy copies of the songs", 0.0, 1.0
    )
    noisy_copies: int = option(60, "copies of each song, if there is prompt noise", 1, 1_000_000)

    def __post_init__(self):
        check_options(self)

    @property
    def accepted(self) -> int:
        """Largest number of proposals accepted per mutation: one in sixteen, but at least 1."""
        return max(1, self.proposals // 16)
