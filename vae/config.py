"""Options of a MusicVAE: its architecture, its training, and presets of architectures.

Conventions: widths are the features of one direction; U is the number of bars, S the number of steps per bar.
"""

from dataclasses import asdict, dataclass
from typing import Any

from songs.options import check_section, option, read_section
from vae.tokens import REPRESENTATIONS, Representation

ENCODERS = ("lstm", "mlp", "bars")
DECODERS = ("hierarchical", "flat")
CONDUCTORS = ("lstm", "slots")
FEEDBACKS = ("token", "logits")
PRECISIONS = ("auto", "float32", "bfloat16")

MOST_LAYERS = 64
WIDEST = 65_536


class ModelError(ValueError):
    """A model that cannot be built or read; the message gives the reason."""


class TrainingError(ValueError):
    """Training that cannot start or continue; the message gives the reason."""


@dataclass(frozen=True)
class ModelConfig:
    """The architecture of a model."""

    bars: int = option(2, "length of a melody in bars", 1, WIDEST)
    representation: str = option("pianoroll", "how melodies are written as tokens", choices=tuple(REPRESENTATIONS))
    latent: int = option(96, "dimensions of the latent vector", 1, WIDEST)
    encoder: str = option(
        "mlp",
        "lstm: bidirectional over all steps; mlp: over the flattened melody; bars: an MLP per bar, then attention",
        choices=ENCODERS,
    )
    encoder_width: int = option(512, "features of the encoder", 1, WIDEST)
    encoder_layers: int = option(2, "layers of the LSTM or MLP, or of attention between bars", 0, MOST_LAYERS)
    embedding: int = option(32, "features of a token; 0 feeds the token as a one-hot vector", 0, WIDEST)
    decoder: str = option(
        "hierarchical",
        "hierarchical: an embedding for each bar, where the LSTM is reset; flat: one LSTM over all steps",
        choices=DECODERS,
    )
    conductor: str = option(
        "lstm",
        "how bar embeddings are computed: lstm: from the whole latent vector; slots: each bar from its own part, then "
        "mixed by layers of attention that output 0 initially",
        choices=CONDUCTORS,
    )
    conductor_width: int = option(256, "features of a bar embedding", 1, WIDEST)
    conductor_layers: int = option(1, "layers of the conductor", 0, MOST_LAYERS)
    decoder_width: int = option(256, "features of the decoder's LSTM", 1, WIDEST)
    decoder_layers: int = option(1, "layers of the decoder's LSTM", 1, MOST_LAYERS)
    unroll: int = option(
        32,
        "features per step computed from the bar embedding, fed to the decoder's input and output; 0: none",
        0,
        WIDEST,
    )
    hear_bar: bool = option(True, "feed the bar embedding to the decoder at every step, with the unrolled features")
    prior_layers: int = option(0, "layers of the flow of a learned prior; 0: standard normal prior", 0, MOST_LAYERS)
    prior_width: int = option(256, "features of the learned prior", 1, WIDEST)
    feedback: str = option(
        "token", "what the free-running decoder is fed from its last step: token or raw logits", choices=FEEDBACKS
    )

    def __post_init__(self):
        check_section(self)
        if not self.hear_bar and not self.unroll:
            raise ModelError("hear_bar is off and unroll is 0: the decoder would not see the bar embedding")
        if (self.by_slots or self.prior_layers) and self.latent % self.bars:
            raise ModelError(f"latent is {self.latent}: slots need a multiple of the {self.bars} bars")
        if self.encoder == "mlp" and not (self.embedding and self.encoder_layers):
            raise ModelError("encoder is mlp: it needs an embedding and a layer")

    @property
    def by_slots(self) -> bool:
        """True if each bar has a separate part of the latent vector."""
        return self.encoder == "bars" or (self.decoder == "hierarchical" and self.conductor == "slots")

    @property
    def form(self) -> Representation:
        """The representation of melodies."""
        return REPRESENTATIONS[self.representation]

    @property
    def classes(self) -> int:
        """Number of different tokens."""
        return self.form.classes

    @property
    def steps(self) -> int:
        """Length of a melody in steps."""
        return self.bars * self.form.steps_per_bar

    @property
    def segments(self) -> int:
        """Number of stretches at which the decoder is reset: the bars, or one if it is flat."""
        return 1 if self.decoder == "flat" else self.bars

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> "ModelConfig":
        """Build a configuration from options read from JSON; raises OptionError or ModelError."""
        return read_section(cls, data, "model")


