"""Write the champion of a run as a file that other programs can read.

The exported network presses the same keys as the original. The formats:

  python     one file that needs nothing but Python
  torch      a PyTorch module: NAME.py, and its weights in NAME.safetensors
  onnx       a model for onnxruntime and others (needs kuznechik[onnx])
  neat-json  a genome in neat-python's export format (RUN/best/genome.json is in our own)

An observation is a list of numbers, as the environment returns it: the remembered steps, oldest first, with all keys of
each step.
"""

import argparse
from pathlib import Path

from experiments.options import UsageError, add_force, add_own_env, refuse_existing, require

HELP = "write the champion's network for PyTorch, ONNX, neat-python or plain Python"
GROUP, ORDER = "Play and look", 7
EXAMPLES = (
    "kuznechik export runs/grasshopper-1 --to python",
    "kuznechik export runs/grasshopper-1 --to onnx --out grasshopper.onnx",
)
SUFFIXES = {"python": ".py", "torch": ".py", "onnx": ".onnx", "neat-json": ".json"}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", metavar="RUN", help="a run of evolve or dqn")
    parser.add_argument("--to", choices=tuple(SUFFIXES), required=True, help="format of the file")
    parser.add_argument("--out", metavar="FILE", help="file to write [named after the run, in this folder]")
    add_own_env(parser)
    add_force(parser)


def run(options: argparse.Namespace) -> int:
    from experiments.export.network import GenomeNetwork, read_network
    from experiments.runs.folder import RunFolder
    from songs.files import write_atomically

    network = read_network(RunFolder.open(options.run_folder))
    name, suffix = options.run_folder, SUFFIXES[options.to]
    path = Path(options.out or f"{Path(name).resolve().name}{suffix}")
    if path.suffix != suffix:
        raise UsageError(f"{path}: --to {options.to} writes a {suffix} file")
    contents: dict[Path, str | bytes] = {}
    if options.to == "python":
        from experiments.export.python_file import python_text

        contents[path] = python_text(network)
    elif options.to == "torch":
        require("torch", extra="torch", what="--to torch")
        from experiments.export.torch_files import torch_files

        weights = path.with_suffix(".safetensors")
        contents[path], contents[weights] = torch_files(network, weights.name)
    elif options.to == "onnx":
        require("onnx", extra="onnx", what="--to onnx")
        from experiments.export.onnx_file import onnx_bytes

        contents[path] = onnx_bytes(network)
    else:
        if not isinstance(network, GenomeNetwork):
            raise UsageError(f"{name}: a Q-network is not a genome: export it to python, torch or onnx")
        from experiments.export.neat_json import neat_json_text

        contents[path] = neat_json_text(network)
    refuse_existing(options, *contents)
    for file, content in contents.items():
        write_atomically(file, content)
        print(file)
    return 0
