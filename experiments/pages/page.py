"""Pages: templates that escape everything, with pictures and sounds as embedded data and no external addresses."""

import base64
import io
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from experiments.runs.folder import RunFolder
from songs.instrument import tone
from songs.keyboard import LOWEST_PITCH
from songs.synth import NOTE_PEAK, PANORAMA, RELEASE_SECONDS, ROOM, Instrument, encode_wav

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path(__file__).parent
SAMPLE_RATE = 16_000
"""Sample rate of sounds in a page, in Hz."""
KEYS_WITH_TONES = (-12, -3, 2, 7, 12, 21)
"""Keys, counted from C4, whose tones a page contains; other keys play the nearest tone at a different speed."""
DOTS_PER_INCH = 100


def fill(template: str, scripts: Sequence[str], **content) -> str:
    """Return a page.

    Args:
        template: Name of a file next to this one; its content is escaped.
        scripts: Names of files whose JavaScript is put in the page, in this order.
        **content: Values for the template.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(
        style=(FOLDER / "page.css").read_text(), scripts=[(FOLDER / name).read_text() for name in scripts], **content
    )


def provenance(folder: RunFolder, meta: dict[str, Any], commands: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return how a run was made, for the end of its part of a report.

    Args:
        folder: The run folder.
        meta: Versions, start and commit, as in meta.json.
        commands: The commands in order.
    """
    return {
        "folder": folder.path.name,
        "config": folder.read_text("config.toml"),
        "command": "\n".join(map(shlex.join, commands)),
        "versions": {name: version for name, version in meta.get("versions", {}).items() if version},
        "started": meta.get("started"),
        "commit": meta.get("commit"),
    }


def picture(figure: "Figure") -> str:
    """Return a figure as a data URL."""
    from matplotlib import style  # here, because pages without pictures do not need it

    from experiments.plots.sheet import STYLE

    content = io.BytesIO()
    with style.context(STYLE):
        figure.savefig(content, format="png", dpi=DOTS_PER_INCH)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def sounds(instrument: Instrument = tone) -> dict[str, Any]:
    """Return the sound data of a page: tones of an instrument, each with its key as base64 WAV, and the reverb."""
    tones = [(key, NOTE_PEAK * instrument(LOWEST_PITCH + key, SAMPLE_RATE)) for key in KEYS_WITH_TONES]
    wavs = [(key, base64.b64encode(encode_wav(samples, SAMPLE_RATE)).decode()) for key, samples in tones]
    return {"tones": wavs, "room": ROOM, "release": RELEASE_SECONDS, "panorama": PANORAMA}
