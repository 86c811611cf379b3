"""From a file to a song: the choice of part, grid, bars and keys, and the description of changes."""

from dataclasses import replace

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songs.arrange import ArrangeOptions, arrange
from songs.key_signature import KeySignature
from songs.keyboard import KEYS, Grid, Keyboard
from songs.midi import read_score
from songs.options import OptionError
from songs.piano_roll import onsets_from_roll
from songs.score import MidiError
from songs.song import Song, SongError

BEAT = 480
TUNE = [60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 64, 60, 62, 64, 60]
BASS = [36, 36, 43, 43] * 4


def track(notes, name="", channel=0, program=None, signatures=(), tempos=(), key=None):
    """Return a MIDI track of notes, each an onset and a length in beats, and a pitch."""
    events = [
        (round(at * BEAT), mido.MetaMessage("time_signature", numerator=upper, denominator=lower))
        for at, upper, lower in signatures
    ]
    events += [(round(at * BEAT), mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))) for at, bpm in tempos]
    events += [(0, mido.MetaMessage("key_signature", key=key))] if key else []
    if program is not None:
        events.append((0, mido.Message("program_change", channel=channel, program=program)))
    for onset, length, pitch in notes:
        events.append((round(onset * BEAT), mido.Message("note_on", channel=channel, note=pitch, velocity=64)))
        events.append((round((onset + length) * BEAT), mido.Message("note_off", channel=channel, note=pitch)))
    events.sort(key=lambda event: (event[0], event[1].type == "note_on"))
    written = mido.MidiTrack([mido.MetaMessage("track_name", name=name.encode().decode("latin-1"))] if name else [])
    now = 0
    for tick, message in events:
        written.append(message.copy(time=tick - now))
        now = tick
    return written


def line(pitches, beats=1.0, begin=0.0):
    """Return notes one after the other."""
    return [(begin + number * beats, beats, pitch) for number, pitch in enumerate(pitches)]


@pytest.fixture
def file(tmp_path):
    """A function that writes tracks as a file."""

    def write(*tracks, kind=1):
        path = tmp_path / "my.mid"
        mido.MidiFile(type=kind, ticks_per_beat=BEAT, tracks=list(tracks)).save(path)
        return path

    return write


@pytest.fixture
def arranged(file):
    """A function that arranges tracks."""
    return lambda *tracks, **choices: arrange(read_score(file(*tracks)), ArrangeOptions().change(**choices))


def pitches_of(song):
    return onsets_from_roll(song.roll, song.keyboard)[:, 1].tolist()


# Which notes


def test_a_file_that_is_playable_as_it_is_keeps_its_chords_and_nothing_is_said(arranged):
    song = arranged(track(line(TUNE)), track([(0, 4, 72), (2, 2, 64)], channel=1))
    assert (song.keyboard, song.grid, song.changes) == (Keyboard(), Grid(), ())
    assert np.flatnonzero(song.roll[0]).tolist() == [0, 12]
    assert song.roll.sum() == 17  # E4 is played by both parts at once


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("Bass", "Lead"), "track 2 'Lead'"),
        (("Бас", "Мелодия"), "track 2 'Мелодия'"),
        (("Piano", "Piano"), "track 2 'Piano'"),
        (("", ""), "track 2"),
        (("backing vocals", "Flute"), "track 2 'Flute'"),
    ],
)
def test_the_melody_is_taken_by_its_name_or_by_what_it_plays(arranged, names, said):
    song = arranged(track(line(BASS), names[0]), track(line(TUNE), names[1], channel=1))
    assert pitches_of(song) == TUNE
    assert song.changes == (said, "16 notes of other parts left out")


def test_a_name_outweighs_what_is_played_but_not_where_the_part_hardly_plays(arranged):
    high, low = line([pitch + 12 for pitch in TUNE]), line([pitch - 12 for pitch in TUNE])
    assert arranged(track(high, "Strings"), track(low, "Vocal", channel=1)).changes[0] == "track 2 'Vocal'"
    hardly = [(0, 1, 40), (60, 1, 40)]
    many = line(TUNE * 4)
    assert arranged(track(many, "Strings"), track(hardly, "Vocal", channel=1)).changes[0] == "track 1 'Strings'"


