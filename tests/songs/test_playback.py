import sys
import types

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido.ports import BaseOutput

from songs.keyboard import KEYS
from songs.playback import PlaybackError, output_ports, play_to_port, schedule, send

TWO_NOTES_AND_A_CHORD = np.zeros((4, KEYS), dtype=bool)
TWO_NOTES_AND_A_CHORD[[0, 1, 3, 3], [9, 9, 0, 4]] = True


class Clock:
    """Time that passes only while somebody sleeps, and 3 ms more than was asked for."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.seconds += seconds + 0.003


class Collector(BaseOutput):
    """An output port of mido that notes down what it is sent, and when."""

    def _open(self, clock: Clock | None = None, fail_after: int | None = None, **_) -> None:
        self.clock, self.fail_after, self.received, self.lost = clock or Clock(), fail_after, [], []

    def _send(self, message: mido.Message) -> None:
        if self.fail_after is not None and len(self.received) >= self.fail_after:
            self.lost.append(message)
            raise OSError(f"unplugged, messages lost: {len(self.lost)}")
        self.received.append((self.clock.now(), message))

    def hex(self) -> list[str]:
        return [message.hex() for _, message in self.received]


@pytest.fixture
def backend(monkeypatch):
    """A module installed as mido's backend; a test sets its `names` and reads the ports it `opened`."""
    module = types.ModuleType("collecting_backend")
    module.names, module.opened = ["Midi Through:Port-0 14:0", "Piano", "Organ"], []
    module.fail_after = None
    module.get_devices = lambda: (
        [{"name": name, "is_input": False, "is_output": True} for name in module.names]
        + [{"name": "Microphone", "is_input": True, "is_output": False}]
    )

    def open_port(name, **kwargs):
        if name not in module.names:
            raise OSError(f"unknown port {name!r}")
        module.opened.append(Collector(name, fail_after=module.fail_after, **kwargs))
        return module.opened[-1]

    module.Output = open_port
    monkeypatch.setitem(sys.modules, module.__name__, module)
    before = mido.backend
    mido.set_backend(module.__name__)
    yield module
    mido.set_backend(before)


@pytest.fixture
def no_backend():
    before = mido.backend
    mido.set_backend("a_backend_that_is_not_installed")
    yield
    mido.set_backend(before)


def test_the_schedule_of_four_steps() -> None:
    assert [(seconds, message.hex()) for seconds, message in schedule(TWO_NOTES_AND_A_CHORD)] == [
        (0.0, "90 45 40"),
        (0.25, "80 45 40"),
        (0.25, "90 45 40"),
        (0.5, "80 45 40"),
        (0.75, "90 3C 40"),
        (0.75, "90 40 40"),
        (1.0, "80 3C 40"),
        (1.0, "80 40 40"),
    ]


def test_the_schedule_follows_tempo_and_grid() -> None:
    seconds = [at for at, _ in schedule(TWO_NOTES_AND_A_CHORD, tempo_bpm=60, steps_per_beat=4)]
    assert seconds == [0.0, 0.25, 0.25, 0.5, 0.75, 0.75, 1.0, 1.0]
    assert schedule(TWO_NOTES_AND_A_CHORD, tempo_bpm=240)[-1][0] == 0.5
    later = [at for at, _ in schedule(TWO_NOTES_AND_A_CHORD, tempo_bpm=60, steps_per_beat=4, tempo_changes=[(1, 30.0)])]
    assert later == [at if at <= 0.25 else 2 * at - 0.25 for at in seconds]


