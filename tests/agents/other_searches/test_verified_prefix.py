"""A song is learned only from the number of right steps before the first error."""

import json

import numpy as np
import pytest

from agents.neat.genome_json import genome_to_json
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.other_searches.real_episodes import RealEpisodes
from agents.other_searches.verified_prefix import VerifiedPrefix, VerifiedPrefixOptions
from agents.performer import PerfectPlayer, SilentPlayer
from agents.rollout import play_episode
from envs.keyboard_env import KeyboardEnv
from songs.catalog import find_song
from songs.keyboard import KEYS
from songs.song import Song

MEMORY, PROMPT = 6, 3
MELODY = [(0,), (4,), (7,), (), (0,), (4,), (7,), (12,), (0, 7), (), (4,), (0,), (), (2,), (5,), (9,)]


def words(roll):
    """Return each step of a roll as a number whose bit k is key k."""
    return roll @ (1 << np.arange(roll.shape[1]))


def make_song(melody):
    roll = np.zeros((len(melody), KEYS), dtype=bool)
    for step, keys in enumerate(melody):
        roll[step, list(keys)] = True
    return Song("melody", roll)


def make_env(song, **options):
    return KeyboardEnv([song], memory=MEMORY, prompt=PROMPT, stop_at_error=True, **options)


class Witness:
    """Plays episodes for a search, and remembers how many there were and what was played in them."""

    def __init__(self, song, **options):
        self.env = make_env(song, **options)
        self.real = RealEpisodes(self.env)
        self.played, self.right = [], []

    def __call__(self, performer):
        right = self.real(performer)
        self.played.append(words(self.env.played)[PROMPT:].tolist())
        self.right.append(right)
        return right


def make_search(witness, options=None, seed=1):
    real = witness.real
    return VerifiedPrefix(
        witness, real.start, real.steps, options or VerifiedPrefixOptions(), seed, mode_bit=real.mode_bit
    )


def learn(search, episodes=300):
    while not search.solved:
        assert search.evaluations < episodes
        row = search.step()
    return row


def test_an_episode_tells_the_number_of_right_steps_before_the_first_error():
    song = make_song([(0,), (4,), (7,), (), (), (4,), ()])
    real = RealEpisodes(make_env(song))
    assert real.steps == 4
    assert real.start.shape == (MEMORY, KEYS)
    assert words(real.start).tolist() == [0, 0, 0, 1 << 0, 1 << 4, 1 << 7]
    assert real(SilentPlayer()) == 2
    assert real(PerfectPlayer(song.roll, PROMPT)) == 4


@pytest.mark.parametrize("options", [{"stop_at_error": False}, {"teacher_forcing": True}, {"improvise": True}])
def test_other_environments_are_refused(options):
    env = KeyboardEnv([make_song(MELODY)], **{"memory": MEMORY, "prompt": PROMPT, "stop_at_error": True} | options)
    with pytest.raises(ValueError, match="must have one song and stop_at_error=True"):
        RealEpisodes(env)


def test_several_songs_are_refused():
    env = KeyboardEnv([make_song(MELODY)] * 2, memory=MEMORY, prompt=PROMPT, stop_at_error=True)
    with pytest.raises(ValueError, match="must have one song"):
        RealEpisodes(env)


@pytest.mark.parametrize("mode_bit", [False, True])
@pytest.mark.parametrize("context", [0, 4])
def test_learns_a_song_with_chords_and_plays_it_alone(context, mode_bit):
    song = make_song(MELODY)
    witness = Witness(song, mode_bit=mode_bit)
    search = make_search(witness, VerifiedPrefixOptions(context=context))
    row = learn(search)
    assert row.evaluations == len(witness.right)
    assert search.champion.right == row.best_right == len(MELODY) - PROMPT
    assert (search.champion.loss, row.best_fitness) == (0.0, 0.0)
    assert search.champion.size()[1] == row.connections
    player = NetworkPlayer(Network(search.champion, KEYS), mode_bit)
    env = KeyboardEnv([song], memory=MEMORY, prompt=PROMPT, mode_bit=mode_bit)
    assert play_episode(env, player).right_steps == len(MELODY) - PROMPT


def test_verified_steps_are_kept_and_no_refuted_guess_is_repeated():
    witness = Witness(make_song(MELODY))
    learn(make_search(witness))
    assert witness.right == sorted(witness.right)
    guesses = [(right, played[right]) for right, played in zip(witness.right[:-1], witness.played, strict=False)]
    assert len(set(guesses)) == len(guesses)


def test_the_first_guess_is_the_most_frequent_step():
    # in the memory before the third step: silence three times, then key 7 twice, key 0 once
    witness = Witness(make_song([(0,), (7,), (7,), (7,), (0,), ()]))
    search = make_search(witness, VerifiedPrefixOptions(context=0))
    search.step()
    assert (witness.right, witness.played) == ([0], [[0]])  # silence, which is wrong
    search.step()
    assert witness.played[1][0] == 1 << 7
    assert witness.right[1] >= 1