def test_parts_are_chosen_by_name_number_and_channel(arranged):
    parts = track(line(TUNE), "Lead"), track(line(BASS), "Bass", channel=4)
    for choice in ({"track": "bass"}, {"track": 2}, {"channel": 5}):
        song = arranged(*parts, **choice)
        assert song.changes == ("track 2 'Bass'", "up 24 semitones", "16 notes of other parts left out")
        assert pitches_of(song) == [pitch + 24 for pitch in BASS]


def test_the_channels_of_one_track_are_parts(arranged):
    both = track(line(TUNE))
    both = mido.merge_tracks([both, track(line(BASS), channel=1)])
    assert pitches_of(arranged(both)) == TUNE
    assert arranged(both, channel=2).shift == 24
    assert arranged(both, track="2").shift == 24


@pytest.mark.parametrize(
    ("choice", "match"),
    [
        ({"track": "Flute"}, "has no track 'Flute'; its tracks are: 1 Lead, 2 Bass"),
        ({"track": "3"}, "has no track '3'"),
        ({"channel": 7}, "has no melody on channel 7; its channels are: 1, 5"),
        ({"channel": 5, "track": "Lead"}, "has no track 'Lead'; its tracks are: 2 Bass"),
    ],
)
def test_a_part_that_is_not_there_is_refused_with_those_that_are(arranged, choice, match):
    with pytest.raises(MidiError, match=match):
        arranged(track(line(TUNE), "Lead"), track(line(BASS), "Bass", channel=4), **choice)


def test_drums_are_never_taken(arranged):
    drums = track(line([38] * 16), "Melody", channel=9)
    assert arranged(drums, track(line(TUNE), "Bass")).changes == ()
    with pytest.raises(MidiError, match="has only drums"):
        arranged(drums)


def test_the_top_line_of_several_voices_is_taken_and_chords_on_demand(arranged):
    voices = [(at, 1, pitch) for at, _, pitch in line(TUNE)] + [
        (at, 4, pitch) for at in (0, 4, 8, 12) for pitch in (40, 55)
    ]
    song = arranged(track(voices))
    assert pitches_of(song) == TUNE
    assert song.changes == ("8 notes of lower voices left out",)
    chords = arranged(track(voices), chords=True)
    assert (chords.roll.sum(), chords.keyboard.keys) == (24, 37)
    assert chords.changes == ("37 keys", "up 8 semitones")


def test_a_note_under_a_longer_one_and_one_far_below_belong_to_lower_voices(arranged):
    melody = line(TUNE * 2, beats=2)
    between = [(at + 1, 1, pitch - 4) for at, _, pitch in melody]
    after = line(TUNE * 2, beats=2, begin=70)
    gap = [(at, 1, 35) for at in range(64, 70)]
    song = arranged(track([*melody, *between, *gap, *after]), bars="all")
    assert pitches_of(song) == TUNE * 4
    assert song.changes == ("38 notes of lower voices left out",)


# Which grid


@pytest.mark.parametrize(
    ("length", "grid"),
    [(1, 2), (0.5, 2), (0.25, 4), (1 / 3, 3), (1 / 6, 6), (0.125, 8), (1 / 12, 12)],
)
def test_the_coarsest_grid_on_which_the_notes_lie_apart(arranged, length, grid):
    song = arranged(track(line(TUNE * 4, length)))
    assert song.grid == Grid(grid, 4)
    assert song.roll.sum() == 64
    assert song.roll.sum(axis=1).max() == 1
    assert ("sixteenths" in song.changes) == (grid == 4)


def test_a_forced_grid_says_what_moved_and_what_met(arranged):
    song = arranged(track(line(TUNE * 4, 0.25)), grid=2)
    assert song.grid == Grid()
    assert song.changes == ("32 notes moved", "31 merged")
    assert song.roll.sum() == 33


def test_the_phase_of_the_beat_is_found(arranged):
    begin = 0.37
    notes = line(TUNE * 4, 0.25, begin)
    bass = [(begin + beat, 1, 40) for beat in range(16)]
    song = arranged(track(notes, "Melody"), track(bass, "Bass", channel=1))
    assert song.grid == Grid(4, 4)
    assert pitches_of(song) == TUNE * 4
    assert np.flatnonzero(song.roll.any(axis=1)).tolist() == list(range(64))
    assert song.moved == 0


