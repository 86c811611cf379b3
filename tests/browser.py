"""A real browser that opens a page from disk, and what it says about it."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path

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
    script += ".then(text => { document.documentElement.dataset.answer = text; })"
    probed = page.with_name(f"probed-{page.name}")
    probed.write_text(page.read_text().replace("</body>", f"<script>{script}</script></body>"))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    command += ["--autoplay-policy=no-user-gesture-required"]
    command += [f"--user-data-dir={page.parent / 'browser'}", f"--window-size={width},900", probed.resolve().as_uri()]
    for wait in WAITS:
        waiting = [*command[:-1], f"--virtual-time-budget={wait}", command[-1]]
        ran = subprocess.run(waiting, capture_output=True, text=True, timeout=300)
        if answer := re.search(r'data-answer="([^"]*)"', ran.stdout):
            break
    assert answer, f"the page did not answer: {ran.stderr[-2000:]}"
    complaints = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    return Opened(json.loads(unescape(answer[1])), complaints)
