"""Make the MIDI files in basic_midi/riffs from their pages; every note is held until the next one.

    python -m experiments.musicvae.riffs

The pages have the same format as those of songs, see `songs.notation`.
"""

import numpy as np

from songs.catalog import default_folder
from songs.files import write_atomically
from songs.keyboard import STEPS_PER_BEAT
from songs.midi import encode_midi
from songs.notation import read_tune


def main() -> None:
    """Write the .midi file next to each page."""
    for page in sorted((default_folder() / "riffs").glob("*.txt")):
        tune = read_tune(page)
        starts = tune.onsets[:, 0] / STEPS_PER_BEAT
        beats = tune.steps / STEPS_PER_BEAT
        lengths = np.diff(starts, append=beats)
        held = np.stack((starts, lengths, tune.onsets[:, 1]), axis=1)
        write_atomically(
            page.with_suffix(".midi"), encode_midi(held, beats, tempo_bpm=tune.tempo_bpm, title=tune.title)
        )


if __name__ == "__main__":
    main()
