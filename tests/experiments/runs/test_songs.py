"""The songs of a run come back from its folder as they were."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.runs.folder import RunError, RunFolder
from songs.key_signature import KeySignature
from songs.keyboard import BEATS, STEPS_IN_A_BEAT, Grid, Keyboard
from songs.song import Song

GRIDS = [
    Grid(steps, bar, beat) for steps in STEPS_IN_A_BEAT for bar in (1, 3, 12) for beat in BEATS if not steps % beat
]
TICKS = 480


@st.composite
def songs(draw) -> Song:
    """Songs of any keyboard and grid, whose notes end before the next one on their key and are whole ticks long."""
    keys, grid, steps = draw(st.integers(1, 88)), draw(st.sampled_from(GRIDS)), draw(st.integers(1, 40))
    keyboard = Keyboard(keys, draw(st.integers(0, 128 - keys)))
    onsets = draw(st.sets(st.tuples(st.integers(0, steps - 1), st.integers(0, keys - 1)), min_size=1, max_size=30))
    roll, lengths = np.zeros((steps, keys), dtype=bool), []
    roll[tuple(zip(*onsets, strict=True))] = True
    for step, key in sorted(onsets):
        after = np.flatnonzero(roll[step + 1 :, key])
        longest = (after[0] + 1 if len(after) else steps - step) * TICKS // grid.steps_per_quarter
        lengths.append(draw(st.integers(1, int(longest))) * grid.steps_per_quarter / TICKS)
    later = draw(st.sets(st.integers(1, steps), max_size=3)) - {steps}
    tempos = [60.0, 240.0, 75.0, 100.0]
    return Song(
        "tune",
        roll,
        "A tune",
        120.0,
        tuple(zip(map(float, sorted(later)), tempos, strict=False)),
        draw(st.none() | st.builds(KeySignature, st.integers(-7, 7), st.booleans())),
        draw(st.integers(-60, 60)),
        keyboard,
        grid,
        np.array(lengths),
        ("bars 1-2 of 9",),
    )


@given(song=songs())
def test_any_song_comes_back_from_its_run(tmp_path_factory, song):
    folder = RunFolder.create(tmp_path_factory.mktemp("songs") / "run")
    folder.write_songs([song], ["wide: has only drums"])
    (read,) = folder.read_songs()
    np.testing.assert_array_equal(read.roll, song.roll)
    np.testing.assert_allclose(read.lengths, song.lengths)
    for name in ("name", "title", "tempo_bpm", "tempo_changes", "key", "shift", "keyboard", "grid", "changes"):
        assert getattr(read, name) == getattr(song, name)
    assert folder.read_left_out() == ["wide: has only drums"]


def test_a_song_that_is_cut_has_the_lengths_and_tempos_of_what_is_left(tmp_path):
    folder, roll = RunFolder.create(tmp_path / "run"), np.zeros((16, 13), dtype=bool)
    roll[[0, 6, 12], [0, 4, 7]] = True
    folder.write_songs([Song("tune", roll, tempo_changes=((4, 60.0), (8, 90.0)), lengths=np.array([5.0, 1, 4]))])
    (read,) = folder.read_songs(8)
    assert (read.steps, read.lengths.tolist(), read.tempo_changes) == (8, [5, 1], ((4, 60),))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda songs: [], "it is not a JSON object"),
        (lambda songs: {"songs": {"tune": {"keyboard": {"keys": 25}}}}, "tune.keyboard.lowest_pitch is missing"),
        (lambda songs: songs["songs"]["tune"]["keyboard"].update(keys=89), "a keyboard of 89 keys"),
        (lambda songs: songs["songs"]["tune"]["grid"].update(steps_per_beat=5), "5 steps a beat"),
        (lambda songs: songs["songs"]["tune"]["grid"].update(swing=True), "unexpected keyword argument 'swing'"),
        (lambda songs: songs["songs"]["tune"].update(shift=0.5), "tune.shift is 0.5"),
        (lambda songs: songs.update(left_out=[1]), r"left_out\[0\] is 1"),
    ],
)
def test_a_broken_description_is_named(tmp_path, change, reason):
    folder = RunFolder.create(tmp_path / "run")
    folder.write_songs([Song("tune", np.eye(13, dtype=bool))])
    content = folder.read_json("songs/songs.json")
    content = content if (changed := change(content)) is None else changed
    (folder.path / "songs" / "songs.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=rf"songs/songs.json is broken: .*{reason}"):
        folder.read_songs()
