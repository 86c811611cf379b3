"""The learned listener that comes with the project: it is causal, adds up, and is not fooled by nonsense."""

import json
import shutil
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.numpy import load, save  # noqa: E402

from listener import theory  # noqa: E402
from listener.attachment import attached  # noqa: E402
from listener.corpus import rolls_of  # noqa: E402
from listener.corruptions import players  # noqa: E402
from listener.files import models_folder, read_listener, write_listener  # noqa: E402
from listener.form_corruptions import FORM  # noqa: E402
from listener.judging import percentile  # noqa: E402
from listener.learned.hearing import heard  # noqa: E402
from listener.learned.model import PAIRED, Learned  # noqa: E402
from listener.learned.window_net import LAGS, NetOptions, WindowNet, logits_of_all, step_codes  # noqa: E402
from listener.registry import listener_named, reference_scores  # noqa: E402
from songs.catalog import read_catalog  # noqa: E402
from songs.keyboard import DEFAULT_KEYBOARD, Grid  # noqa: E402

LISTENER = listener_named("learned")
REFERENCE = reference_scores("learned")
SONGS = [entry for entry in read_catalog() if entry.keys == 13 and entry.steps == 128]
NAMES = [entry.name for entry in SONGS]


@pytest.fixture(scope="module")
def songs() -> np.ndarray:
    """Return the songs of the project that have 16 bars, (N, 128, 13); the listener was not trained on them."""
    return np.stack([entry.song.roll for entry in SONGS])


def noise(count: int, steps: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, steps, 13)) < 0.1


# Payment


def test_rewards_are_given_at_bar_lines_and_add_up_to_the_value_of_the_song(songs):
    rolls = np.concatenate((songs[:3], noise(3, 128)))
    rewards = LISTENER.rewards(rolls)
    inside = np.arange(128) % 8 != 7
    assert not rewards[:, inside].any()
    worth = sum(potential[:, -1] for potential in LISTENER.potentials(rolls).values())
    np.testing.assert_allclose(rewards.sum(axis=1), worth, atol=1e-4)
    assert (worth <= 1e-6).all()


@pytest.mark.parametrize("bars", [1, 3, 4, 9])
def test_the_rewards_so_far_are_the_worth_of_the_song_so_far(songs, bars):
    rewards = LISTENER.rewards(songs[:4])
    so_far = LISTENER.rewards(songs[:4, : 8 * bars + 5])
    np.testing.assert_allclose(so_far, rewards[:, : 8 * bars + 5] * (np.arange(8 * bars + 5) < 8 * bars), atol=1e-4)


def test_later_steps_change_no_earlier_reward(songs):
    changed = songs[:6].copy()
    changed[:, 77:] = noise(6, 51)
    before, after = LISTENER.rewards(songs[:6]), LISTENER.rewards(changed)
    np.testing.assert_allclose(after[:, :77], before[:, :77], atol=1e-4)
    assert (np.abs(after[:, 77:] - before[:, 77:]).max(axis=1) > 0.01).all()


def test_the_reward_is_the_sum_of_its_terms_and_none_is_above_0(songs):
    terms = LISTENER.terms(songs[:4])
    assert tuple(terms) == LISTENER.nets.terms == ("nets", "pitches", "metre", "form", "features", "further keys")
    np.testing.assert_allclose(LISTENER.rewards(songs[:4]), sum(terms.values()), atol=1e-5)
    assert all((rewards.sum(axis=1) <= 1e-5).all() for rewards in terms.values())


def test_a_song_is_rewarded_the_same_alone_and_in_a_batch(songs):
    together = LISTENER.rewards(songs)
    for row in (0, 5, len(songs) - 1):
        np.testing.assert_allclose(LISTENER.rewards(songs[row : row + 1])[0], together[row], atol=1e-4)


def test_songs_longer_than_any_in_training_are_rewarded_too(songs):
    long = np.concatenate((songs[:2], songs[2:4]), axis=1)
    rewards = LISTENER.rewards(long)
    np.testing.assert_allclose(rewards[:, :128], LISTENER.rewards(songs[:2]), atol=1e-4)
    assert np.abs(rewards[:, 128:]).sum() > 0


def test_nothing_is_gained_above_the_best_tenth(songs):
    potentials = LISTENER.potentials(songs)
    for name, values in LISTENER.values(songs).items():
        missing = (np.where(values < 0, -values, 0) / 3) ** 3.5
        np.testing.assert_allclose(potentials[name], -LISTENER.weights[name] * np.log(1 + missing), atol=1e-9)
    assert any((values > 0).any() for name, values in LISTENER.values(songs).items() if name != "features")


