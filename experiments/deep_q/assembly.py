"""Assembly of deep Q-learning: puts its parts together from a configuration. This is where torch comes in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields

import numpy as np
import torch

from agents.dqn.credit import make_credit
from agents.dqn.exploration import Epsilon, TriedBefore, steps_of
from agents.dqn.learner import Dqn, QLearning
from agents.dqn.loop import DqnLoop
from agents.dqn.q_judge import Judge
from agents.dqn.q_network import QNetwork, load_weights
from agents.dqn.q_player import QPlayer
from agents.dqn.replay_buffer import ReplayBuffer
from envs.vector_keyboard_env import KeyboardVectorEnv
from experiments.assembly import make_env
from experiments.deep_q.config import DqnConfig
from experiments.deep_q.tensor_checkpoint import read_tensors
from experiments.improvise import named_listener
from experiments.run_folder import RunError, RunFolder
from experiments.settings import ConfigError
from listener.listener import Listener
from listener.memorization import ExactSteps, RightKeys
from songs.keyboard import KEYS
from songs.song import Song

CHAMPION = "best/model.safetensors"
MEMORIZATION = {"right_keys": RightKeys, "exact_steps": ExactSteps}


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, and numbers next to 0 as 0: small networks are fastest so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


def seeds(config: DqnConfig) -> list[int]:
    """Return independent seeds of the weights, of the learner and of the environment."""
    return [int(one.generate_state(1, np.uint32)[0]) for one in np.random.SeedSequence(config.dqn.seed).spawn(3)]


def make_network(config: DqnConfig) -> QNetwork:
    """Return the untrained network of a resolved configuration."""
    task = config.task
    return QNetwork(KEYS * task.memory + task.mode_bit, **asdict(config.network), seed=seeds(config)[0])


def make_learner(config: DqnConfig) -> Dqn:
    """Return the learner of a resolved configuration; raises ConfigError if its parts do not go together."""
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


def make_judge(config: DqnConfig, songs: Sequence[Song], listener: Listener | None) -> Judge:
    """Return the judge of the greedy player; a listener, if there is one, has the last word."""
    task, pays = config.task, listener.rewards if listener else None
    return Judge(songs, task.memory, task.prompt, task.mode_bit, config.plays_chords, pays)


def read_player(folder: RunFolder, config: DqnConfig) -> QPlayer:
    """Return the champion of a run; raises RunError if it is missing, damaged or of another shape."""
    weights, _ = read_tensors(folder.path / CHAMPION)
    network = make_network(config)
    try:
        load_weights(network, weights)
    except ValueError as error:
        raise RunError(f"{folder.path / CHAMPION}: does not fit config.toml: {error}") from None
    return QPlayer(network, config.task.mode_bit)
