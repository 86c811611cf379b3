"""The model of form: reading, sampling, filling and following plans."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from listener.files import models_folder, read_form, read_listener  # noqa: E402
from listener.form.critic import FIGURES, Critic, choose, form_figures  # noqa: E402
from listener.form.drawing import fill  # noqa: E402
from listener.form.figures import FIGURES as PLAN_FIGURES  # noqa: E402
from listener.form.figures import plan_figures  # noqa: E402
from listener.form.filling import FillingNet  # noqa: E402
from listener.form.net import PlanNet  # noqa: E402
from listener.form.plan_reading import echo_kinds, melodies_of, read_plans, style_levels, tokens_of  # noqa: E402
from listener.form.reader import FormReader  # noqa: E402
from songs.plan import (  # noqa: E402
    ENDING,
    EXACT,
    NEW,
    RHYTHM,
    TRANSPOSED,
    VARIED,
    Plans,
    kinds_and_lags,
    relation,
)

BAR = [0, 2, 4, -1, 5, -1, 4, -1]
UP = [2, 4, 5, -1, 7, -1, 5, -1]
LEVELS = np.zeros((5, 4))


def tokens(bar: list[int]) -> np.ndarray:
    return tokens_of(np.array([bar], dtype=np.int8), np.zeros(1, dtype=np.int64))[0]


@pytest.mark.parametrize(
    ("bar", "kind"),
    [
        (BAR, EXACT),
        ([0, 2, 4, -1, 2, 2, 0, -1], ENDING),
        ([1, 2, 4, -1, 5, -1, 4, -1], VARIED),
        (UP, TRANSPOSED),
        ([7, 4, 5, -1, 0, -1, 7, -1], RHYTHM),
        ([7, -1, -1, -1, 0, 2, 7, 3], NEW),
        ([-1] * 8, NEW),
    ],
)
def test_a_bar_echoes_another_in_the_closest_way(bar, kind):
    assert echo_kinds(tokens(bar), tokens(BAR)) == kind


def test_the_plan_of_a_melody_is_read():
    melody = np.array([[*BAR, *UP, *BAR, 0, -1, -1, -1, -1, -1, -1, -1]], dtype=np.int8)
    plans = read_plans(melody, LEVELS)
    assert plans.bars[0].tolist() == [
        [0, 5, 2, 4],
        [relation(TRANSPOSED, 1), 5, 2, 5],
        [relation(EXACT, 2), 5, 2, 4],
        [0, 1, 8, 0],
    ]
    assert plans.character[0, :3].tolist() == [0, 0, 7]
    assert plans.lowest.tolist() == [0]


def test_transposing_a_melody_changes_only_where_its_plan_is():
    random = np.random.default_rng(0)
    melodies = random.integers(-1, 8, (20, 128)).astype(np.int8)
    levels = style_levels(melodies)
    one, other = read_plans(melodies, levels), read_plans(np.where(melodies >= 0, melodies + 5, -1), levels)
    np.testing.assert_array_equal(one.bars, other.bars)
    np.testing.assert_array_equal(one.character, other.character)
    np.testing.assert_array_equal(one.lowest + 5, other.lowest)
    np.testing.assert_array_equal(melodies_of(tokens_of(melodies, one.tonic), one.tonic), melodies)


@pytest.fixture(scope="module")
def plans() -> Plans:
    torch.manual_seed(0)
    return PlanNet().eval().draw(30, 8, np.random.default_rng(0))


@pytest.fixture(scope="module")
def net() -> FillingNet:
    torch.manual_seed(0)
    return FillingNet().eval()


def test_drawn_plans_echo_bars_that_are_there_and_fit_on_the_keys(plans):
    kind, lag = kinds_and_lags(plans.bars[..., 0])
    assert (lag <= np.arange(8)).all()
    assert len(np.unique(kind)) > 3
    assert Plans.from_dict(plans.to_dict(), 8, 13).steps == 64
    rows, bars = np.nonzero(kind == EXACT)
    np.testing.assert_array_equal(plans.bars[rows, bars, 1:], plans.bars[rows, bars - lag[rows, bars], 1:])


def test_filled_melodies_follow_their_plans(plans, net):
    filled = fill(net, plans, np.random.default_rng(0), tries=2)
    bars = filled.reshape(len(plans), 8, 8)
    kind, lag = kinds_and_lags(plans.bars[..., 0])
    for plan, bar in zip(*np.nonzero(kind), strict=True):
        mine, source = bars[plan, bar], bars[plan, bar - lag[plan, bar]]
        if kind[plan, bar] == EXACT:
            assert (mine == source).all()
        if kind[plan, bar] == ENDING:
            assert (mine[:4] == source[:4]).all()
        if kind[plan, bar] in (RHYTHM, TRANSPOSED):
            assert ((mine > 0) == (source > 0)).all()
    melodies = melodies_of(filled, plans.tonic)
    assert (melodies.max(axis=1) <= plans.lowest + plans.character[:, 2]).all()
    assert melodies.max() < 13


def reader(net: FillingNet, plans: Plans) -> FormReader:
    made = FormReader(net, plans, 13)
    made.begin(np.arange(len(plans)), np.zeros((len(plans), 0, 13), dtype=bool), np.zeros(len(plans), dtype=np.int64))
    return made


def test_a_prior_follows_its_plan(plans, net):
    following = reader(net, plans)
    rolls = np.zeros((len(plans), 64, 13), dtype=bool)
    for step in range(64):
        logs = following.log_probabilities()
        np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, atol=1e-4)
        rolls[:, step] = logs.argmax(axis=1)[:, None] == np.arange(1, 14)
        following.add(rolls[:, step])
    bars = rolls.reshape(len(plans), 8, 8, 13)
    kind, lag = kinds_and_lags(plans.bars[..., 0])
    _, notes, closing, degree = np.moveaxis(plans.bars, 2, 0)
    for plan, bar in zip(*np.nonzero(kind == EXACT), strict=True):
        assert (bars[plan, bar] == bars[plan, bar - lag[plan, bar]]).all()
    for plan, bar in zip(*np.nonzero((kind == NEW) & (notes > 0) & (closing > 0) & (degree < 12)), strict=True):
        assert not bars[plan, bar, 8 - closing[plan, bar] + 1 :].any()  # nothing follows the last note
        if plans.character[plan, 2] > 10:  # the span holds every degree
            (last,) = np.flatnonzero(bars[plan, bar, 8 - closing[plan, bar]])
            assert (last - plans.tonic[plan]) % 12 == degree[plan, bar]


def test_a_prior_starts_anywhere_and_resumes_from_its_state(plans, net):
    played = np.random.default_rng(1).integers(-1, 13, (len(plans), 64))
    rolls = played[..., None] == np.arange(13)
    stepwise, begun = reader(net, plans), FormReader(net, plans, 13)
    for step in range(20):
        stepwise.add(rolls[:, step])
    begun.begin(np.arange(len(plans)), rolls, np.full(len(plans), 20))
    np.testing.assert_allclose(begun.log_probabilities(), stepwise.log_probabilities(), atol=1e-4)
    restored = FormReader(net, plans, 13)
    restored.restore(*stepwise.state())
    for one in (stepwise, restored):
        one.add(rolls[:, 20])
    np.testing.assert_array_equal(restored.log_probabilities(), stepwise.log_probabilities())


def test_figures_are_invariant_under_transposition_and_have_the_stated_size(plans):
    melodies = np.random.default_rng(0).integers(-1, 8, (5, 64)).astype(np.int8)
    figures = form_figures(melodies)
    assert figures.shape == (5, FIGURES)
    assert np.isfinite(form_figures(np.full((1, 64), -1, dtype=np.int8))).all()
    np.testing.assert_array_equal(form_figures(np.where(melodies >= 0, melodies + 5, -1)), figures)
    assert plan_figures(plans.bars).shape == (30, PLAN_FIGURES)
    assert Critic(FIGURES).eval().odds(figures).shape == (5,)


def test_higher_odds_are_selected_more_often():
    random = np.random.default_rng(0)
    chosen = [choose(np.array([0.0, 3.0]), 1, random)[0] for _ in range(200)]
    assert 0.92 < np.mean(chosen) < 0.98  # exp(3) : 1


def test_the_model_of_the_project_draws_the_same_with_the_same_seed_and_ends_where_it_should():
    model = read_form()
    (one, first), (_, second) = (model.draw(3, 8, np.random.default_rng(7), draws=3) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (3, 64)
    assert first.max() < 13
    assert one.steps == 64
    prompt = np.zeros((8, 13), dtype=bool)
    prompt[[0, 2, 4], [0, 4, 7]] = True
    fitting = model.plans_for(prompt, 4, 16, np.random.default_rng(0))
    degree, minor = fitting.bars[:, -1, 3], fitting.character[:, 1] == 1
    assert all(end in ((9, 4) if is_minor else (0, 7)) for end, is_minor in zip(degree, minor, strict=True))
    assert (fitting.bars[:, -1, 2] >= 4).all()
    assert (fitting.lowest == 0).all()
    assert (fitting.character[:, 2] >= 7).all()


def test_the_model_of_form_is_no_listener():
    with pytest.raises(ValueError, match="is a model of form, not a listener"):
        read_listener(models_folder() / "form.safetensors")
    with pytest.raises(ValueError, match="not a model of form"):
        read_form(models_folder() / "melody.safetensors")
