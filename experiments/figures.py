"""Figures written as files."""

import io
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from songs.files import write_atomically


def write_figure(figure: Figure, path: Path, dots_per_inch: int, **options: Any) -> None:
    """Write a figure in the format that the name of the file says; options are those of `Figure.savefig`."""
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:], dpi=dots_per_inch, **options)
    write_atomically(path, content.getvalue())
