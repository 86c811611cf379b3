"""A Q-network in plain Python, using only the standard library; `export --to python` writes it."""

import array
import base64


class DenseNetwork:
    """Leaky ReLU layers, then the advantages of the choices, and optionally a value added to all of them."""

    LEAK = 0.1

    def __init__(self, layers: list, advantage: tuple, value: tuple | None, choices: int):
        """Take layers as (inputs, weights, biases), the latter two texts for `floats`, and the choices per branch."""
        self._layers = [self._rows(*layer) for layer in layers]
        self._advantage, self._value = self._rows(*advantage), self._rows(*value) if value else None
        self._choices = choices

    def start(self) -> None:
        """Begin an episode with an empty memory."""

    def __call__(self, inputs: list[float]) -> list[float]:
        """Return the values of all choices, one branch after another."""
        hidden = list(inputs)
        for layer in self._layers:
            hidden = [max(z, self.LEAK * z) for z in self._sums(layer, hidden)]
        values = self._sums(self._advantage, hidden)
        if self._value is None:
            return values
        (value,), found = self._sums(self._value, hidden), []
        for first in range(0, len(values), self._choices):
            branch = values[first : first + self._choices]
            mean = sum(branch) / len(branch)
            found += [value + advantage - mean for advantage in branch]
        return found

    @staticmethod
    def _sums(layer: list, inputs: list[float]) -> list[float]:
        there = [(index, value) for index, value in enumerate(inputs) if value]
        return [bias + sum(weights[index] * value for index, value in there) for weights, bias in layer]

    @staticmethod
    def _rows(inputs: int, weights: str, biases: str) -> list:
        """Return pairs of weights and a bias, from texts of little-endian 32-bit floats in base64."""
        flat, bias = array.array("f"), array.array("f")
        for numbers, text in ((flat, weights), (bias, biases)):
            numbers.frombytes(base64.b64decode(text))
            if array.array("H", [1]).tobytes() != b"\x01\x00":
                numbers.byteswap()
        return [(flat[inputs * row : inputs * (row + 1)], each) for row, each in enumerate(bias)]
