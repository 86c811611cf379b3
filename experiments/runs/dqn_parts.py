"""Assembly of deep Q-learning: puts its parts together from a configuration. This is where torch comes in."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields

import numpy as np

from agents.dqn.losses import make_credit
from agents.dqn.episode_archive import Elite, EliteOptions
from agents.dqn.episodes import Episodes
from agents.dqn.exploration import Epsilon, TriedBefore, steps_of
from agents.dqn.agent import Dqn, QLearning
from agents.dqn.loop import DqnLoop
from agents.dqn.prior_agent import PriorDqn, PriorOptions
from agents.dqn.evaluation import GreedyEvaluator
from agents.dqn.network import QNetwork, load_weights
from agents.dqn.q_player import QPlayer
from agents.dqn.replay import ReplayBuffer
from envs.vector_keyboard_env import KeyboardVectorEnv
from experiments.runs.assembly import make_env
from experiments.config.dqn import DqnConfig
from experiments.runs.tensor_checkpoint import read_tensors
from experiments.runs.improvise import named_listener
from experiments.runs.folder import RunError, RunFolder
from experiments.config.settings import ConfigError
from listener.listener import Listener
from listener.melody_model import Expected
from listener.melody_reader import MelodyReader
from listener.memorization import ExactSteps, RightKeys
from listener.registry import listener_named
from songs.keyboard import KEYS
from songs.song import Song

CHAMPION = "best/model.safetensors"
MEMORIZATION = {"right_keys": RightKeys, "exact_steps": ExactSteps}


def seeds(config: DqnConfig) -> list[int]:
    """Return independent seeds of the weights, of the learner and of the environment."""
    return [int(one.generate_state(1, np.uint32)[0]) for one in np.random.SeedSequence(config.dqn.seed).spawn(3)]


def make_network(config: DqnConfig) -> QNetwork:
    """Return the untrained network of a resolved configuration."""
    task = config.task
    return QNetwork(KEYS * task.memory + task.mode_bit, **asdict(config.network), seed=seeds(config)[0])


def make_prior(config: DqnConfig) -> Callable[[int], MelodyReader] | None:
    """Return what makes the prior of so many melodies; None where there is none.

    Raises:
        ConfigError: there is no such listener, or it has no melody model.
    """
    name = config.prior.model
    if not name:
        return None
    try:
        listener = listener_named(name)
    except (ValueError, OSError) as error:
        raise ConfigError(f"prior.model = {name!r}: {error}") from None
    if not isinstance(listener, Expected):
        raise ConfigError(f"prior.model = {name!r}: it is no melody model; take melody, or the file of one")
    return lambda melodies: MelodyReader(listener.model, melodies, config.task.steps)


def make_learner(config: DqnConfig) -> Dqn:
    """Return the learner of a resolved configuration; raises ConfigError if its parts do not go together."""
    prior = make_prior(config)
    return make_prior_learner(config, prior) if prior else make_plain_learner(config)


def make_prior_learner(config: DqnConfig, prior: Callable[[int], MelodyReader]) -> PriorDqn:
    """Return a learner beside a prior; raises ConfigError if the parts do not go together."""
    task, dqn, replay, exploration = config.task, config.dqn, config.replay, config.exploration
    demanded = {
        "environment.listener": (config.improvises, "a prior is for improvising: name a listener"),
        "network.head": (config.network.head == "one_key", "a prior draws one key of 13, or none: take 'one_key'"),
        "dqn.credit": (dqn.credit == "step", "a prior goes with the reward of the step: take 'step'"),
        "dqn.soft": (not dqn.soft, "with a prior its temperature stands for it: leave it at 0"),
        "exploration.bonus": (not exploration.bonus, "with a prior what is tried is drawn from it: leave it at 0"),
    }
    for name, (fits, why) in demanded.items():
        if not fits:
            section, _, key = name.partition(".")
            raise ConfigError(f"{name} = {getattr(getattr(config, section), key)!r}: {why}")
    environments = config.environment.environments
    to_the_end = replay.n_step == 0
    episodes = Episodes(environments, task.steps, task.memory)
    kept = asdict(replay) | {"n_step": max(1, replay.n_step)}
    options = EliteOptions(**asdict(config.elite))
    return PriorDqn(
        make_network(config),
        episodes,
        ReplayBuffer(task.memory, False, 1, **kept, prior=not to_the_end),
        QLearning(**{option.name: getattr(dqn, option.name) for option in fields(QLearning)}),
        np.random.default_rng(seeds(config)[1]),
        Epsilon(exploration.epsilon_start, exploration.epsilon_end, exploration.epsilon_steps),
        prior(environments),
        PriorOptions(config.prior.form, config.prior.temperature, to_the_end),
        Elite(options, environments, task.steps, task.memory, dqn.gamma) if options.size else None,
    )


def make_plain_learner(config: DqnConfig) -> Dqn:
    """Return a learner without a prior; raises ConfigError if its parts do not go together."""
    if config.elite.size or not config.replay.n_step:
        name = "elite.size" if config.elite.size else "replay.n_step"
        raise ConfigError(f"{name}: it goes with a prior alone; set prior.model=learned, or leave it as it is")
    task, dqn, exploration = config.task, config.dqn, config.exploration
    if dqn.credit == "product" and config.network.dueling:
        raise ConfigError("network.dueling = true: dqn.credit = 'product' has no use for the value of a memory")
    try:
        credit = make_credit(dqn.credit, config.network.head, dqn.gamma, dqn.soft)
    except ValueError as error:
        raise ConfigError(f"dqn.{error}") from None
    tried = None
    if exploration.bonus:
        steps = steps_of(exploration.most_keys if config.plays_chords else 1)
        inputs = KEYS * task.memory + task.mode_bit
        tried = TriedBefore(exploration.bonus, exploration.chord_bonus, steps, inputs)
    return Dqn(
        make_network(config),
        config.environment.environments,
        ReplayBuffer(task.memory, task.mode_bit, credit.rewards, **asdict(config.replay)),
        credit,
        QLearning(**{option.name: getattr(dqn, option.name) for option in fields(QLearning)}),
        np.random.default_rng(seeds(config)[1]),
        Epsilon(exploration.epsilon_start, exploration.epsilon_end, exploration.epsilon_steps),
        tried,
    )


def make_loop(config: DqnConfig, songs: Sequence[Song], listener: Listener | None = None) -> DqnLoop:
    """Return the learner of a resolved configuration and the keyboards it learns on.

    Args:
        config: of the experiment.
        songs: what is played.
        listener: pays; None: the one the configuration names.

    Raises:
        ConfigError: parts of the configuration do not go together.
    """
    environment = config.environment
    listener = listener or MEMORIZATION.get(environment.listener, lambda: paid_by(config))()
    keyboard = make_env(
        config.task,
        songs,
        listener=listener,
        teacher_forcing=environment.teacher_forcing,
        stop_at_error=environment.stop_at_error,
        random_start=environment.random_start,
        improvise=config.improvises,
        key_rewards=config.dqn.credit == "key",
    )
    return DqnLoop(KeyboardVectorEnv(keyboard, environment.environments), make_learner(config), seeds(config)[2])


def paid_by(config: DqnConfig) -> Listener | None:
    """Return the listener that an improvisation is paid by; None where a song is memorised.

    Raises:
        ConfigError: there is none of that name.
    """
    environment = config.environment
    if not config.improvises:
        return None
    extra_keys = environment.extra_keys if config.plays_chords else 0.0
    return named_listener(environment.listener, extra_keys, "environment.listener")


def make_judge(config: DqnConfig, songs: Sequence[Song], listener: Listener | None) -> GreedyEvaluator:
    """Return the judge of the greedy player; a listener, if there is one, has the last word."""
    task, pays = config.task, listener.rewards if listener else None
    return GreedyEvaluator(songs, task.memory, task.prompt, task.mode_bit, config.plays_chords, pays, playing_prior(config))


def playing_prior(config: DqnConfig) -> Callable[[int], MelodyReader] | None:
    """Return what makes the prior of a player; None where the network decides alone."""
    return make_prior(config) if config.plays_beside_prior else None


def read_player(folder: RunFolder, config: DqnConfig) -> QPlayer:
    """Return the champion of a run; raises RunError if it is missing, damaged or of another shape."""
    weights, _ = read_tensors(folder.path / CHAMPION)
    network = make_network(config)
    try:
        load_weights(network, weights)
    except ValueError as error:
        raise RunError(f"{folder.path / CHAMPION}: does not fit config.toml: {error}") from None
    return QPlayer(network, config.task.mode_bit, playing_prior(config), config.task.prompt)