@pytest.mark.parametrize("steps", [0, 1, 128])
def test_silence_sends_nothing(steps: int) -> None:
    assert schedule(np.zeros((steps, KEYS), dtype=bool)) == []


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**KEYS - 1), max_size=20))
def test_every_note_lasts_one_step_and_none_is_left_sounding(words: list[int]) -> None:
    roll = np.array([[word >> key & 1 for key in range(KEYS)] for word in words]).reshape(-1, KEYS)
    started, heard = {}, np.zeros_like(roll)
    for seconds, message in schedule(roll, tempo_bpm=60, steps_per_beat=1):
        if message.type == "note_on":
            assert message.note not in started
            started[message.note] = seconds
            heard[int(seconds), message.note - 60] = 1
        else:
            assert seconds - started.pop(message.note) == 1
    assert not started
    np.testing.assert_array_equal(heard, roll)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [((120.0, 0), "at least 1"), ((1.0,), "20 to 400"), ((float("nan"),), "20 to 400")],
)
def test_settings_out_of_range_are_refused(arguments: tuple, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        schedule(TWO_NOTES_AND_A_CHORD, *arguments)


def test_sleeping_too_long_does_not_add_up() -> None:
    clock = Clock()
    messages = schedule(np.ones((200, KEYS), dtype=bool))
    port = Collector(clock=clock)
    send(messages, port, clock.now, clock.sleep)
    late = [sent - 100.0 - seconds for (sent, _), (seconds, _) in zip(port.received, messages, strict=True)]
    assert min(late) >= 0
    assert max(late) < 0.0031  # of one sleep; 200 steps would add up to 0.6 s
    assert port.hex() == [message.hex() for _, message in messages]


def test_the_default_clock_keeps_the_order() -> None:
    messages = [(seconds / 1000, message) for seconds, message in schedule(TWO_NOTES_AND_A_CHORD)]
    port = Collector()
    send(messages, port)
    assert port.hex() == [message.hex() for _, message in messages]


def test_an_interrupt_ends_what_sounds_and_closes_the_port(backend) -> None:
    clock = Clock()

    def interrupted(seconds: float) -> None:
        if clock.now() > 100.75:  # while the chord sounds
            raise KeyboardInterrupt
        clock.sleep(seconds)

    with pytest.raises(KeyboardInterrupt):
        play_to_port(TWO_NOTES_AND_A_CHORD, "Piano", now=clock.now, sleep=interrupted)
    (port,) = backend.opened
    assert port.hex()[-4:] == ["90 3C 40", "90 40 40", "80 3C 40", "80 40 40"]
    assert port.closed


def test_an_interrupt_inside_the_port_ends_the_note_it_was_sending() -> None:
    class Interrupted(Collector):
        def _send(self, message):
            super()._send(message)
            if len(self.received) == 1:
                raise KeyboardInterrupt

    port = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        send(schedule(TWO_NOTES_AND_A_CHORD), port)
    assert port.hex() == ["90 45 40", "80 45 40"]


def test_a_port_that_fails_is_reported_in_one_line_and_closed(backend) -> None:
    clock = Clock()
    backend.fail_after = 6  # while the chord sounds
    with pytest.raises(PlaybackError, match=r"^the MIDI port 'Piano' failed: unplugged, messages lost: 1$"):
        play_to_port(TWO_NOTES_AND_A_CHORD, "Piano", now=clock.now, sleep=clock.sleep)
    (port,) = backend.opened
    assert port.hex()[-2:] == ["90 3C 40", "90 40 40"]
    assert [message.hex() for message in port.lost] == ["80 3C 40", "80 3C 40", "80 40 40"]
    assert port.closed


def test_a_roll_is_played_to_the_named_port(backend) -> None:
    clock = Clock()
    play_to_port(TWO_NOTES_AND_A_CHORD, "Organ", now=clock.now, sleep=clock.sleep)
    (port,) = backend.opened
    assert port.name == "Organ"
    assert port.hex() == [message.hex() for _, message in schedule(TWO_NOTES_AND_A_CHORD)]
    assert port.closed
    assert clock.now() == pytest.approx(101.003)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["Piano", "Organ"], "Piano"),
        (["Midi Through:Port-0 14:0", "Organ"], "Organ"),
        (["Midi Through:Port-0 14:0"], "Midi Through:Port-0 14:0"),
    ],
)
def test_without_a_name_the_first_port_that_can_be_heard_is_taken(backend, names, chosen) -> None:
    backend.names = names
    play_to_port(np.zeros((4, KEYS), dtype=bool))
    assert [port.name for port in backend.opened] == [chosen]


def test_a_port_that_does_not_exist_is_reported_with_those_there_are(backend) -> None:
    with pytest.raises(PlaybackError, match=r"'Flute'; there are: Midi Through:Port-0 14:0, Piano, Organ$"):
        play_to_port(TWO_NOTES_AND_A_CHORD, "Flute")
    assert backend.opened == []


def test_no_port_is_opened_for_settings_out_of_range(backend) -> None:
    with pytest.raises(ValueError, match="20 to 400"):
        play_to_port(TWO_NOTES_AND_A_CHORD, "Piano", tempo_bpm=5)
    assert backend.opened == []


def test_output_ports_are_listed_without_the_inputs(backend) -> None:
    assert output_ports() == ["Midi Through:Port-0 14:0", "Piano", "Organ"]
    assert backend.opened == []


def test_without_a_backend_there_are_no_ports(no_backend) -> None:
    assert output_ports() == []
    with pytest.raises(PlaybackError, match=r"^no MIDI backend \(.*\): pip install python-rtmidi$"):
        play_to_port(TWO_NOTES_AND_A_CHORD)


def test_a_midi_system_that_fails_has_no_ports(backend) -> None:
    def fail() -> list:
        raise SystemError("error creating ALSA sequencer client object")

    backend.get_devices = fail
    assert output_ports() == []
    with pytest.raises(PlaybackError, match=r"^the MIDI system does not answer: error creating ALSA"):
        play_to_port(TWO_NOTES_AND_A_CHORD)


def test_a_midi_system_without_outputs_is_reported(backend) -> None:
    backend.names = []
    assert output_ports() == []
    with pytest.raises(PlaybackError, match=r"^no MIDI output port: connect an instrument"):
        play_to_port(TWO_NOTES_AND_A_CHORD)
