"""README and documentation: what they print is understood by the command, and their links lead somewhere."""

import re
from functools import cache

import pytest

import kuznechik
from experiments.cli import find_verbs, main, make_parser
from tests.printed import PAGES, ROOT, anchors, blocks, commands, links

ANY_NUMBER = {"S": "0"}
"""What a page prints where a number is to be chosen."""
QUICK = (
    "kuznechik",
    "kuznechik songs",
    "kuznechik score silence --song grasshopper",
)
"""Commands that are carried out as printed, within the usual suite; `tests/soak` carries out the others."""


@cache
def parser_of(verb: str):
    """Return the parser that knows the options of one verb."""
    return make_parser(verb)


@pytest.mark.parametrize("page", PAGES)
def test_printed_commands_are_understood(page):
    for command in commands(page):
        arguments = command.arguments
        if arguments is None:
            continue
        arguments = [ANY_NUMBER.get(word, word) for word in arguments]
        try:
            _, unknown = parser_of(arguments[0]).parse_known_args(arguments) if arguments else (None, [])
        except SystemExit as exit:
            unknown = [f"exit {exit.code}"]
        assert unknown == [], command


@pytest.mark.parametrize("page", PAGES)
def test_printed_verbs_and_scripts_are_there(page):
    for command in commands(page):
        first, second, *further = [*command.words, "", ""]
        if first == "kuznechik" and command.names_a_verb and second != "VERB":
            assert second in find_verbs(), command
        if first == "python" and second.endswith(".py"):
            script = (ROOT / second).read_text(encoding="utf-8")
            options = [word.split("=")[0] for word in further if word.startswith("--")]
            assert all(f'"{option}"' in script for option in options), command


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), link


def test_what_a_page_prints_is_found():
    found = {command.text.split("  ")[0]: command for command in commands("README.md")}
    assert found["kuznechik evolve grasshopper --seed 0 --out runs/first"].arguments[:2] == ["evolve", "grasshopper"]
    assert found["python tests/benchmarks/bench_solve.py"].inline
    assert found["kuznechik songs"].words == ["kuznechik", "songs"]
    assert any("import gymnasium" in block for block in blocks("README.md", "python"))


@pytest.mark.parametrize("text", QUICK)
def test_quick_commands_run_as_printed(text, tmp_path, monkeypatch):
    printed = {" ".join(command.words): command for page in PAGES for command in commands(page)}
    monkeypatch.chdir(tmp_path)
    assert main(printed[text].words[1:]) == 0


def test_a_performer_of_the_pages_plays_as_well_as_they_say(tmp_path, monkeypatch, capsys):
    (echo,) = [block for block in blocks("docs/own-listener.md", "python") if "class Echo" in block]
    (tmp_path / "echo.py").write_text(echo, encoding="utf-8")
    (printed,) = [one for one in commands("docs/own-listener.md") if one.text.startswith("kuznechik score echo.py")]
    monkeypatch.chdir(tmp_path)
    assert main(printed.words[1:]) == 0
    shown = capsys.readouterr().out
    forced, alone = re.search(r"# (\d+) of 120 .*?, (\d+) free running", printed.text).groups()
    assert re.search(rf"right teacher forced +{forced}\n", shown)
    assert re.search(rf"right free running +{alone}\n", shown)


def test_the_score_of_resting_is_that_of_the_page(capsys):
    (program,) = [block for block in blocks("docs/benchmark.md", "python") if "score(" in block]
    exec(program, {})
    assert capsys.readouterr().out.strip() in program


def test_a_file_becomes_a_song_as_the_page_says(tmp_path, monkeypatch, capsys):
    (program,) = [block for block in blocks("docs/own-music.md", "python") if "Song.read" in block]
    kuznechik.find_song("bingo").write(tmp_path / "my.mid")
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    assert capsys.readouterr().out.startswith("(128, 13) ")


def test_the_reference_names_all_that_the_newcomer_needs():
    page = (ROOT / "docs/reference/kuznechik.md").read_text(encoding="utf-8")
    assert all(re.search(rf"\b{name}\b", page) for name in kuznechik.__all__)


def test_the_listener_of_the_readme_rewards_every_a():
    (program,) = [block for block in blocks("README.md", "python") if "class LikesA" in block]
    found = {}
    exec(program, found)
    assert found["observation"].shape == (16 * 13,)
    assert found["reward"] in (0.0, 1.0)
