"""Episodes in the real environment, and continuation of prompts."""

import numpy as np
import pytest

from agents.neat.linear_network import make_genome
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.performer import PerfectPlayer, RandomPlayer, SilentPlayer
from agents.rollout import Episode, play_episode, play_on
from envs.keyboard_env import KeyboardEnv
from listener.memorization import RightKeys
from songs.keyboard import KEYS
from songs.song import Song


def roll_of(*steps: tuple[int, ...]) -> np.ndarray:
    return np.array([np.isin(np.arange(KEYS), keys) for keys in steps])


SONG = Song("tune", roll_of((0,), (2, 4), (), (12,), (), (7,), (0, 7, 12), ()))
"""Eight steps, of which three are rests."""
OTHER = Song("other", roll_of((1,), (), (), (3,), ()))


class Impostor:
    """A player of a roll with one step changed; it records its arguments."""

    def __init__(self, roll, wrong_at):
        self._roll = roll.copy()
        self._roll[wrong_at] = ~self._roll[wrong_at]
        self.memories, self.improvise, self.episodes = [], [], []

    def reset(self, episodes):
        self.episodes.append(episodes)
        self._step = len(self._roll) - len(SONG.roll) + 2

    def press(self, memory, improvise=None):
        self.memories.append(memory.copy())
        self.improvise.append(improvise)
        self._step += 1
        return self._roll[None, self._step - 1]


def wild_network(memory: int, mode_bit: bool = False, seed: int = 1) -> NetworkPlayer:
    """Return a player whose melody depends on all that it remembers, and goes on without end."""
    random, sources = np.random.default_rng(seed), range(-1, -1 - memory * KEYS - mode_bit, -1)
    weights = {(source, key): round(random.normal() * 1024) / 1024 for key in range(KEYS) for source in sources}
    genome = make_genome(dict.fromkeys(range(KEYS), -0.4), weights)
    return NetworkPlayer(Network(genome, KEYS), mode_bit)


@pytest.mark.parametrize("options", [{}, {"teacher_forcing": True}, {"stop_at_error": True}, {"mode_bit": True}])
@pytest.mark.parametrize("memory", [1, 3, 20])
def test_the_perfect_player_gets_everything_right(options, memory):
    episode = play_episode(KeyboardEnv([SONG], memory=memory, prompt=2, **options), PerfectPlayer(SONG.roll, 2))
    assert episode.song == "tune"
    assert (episode.roll.dtype, (episode.roll == SONG.roll).all()) == (np.dtype(bool), True)
    assert episode.right.tolist() == [True] * 6
    assert (episode.right_steps, episode.prefix, episode.reward) == (6, 6, 6.0)


def test_the_silent_player_gets_the_rests_right():
    episode = play_episode(KeyboardEnv([SONG], prompt=2), SilentPlayer())
    assert episode.right.tolist() == [True, False, True, False, False, True]
    assert (episode.right_steps, episode.prefix, episode.reward) == (3, 1, 3.0)
    assert (episode.roll[:2] == SONG.roll[:2]).all()
    assert not episode.roll[2:].any()


def test_the_reward_is_the_sum_of_the_listeners_rewards():
    episode = play_episode(KeyboardEnv([SONG], RightKeys(), prompt=2), SilentPlayer())
    assert episode.reward == pytest.approx(6 - (1 + 1 + 3) / 13)


def test_an_episode_may_end_at_the_first_error():
    episode = play_episode(KeyboardEnv([SONG], prompt=2, stop_at_error=True), SilentPlayer())
    assert episode.right.tolist() == [True, False]
    assert (episode.prefix, len(episode.roll)) == (1, 4)


def test_options_and_seed_reach_the_environment():
    env = KeyboardEnv([SONG, OTHER], prompt=2)
    assert play_episode(env, SilentPlayer(), options={"song": 1}).song == "other"
    drawn = [play_episode(env, SilentPlayer(), seed=seed).song for seed in range(20)]
    assert set(drawn) == {"tune", "other"}
    assert [play_episode(env, SilentPlayer(), seed=seed).song for seed in range(20)] == drawn