def test_human_timing_is_snapped_and_a_file_without_a_beat_is_told_so(arranged):
    random = np.random.default_rng(1)
    played = [(at + random.normal(0, 0.02) + 0.1, 0.2, pitch) for at, _, pitch in line(TUNE * 8, 0.5)]
    song = arranged(track(played), bars="all")
    assert song.grid == Grid()
    assert "played freely" in song.changes
    assert pitches_of(song) == TUNE * 8
    free = np.sort(random.uniform(0, 200, 128))
    assert (
        "keeps to no beat"
        in arranged(track([(at, 0.1, pitch) for at, pitch in zip(free, TUNE * 8, strict=True)])).changes
    )


def test_swing_is_written_straight(arranged):
    swung = [(beat + part, 0.3, TUNE[beat]) for beat in range(16) for part in (0, 2 / 3)]
    song = arranged(track(swung))
    assert song.grid == Grid()
    assert song.changes == ("swing written straight",)
    assert np.flatnonzero(song.roll.any(axis=1)).tolist() == list(range(32))


# Which bars, and their meter


@pytest.mark.parametrize(
    ("signature", "grid"),
    [
        ((3, 4), Grid(2, 3)),
        ((2, 4), Grid(2, 2)),
        ((6, 8), Grid(3, 2, beat=1.5)),
        ((12, 8), Grid(3, 4, beat=1.5)),
        ((5, 8), Grid(1, 5, beat=0.5)),
        ((2, 2), Grid(2, 4)),
        ((1, 8), Grid()),  # some editors write such bars
    ],
)
def test_bars_are_those_of_the_time_signature(arranged, signature, grid):
    assert arranged(track(line([60, 64] * 15), signatures=[(0, *signature)]), steps=grid.steps_per_bar).grid == grid


def test_the_signature_that_holds_longest_counts_from_where_it_begins(arranged):
    notes = track(line(TUNE, begin=1), signatures=[(0, 1, 4), (1, 3, 4)])
    song = arranged(notes)
    assert song.grid == Grid(2, 3)
    assert song.roll[0, 0]
    assert song.changes == ("changes of meter counted in 3/4",)


def test_silence_before_the_first_bar_is_cut_and_said(arranged):
    song = arranged(track(line(TUNE, begin=200)))
    assert song.roll[0, 0]
    assert len(song.roll) == 32
    assert song.changes == ("bars 51-54 of 54",)


def test_of_a_long_song_the_bars_that_recur_are_taken(arranged):
    random = np.random.default_rng(0)
    once = random.integers(60, 73, 20 * 4).tolist()
    assert len(arranged(track(line(TUNE * 8))).roll) == 32 * 8  # 32 bars stay whole
    song = arranged(track(line(once + TUNE * 4)))
    assert song.changes == ("bars 21-36 of 36",)
    assert pitches_of(song) == TUNE * 4
    assert song.cut == 80


@pytest.mark.parametrize(
    ("bars", "said", "taken"),
    [
        ("2", "bar 2 of 4", TUNE[4:8]),
        ("2-3", "bars 2-3 of 4", TUNE[4:12]),
        ("3-99", "bars 3-4 of 4", TUNE[8:]),
        ("all", None, TUNE),
    ],
)
def test_bars_are_taken_by_their_numbers(arranged, bars, said, taken):
    song = arranged(track(line(TUNE)), bars=bars)
    assert pitches_of(song) == taken
    assert song.changes == ((said,) if said else ())


@pytest.mark.parametrize(
    ("bars", "match"),
    [
        ("5-6", "has no notes in the bars 5-6: they are in the bars 1 to 4"),
        ("3-2", "has no bars '3-2': write them as in 9-24, or all"),
        ("0-2", "has no bars '0-2'"),
        ("first", "has no bars 'first'"),
    ],
)
def test_bars_that_are_not_there_are_refused(arranged, bars, match):
    with pytest.raises(MidiError, match=match):
        arranged(track(line(TUNE)), bars=bars)


def test_a_song_is_cut_to_a_number_of_steps_and_ends_with_its_last_sounding_bar(arranged):
    song = arranged(track(line(TUNE)), steps=11)
    assert (len(song.roll), pitches_of(song)) == (11, TUNE[:6])
    assert song.changes == ("bars 1-2 of 4",)
    assert len(arranged(track([(0, 1, 60), (20, 1, 62)]), steps=32).roll) == 8


# Which keys


