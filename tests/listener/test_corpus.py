"""Excerpts of melodies: how they are cut and transposed, and that nothing held out is in training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from listener.corpus import cut, lowest, moved, read_corpus, rolls_of, split_corpus
from listener.judging import auc, interval, percentile
from listener.theory import melody
from songs.song import Song
from vae.melody import Piece
from vae.tokens import REST as SILENT

melodies = hnp.arrays(np.int8, st.tuples(st.integers(1, 4), st.integers(1, 16)), elements=st.integers(-1, 12))


def piece(*pitches: int, name: str = "", bars: int = 2) -> Piece:
    """Return a piece of sixteenths: the pitches, four steps each, again and again."""
    roll = np.resize(np.repeat(pitches, 4), 16 * bars)
    return Piece(name, [(roll, (np.arange(len(roll)) % 4 == 0) & (roll != SILENT))])


def test_an_excerpt_has_the_onsets_in_eighths_from_the_lowest_key_on():
    excerpts = cut([piece(50, 54, 57, 50)], bars=1)
    assert excerpts.melodies.tolist() == [[0, -1, 4, -1, 7, -1, 0, -1]]
    assert excerpts.melodies.dtype == np.int8
    assert excerpts.pieces.tolist() == [0]


def test_of_two_sixteenths_the_first_is_kept():
    roll = np.full(16, SILENT)
    roll[[0, 1, 3, 8]] = [50, 52, 53, 55]
    excerpts = cut([Piece("", [(roll, roll != SILENT)])], bars=1)
    assert excerpts.melodies.tolist() == [[0, 3, -1, -1, 5, -1, -1, -1]]


def test_a_wide_excerpt_has_all_onsets_at_their_pitches():
    excerpts = cut([piece(*[SILENT] * 12, bars=3), piece(20, 54, SILENT, 60, bars=1)], bars=1, keys=None)
    assert excerpts.melodies.tolist() == [[41, *[-1] * 3, 75, *[-1] * 7, 81, *[-1] * 3]]
    assert excerpts.pieces.tolist() == [1]
    assert len(cut([piece(50, *[SILENT] * 11, bars=3)], 3, None)) == 0, "a long rest"


@pytest.mark.parametrize(
    "unusable",
    [piece(40, 53, 45, 40), piece(*[SILENT] * 4), piece(50, *[SILENT] * 11, bars=3)],
    ids=["more than 13 keys", "silence", "a long rest"],
)
def test_what_the_keyboard_cannot_play_and_near_silence_are_left_out(unusable):
    bars = len(unusable.segments[0][0]) // 16
    assert len(cut([unusable], bars)) == 0
    assert len(cut([unusable, piece(50, 52, 54, 50, bars=bars)], bars)) == 1


def test_the_same_melody_in_another_key_is_one_excerpt():
    assert len(cut([piece(50, 52, 54, 50, bars=1), piece(45, 47, 49, 45, bars=1)], bars=1)) == 1


def test_a_group_stays_together_and_nothing_held_out_is_in_training():
    generator = np.random.default_rng(0)
    pieces = [piece(*(40 + generator.permutation(12)[:8]).tolist(), bars=8) for _ in range(40)]
    pieces += [Piece("copy", one.segments) for one in pieces[:10]]
    groups = np.arange(50) // 2
    short, long = (split_corpus(pieces, groups, bars) for bars in (2, 4))
    for corpus in (short, long):
        of = [set(groups[part.pieces]) for part in (corpus.training, corpus.validation, corpus.test)]
        rows = [set(map(bytes, part.melodies)) for part in (corpus.training, corpus.validation, corpus.test)]
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not of[one] & of[other]
            assert not rows[one] & rows[other]
    assert set(groups[short.test.pieces]) == set(groups[long.test.pieces])


def test_too_little_music_is_refused(tmp_path):
    with pytest.raises(ValueError, match="too little music: 1 melodies give"):
        split_corpus([piece(50, 52, 54, 50)], np.zeros(1), 2)
    with pytest.raises(ValueError, match="no such folder"):
        read_corpus([tmp_path / "none"], 8)


def test_a_corpus_is_read_from_midi_files(tmp_path):
    generator = np.random.default_rng(0)
    for number in range(20):
        keys = generator.integers(0, 13, 32).astype(np.int8)
        Song(str(number), rolls_of(keys)).write(tmp_path / f"{number}.mid")
    reports = []
    corpus = read_corpus([tmp_path], 4, lambda done, of: reports.append((done, of)))
    assert corpus.pieces == 20
    assert sum(map(len, (corpus.training, corpus.validation, corpus.test))) == 20
    assert reports[-1] == (20, 20)


@given(melodies)
def test_lowest_transposes_to_key_0(found):
    low = lowest(found)
    for row, own in zip(found.astype(int), low.astype(int), strict=True):
        notes = row[row >= 0]
        assert own.tolist() == [key if key < 0 else key - notes.min() for key in row.tolist()]


@given(melodies, st.integers(0, 100))
def test_a_moved_melody_has_the_same_intervals_and_fits(found, seed):
    there = moved(found, np.random.default_rng(seed))
    assert there.max() <= 12
    np.testing.assert_array_equal(lowest(there), lowest(found))


def test_all_transpositions_of_a_melody_are_equally_likely():
    there = moved(np.tile(np.array([[0, 9, -1]], dtype=np.int8), (4000, 1)), np.random.default_rng(0))
    assert np.bincount(there[:, 0], minlength=13)[:4] == pytest.approx([1000] * 4, rel=0.1)
    assert (there[:, 0] < 4).all()


@given(melodies)
def test_rolls_have_one_key_a_step(found):
    np.testing.assert_array_equal(melody(rolls_of(found)), found)
    assert (rolls_of(found).sum(axis=2) == (found >= 0)).all()


# Judging


def test_percentiles_count_ties_by_half():
    assert percentile([1, 2, 2, 4], np.array([0, 1, 2, 3, 5])).tolist() == [0, 12.5, 50, 75, 100]


@given(hnp.arrays(np.int8, 5, elements=st.integers(0, 4)), hnp.arrays(np.int8, 7, elements=st.integers(0, 4)))
def test_the_auc_is_the_probability_that_real_wins(real, others):
    wins = [(one > other) + (one == other) / 2 for one in real.tolist() for other in others.tolist()]
    assert auc(real, others) == pytest.approx(np.mean(wins))


def test_the_interval_is_wide_where_few_pieces_are_behind_many_excerpts():
    generator = np.random.default_rng(0)
    pieces = np.repeat(np.arange(5), 40)
    real = np.repeat(generator.normal(size=5), 40)
    others = generator.normal(size=200)
    one, many = (interval(real, others, names, np.random.default_rng(1)) for names in (pieces, np.arange(200)))
    assert one[1] - one[0] > 1.5 * (many[1] - many[0])
    assert one[0] <= auc(real, others) <= one[1]
    both = interval(real, others, pieces, np.random.default_rng(1), others_pieces=np.repeat(np.arange(2), 100))
    assert both[1] - both[0] >= one[1] - one[0] - 0.05