@pytest.mark.parametrize("forced", [True, False])
def test_a_performer_hears_the_song_if_forced_and_else_itself(forced):
    player = Impostor(SONG.roll, wrong_at=3)
    play_episode(KeyboardEnv([SONG], memory=3, prompt=2, teacher_forcing=forced), player)
    heard = SONG.roll.copy()
    if not forced:
        heard[3] = ~heard[3]
    padded = np.concatenate([np.zeros((3, KEYS), dtype=bool), heard])
    assert player.episodes == [1]
    assert len(player.memories) == 6
    for step, memory in enumerate(player.memories, start=2):
        assert memory.dtype == bool
        assert (memory == padded[None, step : step + 3]).all()


@pytest.mark.parametrize(
    ("mode_bit", "improvise", "told"), [(False, False, None), (True, False, [False]), (True, True, [True])]
)
def test_a_performer_is_told_whether_it_improvises(mode_bit, improvise, told):
    player = Impostor(SONG.roll, wrong_at=3)
    env = KeyboardEnv([SONG], memory=3, prompt=2, mode_bit=mode_bit)
    play_episode(env, player, options={"improvise": improvise})
    assert len(player.improvise) == 6
    for answer in player.improvise:
        assert (answer if answer is None else answer.tolist()) == told


@pytest.mark.parametrize(
    ("right", "prefix", "steps"),
    [([True] * 3, 3, 3), ([False] * 3, 0, 0), ([True, False, True], 1, 2), ([True, True, False], 2, 2)],
)
def test_the_prefix_ends_before_the_first_error(right, prefix, steps):
    episode = Episode("tune", np.zeros((5, KEYS), dtype=bool), np.array(right), 0.0)
    assert (episode.prefix, episode.right_steps) == (prefix, steps)


@pytest.mark.parametrize("memory", [1, 2, 5, 30])
@pytest.mark.parametrize("mode_bit", [False, True])
def test_playing_on_equals_stepping_the_environment_free_running(memory, mode_bit):
    player = wild_network(memory, mode_bit)
    episode = play_episode(KeyboardEnv([SONG], memory=memory, prompt=2, mode_bit=mode_bit), player)
    assert episode.roll[2:].any()
    assert not episode.right.all()
    assert (play_on(player, SONG.roll[:2], SONG.steps, memory) == episode.roll).all()


def test_free_running_scores_what_teacher_forcing_scores_before_its_first_error():
    song = Song("long", np.random.default_rng(0).random((40, KEYS)) < 0.1)
    for seed in range(20):
        player = wild_network(4, seed=seed)
        forced = play_episode(KeyboardEnv([song], memory=4, teacher_forcing=True), player)
        free = play_episode(KeyboardEnv([song], memory=4), player)
        assert free.prefix == forced.prefix


def test_playing_on_can_go_beyond_any_song():
    player = wild_network(6)
    short, long = (play_on(player, SONG.roll[:4], steps, 6) for steps in (20, 200))
    assert (long.shape, long.dtype) == ((200, KEYS), np.dtype(bool))
    assert (long[:20] == short).all()
    assert long[100:].any()


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_prompt_may_be_empty_or_the_whole_roll(steps):
    prompt = np.random.default_rng(0).random((steps, KEYS)) < 0.3
    assert (play_on(SilentPlayer(), prompt, steps, 2) == prompt).all()
    assert play_on(SilentPlayer(), prompt, steps + 3, 2)[steps:].tolist() == [[False] * KEYS] * 3


def test_random_players_play_in_the_environment():
    env = KeyboardEnv([SONG], prompt=2)
    player = RandomPlayer(np.random.default_rng(0))
    scores = [play_episode(env, player).right_steps for _ in range(50)]
    assert 0 <= min(scores) < max(scores) <= 6
