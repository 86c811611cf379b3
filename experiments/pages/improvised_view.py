"""The part of a report on a run with a listener: its reward with baselines, the melody, and every term."""

from typing import Any

import numpy as np
from matplotlib import style

from experiments.pages.film import MOST_STAGES, stages
from experiments.pages.page import picture
from experiments.pages.roll_view import key_roll
from experiments.plots.sheet import STYLE
from experiments.plots.terms import terms_figure
from experiments.runs.champion import Run

CAPTION = "Rewards of the listener for this melody, by step and term; the colour scale is logarithmic"


def improvised(run: Run, most_stages: int = MOST_STAGES) -> dict[str, Any]:
    """Return the tiles, melody and picture of a run with a listener, as plain data.

    Its film has at most `most_stages` stages. If the run also learned a song, the film belongs to the song.
    """
    improvising, prompt = run.improvisation(), run.task.prompt
    rolls = improvising.play(run.player())
    first = rolls[:1]
    melody = _melody(run, first[0])
    if not run.memorised:
        melody["roll"]["stages"] = stages(run, first[0], lambda roll: _melody(run, roll), most_stages)
    with style.context(STYLE):
        terms = {name: rewards[0] for name, rewards in improvising.listener.terms(first).items()}
        drawn = picture(terms_figure(terms, prompt))
    rewards = {"reward per step": improvising.reward(rolls)}
    names = {"silence": "silence gets", "random": "random keys get", "the_song": "the song itself gets"}
    rewards |= {names[name]: value for name, value in improvising.baselines().items()}
    return {
        "tiles": [{"name": name, "value": f"{value:.3g}", "of": None} for name, value in rewards.items()],
        "group": {"title": "Listen: the improvisation", "text": "", "melodies": [melody]},
        "picture": {"caption": CAPTION, "data": drawn},
    }


def _melody(run: Run, roll: np.ndarray) -> dict[str, Any]:
    """Return an improvisation from the first start, with its sound."""
    improvising, prompt = run.improvisation(), run.task.prompt
    begin = f"continues the opening of {improvising.starts.names[0]}" if prompt else "starts from silence"
    return {
        "parts": {"played": "the champion"},
        "text": f"It {begin}.",
        "legend": {"played": f"keys played {int(roll[prompt:].sum())}", "prompt": f"prompt, {prompt} steps given"},
        "roll": key_roll({"played": roll}, {"played": roll}, prompt, improvising.song),
    }