def test_further_keys_are_taken_off_by_their_share_of_the_steps(songs):
    thick = songs[:1].copy()
    thick[0, :2] = False
    thick[0, :2, 3:5] = True
    assert LISTENER.potentials(thick)["further keys"][0, [0, 1, 15]].tolist() == [
        -20 * 2 / 8,
        -20 * 2 / 16,
        -20 * 2 / 128,
    ]


def test_the_least_of_the_hardened_networks_counts(songs):
    nets, calibration, alone = LISTENER.nets, LISTENER.calibration, []
    for number, net in enumerate(nets.hardened):
        renamed = {
            part: {**named, "net 0": named[f"net {number}"]}
            for part, named in (("good", calibration.good), ("deviation", calibration.deviation))
        }
        windows = {"net 0": net, **{name: nets.windows[name] for name in PAIRED}}
        own = Learned(replace(nets, windows=windows), replace(calibration, **renamed), LISTENER.weights)
        alone.append(own.values(songs[:5])["nets"])
    least = np.min(alone, axis=0)
    assert not (least == alone[0]).all()
    np.testing.assert_allclose(LISTENER.values(songs[:5])["nets"], least, atol=1e-5)
    np.testing.assert_allclose(LISTENER.uncapped(songs[:5]), least[:, -1], atol=1e-5)


@pytest.mark.parametrize(("term", "net"), [(name, LISTENER.nets.windows[name]) for name in PAIRED])
def test_what_a_network_hears_is_the_mean_over_the_windows_so_far_of_which_none_makes_up_for_others(songs, term, net):
    said = np.log(1 / (1 + np.exp(3 - logits_of_all([net], heard(theory.melody(songs[:4])))[0])))
    for bar in (3, 9, 15):
        mean = said[:, : bar - 2].mean(axis=1)
        expected = (mean - LISTENER.calibration.good[term][bar]) / LISTENER.calibration.deviation[term][bar]
        np.testing.assert_allclose(LISTENER.values(songs[:4])[term][:, bar], expected, atol=1e-4)
    assert not LISTENER.values(songs[:4])[term][:, :3].any()


# What it hears


@pytest.mark.parametrize("name", sorted(players(1, 128, np.random.default_rng(0))))
def test_degenerate_players_are_far_below_real_melodies(name):
    rolls = players(12, 128, np.random.default_rng(1))[name]
    scores = LISTENER.rewards(rolls).sum(axis=1)
    assert np.median(percentile(REFERENCE, scores)) < 5


def test_unseen_songs_are_like_real_melodies_and_their_corruptions_are_not(songs):
    generator = np.random.default_rng(2)
    songs = songs[[name != "odd_piece" for name in NAMES]]  # which is no music
    scores = LISTENER.rewards(songs).sum(axis=1)
    assert np.median(percentile(REFERENCE, scores)) > 25
    wrong = generator.permuted(songs, axis=1)
    assert (LISTENER.rewards(wrong).sum(axis=1) < scores).mean() > 0.95


@pytest.mark.parametrize(("keys", "lowest"), [(13, 60), (25, 48), (88, 21)])
def test_the_same_melody_has_the_same_score_on_every_keyboard_and_transposed_by_anything(songs, keys, lowest):
    melodies = theory.melody(songs[:3]).astype(np.int64)
    expected = LISTENER.rewards(songs[:3])
    for shift in range(0, keys - melodies.max(), 7):
        rolls = np.where(melodies >= 0, melodies + shift, -1)[..., None] == np.arange(keys)
        np.testing.assert_allclose(LISTENER.rewards(rolls), expected, atol=1e-5)