def test_with_context_the_first_guess_is_the_step_that_followed_the_same_step():
    # 0 was played once and 7 twice; but the last step, 7, was followed by 0
    melody = [(7,), (0,), (7,), (0,), (7,), (0,)]
    for context, guess in ((0, 1 << 7), (1, 1 << 0)):
        witness = Witness(make_song(melody))
        search = make_search(witness, VerifiedPrefixOptions(context=context))
        search.step()
        search.step()
        assert witness.played[1][0] == guess


def test_a_restored_search_continues_bit_identically():
    song = make_song(MELODY)
    whole, first, second = (make_search(Witness(song), seed=4) for _ in range(3))
    rows = [whole.step() for _ in range(14)]
    for _ in range(6):
        first.step()
    second.step()
    arrays, data = first.state()
    second.restore(
        {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(data, allow_nan=False))
    )
    assert [second.step() for _ in range(8)] == rows[6:]
    assert second.state()[1] == whole.state()[1]
    for name, array in whole.state()[0].items():
        np.testing.assert_array_equal(second.state()[0][name], array, err_msg=name)
    inputs = MEMORY * KEYS
    assert genome_to_json(second.champion, inputs, KEYS) == genome_to_json(whole.champion, inputs, KEYS)
    assert second.champion.right == whole.champion.right


def test_the_seed_decides_the_run():
    witnesses = [Witness(make_song(MELODY[:8])) for _ in range(3)]
    for witness, seed in zip(witnesses, (7, 7, 8), strict=True):
        learn(make_search(witness, seed=seed))
    assert witnesses[0].played == witnesses[1].played
    assert witnesses[0].played != witnesses[2].played


def test_a_restored_state_must_belong_to_the_search():
    search = make_search(Witness(make_song(MELODY)))
    with pytest.raises(ValueError, match=r"the state has shape \[13, 79, 3\], this search has \[13, 79, 13\]"):
        search.restore(*make_search(Witness(make_song(MELODY[:6]))).state())


def test_an_episode_that_unlearns_is_another_song():
    answers = iter([3, 1])

    def episode(performer):
        for _ in range(8):
            performer.press(np.zeros((1, MEMORY, KEYS), dtype=bool))
        return next(answers)

    start = np.zeros((MEMORY, KEYS), dtype=bool)
    start[-1, 0] = True
    search = VerifiedPrefix(episode, start, 9, VerifiedPrefixOptions(), seed=1)
    search.step()
    with pytest.raises(ValueError, match="an episode had 1 right steps where 3 were verified: is it another song"):
        search.step()


def test_a_guess_that_cannot_be_learned_is_postponed():
    # to a memory of one step the first three steps are the same and go on differently: nothing can learn the third
    song = make_song([(0,), (0,), (0,), (4,)])
    env = KeyboardEnv([song], memory=1, prompt=1, stop_at_error=True)
    real = RealEpisodes(env)
    search = VerifiedPrefix(real, real.start, real.steps, VerifiedPrefixOptions(rounds=20), seed=1)
    for _ in range(12):
        row = search.step()
    assert row.best_right == 2
    assert search.evaluations < search.generation == 12
    assert search.proposals > 0
    assert not search.solved


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context": -1}, "context = -1: it must be 0 to"),
        ({"children": 0}, "children = 0: it must be 1 to"),
        ({"rounds": 0}, "rounds = 0: it must be 1 to"),
        ({"margin": 1.0}, "margin = 1.0: it must be 1e-06 to"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        VerifiedPrefixOptions(**options)


def test_a_keyboard_of_more_keys_than_words_can_rank_is_refused():
    start = np.zeros((MEMORY, 25), dtype=bool)
    with pytest.raises(ValueError, match="a keyboard of 25 keys: verified prefix guesses on at most 16"):
        VerifiedPrefix(lambda performer: 0, start, 9, VerifiedPrefixOptions(), seed=1)


def learn_the_grasshopper(context, seed):
    song = find_song("grasshopper")
    real = RealEpisodes(KeyboardEnv([song], memory=32, stop_at_error=True))
    search = VerifiedPrefix(real, real.start, real.steps, VerifiedPrefixOptions(context=context), seed)
    row = learn(search)
    assert row.best_right == 120
    player = NetworkPlayer(Network(search.champion, KEYS))
    assert play_episode(KeyboardEnv([song], memory=32), player).right_steps == 120


def test_learns_the_grasshopper_in_at_most_300_episodes():
    learn_the_grasshopper(context=4, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("context", [0, 4])
def test_twenty_seeds_learn_the_grasshopper_in_at_most_300_episodes(context):
    for seed in range(20):
        learn_the_grasshopper(context, seed)
