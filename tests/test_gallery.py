"""The gallery: its pages are there, stand alone, and are made by commands that the command line understands."""

import importlib.util
import re
import shlex
from html import unescape

import pytest

from experiments.cli import make_parser
from tests.printed import ROOT

SPECIFICATION = importlib.util.spec_from_file_location("gallery", ROOT / "docs/gallery.py")
gallery = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(gallery)

PAGES = ROOT / gallery.PAGES
COMMANDS = [command for exhibit in gallery.EXHIBITS for command in exhibit.commands]


@pytest.fixture(scope="module")
def index() -> str:
    return (PAGES / "index.html").read_text(encoding="utf-8")


def test_the_index_leads_to_every_page(index):
    linked = set(re.findall(r'<h2><a href="([^"]+)"', index))
    assert linked == {exhibit.page for exhibit in gallery.EXHIBITS}
    assert linked | {"index.html"} == {path.name for path in PAGES.iterdir()}


def test_pages_are_small_and_load_nothing():
    pages = list(PAGES.iterdir())
    assert sum(page.stat().st_size for page in pages) <= 12_000_000
    for page in pages:
        addresses = re.findall(r"""<[^>]*(?:src|href)\s*=\s*["']?([^"'\s>)]+)""", page.read_text(encoding="utf-8"))
        here = {exhibit.page for exhibit in gallery.EXHIBITS}
        assert all(address.startswith(("data:", "#run")) or address in here for address in addresses), page


def test_the_index_prints_the_commands(index):
    printed = [line for block in re.findall(r"<pre[^>]*>(.*?)</pre>", index, re.DOTALL) for line in block.splitlines()]
    assert [unescape(line) for line in printed] == COMMANDS


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("kuznechik")])
def test_commands_are_understood(command):
    arguments = shlex.split(command)[1:]
    assert make_parser(arguments[0]).parse_known_args(arguments)[1] == []


def test_every_page_is_made_by_its_commands():
    for exhibit in gallery.EXHIBITS:
        assert exhibit.commands[-1].endswith(f" {gallery.PAGES.as_posix()}/{exhibit.page}")


def test_a_folder_of_a_run_that_is_there_is_taken(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / gallery.RUNS / "grasshopper").mkdir(parents=True)
    gallery.carry_out("kuznechik evolve grasshopper --out runs/gallery/grasshopper")
    assert capsys.readouterr().out == "runs/gallery/grasshopper already exists\n"


def test_with_a_soundfont_the_pages_that_sound_are_made_with_it():
    made = [gallery.sounding(command, "my font.sf2") for command in COMMANDS]
    changed = {old.split()[1]: new for old, new in zip(COMMANDS, made, strict=True) if old != new}
    assert set(changed) == {"report", "duet", "listening-test"}
    assert changed["duet"] == (
        "kuznechik duet --soundfont 'my font.sf2' runs/gallery/grasshopper --out docs/gallery/duet.html"
    )