@pytest.mark.parametrize("steps", [4, 12])
def test_the_same_melody_has_the_same_score_on_finer_steps(songs, steps):
    rolls = np.zeros((3, 64 * steps, 13), dtype=bool)
    rolls[:, :: steps // 2] = songs[:3]
    rewards = attached(LISTENER, DEFAULT_KEYBOARD, Grid(steps)).rewards(rolls)
    np.testing.assert_allclose(rewards[:, steps // 2 - 1 :: steps // 2], LISTENER.rewards(songs[:3]), atol=1e-5)


def test_melodies_of_two_octaves_are_heard():
    steps = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19, 17, 16, 12, 12] * 8)
    wide = np.where(np.arange(128) % 4 == 3, -1, steps)
    folded = np.where(wide > 12, wide - 12, wide)
    rewards = [LISTENER.rewards(one[None, :, None] == np.arange(25)) for one in (wide, folded)]
    assert rewards[0].sum() != pytest.approx(rewards[1].sum(), abs=0.01)


@pytest.mark.parametrize("name", ["loop of 1 bar", "loop of 2 bars", "loop of 4 bars", "bars shuffled"])
def test_form_is_heard(songs, name):
    generator = np.random.default_rng(4)
    real = theory.melody(songs)
    worse = LISTENER.potentials(rolls_of(FORM[name](real, generator)))["form"][:, -1]
    assert (worse < LISTENER.potentials(songs)["form"][:, -1]).mean() > 0.75


def test_chords_cost(songs):
    thick = songs[:3].copy()
    thick[:, :, 0] |= thick.any(axis=2)
    assert (LISTENER.rewards(thick).sum(axis=1) < LISTENER.rewards(songs[:3]).sum(axis=1) - 1).all()


# The network


def test_the_codes_say_what_happens():
    melody = np.array([[4, -1, 4, 7, -1, -1, 4, -1, 4, *[-1] * 7]], dtype=np.int8)
    firsts = (0, 38 * 2 * 8, 38 * 2 * 8 + 26 * 10, 38 * 2 * 8 + 26 * 10 + 128)
    pitch, interval, equal, degree = np.moveaxis(step_codes(melody)[0] - firsts, 1, 0)
    # E and G fit C, F, D and G major alike; most of them belong to the triad of C
    assert degree.tolist() == [9, 8, 9, 15, 14, 14, 9, 8, 9, *[8] * 7]
    pitch, interval, equal = pitch[:9], interval[:9], equal[:9]
    # held note + 1, twice, and the onset; times 8, and the step in the bar
    held, onset = (4, 4, 4, 7, 7, 7, 4, 4, 4), (1, 0, 1, 1, 0, 0, 1, 0, 1)
    place = (0, 1, 2, 3, 4, 5, 6, 7, 0)
    assert pitch.tolist() == [((h + 1) * 2 + o) * 8 + p for h, o, p in zip(held, onset, place, strict=True)]
    # 0 for no interval, else semitones + 13; times 10, and the gap up to 9
    assert interval.tolist() == [1, 1, 132, 161, 1, 2, 103, 1, 132]
    for step, found in enumerate(equal.tolist()):
        same = [step >= lag and melody[0, step] == melody[0, step - lag] for lag in LAGS]
        assert found == int("".join(str(int(bit)) for bit in (onset[step], *same)), 2)


def test_the_table_is_the_sum_of_its_parts():
    torch.manual_seed(0)
    net = WindowNet(NetOptions(embedding=5))
    table = net.table()
    assert table.shape == (38 * 16 + 260 + 128 + 26, 5)
    torch.testing.assert_close(table[38 * 16 + 260 + 128 + 7], net.degree[7])
    torch.testing.assert_close(table[(3 * 2 + 1) * 8 + 6], net.held[3, 0, 0] + net.key[3, 1, 0] + net.place[0, 1, 6])
    torch.testing.assert_close(table[38 * 16 + 17 * 10 + 4], net.interval[17, 0] + net.gap[0, 4])
    onset_and_lags_1_and_8 = 0b1_100100
    torch.testing.assert_close(table[38 * 16 + 260 + onset_and_lags_1_and_8], net.equal[0, 1] + net.equal[3, 1])


def test_the_network_is_the_slow_formula():
    torch.manual_seed(1)
    net = WindowNet(NetOptions(embedding=3, halves=4, quarters=5, bars=6, hidden=7)).eval()
    melody = np.random.default_rng(1).integers(-1, 13, (1, 40)).astype(np.int8)
    leaky = lambda values: torch.where(values > 0, values, 0.1 * values)  # noqa: E731

    def each(layer, rows, back):
        padded = [torch.zeros_like(rows[0])] * back + list(rows)
        return [leaky(layer(torch.cat(padded[at : at + back + 1]))) for at in range(len(rows))]

    with torch.no_grad():
        rows = [net.table()[codes].sum(dim=0) for codes in torch.from_numpy(step_codes(melody))[0].long()]
        rows = [row + more for row, more in zip(rows, each(net.steps, rows, 2), strict=True)]
        for layer in (net.halves, net.quarters, net.bars):
            rows = each(layer, [torch.cat(rows[at : at + 2]) for at in range(0, len(rows), 2)], 1)
        bars = torch.stack([row + more for row, more in zip(rows, each(net.pairs, rows, 1), strict=True)])
        for window, found in enumerate(logits_of_all([net], melody)[0][0].tolist()):
            four = bars[window : window + 4]
            pooled = torch.cat((four.mean(dim=0), four.max(dim=0).values))
            assert found == pytest.approx(net.logit(leaky(net.hidden(pooled))).item(), abs=1e-5)


def test_a_window_is_judged_by_its_past_alone():
    torch.manual_seed(0)
    net = WindowNet().eval()
    melodies = np.random.default_rng(0).integers(-1, 13, (4, 80)).astype(np.int8)
    changed = melodies.copy()
    changed[:, 56:] = 3
    before, after = logits_of_all([net], melodies)[0], logits_of_all([net], changed)[0]
    assert before.shape == (4, 7)
    np.testing.assert_allclose(before[:, :4], after[:, :4], atol=1e-5)  # bars 4 to 7
    assert (np.abs(before[:, 4:] - after[:, 4:]).max(axis=1) > 1e-4).all()


def test_a_song_of_fewer_than_four_bars_has_no_window():
    assert logits_of_all([WindowNet().eval()], np.zeros((2, 31), dtype=np.int8))[0].shape == (2, 0)


# Files


def test_a_listener_is_read_as_it_was_written(tmp_path, songs):
    path = tmp_path / "mine.safetensors"
    write_listener(path, LISTENER, {"reference": REFERENCE})
    np.testing.assert_array_equal(read_listener(path).rewards(songs[:2]), LISTENER.rewards(songs[:2]))


def test_what_loses_nothing_by_it_is_written_in_half_precision(tmp_path, songs):
    halved = deepcopy(LISTENER.nets.windows["metre"]).half().float()
    kept = replace(LISTENER.nets, windows={**LISTENER.nets.windows, "metre": halved})
    listener = Learned(kept, LISTENER.calibration, LISTENER.weights)
    path = tmp_path / "mine.safetensors"
    write_listener(path, listener, {})
    kinds = {name: array.dtype for name, array in load(path.read_bytes()).items()}
    assert {kind for name, kind in kinds.items() if name.startswith("metre.")} == {np.dtype("float16")}
    assert kinds["pitches.held"] == np.float32
    np.testing.assert_array_equal(read_listener(path).rewards(songs[:2]), listener.rewards(songs[:2]))


@pytest.fixture
def files(tmp_path):
    """Return a copy of the shipped listener."""
    for suffix in (".safetensors", ".json"):
        shutil.copy(models_folder() / f"learned{suffix}", tmp_path)
    return tmp_path / "learned.safetensors"


def test_a_file_of_another_shape_is_refused(files):
    arrays = load(files.read_bytes())
    arrays["net 0.bars.weight"] = arrays["net 0.bars.weight"][:, :-4]
    files.write_bytes(save({name: np.ascontiguousarray(values) for name, values in arrays.items()}))
    with pytest.raises(ValueError, match=r"net 0.bars.weight has the shape \(64, 252\), this run needs \(64, 256\)"):
        read_listener(files)


def test_a_file_without_a_network_is_refused(files):
    arrays = {name: values for name, values in load(files.read_bytes()).items() if not name.startswith("net 1")}
    files.write_bytes(save(arrays))
    with pytest.raises(ValueError, match="net 1.held is missing"):
        read_listener(files)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": "something"}, "is not a 'kuznechik listener' of version 5"),
        ({"version": 1}, "is not a 'kuznechik listener' of version 5"),
        ({"kind": "mode"}, "unknown kind of listener 'mode'"),
        ({"weights": {}}, "is broken"),
        ({"calibration": None}, "is broken"),
        ({"nets": {"net 0": {"width": 3}}}, "is broken"),
        ({"nets": {"net 0": {}}}, "is broken"),
        ({"nets": {"pitches": {"embedding": 10**12}}}, "is broken"),
    ],
)
def test_a_broken_description_is_refused(files, change, match):
    beside = files.with_suffix(".json")
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **change}))
    with pytest.raises(ValueError, match=match):
        read_listener(files)


def test_damaged_and_missing_files_are_refused(files):
    files.write_bytes(files.read_bytes()[:5000])
    with pytest.raises(ValueError, match="is damaged or cut off"):
        read_listener(files)
    files.with_suffix(".json").write_text("{")
    with pytest.raises(ValueError, match=r"learned.json: is broken"):
        read_listener(files)
    files.with_suffix(".json").unlink()
    with pytest.raises(ValueError, match="no such listener"):
        read_listener(files)
