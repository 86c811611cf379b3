"""What is written is read back: thousands of rolls as MIDI, configurations as TOML and genomes as JSON.

The suite takes a hundred of each; `make soak` ten thousand.
"""

import dataclasses
import random

import numpy as np
import pytest

from agents.neat.genome_json import genome_from_json, genome_to_json
from agents.neat.network import Network
from experiments.config.dqn import DqnConfig
from experiments.config.evolve import EvolveConfig
from experiments.config.settings import ConfigError, Settings
from songs.midi import read_midi, write_midi
from songs.piano_roll import onsets_from_roll, roll_from_onsets
from tests.agents.neat.test_genome_json import INPUTS, OUTPUTS, genes, random_genome

COUNTS = [100, pytest.param(10_000, marks=pytest.mark.slow)]
LETTERS = "aA0 .=#'\"\\\n\r\t\x00\x1b\x7f\u2028éш鍵🦗[]{}"
"""Of texts: what TOML writes in another way, and what no code page has."""


@pytest.mark.parametrize("count", COUNTS)
def test_rolls_survive_a_midi_file(tmp_path, count):
    draw = np.random.default_rng(count)
    path = tmp_path / "roll.mid"
    for _ in range(count):
        steps = int(2 ** draw.uniform(0, 8))  # 1 to 255, as many short ones as long ones
        roll = draw.random((steps, 13)) < draw.random() ** 2
        tempo_bpm = float(draw.uniform(4, 300))
        write_midi(path, onsets_from_roll(roll), steps, tempo_bpm=tempo_bpm, title="roll")
        read = read_midi(path, allow_silence=True)
        assert (read.steps, read.off_grid) == (steps, 0)
        assert np.array_equal(roll_from_onsets(read.onsets, read.steps), roll)
        assert read.tempo_bpm == pytest.approx(tempo_bpm, abs=1e-2)


def random_value(option: dataclasses.Field, draw: random.Random) -> int | float | str | bool:
    """Return a value of the type of an option, within its limits and at them."""
    low, high, choices = (option.metadata.get(key) for key in ("low", "high", "choices"))
    if option.type is bool:
        return draw.random() < 0.5
    if option.metadata.get("numbers"):
        return ",".join(map(str, sorted(draw.sample(range(1, 65), draw.randrange(4)))))
    if option.type is str:
        return draw.choice(choices) if choices else "".join(draw.choices(LETTERS, k=draw.randrange(9)))
    low, high = 0 if low is None else low, 1e12 if high is None else high
    if draw.random() < 0.1:
        return option.type(draw.choice((low, high)))
    return draw.randint(low, int(high)) if option.type is int else draw.uniform(low, high)


def random_settings(kind: type[Settings], draw: random.Random) -> Settings:
    """Return a configuration with some options changed; a class may refuse what does not go together."""
    config = kind()
    for section in dataclasses.fields(kind):
        options = dataclasses.fields(section.default_factory)
        for option in draw.sample(options, draw.randint(0, len(options))):
            try:
                config = config.change(section.name, **{option.name: random_value(option, draw)})
            except ConfigError:
                assert "help" not in option.metadata, "only the classes of algorithms have rules of their own"
    return config


@pytest.mark.parametrize("kind", [EvolveConfig, DqnConfig])
@pytest.mark.parametrize("count", COUNTS)
def test_configurations_survive_toml(tmp_path, kind, count):
    draw, path, seen = random.Random(count), tmp_path / "config.toml", set()
    for number in range(count):
        config = random_settings(kind, draw)
        text = config.to_toml()
        assert kind.from_toml(text) == config
        if number % 100 == 0:
            path.write_text(text, encoding="utf-8")
            assert kind.load(path) == config
        seen.add(text)
    assert len(seen) > 0.99 * count


@pytest.mark.parametrize("count", COUNTS)
def test_genomes_survive_json_and_play_the_same(count):
    draw = np.random.default_rng(count)
    for seed in range(count):
        genome = random_genome(seed, hidden=seed % 6)
        text = genome_to_json(genome, INPUTS, OUTPUTS)
        again, inputs, outputs = genome_from_json(text)
        assert genes(again) == genes(genome)
        assert genome_to_json(again, inputs, outputs) == text
        heard = draw.random((INPUTS, 7)) < 0.5
        assert np.array_equal(Network(again, OUTPUTS)(heard), Network(genome, OUTPUTS)(heard))
