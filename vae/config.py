"""What a MusicVAE is built of: one frozen dataclass, and the presets that the command knows.

Conventions: widths are features of one direction; U is a number of bars, S steps of a bar.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

from vae.tokens import Representation, representation

ENCODERS = ("lstm", "mlp", "bars")
DECODERS = ("hierarchical", "flat")
CONDUCTORS = ("lstm", "slots")
FEEDBACKS = ("token", "logits")


MOST_LAYERS = 64
MAY_BE_ZERO = ("embedding", "unroll", "encoder_layers", "conductor_layers", "prior_layers")


class ModelError(ValueError):
    """A model that cannot be built, found or read; the message says why."""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a model."""

    bars: int = 2
    """Length of a melody."""
    representation: str = "pianoroll"
    """pianoroll, midilike or onsets."""
    latent: int = 96
    """Dimensions of the latent vector."""
    encoder: str = "mlp"
    """lstm: bidirectional over all steps; mlp: over the flattened melody; bars: an MLP for each bar, then attention."""
    encoder_width: int = 512
    encoder_layers: int = 2
    """Of the LSTM or the MLP, or layers of attention between bars."""
    embedding: int = 32
    """Features of a token; 0 feeds the token as a one-hot vector."""
    decoder: str = "hierarchical"
    """hierarchical: a bar embedding for each bar, the LSTM begins anew in each; flat: one LSTM over all steps."""
    conductor: str = "lstm"
    """How bar embeddings come from the latent vector. lstm: states from all of it; slots: each bar has its own part of
    it, and layers of attention, which are silent at first, mix the bars."""
    conductor_width: int = 256
    """Features of a bar embedding."""
    conductor_layers: int = 1
    decoder_width: int = 256
    decoder_layers: int = 1
    unroll: int = 32
    """Features that a bar embedding gives to each step, to the decoder's input and by a skip to its output; 0: none."""
    hear_bar: bool = True
    """The decoder's LSTM hears the bar embedding at every step, and not its unrolled features alone."""
    prior_layers: int = 0
    """Layers of the flow that draws go through; 0: draws are those of the standard normal."""
    prior_width: int = 192
    feedback: str = "token"
    """What the decoder hears of its last step when it runs free: the token, or the raw logits as the seed's does."""

    def __post_init__(self):
        representation(self.representation)
        for name, allowed in (
            ("encoder", ENCODERS),
            ("decoder", DECODERS),
            ("conductor", CONDUCTORS),
            ("feedback", FEEDBACKS),
        ):
            if getattr(self, name) not in allowed:
                raise ModelError(f"{name} is {getattr(self, name)!r:.40}: it must be one of {', '.join(allowed)}")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in (int, "int"):
                least = 0 if field.name in MAY_BE_ZERO else 1
                most = MOST_LAYERS if field.name.endswith("_layers") else 65_536
                if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                    raise ModelError(f"{field.name} is {value!r:.40}: it must be a whole number of {least} to {most}")
        if not isinstance(self.hear_bar, bool):
            raise ModelError(f"hear_bar is {self.hear_bar!r:.40}: it must be true or false")
        if not self.hear_bar and not self.unroll:
            raise ModelError("hear_bar is off and unroll is 0: the decoder would hear nothing of a bar")
        if (self.by_slots or self.prior_layers) and self.latent % self.bars:
            raise ModelError(f"latent is {self.latent}: slots need a multiple of the {self.bars} bars")
        if self.encoder == "mlp" and not (self.embedding and self.encoder_layers):
            raise ModelError("the mlp encoder needs an embedding and a layer")

    @property
    def by_slots(self) -> bool:
        """Whether bars have parts of the latent vector of their own."""
        return self.encoder == "bars" or (self.decoder == "hierarchical" and self.conductor == "slots")

    @property
    def form(self) -> Representation:
        """The representation."""
        return representation(self.representation)

    @property
    def classes(self) -> int:
        """How many tokens there are."""
        return self.form.classes

    @property
    def steps(self) -> int:
        """Length of a melody in steps."""
        return self.bars * self.form.steps_per_bar

    @property
    def segments(self) -> int:
        """Stretches in which the decoder begins anew: the bars, or one if it is flat."""
        return 1 if self.decoder == "flat" else self.bars

    def to_dict(self) -> dict:
        """Return the options for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, options: Any) -> "ModelConfig":
        """Return the configuration of options read from JSON.

        Raises:
            ModelError: an option is unknown or out of its range.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(options, dict) or set(options) - known:
            unknown = ", ".join(sorted(set(options) - known)) if isinstance(options, dict) else repr(options)
            raise ModelError(f"unknown model options: {unknown}; known are {', '.join(sorted(known))}")
        try:
            return cls(**options)
        except TypeError as error:
            raise ModelError(str(error)) from None


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
    """Return the configuration of a name.

    fast: bars by themselves that learn to hear each other, what learned best in minutes on a CPU. mlp: a perceptron
    over all steps and an LSTM conductor. flat: one decoder over all steps. faithful: MusicVAE with LSTMs, small enough
    for a CPU. seed: the same at the seed's real size, 176 million parameters at 2 bars.

    Raises:
        ModelError: there is none of that name.
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
