"""Arranging any MIDI file as a song for a keyboard: choosing notes, grid, bars and keys, and listing the changes.

Conventions:
    Times are in quarter notes until they are converted to steps. Notes are float64 (N, 3): onset, end and pitch, sorted
    by onset. A file that can be played as it is, with all notes on 13 keys and on eighths, keeps them all; from any
    other file only the melody is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from songs.beat_grid import NO_BEAT, BeatGrid, find_grid, lies_on, straightened, swings
from songs.excerpt import choose_bars, main_meter, meter_grid
from songs.folding import fold, smallest_keyboard
from songs.key_signature import KeySignature
from songs.keyboard import (
    DEFAULT_GRID,
    KEYS,
    STEPS_IN_A_BEAT,
    STEPS_PER_BEAT,
    Grid,
    Keyboard,
    pitch_name,
    usual_keyboard,
)
from songs.melody_part import choose_part, melody_line, quarter_notes
from songs.options import OptionError, checked_value, option
from songs.piano_roll import roll_from_onsets
from songs.score import DRUMS_CHANNEL, MidiError, Part, Score

KEYS_OF_A_PART = 25
"""Most keys on which a single part keeps its chords."""
TEMPO_RANGE_BPM = (20.0, 300.0)
"""Tempos outside this range are clipped to it."""


@dataclass(frozen=True)
class ArrangeOptions:
    """Options for turning a file into a song."""

    track: str = option("", "the part to take, by the name of its track or its number; '' for the likely melody")
    channel: int = option(0, "take only parts on this MIDI channel; 0 for any", 0, 16)
    grid: int = option(0, "steps in a quarter note: 1, 2, 3, 4, 6, 8 or 12; 0 for the fewest that fit", 0, 12)
    keys: int = option(0, "keys of the keyboard; 0 for the fewest that hold the song: 13, 25, 37 ... 88", 0, 88)
    fold: bool = option(False, "move notes by octaves onto the keyboard, by default one of 13 keys")
    bars: str = option("", "the bars to take, as in 9-24, or all; '' for all of up to 32, else the 16 that recur most")
    chords: bool = option(False, "keep all notes that a part plays at once, not only the highest")
    steps: int = option(0, "longest song in steps, what is beyond is cut; 0 for any", 0, 100_000)

    def change(self, **choices) -> "ArrangeOptions":
        """Return a copy with other values; `track` and `bars` may be ints. Raises OptionError for a bad value."""
        known = {each.name: each for each in fields(ArrangeOptions)}
        if unknown := sorted(choices.keys() - known.keys()):
            raise OptionError(f"there is no option {unknown[0]!r}: there are {', '.join(known)}")
        for name in ("track", "bars"):
            if isinstance(choices.get(name), int):
                choices[name] = str(choices[name])
        return replace(self, **{name: checked_value(name, known[name], value) for name, value in choices.items()})


ARRANGE_OPTIONS = tuple(each.name for each in fields(ArrangeOptions))
DEFAULTS = ArrangeOptions()


@dataclass(frozen=True, eq=False)
class Arrangement:
    """The part of a score that is played, and the changes made to it."""

    roll: np.ndarray
    """(T, K) bool."""
    keyboard: Keyboard
    grid: Grid
    tempo_bpm: float
    """The tempo at the beginning."""
    tempo_changes: tuple[tuple[float, float], ...]
    """Later tempos: the step from which each holds, and quarter notes per minute."""
    key: KeySignature | None
    """The key at the beginning, after transposition."""
    shift: int
    """Semitones by which the notes are transposed."""
    lengths: np.ndarray
    """(N,) float64, length in steps of each note of the roll, ordered by step and key."""
    changes: tuple[str, ...]
    parts: tuple[int, ...]
    """Indices of the parts that are played, within `melodic_parts`."""
    span: int
    """Semitones from the lowest note to the highest, inclusive, before folding."""
    moved: int
    """Number of notes that were off the grid."""
    cut: int
    """Number of notes of the part outside the bars that are played."""


def arrange(score: Score, options: ArrangeOptions = DEFAULTS, keyboard: Keyboard | None = None) -> Arrangement:
    """Arrange a score for a keyboard.

    Args:
        score: a score read from any file.
        options: choices made by the user.
        keyboard: keyboard to play on, overriding `options.keys`.

    Raises:
        MidiError: there is no such part or bar, or the notes do not fit on the requested keyboard.
    """
    if options.grid not in (0, *STEPS_IN_A_BEAT):
        raise MidiError(f"cannot be put on {options.grid} steps a quarter note: take 1, 2, 3, 4, 6, 8 or 12")
    voices = _take_voices(score, options)
    beats = find_grid(voices.notes[:, 0], voices.everything, options.grid)
    steps, grid, first_bar, timing = _put_on_grid(voices.notes, beats, score, options)
    pitches = voices.notes[:, 2].astype(np.int64)
    apart = _apart(steps, pitches, voices.chords)
    end = int(beats.step(np.array(score.end / score.ticks_per_beat)))
    begin, length, excerpt = _take_bars(steps[apart], pitches[apart], end, grid, options)
    inside = (steps >= begin) & (steps < begin + length)
    kept = np.flatnonzero(apart & inside)
    keyboard = keyboard or _choose_keyboard(pitches[kept], options)
    placed, shift = _put_on_keys(pitches[kept], keyboard, options)
    order = np.lexsort((placed, steps[kept]))
    quarter = grid.steps_per_quarter
    start = first_bar + begin / quarter
    (_, tempo_bpm), *tempo_changes = _tempos(score, start, start + length / quarter)
    key = score.key_at(start)
    moved = int(np.count_nonzero(beats.off(voices.notes[inside, 0])))
    merged = int(np.count_nonzero(inside)) - len(kept)
    folded = int(np.count_nonzero(placed != pitches[kept] + shift))
    changes = (
        *voices.changes,
        *excerpt,
        *timing,
        *_keys_in_words(keyboard, shift),
        *_losses(moved=moved, merged=merged, folded=folded, lower=voices.lower, others=voices.others),
    )
    return Arrangement(
        roll_from_onsets(np.stack([steps[kept] - begin, placed], axis=1), length, keyboard),
        keyboard,
        grid,
        tempo_bpm,
        tuple((beat * quarter, tempo) for beat, tempo in tempo_changes),
        key and key.moved(shift),
        shift,
        ((voices.notes[kept, 1] - voices.notes[kept, 0]) * quarter)[order],
        changes,
        voices.parts,
        int(np.ptp(pitches[kept])) + 1,
        moved,
        int(np.count_nonzero(apart & ~inside)),
    )


@dataclass(frozen=True)
class _Voices:
    """The notes that are taken from a score."""

    notes: np.ndarray
    everything: np.ndarray
    """All notes of the score except drums, from which the beat is determined."""
    chords: bool
    """True if all notes that begin together are kept."""
    parts: tuple[int, ...]
    """Indices of the parts that the notes belong to."""
    changes: tuple[str, ...] = ()
    lower: int = 0
    """Number of notes of the part below its top line."""
    others: int = 0
    """Number of notes of other parts."""


def melodic_parts(score: Score) -> list[Part]:
    """Return the parts except drums, in the order of their numbers from 1; raises MidiError if there are none."""
    score.melodic()
    return [part for part in score.parts() if part.channel != DRUMS_CHANNEL]


def wanted_parts(parts: Sequence[Part], options: ArrangeOptions) -> list[int]:
    """Return the indices of the parts that options select, by default all; raises MidiError if there are none.

    A track is selected by its name, ignoring case, or by the number of the part, from 1.
    """
    wanted = [index for index, part in enumerate(parts) if options.channel in (0, part.channel + 1)]
    if not wanted:
        channels = ", ".join(map(str, sorted({part.channel + 1 for part in parts})))
        raise MidiError(f"has no melody on channel {options.channel}; its channels are: {channels}")
    if not options.track:
        return wanted
    named = [index for index in wanted if parts[index].name.casefold() == options.track.casefold()]
    named = named or [index for index in wanted if str(index + 1) == options.track.strip()]
    if not named:
        names = ", ".join(f"{index + 1} {parts[index].name}".strip() for index in wanted)
        raise MidiError(f"has no track {options.track!r}; its tracks are: {names[:200]}")
    return named


def melody_part(score: Score, options: ArrangeOptions = DEFAULTS) -> tuple[int, tuple[str, ...]]:
    """Return the index of the melody within `melodic_parts`, among the parts that options select, and a description."""
    parts = melodic_parts(score)
    wanted = wanted_parts(parts, options)
    notes = [quarter_notes(parts[index], score.ticks_per_beat) for index in wanted]
    chosen, certain = choose_part([parts[index] for index in wanted], notes)
    doubt = () if certain else ("another track may be the melody",)
    return wanted[chosen], (*_named(parts, [wanted[chosen]]), *doubt)


def _take_voices(score: Score, options: ArrangeOptions) -> _Voices:
    """Return the notes that options select: all notes if they can be played as they are, otherwise the melody."""
    parts = melodic_parts(score)
    wanted = wanted_parts(parts, options)
    notes = [quarter_notes(part, score.ticks_per_beat) for part in parts]
    everything = np.concatenate(notes)
    as_it_is = np.concatenate([notes[index] for index in wanted])
    if _plays_as_it_is(as_it_is, len(wanted), options):
        others = len(everything) - len(as_it_is)
        order = np.unique(as_it_is[:, (0, 2)], axis=0, return_index=True)[1]  # by onset and pitch, each once
        return _Voices(as_it_is[order], everything, True, tuple(wanted), _named(parts, wanted), others=others)
    index, words = melody_part(score, options)
    line = notes[index] if options.chords else melody_line(notes[index])
    return _Voices(
        line,
        everything,
        options.chords,
        (index,),
        words,
        len(notes[index]) - len(line),
        len(everything) - len(notes[index]),
    )


def _plays_as_it_is(notes: np.ndarray, parts: int, options: ArrangeOptions) -> bool:
    """Return True if notes (N, 3) lie on eighths and span at most 13 keys, or 25 keys for a single part."""
    keys = min(options.keys or KEYS_OF_A_PART, KEYS if parts > 1 else KEYS_OF_A_PART)
    return np.ptp(notes[:, 2]) < keys and lies_on(np.sort(notes[:, 0]), options.grid or STEPS_PER_BEAT)


def _named(parts: Sequence[Part], taken: Sequence[int]) -> tuple[str, ...]:
    """Return a description of the parts that are taken, or nothing if all are."""
    if len(taken) == len(parts):
        return ()
    return (", ".join(f"track {i + 1}" + f" {parts[i].name!r}" * bool(parts[i].name) for i in taken),)


def _put_on_grid(
    notes: np.ndarray, beats: BeatGrid, score: Score, options: ArrangeOptions
) -> tuple[np.ndarray, Grid, float, list[str]]:
    """Quantise notes (N, 3) to a grid; a pickup counts as a bar.

    Returns:
        The steps of the notes counted from the first bar, the grid, the time of the first bar in quarter notes, and
        the changes in words.
    """
    steps, steps_per_quarter, changes = beats.step(notes[:, 0]), beats.steps, []
    swung = not options.grid and beats.steps in (3, 6) and swings(steps)
    if swung:
        steps, steps_per_quarter = straightened(steps), beats.steps * 2 // 3
    signatures = [(tick / score.ticks_per_beat, upper, lower) for tick, upper, lower in score.time_signatures]
    meter, first_bar, other_meters = main_meter(signatures, notes[-1, 0] + 1)
    grid = meter_grid(meter, steps_per_quarter)
    if grid.steps_per_quarter != DEFAULT_GRID.steps_per_quarter:
        changes.append(grid.name)
    if swung:
        changes.append("swing written straight")
    if beats.bits is not None:
        changes.append("keeps to no beat" if beats.bits > NO_BEAT else "played freely")
    if other_meters:
        changes.append(f"changes of meter counted in {meter[0]}/{meter[1]}")
    first = round(first_bar * steps_per_quarter)
    first += min(0, (int(steps[0]) - first) // grid.steps_per_bar) * grid.steps_per_bar
    return steps - first, grid, beats.offset + first / steps_per_quarter, changes


def _tempos(score: Score, begin: float, end: float) -> list[tuple[float, float]]:
    """Return the tempos, clipped to `TEMPO_RANGE_BPM`, of a span of quarter notes, with times relative to its start."""
    tempos = score.tempos_between(begin, end)
    return [(beat, float(np.clip(tempo_bpm, *TEMPO_RANGE_BPM))) for beat, tempo_bpm in tempos]


def _apart(steps: np.ndarray, pitches: np.ndarray, chords: bool) -> np.ndarray:
    """Return a mask (N,) of the notes to keep if several fall on one step: the last one, or with chords every pitch."""
    if not chords:
        return np.append(np.diff(steps) != 0, True)
    apart = np.zeros(len(steps), dtype=bool)
    apart[np.unique(steps * 128 + pitches, return_index=True)[1]] = True
    return apart


def _take_bars(
    steps: np.ndarray, pitches: np.ndarray, end: int, grid: Grid, options: ArrangeOptions
) -> tuple[int, int, tuple[str, ...]]:
    """Return the first step to play, the number of steps, and the bars in words.

    Bars of two beats are taken in pairs, unless the file ends at step `end` with the first of a pair.
    """
    bar = grid.steps_per_bar
    first, bars = choose_bars(steps, pitches, bar, options.bars)
    bars += grid.beats_per_bar <= 2 and bars % 2 == 1 and (first + bars + 1) * bar <= end
    begin, length = first * bar, bars * bar
    if 0 < options.steps < length:
        last = int(steps[steps < begin + options.steps][-1]) - begin
        length = min(options.steps, (last // bar + 1) * bar)
        bars = -(-length // bar)
    total = max(int(steps[-1]) // bar + 1, first + bars)
    words = f"bars {first + 1}-{first + bars} of {total}" if bars > 1 else f"bar {first + 1} of {total}"
    return begin, length, (words,) if first or bars < total else ()


def _choose_keyboard(pitches: np.ndarray, options: ArrangeOptions) -> Keyboard:
    if options.keys or options.fold:
        return usual_keyboard(options.keys or KEYS)
    return smallest_keyboard(pitches)


def _put_on_keys(pitches: np.ndarray, keyboard: Keyboard, options: ArrangeOptions) -> tuple[np.ndarray, int]:
    """Move pitches onto a keyboard; return them and their common shift. Raises MidiError if they do not fit."""
    if keyboard.smallest_shift(pitches) is None and options.keys and not options.fold:
        raise MidiError(
            f"{out_of_range(pitches, keyboard)}: --fold moves notes by octaves, --bars takes fewer, "
            f"--keys {smallest_keyboard(pitches).keys} holds them all"
        )
    try:
        return fold(pitches, keyboard)
    except ValueError as error:
        raise MidiError(f"{out_of_range(pitches, keyboard)}: {error}") from None


def out_of_range(pitches: np.ndarray, keyboard: Keyboard) -> str:
    """Return a message saying that pitches do not fit on a keyboard."""
    low, high = int(pitches.min()), int(pitches.max())
    return f"spans {high - low + 1} keys ({pitch_name(low)} to {pitch_name(high)}), the keyboard has {keyboard.keys}"


def _keys_in_words(keyboard: Keyboard, shift: int) -> list[str]:
    """Return the keyboard and the shift in words, if they are not the defaults."""
    words = [f"{keyboard.keys} keys"] if keyboard.keys != KEYS else []
    if shift:
        words.append(f"{'up' if shift > 0 else 'down'} {abs(shift)} semitone{'s' * (abs(shift) > 1)}")
    return words


def _losses(moved: int, merged: int, folded: int, lower: int, others: int) -> list[str]:
    """Return in words which notes were moved, merged, folded or left out; empty if none were."""
    losses = [f"{_notes(moved)} moved", f"{merged} merged"] if moved or merged else []
    if folded:
        losses.append(f"{_notes(folded)} folded by octaves")
    if lower:
        losses.append(f"{_notes(lower)} of lower voices left out")
    if others:
        losses.append(f"{_notes(others)} of other parts left out")
    return losses


def _notes(count: int) -> str:
    return f"{count} note{'s' * (count != 1)}"
