"""`kuznechik listener`: what it trains, prints and writes, and its mistakes."""

import json
from functools import partial

import pytest

pytest.importorskip("torch")

from experiments.verbs import listener
from listener.registry import NAMES, listener_named
from songs.catalog import default_folder, read_song


@pytest.fixture(autouse=True)
def _somewhere(tmp_path, monkeypatch):
    """Work in a new folder, where run folders may be made."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("kind", "more"), [("ngram", []), ("learned", ["--minutes", "0.01"]), ("vae", ["--minutes", "0.01"])]
)
def test_a_listener_is_trained_used_and_audited(kuznechik, music, tmp_path, kind, more):
    out = tmp_path / "mine.safetensors"
    trained = kuznechik(
        "listener", "train", "--midi", music, "--kind", kind, *more, "--licence", "mine to give", "--out", out
    )
    assert trained.status == 0, trained.err
    about = json.loads(out.with_suffix(".json").read_text())
    assert (about["kind"], about["data"]["pieces"], len(about["reference"])) == (kind, 24, 101)
    assert "- licence of the data: mine to give" in out.with_suffix(".md").read_text()

    song = music / "3.mid"
    scored = json.loads(kuznechik("listener", "score", song, "--listener", out, "--json").out)
    rewards = listener_named(str(out)).rewards(read_song(song).roll[None])
    assert scored[0]["score"] == pytest.approx(float(rewards.sum()), abs=1e-3)
    assert sum(scored[0]["terms"].values()) == pytest.approx(scored[0]["score"], abs=1e-2)
    assert 0 <= scored[0]["percentile"] <= 100

    audited = kuznechik("listener", "audit", out, "silence", "--midi", music, "--quick", "--out", tmp_path, "--card")
    assert audited.status == 0, audited.err
    found = json.loads((tmp_path / "audit.json").read_text())
    assert found["held out"]
    assert found["melodies"] < 24
    assert set(found["red team"]) == ({"reward"} if kind == "ngram" else {"reward", "uncapped"})
    assert "| silence |" in audited.out
    assert found["sources"]["silence"] == {"melodies": 1} | found["degenerates"]["silence"]
    assert (tmp_path / "audit.md").read_text() == audited.out
    assert (tmp_path / "audit.png").read_bytes().startswith(b"\x89PNG")
    assert audited.out.strip() in out.with_suffix(".md").read_text()


def test_melodies_are_scored_and_what_a_listener_cannot_hear_is_folded(kuznechik):
    songs = [*sorted(default_folder().glob("*.mid"))[:3], default_folder() / "auld_lang_syne.mid"]
    scored = kuznechik("listener", "score", *songs, "random", "--melodies", 2, "--listener", "theory=1,ngram=.1")
    assert scored.status == 0
    assert "folded" not in scored.err
    assert all(name in scored.out for name in (*(song.name for song in songs), "random 1", "random 2"))
    scored = kuznechik("listener", "score", *songs, "--listener", "melody", "--json")
    assert [row["file"] for row in json.loads(scored.out)] == [str(song) for song in songs]
    assert scored.err.endswith("auld_lang_syne: folded onto 13 keys and eighths, for comparison with others\n")


def test_a_judge_is_trained_and_asked_and_pays_nobody(kuznechik, music, tmp_path):
    out = tmp_path / "mine.safetensors"
    trained = kuznechik("listener", "train", "--midi", music, "--kind", "judge", "--minutes", "0.005", "--out", out)
    assert trained.status == 0, trained.err
    assert "| pitches shuffled |" in out.with_suffix(".md").read_text()
    asked = kuznechik("listener", "judge", music / "3.mid", music / "4.mid", "--judge", out, "--json")
    rows = json.loads(asked.out)
    assert [row["file"] for row in rows] == [str(music / "3.mid"), str(music / "4.mid")]
    assert all(0 <= row["percentile"] <= 100 for row in rows)
    shown = kuznechik("listener", "judge", music / "3.mid")
    assert (shown.status, shown.out.split()[:2]) == (0, ["file", "percentile"])
    for verb in ("evolve", "dqn"):
        refused = kuznechik(verb, "--listener", out)
        assert (refused.status, refused.err.count("\n")) == (2, 1)
        assert "mine.safetensors: is the held-out judge, not a listener" in refused.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["audit", "nobody"],
            "no listener 'nobody'; choose theory, ending, variety, vae-elbo, ngram, melody, learned, vae",
        ),
        (["audit", "theory", "--card"], "theory: only a trained listener has a card"),
        (["audit", "theory", "--midi", "nowhere"], "nowhere: no such folder"),
        (["score", "nowhere.mid"], "nowhere.mid: "),
        (["score", "x.mid", "--listener", "judge"], "'judge' is the held-out judge, not a listener"),
        (["judge", "nowhere.mid"], "nowhere.mid: "),
        (["score", "x.mid", "--listener", "gone.safetensors"], "gone.safetensors: no such listener"),
        (["train", "--midi", "nowhere", "--out", "x.safetensors"], "nowhere: no such folder"),
        (["train", "--midi", "nowhere", "--minutes", "0", "--out", "x.safetensors"], "0: it must be above 0"),
        (["train", "--out", "x.safetensors"], "data.midi = '': name the music: --midi DIR"),
        (["train", "--midi", ""], "argument --midi: it is empty"),
        (["train", "--midi", "nowhere", "--set", "learned.nets=0"], "learned.nets = 0: it must be 1 to 16"),
        (
            ["train", "--midi", "nowhere", "--set", "learned.ears=2"],
            "unknown key learned.ears: [learned] has nets, steps",
        ),
        (["train", "--midi", "x", "--config", "nowhere.toml"], "nowhere.toml: no such file\n"),
        (
            ["score", "x.mid", "--colour"],
            "unrecognized arguments: --colour; see kuznechik listener score --help",
        ),
        (["separability", "nowhere.mid", "--midi", "nowhere"], "nowhere: no such folder"),  # the music comes first
    ],
)
def test_a_mistake_is_one_line(kuznechik, arguments, says):
    called = kuznechik("listener", *arguments)
    assert called.status == 2
    assert says in called.err
    assert called.err.count("\n") == 1


def test_the_help_names_every_listener():
    assert f"({', '.join(NAMES)})" in listener.__doc__


def test_sources_are_told_apart(kuznechik, monkeypatch):
    pytest.importorskip("sklearn", reason="needs scikit-learn: pip install '.[sklearn]'")
    from experiments.studies import source_comparison

    monkeypatch.setattr(source_comparison, "separability", partial(source_comparison.separability, trees=20))
    called = kuznechik("listener", "separability", "markov:1", "random", "--melodies", "8", "--json")
    found = json.loads(called.out)
    assert (called.status, found["melodies"]) == (0, [8, 8])
    assert found["auc"] > 0.9
    assert found["frechet_distance"] > 0
    assert found["muspy"]["one"]["scale_consistency"] > found["muspy"]["other"]["scale_consistency"]
    shown = kuznechik("listener", "separability", "markov:1", "random", "--melodies", "8").out
    assert f"AUC {found['auc']:.3f}" in shown
    few = kuznechik("listener", "separability", "markov:1", "random", "--melodies", "4")
    assert (few.status, few.err.count("\n")) == (2, 1)
    assert "a source has fewer than 5 melodies" in few.err
