"""Parts of the files of trained listeners: networks, their options, and other arrays and numbers.

Conventions: files are untrusted. Sizes are checked before networks are built, and every error is a ValueError. Arrays
that half precision represents exactly are stored in it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from songs.validate import Within, validate_like

if TYPE_CHECKING:
    from torch import nn

Options = TypeVar("Options")
Net = TypeVar("Net", bound="nn.Module")
LARGEST = 1e4
"""Largest parameter or other number allowed in a listener; those of the project stay below 250."""
WIDEST = 4096
"""Most units allowed in a layer."""
NUMBER = Within(0.0, -LARGEST, LARGEST)
NUMBERS = Within([0.0], -LARGEST, LARGEST)


@contextmanager
def errors_name(file: Path, wrong: str = "") -> Iterator[None]:
    """Context manager: prefix the message of a ValueError with the name of a file."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{file}: {wrong}{error}") from None


def errors_in_json(path: Path) -> AbstractContextManager[None]:
    """Context manager: prefix the message of a ValueError with the name of a listener's JSON file."""
    return errors_name(path.with_suffix(".json"), "is broken: ")


def validate_filled(name: str, values: list) -> None:
    """Raise ValueError if a list is empty."""
    if not values:
        raise ValueError(f"{name} is empty")


def read_array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of single or half precision as float32; raises ValueError if it is missing or does not fit."""
    halved = name in arrays and arrays[name].dtype == np.float16
    example = np.broadcast_to((np.float16 if halved else np.float32)(0), shape)  # takes no memory
    validate_like({name: Within(example, -LARGEST, LARGEST)}, arrays)
    return arrays[name].astype(np.float32)


def read_options(example: Options, about: Any, name: str) -> Options:
    """Return the options of a network from the JSON, of the type of an example; `name` is for error messages."""
    ranges = {int: (1, WIDEST), float: (0, 0.99)}
    validate_like({key: Within(value, *ranges[type(value)]) for key, value in vars(example).items()}, about, name)
    return type(example)(**{key: about[key] for key in vars(example)})


def read_network(arrays: dict[str, np.ndarray], part: str, make: Callable[[], Net]) -> Net:
    """Return a network with the arrays `part.NAME`, in evaluation mode; `make` returns a network of that size."""
    import torch

    with torch.device("meta"):
        network = make()
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    state = {name: torch.from_numpy(read_array(arrays, f"{part}.{name}", shape)) for name, shape in shapes.items()}
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def parameters(networks: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the parameters of networks, by the names `part.NAME`."""
    return {
        f"{part}.{name}": _smallest(value.numpy())
        for part, net in networks.items()
        for name, value in net.state_dict().items()
    }


def _smallest(values: np.ndarray) -> np.ndarray:
    """Return an array in half precision if that represents the same numbers, otherwise unchanged."""
    with np.errstate(over="ignore"):
        halved = values.astype(np.float16)
    return halved if np.array_equal(halved, values) else values


def size_of(net: Any) -> dict[str, Any]:
    """Return the options of a network as plain data, with its configuration if it is an encoder."""
    return {**vars(net.options), **({"encoder": net.config.to_dict()} if hasattr(net, "config") else {})}
