"""The page of a breeding: its server refuses strangers, and a browser drives it by the keyboard alone."""

import html
import http.client
import json
import shlex
import socket
from threading import Thread
from urllib.parse import urlsplit

import numpy as np
import pytest

from experiments.config.breed import BreedConfig
from experiments.pages.breed_server import MOST_BYTES, serving
from experiments.runs.breed.choices import CHOICES, read_choices
from experiments.runs.breed.desk import Desk
from experiments.runs.breed.kind import KIND, Beginning
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import set_up
from songs.midi import read_midi
from tests.browser import driven, needs_browser

GOOD = {"generation": 0, "chosen": [3, 1], "keep": True}


class Page:
    """A run that is bred in a thread of its own, and the address of its page."""

    def __init__(self, folder: RunFolder, desk: Desk, address: str):
        self.folder, self.desk, self.address = folder, desk, address
        self.host, self.path = urlsplit(address).netloc, urlsplit(address).path

    def ask(self, method, path, body=None, **headers):
        """Return the status and the content of an answer; headers are added to the usual ones, or leave one out."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        usual = {"Host": self.host, **({"Content-Type": "application/json"} if body is not None else {})}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        length = {} if content is None else {"Content-Length": str(len(content))}
        for name, value in {**usual, **length, **named}.items():
            if value is not None:
                connection.putheader(name, value)
        try:
            connection.endheaders(content)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def choose(self, body=GOOD, **headers):
        return self.ask("POST", f"{self.path}choose", body, **headers)


@pytest.fixture
def page(tmp_path):
    """Lend the page of a new run of two bars."""
    config = BreedConfig().change("melody", bars=2, lags="16,8,1").change("breed", seed=2)
    folder = RunFolder.create(tmp_path / "a run")
    set_up(KIND, config, folder, Beginning(), ["kuznechik", "breed"])
    desk = Desk()

    def breed() -> None:
        with KIND.training(config, folder, desk=desk) as run:
            while not run.ended:
                run.step()

    thread = Thread(target=breed)
    thread.start()
    with serving(desk) as address:
        desk.run()
        yield Page(folder, desk, address)
        desk.finish()
        thread.join(60)
    assert not thread.is_alive()


def test_the_page_answers(page):
    status, content = page.ask("GET", page.path)
    assert status == 200
    assert b"Choose what you like" in content
    assert b"</script><b>" not in content
    status, content = page.ask("GET", f"{page.path}midi?generation=0&index=4")
    assert status == 200
    (page.folder.path / "four.mid").write_bytes(content)
    notes = read_midi(page.folder.path / "four.mid")
    assert len(notes.onsets) == page.desk.run().breeding.rolls[0][4].sum()


def test_a_choice_breeds_and_an_earlier_generation_can_be_gone_back_to(page):
    status, content = page.choose()
    assert status == 200
    answer = json.loads(content)
    assert (answer["number"], answer["parents"]) == (1, {"generation": 0, "chosen": [3, 1], "kept": True})
    assert len(answer["melodies"]) == 9
    assert json.loads(page.choose(GOOD | {"chosen": [8], "keep": False})[1])["number"] == 2
    assert [choice.generation for choice in read_choices(page.folder.path)] == [0, 0]
    assert json.loads(page.ask("GET", f"{page.path}generation?number=1")[1]) == answer | {"count": 3}


def test_a_star_has_a_duet_and_its_name_is_kept(page):
    status, content = page.ask("POST", f"{page.path}star", {"generation": 0, "index": 2, "name": "My tune"})
    assert (status, json.loads(content)["name"]) == (200, "My-tune")
    assert (page.folder.path / "starred/My-tune/best/melody.mid").is_file()
    assert b"Duet: My-tune" in page.ask("GET", f"{page.path}duet?name=My-tune")[1]
    assert page.ask("GET", f"{page.path}duet?name=../..")[0] == 400


STRANGERS = {
    "another host": {"Host": "evil.example"},
    "another port": {"Host": "127.0.0.1:1"},
    "no host": {"Host": None},
    "another page": {"Origin": "http://evil.example"},
    "a page from disk": {"Origin": "null"},
    "a form": {"Content_Type": "application/x-www-form-urlencoded"},
    "plain text": {"Content_Type": "text/plain"},
    "chunks": {"Transfer_Encoding": "chunked"},
    "no length": {"Content_Length": None},
    "a negative length": {"Content_Length": "-1"},
    "a length that is no number": {"Content_Length": "١"},
}
HOSTILE = {
    "no JSON": b"{",
    "not UTF-8": b"\xff\xfe",
    "deep JSON": b"[" * 4000,
    "a list": b"[]",
    "nothing": b"{}",
    "more than is known": GOOD | {"path": "/etc/passwd"},
    "no number": b'{"generation": NaN, "chosen": [0], "keep": false}',
    "a truth for a number": GOOD | {"generation": True},
    "a fraction": GOOD | {"chosen": [0.5]},
    "a text": GOOD | {"chosen": "01"},
    "a generation to come": GOOD | {"generation": 1},
    "a large number": b'{"generation": ' + b"9" * 3000 + b', "chosen": [0], "keep": false}',
    "below 0": GOOD | {"generation": -1},
    "nobody": GOOD | {"chosen": []},
    "a tenth": GOOD | {"chosen": [9]},
    "one twice": GOOD | {"chosen": [1, 1]},
    "more than nine": GOOD | {"chosen": [0] * 100},
}


def files_of(page) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in page.folder.path.rglob("*") if path.is_file()}


def test_strangers_are_refused_and_change_nothing(page):
    before = files_of(page)
    for name, headers in STRANGERS.items():
        headers = {key: value.encode() if value else None for key, value in headers.items()}
        status, content = page.choose(**headers)
        assert status in (400, 403, 411, 413, 415), name
        assert b"error" in content, name
    for token in ("", "x" * 24, page.path.strip("/")[:-1], page.path.strip("/") + "x", "%00", "%C3%A9"):
        for method, path in (("GET", ""), ("POST", "choose")):
            status, content = page.ask(method, f"/{token}/{path}", GOOD if method == "POST" else None)
            assert status == 404, token
            assert page.path.strip("/").encode() not in content
    assert files_of(page) == before
    assert page.choose()[0] == 200


def test_hostile_json_is_refused_and_changes_nothing(page):
    before = files_of(page)
    for name, body in HOSTILE.items():
        status, content = page.choose(body)
        assert (status, set(json.loads(content))) == (400, {"error"}), name
        assert page.desk.run().steps == 0
    assert files_of(page) == before


def test_a_megabyte_is_refused_unread(page):
    before = files_of(page)
    for length in (MOST_BYTES + 1, 2**20, 10**30):
        assert page.choose(b"", Content_Length=str(length))[0] == 413
    try:
        status, _ = page.choose(json.dumps(GOOD | {"name": "x" * 2**20}).encode())
        assert status == 413
    except OSError:  # it hung up before all was sent
        pass
    assert files_of(page) == before
    assert page.choose()[0] == 200


def test_other_addresses_are_refused(page):
    for path in ("star", "end", "choose?x=1", "generation", "", "../choose", "starred/x"):
        assert page.ask("POST", page.path + path, {"generation": 0})[0] in (400, 404), path
    assert not page.desk.closed


def test_it_listens_on_the_loopback_alone(page):
    host, _, port = page.host.partition(":")
    assert host == "127.0.0.1"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", int(port)))


def test_it_ends_with_the_run(page):
    assert page.ask("POST", f"{page.path}end", {}) == (200, b"{}")
    assert page.choose()[0] == 400
    assert not (page.folder.path / CHOICES).exists()


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_driven_by_the_keyboard_alone(page, tmp_path, width):
    with driven(tmp_path / "browser", width) as browser:
        browser.open(page.address)
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        browser.press("2", "Digit2")
        browser.wait("cards[1].player.playing")
        browser.press("5", "Digit5")
        browser.wait("cards[4].player.playing")
        assert not browser.run("return cards[1].player.playing")
        browser.press("l")
        browser.press("#", "Digit3", shift=True)
        assert browser.run("return document.getElementById('state').textContent") == "2 of 9 chosen"
        browser.press("k")
        browser.press("b")
        browser.wait("shown.number === 1")
        browser.press("s")
        browser.wait("dialog.open")
        for letter in "tune":
            browser.press(letter)
        browser.press("\r", "Enter")
        browser.wait("document.querySelector('#starred li')")
        browser.press(",", "Comma")
        browser.wait("shown.number === 0")
        browser.press("1", "Digit1", shift=True)
        browser.press("b")
        browser.wait("shown.number === 2")
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.complaints == []
    choices = read_choices(page.folder.path)
    assert [(one.generation, one.chosen, one.keep) for one in choices] == [(0, (4, 2), True), (0, (0,), True)]
    assert (page.folder.path / "starred/tune/best/genome.json").is_file()


@needs_browser
def test_the_duet_of_a_bred_network_plays_as_python_does(page, tmp_path):
    breeding = page.desk.run().breeding
    page.ask("POST", f"{page.path}star", {"generation": 0, "index": 0, "name": "one"})
    steps = breeding.task.steps
    with driven(tmp_path / "browser", 1280) as browser:
        browser.open(f"{page.address}duet?name=one")
        played = browser.run(f"const own = []; while (own.length < {steps}) own.push(respond(own)); return own;")
    np.testing.assert_array_equal(np.array(played), breeding.rolls[0][0])


def test_a_folder_with_a_space_is_quoted_in_the_commands_of_the_page(page):
    _, content = page.ask("GET", page.path)
    assert f"kuznechik breed --resume {shlex.quote(str(page.folder.path))}<" in html.unescape(content.decode())
