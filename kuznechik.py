"""Kuznechik: small networks learn to play music. This module is the public API.

    import gymnasium, kuznechik

    env = gymnasium.make("kuznechik/Memorize-v0")             # importing registers the environments
    run = kuznechik.evolve("grasshopper")                     # NEAT, into runs/grasshopper-1
    kuznechik.score(run)["right_free_running"]                # steps it plays right by itself
    kuznechik.play(run, wav="grasshopper.wav")

Conventions: matplotlib, neat-python and torch are imported only when a function that needs them is called.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envs.keyboard_env import KeyboardEnv
from envs.vector_keyboard_env import KeyboardVectorEnv
from listener.registry import lend_listener, lend_own
from listener.registry import load_listener as make_listener
from songs.catalog import find_song
from songs.song import Song

if TYPE_CHECKING:
    from experiments.runs.champion import Run
    from listener.listener import Listener

__all__ = [
    "KeyboardEnv",
    "KeyboardVectorEnv",
    "Song",
    "evolve",
    "find_song",
    "learn",
    "make_listener",
    "open_run",
    "play",
    "score",
]


def evolve(
    song: str = "grasshopper",
    seed: int = 0,
    out: str | Path | None = None,
    preset: str | Path | None = None,
    listener: "str | Listener | None" = None,
    **sections: Mapping[str, Any],
) -> "Run":
    """Evolve a network that plays a song, as `kuznechik evolve` does.

    Args:
        song: a name in the catalogue, or the path of a MIDI file.
        seed: the same seed gives the same run.
        out: a new run folder; None: the next free one of runs/SONG-1, runs/SONG-2, ...
        preset: name of a preset or path of a TOML file; None: the defaults.
        listener: improvise for a listener instead of learning the song: a name such as "theory" or "mine.py:LikesA", or
            any object with a method `rewards(rolls, targets)`.
        **sections: options by section, as in `evolve={"generations": 50}, genome={"recurrent": True}`;
            `kuznechik evolve --options` lists them.

    Returns:
        The finished run: its champion, its songs, its folder.

    Raises:
        ValueError: a song or option does not exist, or they do not go together.
    """
    from experiments.config.evolve import EvolveConfig
    from experiments.runs.assembly import resolve

    config = EvolveConfig.load(preset or ("improvise" if listener else None))
    config = config.change("task", song=song).change("evolve", seed=seed)
    if listener:
        config = config.change("improvise", listener=_listener_name(listener))
    for section, values in sections.items():
        config = config.change(section, **values)
    return _run("evolve", *resolve(config), out)


def learn(
    song: str = "grasshopper",
    seed: int = 0,
    out: str | Path | None = None,
    preset: str | Path | None = None,
    listener: "str | Listener | None" = None,
    **sections: Mapping[str, Any],
) -> "Run":
    """Learn a song by deep Q-learning, as `kuznechik dqn` does. Needs torch.

    Arguments and results are as for `evolve`, with the options of `kuznechik dqn --options`, as in
    `dqn={"steps": 10_000}`.
    """
    from experiments.config.dqn import DqnConfig, preset_for
    from experiments.runs.dqn.kind import resolve_dqn

    name = _listener_name(listener) if listener else None
    config = DqnConfig.load(preset or preset_for(name)).change("task", song=song).change("dqn", seed=seed)
    if name:
        config = config.change("environment", listener=name)
    for section, values in sections.items():
        config = config.change(section, **values)
    return _run("dqn", *resolve_dqn(config), out)


def _listener_name(listener: "str | Listener") -> str:
    """Register a listener, an object or a name, and return its name for a run; raises ValueError if it is invalid."""
    if isinstance(listener, str):
        lend_own(listener)
        return listener
    name = f"{type(listener).__module__}:{type(listener).__qualname__}"
    lend_listener(name, listener)
    return name


def _run(kind: str, config: Any, songs: list[Song], out: str | Path | None) -> "Run":
    """Run from the beginning in a new folder, and return the finished run."""
    from experiments.runs.champion import open_run
    from experiments.runs.folder import RunFolder
    from experiments.runs.lifecycle import Supervision, begin, load_kind

    folder = RunFolder.new(out, "runs", songs[0].name if songs else kind)
    begin(load_kind(kind), config, folder, songs, ["kuznechik." + kind], Supervision())
    return open_run(folder.path)


def open_run(folder: str | Path) -> "Run":
    """Return the run in a folder; raises ValueError if it is missing or damaged."""
    from experiments.runs import champion

    return champion.open_run(folder)


def score(run: "Run | str | Path", song: str | None = None) -> dict[str, Any]:
    """Score a run's champion by playing the environment, as `kuznechik score` does.

    Args:
        run: a run, or its folder.
        song: a song to play instead of the one learned: a name in the catalogue, or the path of a MIDI file.

    Returns:
        The right steps with baselines and ceiling; for a run that improvises, rewards and melody features.
    """
    from experiments.runs import scores
    from experiments.runs.champion import truth_table

    opened = open_run(run) if isinstance(run, str | Path) else run
    if not opened.songs:
        return dict(truth_table(opened))
    if not opened.memorised:
        return scores.score_improvisation(opened)
    return scores.score(opened, find_song(song) if song else None)


def play(
    source: "Run | str | Path",
    wav: str | Path | None = None,
    port: str | None = None,
    steps: int | None = None,
    improvise: bool = False,
) -> None:
    """Play the champion of a run, or a song, as `kuznechik play` does.

    Args:
        source: a run, its folder, a MIDI file, a name in the catalogue, or another source such as vae:16.
        wav: audio file to write instead of playing to a MIDI port.
        port: name of a MIDI output port; None: the first available.
        steps: number of steps; None: the length of the song.
        improvise: let a network with a mode bit improvise.
    """
    from experiments import melody_player
    from experiments.runs.source import Playing

    path = source if isinstance(source, str | Path) else source.folder.path
    how = Playing(melodies=1, steps=steps, improvise=improvise)
    for line in melody_player.play(str(path), how, str(wav) if wav else None, port):
        print(line)