@pytest.mark.parametrize(
    ("low", "high", "keyboard", "shift"),
    [
        (60, 72, Keyboard(13, 60), 0),
        (59, 71, Keyboard(13, 60), 1),
        (59, 72, Keyboard(25, 48), 0),
        (60, 85, Keyboard(37, 48), -1),
        (40, 80, Keyboard(49, 36), 0),
        (30, 88, Keyboard(61, 36), 6),
        (21, 108, Keyboard(88, 21), 0),
    ],
)
def test_the_smallest_keyboard_and_the_smallest_shift_that_hold_the_song(arranged, low, high, keyboard, shift):
    song = arranged(track(line([low, high] * 8, 4)))
    assert (song.keyboard, song.shift) == (keyboard, shift)
    assert pitches_of(song) == [low + shift, high + shift] * 8


def test_a_keyboard_that_is_too_small_is_refused_with_the_ways_out(arranged):
    match = (
        r"spans 37 keys \(C3 to C6\), the keyboard has 13: --fold moves notes by octaves, --bars takes fewer, "
        "--keys 37 holds them all"
    )
    with pytest.raises(MidiError, match=match):
        arranged(track(line([48, 60, 72, 84] * 4)), keys=13)


def test_folding_moves_notes_by_octaves_and_each_pitch_class_has_one_key_of_13(arranged):
    song = arranged(track(line([48, 60, 72, 84] * 4)), fold=True)
    assert (song.keyboard.keys, set(pitches_of(song))) == (13, {60})
    assert song.changes == ("12 notes folded by octaves",)
    wide = arranged(track(line([48, 60, 72, 84] * 4)), fold=True, keys=25)
    assert set(pitches_of(wide)) == {48, 60}
    with pytest.raises(MidiError, match="notes cannot be moved by octaves onto 11 keys"):
        arranged(track(line([48, 60, 72, 84] * 4)), fold=True, keys=11)


@given(st.lists(st.integers(0, 127), min_size=2, max_size=20), st.sampled_from([12, 13, 20, 25, 37, 88]))
def test_folded_notes_keep_their_pitch_class(tmp_path_factory, pitches, keys):
    path = tmp_path_factory.mktemp("fold") / "my.mid"
    mido.MidiFile(ticks_per_beat=BEAT, tracks=[track(line(pitches, 4))]).save(path)
    song = Song.read(path, keys=keys, fold=True)
    assert [(pitch - song.shift) % 12 for pitch in pitches_of(song)] == [pitch % 12 for pitch in pitches]


# Songs


def test_a_song_is_read_with_its_lengths_and_changes(file):
    notes = [(0, 2, 60), (2, 0.25, 64), (2.25, 0.75, 66), (3, 1, 59)]
    song = Song.read(file(track(notes, "Air", signatures=[(0, 4, 4)])))
    assert (song.name, song.title, song.grid, song.steps) == ("my", "Air", Grid(4, 4), 16)
    assert song.lengths.tolist() == [8, 1, 3, 4]
    assert song.changes == ("sixteenths", "up 1 semitone")


TEMPOS = [(0, 80), (5, 60), (6, 60), (9, 100), (14, 150), (80, 30)]


def test_a_song_has_the_tempos_of_its_bars_and_the_key_it_is_played_in(file):
    path = file(track(line([pitch - 5 for pitch in TUNE]), tempos=TEMPOS, key="Ebm"))
    song = Song.read(path)
    assert (song.shift, song.key.name, song.tempo_bpm) == (5, "G#m", 80)
    assert song.tempo_changes == ((10, 60), (18, 100), (28, 150))
    part = Song.read(path, bars="3-4")
    assert (part.tempo_bpm, part.tempo_changes) == (60, ((2, 100), (12, 150)))
    late = Song.read(file(track(line(TUNE), tempos=[(0.01, 60), (2, 100), (2.004, 150), (2.008, 75)])))
    assert (late.tempo_bpm, late.tempo_changes) == (60, ((4, 75),))


