"""Assembly of deep Q-learning from a configuration. Loads torch."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from agents.dqn.agent import Agent, DqnAgent
from agents.dqn.evaluation import GreedyEvaluator
from agents.dqn.learner import QLearner
from agents.dqn.loop import DqnLoop
from agents.dqn.network import QNetwork, load_weights
from agents.dqn.prior_agent import PriorAgent
from agents.dqn.q_player import QPlayer
from agents.dqn.switch_player import SwitchPlayer
from agents.prior import MakePrior
from envs.vector_keyboard_env import KeyboardVectorEnv
from experiments.config.dqn import DqnConfig
from experiments.config.settings import ConfigError
from experiments.runs.assembly import make_env
from experiments.runs.checkpoint import read_arrays
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.improvise import Improvising, OneVoice, improvising_of_run, with_draft
from experiments.runs.lifecycle import name_of_kind, read_config
from experiments.runs.named import NO_PRIOR, melody_prior, named_listener
from experiments.runs.origin import Origin
from experiments.runs.starts import Starts
from listener.attachment import attached
from listener.listener import Listener
from listener.memorization import ExactSteps, RightKeys
from songs.files import read_whole
from songs.piano_roll import rows_of
from songs.plan import PlanFollower, PlanInputs, Plans, input_count
from songs.song import Song

CHAMPION = "best/model.safetensors"
WEIGHTS = "initial.safetensors"
"""Weights of another run that a run starts from."""
SONG_CHAMPION = "best/song.safetensors"
"""The network of mode 1, in runs with a mode bit."""
MEMORIZATION = {"right_keys": RightKeys, "exact_steps": ExactSteps}


def seeds(config: DqnConfig) -> list[int]:
    """Return independent seeds of the weights, of the agent and of the environment."""
    return [int(one.generate_state(1, np.uint32)[0]) for one in np.random.SeedSequence(config.dqn.seed).spawn(3)]


def make_network(config: DqnConfig, keys: int) -> QNetwork:
    """Return the untrained network of a configuration; with a plan and a draft, its outputs are 0."""
    task = config.task
    inputs = keys * rows_of(task.remembered) + task.mode_bit + _planned(config, keys)
    network = QNetwork(inputs, config.network, seeds(config)[0], keys)
    return network.silence() if task.plan and config.prior.draws else network


def _planned(config: DqnConfig, keys: int) -> int:
    """Return the number of inputs from the plan."""
    return input_count(keys) if config.task.plan else 0


def make_prior(config: DqnConfig, plans: Plans | None) -> MakePrior | None:
    """Return a factory for the prior of a number of melodies, or None without a prior; raises ConfigError."""
    return melody_prior(config.prior.model, "prior.model", config.task.steps, plans)


def make_agent(config: DqnConfig, keys: int, plans: Plans | None = None) -> Agent:
    """Return the agent of a resolved configuration; raise ConfigError if its options cannot be combined."""
    config.check()
    task, envs, prior = config.task, config.environment.environments, make_prior(config, plans)
    learning, weighted = config.dqn, prior is not None and config.prior.form == "g" and config.replay.n_step > 0
    if prior:
        learning = replace(learning, soft=0.0 if config.prior.form == "q" else 1.0)
    network, seed = make_network(config, keys), seeds(config)[1]
    try:
        learner = QLearner(
            network, task.remembered, learning, config.replay, seed, task.mode_bit, weighted, _planned(config, keys)
        )
    except ValueError as error:
        raise ConfigError(f"dqn.{error}") from None
    if prior is None:
        return DqnAgent(learner, envs, config.exploration)
    inputs = PlanInputs(plans, keys) if plans is not None else None
    return PriorAgent(
        learner, envs, task.steps, config.exploration, prior(envs), config.prior, config.episode_archive, inputs
    )


def make_loop(
    config: DqnConfig, songs: Sequence[Song], listener: Listener | None, plans: Plans | None = None
) -> DqnLoop:
    """Return the training loop of a resolved configuration: its agent and the keyboards that it learns on.

    The listener gives the rewards; it is None if songs are memorised. Raises ConfigError if options cannot be combined.
    """
    environment = config.environment
    keyboard = make_env(
        config.task,
        songs,
        listener=listener or MEMORIZATION[environment.listener](),
        teacher_forcing=environment.teacher_forcing,
        stop_at_error=environment.stop_at_error,
        random_start=environment.random_start,
        improvise=config.improvises,
        key_rewards=config.dqn.td_loss == "key",
        plans=plans,
    )
    agent = make_agent(config, songs[0].keyboard.keys, plans)
    return DqnLoop(KeyboardVectorEnv(keyboard, environment.environments), agent, seeds(config)[2])


def improvisation_listener(config: DqnConfig) -> Listener | None:
    """Return the listener that rewards an improvisation, or None if a song is memorised; raises ConfigError."""
    environment = config.environment
    if not config.improvises:
        return None
    extra_keys = environment.extra_keys if config.plays_chords else 0.0
    return OneVoice(named_listener(environment.listener, "environment.listener"), extra_keys)


def make_evaluator(
    config: DqnConfig,
    songs: Sequence[Song],
    listener: Listener | None,
    plans: Plans | None = None,
    prior: MakePrior | None = None,
) -> GreedyEvaluator:
    """Return the evaluator of the greedy player, which ranks players by the listener's rewards, if any.

    The player uses the given prior, or else that of the configuration.
    """
    task, first = config.task, songs[0]
    reward_fn = attached(listener, first.keyboard, first.grid).rewards if listener else None
    return GreedyEvaluator(
        songs,
        task.remembered,
        task.prompt,
        task.mode_bit,
        config.plays_chords,
        reward_fn,
        prior or playing_prior(config, plans),
        PlanInputs(plans, first.keyboard.keys) if plans is not None else None,
    )


def playing_prior(config: DqnConfig, plans: Plans | None) -> MakePrior | None:
    """Return a factory for the prior of a player, or None if the network decides alone."""
    return make_prior(config, plans) if config.prior.decides else None


def dqn_origin(text: str, config: DqnConfig, songs: Sequence[Song]) -> Origin:
    """Return the origin of a resolved run that starts from another DQN: the weights of its champion.

    Raises:
        RunError: The other run does not exist, or its champion is missing or damaged.
        ConfigError: The weights do not fit the new run's network; the message names options that would fit.
    """
    folder = RunFolder.open(text)
    if (kind := name_of_kind(folder)) != "dqn":
        raise RunError(f"--from {text}: it is a run of {kind}, which has no Q-network")
    path, other = folder.path / CHAMPION, read_config(folder)
    if config.switches or other.switches:
        raise ConfigError(
            f"--from {text}: a run with a mode bit and a listener has two networks, which cannot be reused"
        )
    weights, data = read_arrays(path)
    try:
        load_weights(make_network(config, songs[0].keyboard.keys), weights)
    except ValueError:
        raise ConfigError(f"--from {text}: its network has a different shape: {_what_fits(other, config)}") from None
    taken = f"the champion of step {data.get('step')}"
    return Origin.of_new(text, taken, WEIGHTS, read_whole(path), folder.read_meta())


def _what_fits(other: DqnConfig, config: DqnConfig) -> str:
    """Return the options that give a network the shape of the other run's."""
    options = [f"--memory {other.task.memory}"] if other.task.remembered != config.task.remembered else []
    if other.task.lags != config.task.lags:
        options = [f"--set task.lags={other.task.lags!r}"]
    for name, value in asdict(other.network).items():
        if value != getattr(config.network, name):
            options.append(f"--set network.{name}={str(value).lower()}")
    if other.task.mode_bit != config.task.mode_bit:
        options.append(f"--set task.mode_bit={str(other.task.mode_bit).lower()}")
    return f"add {' '.join(options)}" if options else "its number of keys differs; --keys N --fold changes that"


