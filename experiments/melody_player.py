"""Playing a melody on a MIDI port, or as a WAV file if there is none."""

from collections.abc import Iterator
from pathlib import Path

from experiments.runs.sources import Playing, read_source
from songs.files import free_path
from songs.plain_text import plain
from songs.playback import PlaybackError, output_ports, play_to_port
from songs.song import Song
from songs.synth import write_wav


def play(source: str, playing: Playing, wav: str | None, port: str | None) -> Iterator[str]:
    """Play the first melodies of a source, at most `playing.melodies`; yield lines that say what was done.

    With `wav`, a file for the sound of one melody, no MIDI port is used unless one is named. Without a port the sound
    goes to a new file named after the source.
    """
    played = read_source(source, playing)
    yield from played.remarks
    for song in played.songs[: 1 if wav else playing.melodies]:
        yield from _play(song, Path(source).resolve().stem, wav, port)


def _play(song: Song, stem: str, wav: str | None, port: str | None) -> Iterator[str]:
    played, name = False, song.title or song.name
    if port or not wav:
        try:
            if port or output_ports():
                yield f"Playing {name} ({song.steps} steps)"
                play_to_port(song.roll, port, song.tempo_bpm, song.grid.steps_per_quarter, keyboard=song.keyboard)
                played = True
            else:
                yield "There is no MIDI port: writing sound instead."
        except PlaybackError as error:
            yield f"{error}: writing sound instead."
    if wav or not played:
        path = Path(wav) if wav else free_path(Path(f"{stem.replace(':', '-')}.wav"))
        write_wav(path, song.sound())
        yield f"{plain(str(path))}: {song.steps} steps of {name}"
