"""Evaluating all windows of the songs at once gives the same as stepping the environment."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agents.dqn.champion import Champion  # noqa: E402
from agents.dqn.evaluation import GreedyEvaluator  # noqa: E402
from agents.dqn.network import QNetwork  # noqa: E402
from agents.dqn.options import NetworkOptions  # noqa: E402
from agents.dqn.q_player import QPlayer  # noqa: E402
from agents.rollout import play_episode  # noqa: E402
from envs.keyboard_env import KeyboardEnv  # noqa: E402
from songs.song import Song  # noqa: E402

MEMORY, PROMPT = 5, 3


def song(name: str, *steps: tuple[int, ...]) -> Song:
    return Song(name, np.array([np.isin(np.arange(13), step) for step in steps]))


def songs() -> list[Song]:
    """Return two songs of one key at a step, 11 and 8 steps long."""
    random = np.random.default_rng(3)
    return [
        song(name, *[(int(key),) for key in random.integers(3, size=steps)]) for name, steps in (("a", 11), ("b", 8))
    ]


def network(mode_bit: bool = False, seed: int = 0) -> QNetwork:
    """Return a network that presses one of the three lowest keys, which depends on what it remembers."""
    made = QNetwork(13 * MEMORY + mode_bit, NetworkOptions("one_key", hidden=8), seed)
    with torch.no_grad():
        made.advantage.bias[:] = -10
        made.advantage.bias[1:4] = 0
    return made


@pytest.mark.parametrize("mode_bit", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_evaluator_counts_the_steps_that_the_greedy_player_gets_right_in_the_environment(mode_bit, seed):
    evaluator, greedy = GreedyEvaluator(songs(), MEMORY, PROMPT, mode_bit), network(mode_bit, seed)
    right, prefix, whole, free_right, rolls = 0, 0, 0, 0, []
    for index in range(2):
        for forced in (True, False):
            env = KeyboardEnv(songs(), None, MEMORY, PROMPT, teacher_forcing=forced, mode_bit=mode_bit)
            episode = play_episode(env, QPlayer(greedy, mode_bit), options={"song": index})
            if forced:
                right += episode.right_steps
            else:
                prefix += episode.prefix
                whole += bool(episode.right.all())
                free_right += episode.right_steps
                rolls.append(episode.roll)
    score = evaluator.evaluate(greedy)
    assert (score.right, score.prefix, score.whole_songs) == (right, prefix, whole)
    assert evaluator.right_free_running(greedy) == free_right
    for ours, theirs in zip(evaluator.play(greedy), rolls, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_cases_in_the_test_above_are_neither_all_right_nor_all_wrong():
    evaluator = GreedyEvaluator(songs(), MEMORY, PROMPT, False)
    right = {evaluator.evaluate(network(seed=seed)).right for seed in range(6)}
    assert len(right) > 2
    assert 0 < max(right) < len(evaluator) == 13


def test_the_ceiling_counts_the_same_memory_that_goes_on_differently_once():
    rests = [()] * 4
    evaluator = GreedyEvaluator([song("a", *rests, (1,), (2,)), song("b", *rests, (3,), ())], 2, 4, False)
    assert (len(evaluator), evaluator.ceiling) == (4, 3)


def test_the_ceiling_of_one_key_at_a_time_is_without_chords():
    tune = song("a", (), (1,), (2, 4), (3,), (1, 2))
    assert GreedyEvaluator([tune], 5, 1, False).ceiling == 4
    assert GreedyEvaluator([tune], 5, 1, False, chords=False).ceiling == 2


def test_the_reward_of_a_listener_decides():
    def high_notes(rolls, targets):
        return rolls[:, :, 2].astype(np.float32) - 0.5 * (rolls == targets).all(axis=2)

    evaluator = GreedyEvaluator(songs(), MEMORY, PROMPT, False, reward_fn=high_notes)
    greedy = network()
    rewards = [
        high_notes(roll[None], one.roll[None])[0, PROMPT:]
        for roll, one in zip(evaluator.play(greedy), songs(), strict=True)
    ]
    assert evaluator.evaluate(greedy).reward == pytest.approx(float(np.concatenate(rewards).mean()))
    assert GreedyEvaluator(songs(), MEMORY, PROMPT, False).evaluate(greedy).reward is None


# The player


def test_the_player_is_shown_the_mode():
    echo = QNetwork(14, NetworkOptions(hidden=1, dueling=False))  # presses C4 if the last input is 1
    with torch.no_grad():
        for weights in echo.parameters():
            weights[:] = 0
        echo.body[0].weight[0, 13] = 1
        echo.advantage.weight.view(13, 2)[0, 1] = 1
        echo.advantage.bias.view(13, 2)[:, 0] = 0.5
    player, memory = QPlayer(echo, mode_bit=True), np.zeros((2, 1, 13), dtype=bool)
    assert player.press(memory, improvise=np.array([True, False]))[:, 0].tolist() == [False, True]
    assert player.press(memory)[:, 0].tolist() == [True, True]


def test_the_player_plays_chords():
    chord = QNetwork(13, NetworkOptions(hidden=4))
    with torch.no_grad():
        chord.advantage.weight[:] = 0
        chord.advantage.bias[:] = 0
        chord.advantage.bias.view(13, 2)[[4, 9], 1] = 1
    keys = QPlayer(chord).press(np.zeros((3, 1, 13), dtype=bool))
    assert keys.dtype == bool
    np.testing.assert_array_equal(keys.nonzero()[1].reshape(3, 2), [[4, 9]] * 3)


# The champion


def test_the_champion_is_the_best_so_far_and_stays_as_it_was():
    evaluator = GreedyEvaluator(songs(), MEMORY, PROMPT, False)
    champion, learning = Champion(evaluator, network()), network()
    scores = []
    for step, seed in enumerate(range(8)):
        learning.load_state_dict(network(seed=seed).state_dict())
        scores.append(champion.consider(learning, step).rank)
        assert champion.score.rank == max(scores)
        assert champion.step == scores.index(max(scores))
        assert evaluator.evaluate(champion.network()).rank == max(scores)
    assert len(set(scores)) > 2


def test_a_champion_is_solved_at_the_ceiling():
    rests = song("rests", *[()] * 6)
    silent = network()
    with torch.no_grad():
        silent.advantage.bias[0] = 10
    champion = Champion(GreedyEvaluator([rests], MEMORY, PROMPT, False), silent)
    assert not champion.solved
    champion.consider(network(seed=1), 1)
    assert not champion.solved
    champion.consider(silent, 2)
    assert (champion.solved, champion.right, champion.step) == (True, 3, 2)


def test_a_restored_champion_is_the_same():
    evaluator = GreedyEvaluator(songs(), MEMORY, PROMPT, False)
    one, other = Champion(evaluator, network()), Champion(evaluator, network(seed=9))
    other.restore(*one.state())
    assert other.weights is None
    one.consider(network(seed=2), 5)
    other.restore(*one.state())
    assert (other.step, other.score) == (5, one.score)
    for name, weights in one.weights.items():
        np.testing.assert_array_equal(other.weights[name], weights)
