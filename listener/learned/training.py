"""Training the learned listener: networks, hardening by attacks, calibration and weights.

Conventions:
    Melodies are (N, T) int8. Window networks train on excerpts of 8 bars and of 4, which are more numerous, the form
    network on 16 bars. Calibration, weights and the choice of the round use the validation melodies of 16 bars. The
    test melodies are not used.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict
from functools import partial

import numpy as np

from listener.corpus import WIDE, Corpora, moved
from listener.corruptions import MELODIC
from listener.learned.form_net import FormNet
from listener.learned.form_training import fit_form
from listener.learned.model import NUMBERED, PAIRED, Nets
from listener.learned.negatives import negatives_and_attacks, wrong_pitches, wrong_rhythm
from listener.learned.net_training import MADE_AT_ONCE, Others, judgement, net_losses, scales
from listener.learned.weights import Weighing
from listener.learned.window_net import NetOptions, WindowNet
from listener.markov import MarkovChain
from listener.red_team import Attack, AttackOptions
from listener.stages import Attributes, Part, Stage, Stages, Task, Trained, Training
from listener.theory import REST
from listener.training import FitStage, Randomness, Values
from listener.training_options import LearnedOptions
from songs.keyboard import KEYS
from songs.validate import AnyLength, Within
from vae.fit import CosineRate, Fit

PITCHES = NetOptions(embedding=24, halves=32, quarters=48, bars=48, hidden=48)
METRE = NetOptions(embedding=16, halves=24, quarters=32, bars=32, hidden=32)
"""Sizes of the networks trained on pairs."""
ORDERS = 5
"""Longest context of the Markov chain, in steps."""
BANK = 24
"""Melodies of each degenerate player used to evaluate a round."""
MEASURED = 512
"""Real melodies used to standardise the networks before an attack."""
GENERATIONS_AT_ONCE = 10


class LearnedTraining(Training):
    """Training of a learned listener; the same seed gives a bit-identical one on the same kind of machine."""

    def __init__(self, corpora: Corpora, options: LearnedOptions, seed: int):
        self._corpora, self._options, self._seed = corpora, options, seed
        self._real = corpora.excerpts.training.melodies
        self._chain = chain_of(self._real, seed)
        numbered = [f"network {number + 1} of {options.nets}" for number in range(options.nets)]
        sizes = {"pitches": PITCHES, "metre": METRE, **dict.fromkeys(numbered, NetOptions())}
        self._random = {name: Randomness.of_stage(seed, name) for name in (*sizes, "form", "rounds", "weights")}
        self._networks = {name: self._new_network(name, size) for name, size in sizes.items()}
        with self._random["form"].torch():
            self._form = FormNet().eval()
        self._form.scale_by(corpora.songs.training.melodies[:: max(1, len(corpora.songs.training) // MEASURED)])
        self._nets = [self._networks[name] for name in numbered]
        best = deepcopy(self._nets)
        windows = {f"{NUMBERED}{number}": net for number, net in enumerate(best)}
        windows |= {name: self._networks[name] for name in PAIRED}
        self._hardened = Nets(windows, {"form": self._form})
        generator = self._random["weights"].generator
        validation = moved(corpora.songs.validation.melodies, generator)
        self._weighing = Weighing(self._hardened, validation, self._chain, options.attack_generations // 2, generator)
        self.pool = self._real[:0]
        self.scales = np.stack((np.zeros(options.nets), np.ones(options.nets)))
        self.rounds: list[list[float]] = []
        self.attacked = 0.0
        most = options.rounds * options.attack_islands * options.attack_size
        memory = {
            "pool": Within(AnyLength(self.pool, most), REST, WIDE - 1),
            "scales": self.scales,
            "rounds": [(0.0, 0.0)],
            "attacked": 0.0,
        }
        parts: dict[str, Part] = {
            **self._random,
            "weights of terms": self._weighing,
            **{f"net of {name}": Values(net) for name, net in (*self._networks.items(), ("form", self._form))},
            **{f"best {number}": Values(net) for number, net in enumerate(best)},
            "memory": Attributes(self, memory),
        }
        super().__init__([*self._fits(), *self._hardening(), *self._weighing.stages()], parts)

    @property
    def result(self) -> Trained:
        rounds = [{"attacked": attacked, "bank": bank} for attacked, bank in self.rounds]
        return Trained(
            self._weighing.listener, {"training": asdict(self._options), "seed": self._seed, "rounds": rounds}
        )

    def _new_network(self, name: str, size: NetOptions) -> WindowNet:
        with self._random[name].torch():
            return WindowNet(size).eval()

    # the networks

    def _fits(self) -> Stages:
        reals = (self._real, self._corpora.short.training.melodies)
        paired: dict[str, Others] = {"pitches": partial(wrong_pitches, self._chain), "metre": wrong_rhythm}
        stages = []
        for name, net in self._networks.items():
            steps = self._options.paired_steps if name in paired else self._options.steps
            rate = CosineRate(self._options.learning_rate, steps)
            others = paired.get(name, self._others)
            begin = partial(self._fit, name, net, reals, others, rate, self._random[name], name in paired)
            stages.append((steps, begin))
        songs = self._corpora.songs.training.melodies
        form = partial(fit_form, self._form, songs, self._chain, self._options, self._random["form"])
        return [*stages, (2 * self._options.form_steps, form)]

    def _fit(self, stage, net: WindowNet, reals, others, rate: CosineRate, random: Randomness, paired=False) -> Stage:
        fit = Fit(net, rate.learning_rate, self._options.weight_decay)
        losses = partial(net_losses, net, reals, others, self._options, random.generator, paired)
        return FitStage(stage, fit, rate, lambda done: losses(), random, MADE_AT_ONCE * len(reals))

    # hardening

    def _hardening(self) -> Stages:
        stages: list = []
        rate = CosineRate(self._options.round_learning_rate, self._options.round_steps)
        for number in range(self._options.rounds):
            name = f"round {number + 1} of {self._options.rounds}"
            stages.append((self._options.attack_generations, partial(self._attack, f"{name}: attack")))
            for net in self._nets:
                fit = partial(self._fit, name, net, (self._real,), self._others, rate, self._random["rounds"])
                stages.append((rate.steps, fit))
            stages.append((1, partial(Task, f"{name}: degenerate players", self._end_round)))
        return stages

    def _attack(self, name: str) -> Stage:
        """Standardise the networks and begin an attack on them."""
        generator, options = self._random["rounds"].generator, self._options
        real = moved(self._real[generator.integers(0, len(self._real), MEASURED)], generator)
        self.scales = scales(self._nets, real)
        keys = WIDE if len(self.rounds) % 2 else KEYS
        size = AttackOptions(options.attack_islands, options.attack_size, options.attack_generations, keys)
        return Attack(self._judgement, self._real.shape[1], size, generator, name, GENERATIONS_AT_ONCE, self._keep)

    def _judgement(self, melodies: np.ndarray) -> np.ndarray:
        return judgement(self._nets, self.scales, melodies)

    def _keep(self, attack: Attack) -> None:
        self.pool = np.concatenate((self.pool, attack.population))
        self.attacked = float(np.median(attack.champion_scores))

    def _others(self, real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return negatives of all families and finds of attacks; finds of the last attack are three times as likely."""
        latest = self.pool[-self._options.attack_islands * self._options.attack_size :]
        more = (latest, latest) if len(self.pool) > len(latest) else ()
        pool = np.concatenate((self.pool, *more))
        others = negatives_and_attacks(real, pool, self._options.attacked_share, self._chain, generator)
        return others[generator.permutation(len(others))]

    def _end_round(self) -> float:
        """Keep the networks if, among the later rounds, degenerate players rank lowest in this one."""
        generator = self._random["rounds"].generator
        bank = bank_percentile(self._nets, self._corpora.songs.validation.melodies, generator)
        # early rounds are not robust yet, whatever their percentile; ties go to the later round, which is more robust
        number = len(self.rounds) + 1
        first = math.ceil(self._options.rounds / 2)
        if number >= first and bank <= min((each for _, each in self.rounds[first - 1 :]), default=np.inf):
            for best, net in zip(self._hardened.hardened, self._nets, strict=True):
                best.load_state_dict(net.state_dict())
        self.rounds.append([self.attacked, bank])
        return bank


def chain_of(real: np.ndarray, seed: int) -> MarkovChain:
    """Return the Markov chain for a training with a seed, from the real melodies (N, T) that fit on 13 keys."""
    generator = Randomness.of_stage(seed, "chain").generator
    narrow = real[real.max(axis=1) < KEYS]
    return MarkovChain(moved(np.tile(narrow, (3, 1)), generator), ORDERS)


def bank_percentile(nets: Sequence[WindowNet], real: np.ndarray, generator: np.random.Generator) -> float:
    """Return the highest percentile among real melodies that a degenerate melody reaches."""
    scale = scales(nets, real)
    true = judgement(nets, scale, real)
    bank = np.concatenate([play(BANK, real.shape[1], generator) for play in MELODIC.values()])
    return float(100 * (true < judgement(nets, scale, bank).max()).mean())