@dataclass(frozen=True)
class TrainingOptions:
    """Options of training."""

    epochs: int = option(10, "passes over the unique training melodies", 1, 10**7)
    batch: int = option(64, "melodies per step and process", 1, 10**6)
    minutes: float = option(
        0.0,
        "limit of CPU time (wall time on a GPU); the schedule follows the limit that is reached first; 0: none. Only "
        "runs without a limit resume bit for bit",
        0.0,
        1e6,
    )
    learning_rate: float = option(1.1e-3, "peak learning rate of AdamW", 1e-8, 1.0)
    warmup_steps: int = option(100, "steps over which the learning rate rises", 0, 10**9)
    hold: float = option(0.25, "share of the run before the learning rate falls along a cosine", 0.0, 1.0)
    final_rate: float = option(0.02, "share of the learning rate left at the end", 0.0, 1.0)
    weight_decay: float = option(0.0, "weight decay of AdamW", 0.0, 1.0)
    clip: float = option(5.0, "largest norm of the gradient", 1e-6, 1e6)
    beta: float = option(0.05, "weight of the KL divergence; 1 is the true ELBO", 0.0, 1e3)
    beta_warmup_steps: int = option(2000, "steps over which beta rises from 0", 0, 10**9)
    free_bits: float = option(0.0, "bits of KL divergence per melody that cost nothing", 0.0, 1e6)
    word_dropout: float = option(
        0.3, "share of previous tokens hidden from the decoder, so that it must use the latent vector", 0.0, 1.0
    )
    scheduled_sampling: float = option(0.0, "share of previous tokens replaced by the model's guesses", 0.0, 1.0)
    augment: float = option(0.0, "share of melodies transposed by -6 to 6 semitones", 0.0, 1.0)
    precision: str = option("auto", "auto: bfloat16 if the processor supports it natively", choices=PRECISIONS)
    evaluations: int = option(20, "validations over the run, evenly spread", 1, 10**6)
    validation_windows: int = option(512, "most melodies in a validation", 1, 10**9)
    patience: int = option(0, "validations without a new best after which training stops; 0: never", 0, 10**6)
    seed: int = option(0, "the same seed gives the same run", 0, 2**31 - 1)

    def __post_init__(self):
        check_section(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> "TrainingOptions":
        """Build options from data read from JSON; raises OptionError."""
        return read_section(cls, data, "training")


FAITHFUL: dict[str, Any] = dict(
    encoder="lstm", conductor="lstm", conductor_layers=2, decoder_layers=2, embedding=0, unroll=0
)
SLOTS = dict(
    encoder="bars",
    encoder_width=384,
    encoder_layers=1,
    conductor="slots",
    conductor_layers=2,
    decoder_width=192,
    unroll=64,
    hear_bar=False,
)


def preset(name: str, bars: int, form: str = "pianoroll") -> ModelConfig:
    """Return the configuration of a preset.

    fast: an encoder of single bars with attention between them, which learned best in minutes on a CPU. mlp: a
    perceptron over all steps and an LSTM conductor. flat: one decoder over all steps. faithful: MusicVAE with LSTMs,
    small enough for a CPU. seed: the same at the full size of the MusicVAE thesis project, 176 million parameters for
    2 bars.

    Raises:
        ModelError: there is no preset of that name.
    """
    presets: dict[str, dict[str, Any]] = {
        "fast": dict(latent=48 * bars, **SLOTS),
        "mlp": dict(latent=48 * bars),
        "flat": dict(latent=48 * bars, decoder="flat", **({} if bars <= 2 else dict(encoder="lstm", encoder_layers=1))),
        "faithful": dict(
            latent=128, encoder_width=256, encoder_layers=1, conductor_width=256, decoder_width=256, **FAITHFUL
        ),
        "seed": dict(
            latent=512,
            encoder_width=2048,
            encoder_layers=2,
            conductor_width=1024,
            decoder_width=1024,
            **FAITHFUL,
            feedback="logits",
        ),
    }
    if name not in presets:
        raise ModelError(f"no architecture {name!r}; there are {', '.join(presets)}")
    return ModelConfig(bars=bars, representation=form, **presets[name])
