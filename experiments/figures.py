"""Writing figures to files."""

import io
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from songs.files import write_atomically


def write_figure(figure: Figure, path: Path, dots_per_inch: int, **options: Any) -> None:
    """Write a figure in the format given by the file's suffix; options are passed to `Figure.savefig`."""
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix[1:], dpi=dots_per_inch, **options)
    write_atomically(path, content.getvalue())
