"""Training a listener built on the encoder of a MusicVAE: its head, the form network, calibration and weights.

Conventions: as in `listener.learned.training`. The encoder comes from a trained model and is frozen.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from listener.corpus import Corpora, moved
from listener.corruptions import MELODIC
from listener.learned.form_net import FormNet
from listener.learned.form_training import fit_form, song_losses, wrong_form
from listener.learned.latent_net import BARS, LatentNet
from listener.learned.model import Nets
from listener.learned.negatives import wrong_pitches, wrong_rhythm
from listener.learned.net_training import MADE_AT_ONCE, Others
from listener.learned.training import MEASURED, chain_of
from listener.learned.weights import Weighing
from listener.markov import MarkovChain
from listener.stages import Stage, Trained, Training
from listener.training import FitStage, Randomness, Values
from listener.training_options import VaeOptions
from vae.fit import CosineRate, Fit
from vae.shipped import find_model

SHARES = (0.46, 0.28, 0.18, 0.08)
"""Shares of the pairs with worse form, worse keys, worse rhythm, and dull players."""
DULL = ("two notes in a rhythm", "scale in a rhythm", "scale in a rhythm")
"""Players that the head would otherwise mistake for music."""


class VaeTraining(Training):
    """Training of a listener on a MusicVAE; reproducible from the seed like `LearnedTraining`."""

    def __init__(self, corpora: Corpora, options: VaeOptions, seed: int):
        """Take melodies and options; raises ValueError if the model is missing or not of two bars as a piano roll."""
        self._options, self._seed = options, seed
        self._songs = corpora.songs.training.melodies
        self._chain = chain_of(corpora.excerpts.training.melodies, seed)
        self._random = {name: Randomness.of_stage(seed, name) for name in ("vae", "form", "weights")}
        model, _ = find_model(BARS, "pianoroll", True, Path(options.model) if options.model else None)
        with self._random["vae"].torch():
            self._net = LatentNet.of(model)
        with self._random["form"].torch():
            self._form = FormNet().eval()
        self._form.scale_by(self._songs[:: max(1, len(self._songs) // MEASURED)])
        nets, generator = Nets({}, {"vae": self._net, "form": self._form}), self._random["weights"].generator
        validation = moved(corpora.songs.validation.melodies, generator)
        self._weighing = Weighing(nets, validation, self._chain, options.attack_generations, generator)
        values = {"net of vae": Values(self._net), "net of form": Values(self._form)}
        form: Callable[[], Stage] = partial(
            fit_form, self._form, self._songs, self._chain, options, self._random["form"]
        )
        stages = [(8 * options.steps, self._fit_head), (2 * options.form_steps, form), *self._weighing.stages()]
        super().__init__(stages, {**self._random, "weights of terms": self._weighing, **values})

    @property
    def result(self) -> Trained:
        return Trained(self._weighing.listener, {"training": asdict(self._options), "seed": self._seed})

    def _fit_head(self) -> Stage:
        rate, random = CosineRate(self._options.learning_rate, self._options.steps), self._random["vae"]
        wrong = partial(wrong_songs, self._chain)
        net = self._net
        losses = partial(song_losses, net.head, net.latents, self._songs, wrong, self._options, random.generator)
        fit = Fit(net.head, rate.learning_rate, self._options.weight_decay)
        return FitStage("vae", fit, rate, lambda done: losses(), random, MADE_AT_ONCE)


def wrong_songs(chain: MarkovChain, real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Corrupt the form, the keys or the rhythm of songs (N, T); some are replaced by dull players."""
    made, kind = np.empty_like(real), generator.choice(len(SHARES), len(real), p=SHARES)
    ways: tuple[Others, ...] = (partial(wrong_form, chain), partial(wrong_pitches, chain), wrong_rhythm, _dull)
    for number, wrong in enumerate(ways):
        made[kind == number] = wrong(real[kind == number], generator)
    return made


def _dull(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    players = [MELODIC[name] for name in DULL]
    parts = generator.multinomial(len(real), np.full(len(DULL), 1 / len(DULL)))
    return np.concatenate([play(part, real.shape[1], generator) for play, part in zip(players, parts, strict=True)])