def test_what_is_played_of_a_song_is_written_with_its_lengths_tempos_meter_and_key(file, tmp_path):
    notes = [(0, 2, 60), (2, 0.25, 64), (3, 0.5, 67), (5, 1, 64)]
    song = Song.read(file(track(notes, tempos=TEMPOS, key="Ebm", signatures=[(0, 3, 4)])))
    roll = song.roll.copy()
    roll[6, 7], roll[8, 12] = False, True  # G at beat 3 is left out, C at beat 4 is added
    song.playing(roll, "played").write(tmp_path / "played.mid")
    score = read_score(tmp_path / "played.mid")
    assert [(each["onset"] / BEAT, each["length"] / BEAT, each["pitch"]) for each in score.notes] == [
        (0, 2, 60), (2, 0.25, 64), (4, 1, 72), (5, 1, 64),
    ]  # fmt: skip
    assert [(tick / BEAT, round(60e6 / tempo, 3)) for tick, tempo in score.tempos] == [(0, 80), (5, 60)]
    assert (score.time_signatures, score.key_signatures) == (((0, 3, 4),), ((0, -6, True),))


def test_a_song_goes_back_to_the_pitches_of_its_file(file, tmp_path):
    song = Song.read(file(track(line([pitch - 29 for pitch in TUNE]), key="G")))
    song.at_file_pitches().write(tmp_path / "back.mid")
    score = read_score(tmp_path / "back.mid")
    assert score.notes["pitch"].tolist() == [pitch - 29 for pitch in TUNE]
    assert score.key_signatures == ((0, 1, False),)
    with pytest.raises(SongError, match="my: 13 keys from pitch -1"):
        replace(song, shift=61).at_file_pitches()


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("sharps", range(-7, 8))
def test_a_key_has_the_name_that_mido_reads(sharps, minor):
    content = bytes([sharps & 255, minor])
    message = mido.MetaMessage.from_bytes([0xFF, 0x59, 2, *content])
    assert KeySignature(sharps, minor).name == message.key
    for semitones in range(-12, 13):
        moved = KeySignature(sharps, minor).moved(semitones)
        assert (moved.sharps - sharps - 7 * semitones) % 12 == 0
        assert mido.MetaMessage("key_signature", key=moved.name).bytes()[3] == moved.sharps & 255


def test_a_wrong_option_is_named(file):
    path = file(track(line(TUNE)))
    with pytest.raises(OptionError, match="there is no option 'trak': there are track, channel"):
        Song.read(path, trak="Lead")
    with pytest.raises(OptionError, match="grid"):
        Song.read(path, grid=13)
    with pytest.raises(SongError, match="cannot be put on 5 steps a quarter note: take 1, 2, 3, 4, 6, 8 or 12"):
        Song.read(path, grid=5)
    with pytest.raises(SongError, match=r"my\.mid: has no track 'Lead'"):
        Song.read(path, track="Lead")


@st.composite
def songs(draw) -> Song:
    """Songs on any keyboard and grid, of whole bars of which the first and the last sound."""
    keys = draw(st.integers(1, 88))
    keyboard = Keyboard(keys, draw(st.integers(0, 128 - keys)))
    beat = draw(st.sampled_from([0.5, 1.0, 1.5]))
    steps = draw(st.sampled_from({0.5: [1, 2, 3, 4, 6], 1.0: [1, 2, 3, 4, 6, 8, 12], 1.5: [3, 6, 12]}[beat]))
    beats = draw(st.sampled_from({0.5: [5, 7, 11], 1.0: [2, 3, 4, 5, 12], 1.5: [1, 2, 3, 4, 12]}[beat]))
    grid = Grid(steps, beats, beat)
    bar = grid.steps_per_bar
    roll = np.zeros((bar * draw(st.integers(1, 4)), keys), dtype=bool)
    for step, key in draw(st.lists(st.tuples(st.integers(0, len(roll) - 1), st.integers(0, keys - 1)), max_size=20)):
        roll[step, key] = True
    roll[draw(st.integers(0, bar - 1)), 0] = roll[-draw(st.integers(1, bar)), -1] = True  # all keys are needed
    return Song("tune", roll, keyboard=keyboard, grid=grid)


@given(songs())
def test_a_roll_of_any_keyboard_grid_and_meter_survives_its_file(tmp_path_factory, song):
    path = tmp_path_factory.mktemp("song") / "tune.mid"
    song.write(path)
    options = ArrangeOptions(grid=song.grid.steps_per_quarter, keys=KEYS, bars="all", chords=True)
    read = Song.read(path, options, keyboard=song.keyboard)
    np.testing.assert_array_equal(read.roll, song.roll)
    assert (read.grid, read.keyboard, read.shift) == (song.grid, song.keyboard, 0)
