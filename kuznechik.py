"""Kuznechik: small networks learn to play music. The names a newcomer needs, in one place.

    import gymnasium, kuznechik

    env = gymnasium.make("kuznechik/Memorize-v0")             # importing registers the environments
    run = kuznechik.evolve("grasshopper")                     # NEAT, into runs/grasshopper-1
    kuznechik.score(run)["right_free_running"]                # steps it plays right by itself
    kuznechik.play(run, wav="grasshopper.wav")

Conventions: what needs matplotlib, neat-python or torch is imported when a function is called that needs it.
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
        out: run folder, which must be new; None: the next of runs/SONG-1, -2, ...
        preset: name of a preset or path of a TOML file; None: the defaults.
        listener: improvise for a listener instead of learning the song: a name such as "theory" or "mine.py:LikesA", or
            any object with a method `rewards(rolls, targets)`.
        **sections: options by section, as in `evolve={"generations": 50}, genome={"recurrent": True}`;
            `kuznechik evolve --options` lists them.

    Returns:
        The finished run: its champion, its songs, its folder.

    Raises:
        ValueError: there is no such song or option, or they do not go together.
    """
    from experiments.config.evolve import EvolveConfig
    from experiments.runs.assembly import resolve

    config = EvolveConfig.load(preset or ("improvise" if listener else None))
    config = config.change("task", song=song).change("evolve", seed=seed)
    if listener:
        config = config.change("improvise", listener=_lent(listener))
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
    """Learn a song by deep Q-learning, as `kuznechik dqn` does; arguments and results as for `evolve`.

    Options are those of `kuznechik dqn --options`, as in `dqn={"steps": 10_000}`. Needs torch.
    """
    from experiments.config.dqn import DqnConfig, preset_for
    from experiments.runs.dqn.kind import resolve_dqn

    name = _lent(listener) if listener else None
    config = DqnConfig.load(preset or preset_for(name)).change("task", song=song).change("dqn", seed=seed)
    if name:
        config = config.change("environment", listener=name)
    for section, values in sections.items():
        config = config.change(section, **values)
    return _run("dqn", *resolve_dqn(config), out)


def _lent(listener: "str | Listener") -> str:
    """Return the name by which a run finds a listener, an object or a name; raises ValueError if it is none."""
    if isinstance(listener, str):
        lend_own(listener)
        return listener
    name = f"{type(listener).__module__}:{type(listener).__qualname__}"
    lend_listener(name, listener)
    return name


def _run(kind: str, config: Any, songs: list[Song], out: str | Path | None) -> "Run":
    """Run from the beginning in a new folder, and read back what it holds then."""
    from experiments.runs.champion import open_run
    from experiments.runs.folder import RunFolder
    from experiments.runs.lifecycle import Supervision, begin, load_kind

    folder = RunFolder.new(out, "runs", songs[0].name if songs else kind)
    begin(load_kind(kind), config, folder, songs, ["kuznechik." + kind], Supervision())
    return open_run(folder.path)


def open_run(folder: str | Path) -> "Run":
    """Return the run of a folder; raises ValueError if it is none, or damaged."""
    from experiments.runs import champion

    return champion.open_run(folder)


def score(run: "Run | str | Path", song: str | None = None) -> dict[str, Any]:
    """Let the champion of a run play the environment, as `kuznechik score` does.

    Args:
        run: a run, or its folder.
        song: another song than the run learned: a name in the catalogue, or the path of a MIDI file.

    Returns:
        Right steps and what to compare them with; for a run that improvises, rewards and melody features.
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
        source: a run, its folder, a MIDI file, a name in the catalogue, or any other source, such as vae:16.
        wav: file to write sound to, instead of playing to a MIDI port.
        port: name of a MIDI output port; None: the first there is.
        steps: number of steps; None: as many as the song has.
        improvise: let a network with a mode bit improvise.
    """
    from experiments import melody_player
    from experiments.runs.source import Playing

    path = source if isinstance(source, str | Path) else source.folder.path
    how = Playing(melodies=1, steps=steps, improvise=improvise)
    for line in melody_player.play(str(path), how, str(wav) if wav else None, port):
        print(line)