def begin_with_origin(learner: QLearner, folder: RunFolder) -> None:
    """Load the initial weights of the run folder, if any, into a new learner; raises RunError."""
    origin = Origin.of_run(folder, (WEIGHTS,))
    if origin is None:
        return
    weights, _ = read_arrays(folder.path / WEIGHTS)
    try:
        for network in (learner.network, learner.target):
            load_weights(network, weights)
    except ValueError as error:
        raise RunError(f"{folder.path / WEIGHTS}: does not fit config.toml: {error}") from None


def improvising_task(folder: RunFolder, config: DqnConfig, songs: Sequence[Song]) -> Improvising:
    """Return the improvisation task of a run, without plans or draft."""
    task, starts = config.task, Starts.of_songs(songs, config.task.prompt)
    prior = config.prior.model if config.prior.decides else NO_PRIOR
    return improvising_of_run(folder, config.environment, starts, task.remembered, songs, prior)


def learned_improvising(folder: RunFolder, config: DqnConfig, songs: Sequence[Song]) -> Improvising | None:
    """Return the improvisation task of a run; None if a song is memorised. Raises RunError."""
    if not config.improvises:
        return None
    return with_draft(improvising_task(folder, config, songs), config.task.plan, config.prior.draws)


def read_player(
    folder: RunFolder, config: DqnConfig, keys: int, improvising: Improvising | None = None
) -> QPlayer | SwitchPlayer:
    """Return the champion of a run; raise RunError if it is missing, damaged or of a different shape."""
    if not config.switches:
        return _read_network(folder, CHAMPION, config, keys, improvising)
    song = _read_network(folder, SONG_CHAMPION, config.of_song, keys)
    return SwitchPlayer(song, _read_network(folder, CHAMPION, config.of_improvisation, keys, improvising))


def _read_network(
    folder: RunFolder, name: str, config: DqnConfig, keys: int, improvising: Improvising | None = None
) -> QPlayer:
    weights, _ = read_arrays(folder.path / name)
    network = make_network(config, keys)
    try:
        load_weights(network, weights)
    except ValueError as error:
        raise RunError(f"{folder.path / name}: does not fit config.toml: {error}") from None
    task, inputs = config.task, improvising.plan_inputs if improvising else None
    planned = PlanFollower(inputs, task.prompt) if inputs else None
    return QPlayer(network, task.mode_bit, improvising.prior if improvising else None, task.prompt, planned)
