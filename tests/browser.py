"""A real browser that opens a page from disk, and what it says about it; and one that is driven by keys and touch."""

import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
needs_browser = pytest.mark.skipif(not CHROMIUM, reason="opens the page in Chromium, which is not installed")
WAITS = (8_000, 80_000, 800_000)
"""Milliseconds of the page's own time, which runs as fast as the machine can. Sound starts in the machine's time, so on
a busy one the first may be too few."""


@dataclass(frozen=True)
class Opened:
    """A page after its scripts have run."""

    answer: object
    """What the probe returned."""
    complaints: list[str]
    """What the browser wrote to its console: errors, blocked requests."""


def open_page(page: Path, probe: str, width: int = 1200) -> Opened:
    """Open a page and run a probe in it.

    Args:
        page: an HTML file.
        probe: the body of an asynchronous JavaScript function, which returns data for JSON.
        width: of the window, in pixels.
    """
    script = f"(async () => {{ {probe} }})().then(a => JSON.stringify(a), e => JSON.stringify('failed: ' + e))"
    script += ".then(text => { document.documentElement.dataset.probed = text; })"
    probed = page.with_name(f"probed-{page.name}")
    probed.write_text(page.read_text().replace("</body>", f"<script>{script}</script></body>"))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    command += ["--autoplay-policy=no-user-gesture-required"]
    command += [f"--user-data-dir={page.parent / 'browser'}", f"--window-size={width},900", probed.resolve().as_uri()]
    for wait in WAITS:
        waiting = [*command[:-1], f"--virtual-time-budget={wait}", command[-1]]
        ran = subprocess.run(waiting, capture_output=True, text=True, timeout=300)
        if answer := re.search(r'data-probed="([^"]*)"', ran.stdout):
            break
    assert answer, f"the page did not answer: {ran.stderr[-2000:]}"
    complaints = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    return Opened(json.loads(unescape(answer[1])), complaints)


SILENCE_SECONDS = 60
"""Longest time that a driven browser may need for an answer."""
KEY_CODES = {"Tab": 9, "\r": 13, "Escape": 27, " ": 32, "ArrowDown": 40}
"""Of keys that the browser itself acts on, or whose name is no letter."""
LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for number, end in zip((3, 4), ends):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Starts a program with two open files as 3 and 4, the numbers of the DevTools protocol."""


class Driver:
    """A page in a browser, driven by the DevTools protocol over two pipes: JSON messages that end with a zero byte."""

    def __init__(self, commands: int, answers: int):
        self._commands, self._answers, self._unread = commands, answers, b""
        self._number, self._session, self.complaints = 0, {}, []
        self._loaded = False
        (page,) = [one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"]
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> dict:
        """Call a method of the protocol, and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": arguments, **self._session}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _read(self) -> dict:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], SILENCE_SECONDS)
            received = os.read(self._answers, 2**16) if ready else b""
            assert received, "the browser has ended, or does not answer"
            self._unread += received
        text, _, self._unread = self._unread.partition(b"\0")
        message = json.loads(text)
        if message.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
            self.complaints.append(message["params"])
        self._loaded |= message.get("method") == "Page.loadEventFired"
        return message

    def open(self, address: str) -> None:
        """Open a page, and wait until its scripts have run."""
        self._loaded = False
        self.call("Page.navigate", url=address)
        while not self._loaded:
            self._read()

    def run(self, script: str) -> Any:
        """Run the body of an asynchronous function in the page, and return what it returns."""
        script = f"(async () => {{ {script} }})()"
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        self.run(f"while (!({condition})) await new Promise(done => requestAnimationFrame(done));")

    def focus(self, name: str) -> None:
        """Press Tab until the element of an id has the focus."""
        for _ in range(100):
            if self.run("return document.activeElement.id") == name:
                return
            self.press("Tab", "Tab")
        raise AssertionError(f"Tab does not lead to {name}")

    def press(self, key: str, code: str = "", shift: bool = False) -> None:
        """Press and release a key of the keyboard."""
        printed = {"text": key} if len(key) == 1 else {}
        pressed = {"key": key, "code": code or f"Key{key.upper()}", "modifiers": 8 * shift}
        pressed["windowsVirtualKeyCode"] = KEY_CODES.get(key, 0)
        self.call("Input.dispatchKeyEvent", type="keyDown", **pressed, **printed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)


@contextmanager
def driven(folder: Path, width: int) -> Iterator[Driver]:
    """Lend a browser with a window of so many pixels, whose files are in a folder."""
    commands, answers = os.pipe(), os.pipe()
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "about:blank"]
    command += ["--autoplay-policy=no-user-gesture-required", f"--user-data-dir={folder}", f"--window-size={width},900"]
    theirs = commands[0], answers[1]
    launch = [sys.executable, "-c", LAUNCH, *map(str, theirs), *command]
    process = subprocess.Popen(launch, pass_fds=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for end in theirs:
        os.close(end)
    try:
        driver = Driver(commands[1], answers[0])
        driver.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        yield driver
        driver.call("Browser.close")
    finally:
        for end in (commands[1], answers[0]):
            os.close(end)
        process.terminate()
        process.wait(60)
