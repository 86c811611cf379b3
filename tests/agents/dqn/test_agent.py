"""Deep Q-learning: what is learned, and that a run goes on from its state as if it had never stopped."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agents.dqn.agent import Dqn, QLearning  # noqa: E402
from agents.dqn.evaluation import GreedyEvaluator  # noqa: E402
from agents.dqn.exploration import Epsilon, TriedBefore, steps_of  # noqa: E402
from agents.dqn.loop import DqnLoop  # noqa: E402
from agents.dqn.losses import make_credit  # noqa: E402
from agents.dqn.network import QNetwork, arrays_of  # noqa: E402
from agents.dqn.replay import ReplayBuffer  # noqa: E402
from envs.keyboard_env import KeyboardEnv  # noqa: E402
from envs.vector_keyboard_env import KeyboardVectorEnv  # noqa: E402
from listener.memorization import ExactSteps, RightKeys  # noqa: E402
from songs.song import Song  # noqa: E402

MEMORY, PROMPT = 4, 2
TUNE = Song("tune", np.array([np.isin(np.arange(13), keys) for keys in [(0,), (), (4,), (), (7, 12), (4,), (), (0,)]]))
"""Eight steps with a chord, decided by the last four."""


def learner(
    envs: int = 1,
    credit: str = "key",
    head: str = "branching",
    dueling: bool = True,
    mode_bit: bool = False,
    epsilon: float = 0.0,
    bonus: float = 0.0,
    seed: int = 0,
    replay: dict | None = None,
    **learning,
) -> Dqn:
    learning = QLearning(**{"batch_size": 16, "learning_starts": 16, **learning})
    way = make_credit(credit, head, learning.gamma)
    inputs = 13 * MEMORY + mode_bit
    tried = TriedBefore(bonus, 0.5, steps_of(2 if head == "branching" else 1), inputs) if bonus else None
    return Dqn(
        QNetwork(inputs, head, hidden=16, dueling=dueling, seed=seed),
        envs,
        ReplayBuffer(MEMORY, mode_bit, way.rewards, **(replay or {})),
        way,
        learning,
        np.random.default_rng(seed),
        Epsilon(epsilon, epsilon, 1),
        tried,
    )


def loop(
    listener=None, envs: int = 1, songs=(TUNE,), seed: int = 0, keyboard: dict | None = None, **options
) -> DqnLoop:
    made = learner(envs, seed=seed, **options)
    env = KeyboardEnv(
        songs,
        listener,
        MEMORY,
        PROMPT,
        mode_bit=made.replay.mode_bit,
        key_rewards=made.credit.rewards == 13,
        **(keyboard or {}),
    )
    return DqnLoop(KeyboardVectorEnv(env, envs), made, seed)


BANDIT = {
    "listener": RightKeys(),
    "envs": 2,
    "epsilon": 0.05,
    "learning_rate": 0.01,
    "keyboard": {"teacher_forcing": True},
}
EPISODIC = {
    "credit": "product",
    "dueling": False,
    "bonus": 1.0,
    "learning_rate": 0.01,
    "replay": {"priority": 0.6},
    "keyboard": {"stop_at_error": True},
}
ONE_KEY = {
    "head": "one_key",
    "credit": "step",
    "epsilon": 0.1,
    "gamma": 0.5,
    "replay": {"n_step": 2, "priority": 0.5, "importance": 0.5},
    "keyboard": {"stop_at_error": True, "random_start": 0.5},
    "target_every": 7,
}
FREE = {
    "listener": ExactSteps(),
    "envs": 3,
    "credit": "step",
    "epsilon": 0.3,
    "gamma": 0.9,
    "double": False,
    "mode_bit": True,
    "songs": (TUNE, Song("other", TUNE.roll[::-1])),
    "replay": {"capacity": 40, "n_step": 3},
    "updates": 2,
    "target_every": 5,
}
MANNERS = {"bandit": BANDIT, "episodic": EPISODIC, "one_key": ONE_KEY, "free": FREE}


def right_after(made: DqnLoop, steps: int) -> int:
    judge = GreedyEvaluator([TUNE], MEMORY, PROMPT, False)
    for _ in range(steps):
        made.step()
        right = judge.judge(made.learner.network).right
        if right == len(judge):
            break
    return right


# What is learned


@pytest.mark.parametrize("manner", [BANDIT, EPISODIC], ids=["bandit", "episodic"])
@pytest.mark.parametrize("seed", range(3))
def test_a_tune_with_a_chord_is_learned(manner, seed):
    assert right_after(loop(**manner, seed=seed), 800) == 6


@pytest.mark.parametrize("seed", range(2))
def test_one_finger_learns_all_but_the_chord_and_what_comes_behind_it(seed):
    manner = {**ONE_KEY, "epsilon": 0.5, "keyboard": {"stop_at_error": True}}
    made, judge = loop(**manner, seed=seed), GreedyEvaluator([TUNE], MEMORY, PROMPT, False)
    prefixes = []
    while made.learner.steps < 600 and 2 not in prefixes:
        made.step()
        prefixes.append(judge.judge(made.learner.network).prefix)
    assert max(prefixes) == 2


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("n_step", [1, 3])
def test_a_later_reward_is_worth_less_by_the_discount(double, n_step):
    class LastStep:
        """Pays 1 for the last step of the song, whatever is played."""

        def rewards(self, rolls, targets=None):
            return np.repeat(np.arange(rolls.shape[1])[None] == 7, len(rolls), axis=0).astype(np.float32)

    made = loop(
        LastStep(),
        credit="step",
        head="one_key",
        gamma=0.5,
        double=double,
        learning_rate=0.01,
        target_every=10,
        replay={"n_step": n_step},
        keyboard={"teacher_forcing": True},
    )
    for _ in range(700):
        made.step()
    windows = GreedyEvaluator([TUNE], MEMORY, PROMPT, False)._inputs
    best = made.learner.network(windows).max(dim=2).values[:, 0].detach().numpy()
    np.testing.assert_allclose(best, 0.5 ** np.arange(5, -1, -1), atol=0.06)


def test_any_listener_can_pay():
    class Loud:
        """Pays for pressed keys: it knows no song, and does not say what each key was worth."""

        def rewards(self, rolls, targets=None):
            return rolls.mean(axis=2, dtype=np.float32)

    made = loop(Loud(), envs=8, credit="key", epsilon=6.0, learning_rate=0.003, batch_size=64)
    judge = GreedyEvaluator([TUNE], MEMORY, PROMPT, False)

    def loudness() -> float:
        return judge.play(made.learner.network)[0][PROMPT:].mean()

    assert loudness() < 0.7
    for _ in range(300):
        made.step()
    assert loudness() > 0.9


# The parts


def test_the_target_network_is_a_copy_of_now_and_then():
    made = loop(**FREE)
    seen = 0
    while made.learner.updates < 30:
        before = arrays_of(made.learner.target.state_dict())["advantage.bias"]
        updates = made.learner.updates
        made.step()
        after = arrays_of(made.learner.target.state_dict())["advantage.bias"]
        copied = made.learner.updates // 5 > updates // 5
        assert (before != after).any() == copied
        seen += copied
    assert seen >= 5


def test_the_gradient_is_shortened_to_the_asked_length():
    def change(limit: float) -> float:
        made = loop(**{**BANDIT, "max_grad_norm": limit})
        made.learner.optimizer = torch.optim.SGD(made.learner.network.parameters(), lr=1.0)
        while made.learner.updates < 1:
            before = torch.cat([weights.detach().flatten().clone() for weights in made.learner.network.parameters()])
            made.step()
        after = torch.cat([weights.detach().flatten() for weights in made.learner.network.parameters()])
        return float((after - before).norm())

    assert change(0.01) == pytest.approx(0.01, rel=1e-3)
    assert change(0.0) == change(1e9) > 0.1


def test_nothing_is_learned_before_there_is_enough_to_learn_from():
    made = loop(**{**BANDIT, "learning_starts": 21})
    while len(made.learner.replay) < 19:
        made.step()
    assert made.learner.updates == 0
    made.step()
    made.step()
    assert made.learner.updates > 0


def test_steps_that_only_begin_an_episode_are_not_learned_from():
    made = loop(**FREE)
    for _ in range(70):
        made.step()
    # an episode lasts six steps and takes a seventh to begin the next one
    assert made.learner.steps == 3 * 60
    assert made.episodes == 3 * 10
    assert made.learner.replay.added == 3 * 60


def test_more_updates_a_step_learn_more():
    once, twice = loop(**{**FREE, "updates": 1}), loop(**FREE)
    for made in (once, twice):
        for _ in range(30):
            made.step()
    assert twice.learner.updates == 2 * once.learner.updates > 0


def test_the_means_are_those_since_they_were_last_taken():
    made = loop(ExactSteps(), credit="step", keyboard={"teacher_forcing": True})
    assert made.take_means() == (0, 0)
    for _ in range(6):
        made.step()
    right = made.learner.replay._rewards[:6].sum()
    assert made.take_means()[1] == pytest.approx(right / 6)
    assert made.take_means() == (0, 0)


# The state


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS.keys())
@pytest.mark.parametrize("stop", [0, 1, 13, 60])
def test_it_goes_on_from_its_state_to_the_same_bits(manner, stop):
    one, other = loop(**manner), loop(**{**manner, "seed": 5})
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
    assert one.learner.updates > 0


@pytest.mark.parametrize(
    ("other", "match"),
    [
        ({**BANDIT, "envs": 3}, "the last steps' observations have the shape"),
        ({**BANDIT, "mode_bit": True}, "the network's body.0.weight has the shape"),
        ({**BANDIT, "credit": "step"}, "rewards have the shape"),
        ({**BANDIT, "head": "one_key", "credit": "step"}, "the network's advantage.weight has the shape"),
        ({**BANDIT, "replay": {"priority": 0.5}}, "'priorities' is missing"),
        ({**BANDIT, "bonus": 1.0}, "'cells' is missing"),
    ],
)
def test_a_state_of_another_learner_is_refused(other, match):
    one = loop(**BANDIT)
    for _ in range(20):
        one.step()
    with pytest.raises(ValueError, match=match):
        loop(**other).restore(*one.state())
