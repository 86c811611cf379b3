"""Playing a melody on a MIDI port, or as a WAV file if there is none."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agents.rollout import play_on
from experiments.runs.champion import open_run
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import name_of_kind
from songs.catalog import find_file
from songs.files import free_path
from songs.plain_text import plain
from songs.playback import PlaybackError, output_ports, play_to_port
from songs.song import Song
from songs.synth import write_wav


def play(source: str, wav: str | None, port: str | None, steps: int | None, improvise: bool = False) -> Iterator[str]:
    """Play a run's champion, a MIDI file or a song of the catalogue; yield lines that say what was done.

    With `wav`, a file for the sound, no MIDI port is used unless one is named. Without a port the sound goes to a new
    file named after the source. By default as many steps are played as the song has. A champion with a mode bit can
    improvise.
    """
    if Path(source).is_dir() and name_of_kind(RunFolder.open(source)) == "vae":
        yield _write_sample(Path(source), wav)
        return
    song, roll = _melody(source, steps, improvise)
    if song.changes:
        yield f"{song.name}: {', '.join(song.changes)}"
    played = False
    if port or not wav:
        try:
            if port or output_ports():
                yield f"Playing {song.title or song.name} ({len(roll)} steps)"
                play_to_port(roll, port, song.tempo_bpm, song.grid.steps_per_quarter, keyboard=song.keyboard)
                played = True
            else:
                yield "There is no MIDI port: writing sound instead."
        except PlaybackError as error:
            yield f"{error}: writing sound instead."
    if wav or not played:
        path = Path(wav) if wav else free_path(Path(f"{Path(source).resolve().stem}.wav"))
        write_wav(path, song.sound(roll))
        yield f"{plain(str(path))}: {len(roll)} steps of {song.title or song.name}"


def _write_sample(run: Path, wav: str | None) -> str:
    """Write the sound of a melody sampled from a MusicVAE; return a line that says so."""
    from experiments.musicvae.files import SAMPLE_RATE, notes, render_notes
    from experiments.runs.vae import model_of
    from vae.checkpoint import load_model
    from vae.sampling import sample

    model, _ = load_model(model_of(run))
    form, tokens = model.config.form, sample(model, 1)[0].numpy()
    path = Path(wav) if wav else free_path(Path(f"{run.resolve().name}.wav"))
    beats = 4 * model.config.bars
    write_wav(path, render_notes(notes(tokens, form), beats, tempo_bpm=120), SAMPLE_RATE)
    return f"{plain(str(path))}: a sample of {model.config.bars} bars"


def _melody(source: str, steps: int | None, improvise: bool) -> tuple[Song, np.ndarray]:
    """Return the song a source stands for, and the roll to play, `steps` long."""
    if not Path(source).is_dir():
        if improvise:
            raise RunError(f"{source}: only the champion of a run can improvise")
        song = Song.read(find_file(source))
        return song, song.roll[:steps]
    run = open_run(source)
    player, song = run.player(), run.songs[0]
    prompt = song.roll[: run.task.prompt]
    if improvise and not (run.task.mode_bit or run.improvising):
        raise RunError(f"{source}: its network has no mode bit that could let it improvise")
    steps = max(song.steps if steps is None else steps, len(prompt))
    return song, play_on(player, prompt, steps, run.task.memory, improvise)
