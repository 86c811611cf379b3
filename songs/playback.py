"""Playback: sending a roll to a MIDI port.

Conventions:
    A schedule is a list of (seconds since the start, message), in order of time. A note lasts one step.
    At the boundary between two steps, notes end before new ones begin.
    All messages use channel 0 and velocity 64, the MIDI default for keyboards without velocity.
Source:
    Ports and messages are mido's. Real ports need one of its backends, by default python-rtmidi:
    https://mido.readthedocs.io/en/stable/backends/
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Sequence

import mido
import numpy as np

from songs.keyboard import DEFAULT_KEYBOARD, STEPS_PER_BEAT, Keyboard
from songs.piano_roll import check_roll
from songs.synth import step_starts


class PlaybackError(RuntimeError):
    """There is no port to play to, or the port failed; the message is one line for the user."""


def schedule(
    roll: np.ndarray,
    tempo_bpm: float = 120.0,
    steps_per_beat: int = STEPS_PER_BEAT,
    keyboard: Keyboard = DEFAULT_KEYBOARD,
    tempo_changes: Sequence[tuple[float, float]] = (),
) -> list[tuple[float, mido.Message]]:
    """Return the schedule of messages that plays a roll (T, K).

    Raises:
        ValueError: the roll is invalid, or the tempo or the steps per beat are out of range.
    """
    seconds = step_starts(len(roll), tempo_bpm, steps_per_beat, tempo_changes).tolist()
    roll = np.pad(check_roll(roll, keyboard), ((1, 1), (0, 0)))  # silence on both sides, so that the last notes end
    messages = []
    for step, (ending, starting) in enumerate(itertools.pairwise(roll)):
        for kind, keys in (("note_off", ending), ("note_on", starting)):
            for key in np.flatnonzero(keys).tolist():
                messages.append((seconds[step], mido.Message(kind, note=keyboard.lowest_pitch + key)))
    return messages


def send(
    messages: Iterable[tuple[float, mido.Message]],
    port: mido.ports.BaseOutput,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send a schedule to an open port, each message at its time since the start, so that delays do not add up.

    If it ends early for any reason, even a keyboard interrupt, sounding notes are ended first.
    """
    sounding = set()
    start = now()
    try:
        for seconds, message in messages:
            if (wait := start + seconds - now()) > 0:
                sleep(wait)
            if message.type == "note_on":
                sounding.add(message.note)  # before it is sent: an interrupt may come in between
            port.send(message)
            if message.type == "note_off":
                sounding.discard(message.note)
    finally:
        for pitch in sorted(sounding):
            with contextlib.suppress(Exception):  # the original error must not be hidden
                port.send(mido.Message("note_off", note=pitch))


def _port_names() -> list[str]:
    try:
        names = mido.get_output_names()
    except ImportError as error:
        raise PlaybackError(f"no MIDI backend ({error}): pip install python-rtmidi") from error
    except Exception as error:  # backends raise errors of any type; those of rtmidi have no other common base
        raise PlaybackError(f"the MIDI system does not answer: {error}") from error
    if not names:
        raise PlaybackError("no MIDI output port: connect an instrument or start a software synthesizer")
    return names


def output_ports() -> list[str]:
    """Return the names of the MIDI output ports; none if there is no backend or no MIDI system."""
    try:
        return _port_names()
    except PlaybackError:
        return []


def play_to_port(
    roll: np.ndarray,
    port_name: str | None = None,
    tempo_bpm: float = 120.0,
    steps_per_beat: int = STEPS_PER_BEAT,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    keyboard: Keyboard = DEFAULT_KEYBOARD,
    tempo_changes: Sequence[tuple[float, float]] = (),
) -> None:
    """Play a roll (T, K) on a MIDI port, which is closed afterwards.

    Args:
        roll: (T, K) bool.
        port_name: a name from `output_ports`; None for the first, preferring real ports to Linux's silent
            `Midi Through`.
        tempo_bpm: beats per minute, 20 to 400.
        steps_per_beat: steps of the roll in a beat.
        now: a clock in seconds.
        sleep: waits a number of seconds of that clock.
        keyboard: keyboard with the K keys.
        tempo_changes: the step from which each holds, and beats per minute.

    Raises:
        ValueError: the roll is invalid, or the tempo or the steps per beat are out of range.
        PlaybackError: there is no such port or no port at all, or it fails during playback.
    """
    messages = schedule(roll, tempo_bpm, steps_per_beat, keyboard, tempo_changes)
    names = _port_names()
    if port_name is None:
        port_name = next((name for name in names if not name.startswith("Midi Through")), names[0])
    try:
        port = mido.open_output(port_name)
    except Exception as error:
        raise PlaybackError(f"cannot open MIDI port {port_name!r}; there are: {', '.join(names)}") from error
    try:
        with port:
            send(messages, port, now, sleep)
    except Exception as error:
        raise PlaybackError(f"the MIDI port {port_name!r} failed: {error}") from error
