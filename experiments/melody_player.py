"""Playing a melody on a MIDI port, or writing it as sound or MIDI."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from experiments.options import UsageError
from experiments.runs.source import Playing
from experiments.runs.sources import read_source
from songs.files import free_path
from songs.instrument import tone
from songs.plain_text import plain
from songs.playback import PlaybackError, output_ports, play_to_port
from songs.song import Song
from songs.synth import Instrument, write_wav


def play(
    source: str,
    playing: Playing,
    out: str | None,
    port: str | None,
    tempo_bpm: float | None = None,
    original_key: bool = False,
    instrument: Instrument = tone,
) -> Iterator[str]:
    """Play the first melodies of a source, at most `playing.melodies`; yield progress lines.

    `out` is a .wav or .mid file for one melody; with it a MIDI port is used only if one is named. Without a port, or
    on an instrument other than the piano, the sound is written to a new file named after the source.
    """
    if out and Path(out).suffix.lower() not in WRITERS:
        raise UsageError(f"{out}: its name must end in {' or '.join(WRITERS)}, which sets the format")
    played = read_source(source, playing)
    yield from played.remarks
    songs = played.songs[: 1 if out else playing.melodies]
    if len(songs) < len(played.songs):
        rest = "a file holds one" if out else "--melodies plays more"
        yield f"{plain(source)}: {len(songs)} of its {len(played.songs)} melodies; {rest}"
    for song in songs:
        song = song.at_file_pitches() if original_key else song
        song = song if tempo_bpm is None else replace(song, tempo_bpm=tempo_bpm, tempo_changes=())
        yield from _play(song, Path(source).resolve().stem, out, port, instrument)


def _play(song: Song, stem: str, out: str | None, port: str | None, instrument: Instrument) -> Iterator[str]:
    played, name = False, song.title or song.name
    if port or (not out and instrument is tone):
        try:
            if port or output_ports():
                yield f"Playing {name} ({song.steps} steps)"
                tempos, steps_per_beat = song.tempo_changes, song.grid.steps_per_quarter
                play_to_port(
                    song.roll, port, song.tempo_bpm, steps_per_beat, keyboard=song.keyboard, tempo_changes=tempos
                )
                played = True
            else:
                yield "No MIDI port was found: writing sound instead."
        except PlaybackError as error:
            yield f"{error}: writing sound instead."
    if out or not played:
        path = Path(out) if out else free_path(Path(f"{stem.replace(':', '-')}.wav"))
        WRITERS[path.suffix.lower()](path, song, instrument)
        yield f"{plain(str(path))}: {song.steps} steps of {name}"


def _write_sound(path: Path, song: Song, instrument: Instrument) -> None:
    write_wav(path, song.sound(instrument=instrument))


def _write_midi(path: Path, song: Song, instrument: Instrument) -> None:
    song.write(path)


WRITERS = {".wav": _write_sound, ".mid": _write_midi}
"""Functions that write a song, by file suffix."""
