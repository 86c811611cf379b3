"""A callback that writes for TensorBoard: figures, and the picture and sound of each new champion.

The files are written with TensorBoard's own writer, so neither torch nor TensorFlow is needed.

Conventions: rolls are (T, K) bool. A step is the run's own unit: generations or environment steps.
"""

import io
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import style

from experiments.plots.roll import classify, roll_figure
from experiments.plots.run import STYLE
from songs.song import Song
from songs.synth import encode_wav

MOST_STEPS = 256
"""Maximum length of a melody that is drawn and rendered, in steps, because a run writes many."""
SAMPLE_RATE = 16_000
DOTS_PER_INCH = 80


class EventWriter:
    """Writer of one event file; a `Callback`."""

    def __init__(self, folder: Path):
        """
        Args:
            folder: Folder to write to; it is created if necessary.
        """
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._file = EventFileWriter(str(folder))

    def on_metrics(self, step: int, values: Mapping[str, float | None]) -> None:
        known = {name: float(value) for name, value in values.items() if value is not None}
        self._add(step, [{"tag": name, "simple_value": value} for name, value in known.items()])

    def on_melody(
        self, step: int, name: str, roll: np.ndarray, song: Song, prompt: int, memorised: bool = True
    ) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        played = roll[:MOST_STEPS]
        cells = classify(played, song.roll[:MOST_STEPS], prompt) if memorised else {"played": played}
        png, wide, high = _draw(cells, prompt)
        image = Summary.Image(width=wide, height=high, colorspace=4, encoded_image_string=png)
        sound = song.sound(played, SAMPLE_RATE)
        audio = Summary.Audio(
            sample_rate=SAMPLE_RATE,
            num_channels=2,
            length_frames=len(sound),
            encoded_audio_string=encode_wav(sound, SAMPLE_RATE),
            content_type="audio/wav",
        )
        self._add(step, [{"tag": f"{name}/roll", "image": image}, {"tag": f"{name}/sound", "audio": audio}])

    def close(self) -> None:
        """Write everything to disk and close the file."""
        self._file.close()

    def _add(self, step: int, values: list[dict]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        summary = Summary(value=[Summary.Value(**value) for value in values])
        self._file.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def _draw(cells: Mapping[str, np.ndarray], prompt: int) -> tuple[bytes, int, int]:
    """Return the picture of a roll as PNG, with its width and height in pixels."""
    with style.context(STYLE):
        figure, content = roll_figure(cells, prompt), io.BytesIO()
        figure.savefig(content, format="png", dpi=DOTS_PER_INCH)
    wide, high = (round(inches * DOTS_PER_INCH) for inches in figure.get_size_inches())
    return content.getvalue(), wide, high
