"""The list of a file's parts, and which of them a song uses."""

from dataclasses import astuple

import mido
import pytest

from songs.arrange import ArrangeOptions
from songs.midi import read_score
from songs.part_list import list_parts


def part(name, channel, program, *notes):
    """Return a track of notes, each an onset and an end in ticks, and a pitch."""
    events = [(0, mido.MetaMessage("track_name", name=name))]
    events += [(0, mido.Message("program_change", channel=channel, program=program))]
    for begin, end, pitch in notes:
        events += [(begin, mido.Message("note_on", channel=channel, note=pitch))]
        events += [(end, mido.Message("note_off", channel=channel, note=pitch))]
    events.sort(key=lambda event: (event[0], event[1].type == "note_on"))
    times = [0] + [time for time, _ in events]
    return mido.MidiTrack(
        message.copy(time=time - before) for (time, message), before in zip(events, times, strict=False)
    )


@pytest.fixture
def score(tmp_path):
    drums = part("Kit", 9, 0, (0, 100, 38), (480, 580, 38))
    bass = part("Bass", 2, 33, (0, 960, 36), (480, 1440, 43), (1440, 1900, 36))
    flute = part("Flute", 0, 73, (0, 480, 72), (480, 960, 74), (960, 1440, 76), (1440, 1920, 72))
    mido.MidiFile(tracks=[drums, bass, flute]).save(tmp_path / "my.mid")
    return read_score(tmp_path / "my.mid")


def test_parts_are_numbered_and_drums_come_last(score):
    assert [astuple(entry) for entry in list_parts(score)] == [
        (1, 3, "Bass", "bass", 3, "C2 to G2", 2, False),
        (2, 1, "Flute", "pipe", 4, "C5 to E5", 1, True),
        (None, 10, "Kit", "drums", 2, "", 1, False),
    ]


def test_the_part_that_is_asked_for_is_taken(score):
    assert [entry.taken for entry in list_parts(score, ArrangeOptions("Bass"))] == [True, False, False]
    assert [entry.taken for entry in list_parts(score, ArrangeOptions("Oboe"))] == [False, False, False]
