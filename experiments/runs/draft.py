"""The draft of an improvisation with a prior: the best of many draws, which a search starts from.

    draft.json    the noise seed of each start

With the noise of a draw (`agents.prior.NoisyPrior`), a network whose outputs are all 0 plays this draw, so the search
makes its changes to the draft. The plan of a start, if any, is that of its draft.
"""

from dataclasses import replace

import numpy as np

from agents.prior import play_prior
from experiments.runs.folder import RunFolder
from experiments.runs.improvise import DRAFT, Improvising
from experiments.runs.plans import write_plans
from songs.plan import Plans

DRAWS_A_PLAN = 32
AT_ONCE = 512
"""Draws that are played and rewarded in one batch, which bounds the memory."""


def write_draft(folder: RunFolder, improvising: Improvising, draws: int, seed: int, planned: bool) -> None:
    """Choose the best of `draws` draws for each start of a new run; write draft.json, and plans.json if `planned`."""
    random = np.random.default_rng(seed)
    best = [_best_draw(improvising.at(start), draws, random, planned) for start in range(len(improvising.starts.names))]
    if planned:
        write_plans(folder, Plans.joined([one.plans for one in best if one.plans is not None]))
    folder.write_json(DRAFT, {"seeds": [seed for one in best for seed in one.seeds or ()]})


def _best_draw(improvising: Improvising, draws: int, random: np.random.Generator, planned: bool) -> Improvising:
    """Return the task of one start with the seed and plan of the draw that the listener rewards most."""
    plans = None
    if planned:
        from listener.form.planning import draw_plans  # here, as it loads torch

        prompts, count = list(improvising.starts.prompts), -(-draws // DRAWS_A_PLAN)
        plans = draw_plans(improvising.song, prompts, int(random.integers(2**32)), count=count)
    seeds = random.integers(2**32, size=draws).tolist()
    most, best = -np.inf, improvising
    for first in range(0, draws, AT_ONCE):
        part = np.arange(first, min(first + AT_ONCE, draws))
        followed = plans[part % len(plans)] if plans is not None else None
        starts, noise = improvising.starts.repeated(len(part)), [seeds[draw] for draw in part]
        tried = replace(improvising, starts=starts, plans=followed, seeds=noise)
        assert tried.prior is not None, "a draft needs a prior"
        rolls = play_prior(tried.prior, starts.prompts, starts.steps)
        rewards = tried.listener.rewards(rolls).sum(axis=1, dtype=np.float64)
        if rewards.max() > most:
            most, best = rewards.max(), tried.at(int(rewards.argmax()))
    return best
