"""Pages: templates that escape everything, with pictures and sounds as data and no address outside the page."""

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
"""Samples a second of the sounds in a page."""
KEYS_WITH_TONES = (-12, -3, 2, 7, 12, 21)
"""Keys, counted from C4, whose tones a page carries; between them the nearest one sounds, faster or slower."""
DOTS_PER_INCH = 100


def fill(template: str, scripts: Sequence[str], **content) -> str:
    """Return a page.

    Args:
        template: name of a file beside this one; its content is escaped.
        scripts: names of files whose JavaScript goes into the page, in this order.
        **content: values for the template.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(
        style=(FOLDER / "page.css").read_text(), scripts=[(FOLDER / name).read_text() for name in scripts], **content
    )


def provenance(folder: RunFolder, meta: dict[str, Any], commands: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return how a run was made, for the foot of its part of a report.

    Args:
        folder: of the run.
        meta: versions, start and commit, as in meta.json.
        commands: one after the other.
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
    """Return a figure as a data address."""
    from matplotlib import style  # here, as pages without pictures are made at once

    from experiments.plots.sheet import STYLE

    content = io.BytesIO()
    with style.context(STYLE):
        figure.savefig(content, format="png", dpi=DOTS_PER_INCH)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def sounds(instrument: Instrument = tone) -> dict[str, Any]:
    """Return what a page plays with: tones of an instrument, each with its key as a WAV in base64, and the room."""
    tones = [(key, NOTE_PEAK * instrument(LOWEST_PITCH + key, SAMPLE_RATE)) for key in KEYS_WITH_TONES]
    wavs = [(key, base64.b64encode(encode_wav(samples, SAMPLE_RATE)).decode()) for key, samples in tones]
    return {"tones": wavs, "room": ROOM, "release": RELEASE_SECONDS, "panorama": PANORAMA}
