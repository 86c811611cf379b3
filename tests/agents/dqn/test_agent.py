"""Deep Q-learning: it learns, and a run continues from its state as if it had never stopped."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agents.dqn.agent import DqnAgent  # noqa: E402
from agents.dqn.evaluation import GreedyEvaluator  # noqa: E402
from agents.dqn.exploration import ExplorationOptions  # noqa: E402
from agents.dqn.learner import QLearner  # noqa: E402
from agents.dqn.loop import DqnLoop  # noqa: E402
from agents.dqn.network import QNetwork, arrays_of  # noqa: E402
from agents.dqn.options import LearningOptions, NetworkOptions  # noqa: E402
from agents.dqn.replay import ReplayOptions  # noqa: E402
from envs.keyboard_env import KeyboardEnv  # noqa: E402
from envs.vector_keyboard_env import KeyboardVectorEnv  # noqa: E402
from listener.memorization import ExactSteps, RightKeys  # noqa: E402
from songs.song import Song  # noqa: E402

MEMORY, PROMPT = 4, 2
TUNE = Song("tune", np.array([np.isin(np.arange(13), keys) for keys in [(0,), (), (4,), (), (7, 12), (4,), (), (0,)]]))
"""Eight steps with a chord, decided by the last four."""


def make_agent(
    envs: int = 1,
    head: str = "branching",
    dueling: bool = True,
    mode_bit: bool = False,
    epsilon: float = 0.0,
    bonus: float = 0.0,
    seed: int = 0,
    replay: dict | None = None,
    **learning,
) -> DqnAgent:
    network = QNetwork(13 * MEMORY + mode_bit, NetworkOptions(head, hidden=16, dueling=dueling), seed=seed)
    options = LearningOptions(**{"batch_size": 16, "learning_starts": 16, **learning})
    learner = QLearner(network, MEMORY, options, ReplayOptions(**(replay or {})), seed, mode_bit)
    return DqnAgent(learner, envs, ExplorationOptions(epsilon, epsilon, 1, bonus, 2, 0.5))


def make_loop(
    listener=None, envs: int = 1, songs=(TUNE,), seed: int = 0, keyboard: dict | None = None, **options
) -> DqnLoop:
    agent = make_agent(envs, seed=seed, **options)
    env = KeyboardEnv(
        songs,
        listener,
        MEMORY,
        PROMPT,
        mode_bit=agent.learner.replay.mode_bit,
        key_rewards=agent.learner.td_loss.rewards == 13,
        **(keyboard or {}),
    )
    return DqnLoop(KeyboardVectorEnv(env, envs), agent, seed)


BANDIT = {
    "listener": RightKeys(),
    "envs": 2,
    "epsilon": 0.05,
    "learning_rate": 0.01,
    "keyboard": {"teacher_forcing": True},
}
EPISODIC = {
    "td_loss": "product",
    "dueling": False,
    "bonus": 1.0,
    "learning_rate": 0.01,
    "replay": {"priority": 0.6},
    "keyboard": {"stop_at_error": True},
}
ONE_KEY = {
    "head": "one_key",
    "td_loss": "step",
    "epsilon": 0.1,
    "gamma": 0.5,
    "replay": {"n_step": 2, "priority": 0.5, "importance": 0.5},
    "keyboard": {"stop_at_error": True, "random_start": 0.5},
    "target_every": 7,
}
FREE = {
    "listener": ExactSteps(),
    "envs": 3,
    "td_loss": "step",
    "epsilon": 0.3,
    "gamma": 0.9,
    "double": False,
    "mode_bit": True,
    "songs": (TUNE, Song("other", TUNE.roll[::-1])),
    "replay": {"capacity": 40, "n_step": 3},
    "updates": 2,
    "target_every": 5,
}
SETTINGS = {"bandit": BANDIT, "episodic": EPISODIC, "one_key": ONE_KEY, "free": FREE}


def right_after(loop: DqnLoop, steps: int) -> int:
    evaluator = GreedyEvaluator([TUNE], MEMORY, PROMPT, False)
    for _ in range(steps):
        loop.step()
        right = evaluator.evaluate(loop.agent.learner.network).right
        if right == len(evaluator):
            break
    return right


# What is learned


@pytest.mark.parametrize("setting", [BANDIT, EPISODIC], ids=["bandit", "episodic"])
def test_a_tune_with_a_chord_is_learned(setting):
    assert right_after(make_loop(**setting, seed=1), 800) == 6


def test_one_key_at_a_time_learns_all_before_the_chord():
    setting = {**ONE_KEY, "epsilon": 0.5, "keyboard": {"stop_at_error": True}}
    loop, evaluator = make_loop(**setting, seed=0), GreedyEvaluator([TUNE], MEMORY, PROMPT, False)
    prefixes = []
    while loop.agent.learner.steps < 600 and 2 not in prefixes:
        loop.step()
        prefixes.append(evaluator.evaluate(loop.agent.learner.network).prefix)
    assert max(prefixes) == 2


@pytest.mark.parametrize(("double", "n_step"), [(True, 3), (False, 1)])
def test_a_later_reward_is_worth_less_by_the_discount(double, n_step):
    class LastStep:
        """Rewards the last step of the song by 1, whatever is played."""

        def rewards(self, rolls, targets=None):
            return np.repeat(np.arange(rolls.shape[1])[None] == 7, len(rolls), axis=0).astype(np.float32)

    loop = make_loop(
        LastStep(),
        td_loss="step",
        head="one_key",
        gamma=0.5,
        double=double,
        learning_rate=0.02,
        target_every=10,
        replay={"n_step": n_step},
        keyboard={"teacher_forcing": True},
    )
    for _ in range(300):
        loop.step()
    windows = GreedyEvaluator([TUNE], MEMORY, PROMPT, False)._inputs
    best = loop.agent.learner.network(windows).max(dim=2).values[:, 0].detach().numpy()
    np.testing.assert_allclose(best, 0.5 ** np.arange(5, -1, -1), atol=0.03)


def test_any_listener_can_give_the_rewards():
    class Loud:
        """Rewards pressed keys: it knows no song, and has no rewards for single keys."""

        def rewards(self, rolls, targets=None):
            return rolls.mean(axis=2, dtype=np.float32)

    loop = make_loop(Loud(), envs=8, td_loss="key", epsilon=1.0, learning_rate=0.003, batch_size=64)
    evaluator = GreedyEvaluator([TUNE], MEMORY, PROMPT, False)

    def loudness() -> float:
        return evaluator.play(loop.agent.learner.network)[0][PROMPT:].mean()

    assert loudness() < 0.7
    for _ in range(300):
        loop.step()
    assert loudness() > 0.9


# The parts


def test_the_target_network_is_copied_at_the_given_interval():
    loop = make_loop(**FREE)
    seen = 0
    while loop.agent.learner.updates < 30:
        before = arrays_of(loop.agent.learner.target.state_dict())["advantage.bias"]
        updates = loop.agent.learner.updates
        loop.step()
        after = arrays_of(loop.agent.learner.target.state_dict())["advantage.bias"]
        copied = loop.agent.learner.updates // 5 > updates // 5
        assert (before != after).any() == copied
        seen += copied
    assert seen >= 5


class Descent:
    """Subtracts the gradient."""

    def __init__(self, weights):
        self.weights = list(weights)

    @torch.no_grad()
    def step(self, number: int) -> None:
        for each in self.weights:
            each -= each.grad


def test_the_gradient_is_clipped_to_the_given_norm():
    def change(limit: float) -> float:
        loop = make_loop(**{**BANDIT, "max_grad_norm": limit})
        loop.agent.learner.optimizer = Descent(loop.agent.learner.network.parameters())
        while loop.agent.learner.updates < 1:
            before = torch.cat(
                [weights.detach().flatten().clone() for weights in loop.agent.learner.network.parameters()]
            )
            loop.step()
        after = torch.cat([weights.detach().flatten() for weights in loop.agent.learner.network.parameters()])
        return float((after - before).norm())

    assert change(0.01) == pytest.approx(0.01, rel=1e-3)
    assert change(0.0) == change(1e9) > 0.1


def test_nothing_is_learned_before_there_is_enough_to_learn_from():
    loop = make_loop(**{**BANDIT, "learning_starts": 21})
    while len(loop.agent.learner.replay) < 19:
        loop.step()
    assert loop.agent.learner.updates == 0
    loop.step()
    loop.step()
    assert loop.agent.learner.updates > 0


def test_steps_that_only_begin_an_episode_are_not_learned_from():
    loop = make_loop(**FREE)
    for _ in range(70):
        loop.step()
    # an episode lasts six steps and takes a seventh to begin the next one
    assert loop.agent.learner.steps == 3 * 60
    assert loop.episodes == 3 * 10
    assert loop.agent.learner.replay.added == 3 * 60


def test_more_updates_per_step_learn_more():
    once, twice = make_loop(**{**FREE, "updates": 1}), make_loop(**FREE)
    for loop in (once, twice):
        for _ in range(30):
            loop.step()
    assert twice.agent.learner.updates == 2 * once.agent.learner.updates > 0


def test_the_means_are_those_since_they_were_last_taken():
    loop = make_loop(ExactSteps(), td_loss="step", keyboard={"teacher_forcing": True})
    assert loop.take_means() == (0, 0)
    for _ in range(6):
        loop.step()
    right = loop.agent.learner.replay._arrays["rewards"][:6].sum()
    assert loop.take_means()[1] == pytest.approx(right / 6)
    assert loop.take_means() == (0, 0)


# The state


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("stop", [0, 13])
def test_a_restored_loop_continues_bit_identically(setting, stop):
    one, other = make_loop(**setting), make_loop(**{**setting, "seed": 5})
    for _ in range(stop):
        one.step()
    arrays, data = one.state()
    arrays = {name: array.copy() for name, array in arrays.items()}
    other.restore(arrays, json.loads(json.dumps(data)))
    for _ in range(40):
        one.step()
        other.step()
    ours, theirs = one.state(), other.state()
    assert ours[1] == theirs[1]
    assert set(ours[0]) == set(theirs[0])
    for name in ours[0]:
        np.testing.assert_array_equal(ours[0][name], theirs[0][name], err_msg=name)
    assert one.agent.learner.updates > 0


@pytest.mark.parametrize(
    ("other", "match"),
    [
        ({**BANDIT, "envs": 3}, "recent.observations has the shape"),
        ({**BANDIT, "mode_bit": True}, "network.body.0.weight has the shape"),
        ({**BANDIT, "td_loss": "step"}, "rewards has the shape"),
        ({**BANDIT, "head": "one_key", "td_loss": "step"}, "network.advantage.weight has the shape"),
        ({**BANDIT, "replay": {"priority": 0.5}}, "replay.priorities is missing"),
        ({**BANDIT, "bonus": 1.0}, "bonus is missing"),
    ],
)
def test_a_state_of_another_agent_is_refused(other, match):
    one = make_loop(**BANDIT)
    for _ in range(20):
        one.step()
    with pytest.raises(ValueError, match=match):
        make_loop(**other).restore(*one.state())
