"""Plans for improvisations, sampled from the model of form, and the prior that follows them.

Conventions: as in `songs.plan` and `agents.prior`. Imports torch.
"""

from collections.abc import Callable, Sequence

import numpy as np

from listener.files import read_form
from listener.form.reader import FormReader
from songs.catalog import check_listenable
from songs.keyboard import KEYS, STEPS_PER_BAR
from songs.plan import FEWEST_BARS, MOST_BARS, Plans
from songs.song import Song, SongError


def check_plannable(song: Song) -> None:
    """Raise SongError unless plans can be made for a song: it must be on 13 keys and eighths, in 4 to 32 whole bars."""
    check_listenable(song)
    bars, rest = divmod(song.steps, STEPS_PER_BAR)
    if rest or not FEWEST_BARS <= bars <= MOST_BARS:
        raise SongError(
            f"{song.name} has {song.steps} steps, but a plan has {FEWEST_BARS} to {MOST_BARS} whole bars of "
            f"{STEPS_PER_BAR} steps: cut the song, for example to 128 steps"
        )


def draw_plans(song: Song, prompts: Sequence[np.ndarray], seed: int, whole: bool = True, count: int = 1) -> Plans:
    """Return `count` plans of the length of a song for each prompt (P, K); the same seed gives the same plans.

    `whole` is as for `FormModel.plans_for`.

    Raises:
        ValueError: the song is not on 13 keys and eighths, or not of 4 to 32 whole bars.
    """
    check_plannable(song)
    model, generator, bars = read_form(), np.random.default_rng(seed), song.steps // STEPS_PER_BAR
    return Plans.joined([model.plans_for(prompt, count, bars, generator, whole) for prompt in prompts])


def following(plans: Plans) -> Callable[..., FormReader]:
    """Return a factory for priors: melody i follows plan `first` + i, cycling through the plans."""
    net = read_form().filling

    def make(melodies: int, first: int = 0) -> FormReader:
        return FormReader(net, plans[(first + np.arange(melodies)) % len(plans)], KEYS)

    return make
