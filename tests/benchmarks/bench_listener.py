"""Speed of listeners: song-steps per CPU second of one core, beside the evidence lower bound of the MusicVAE.

    python tests/benchmarks/bench_listener.py [--json]

Conventions: CPU time, the best of several rounds; 256 random melodies of 16 bars at once. Compare ratios: the figures
themselves depend on the machine, of which the speed of a matrix product says something.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch

from listener.corpus import rolls_of
from listener.registry import NAMES, listener_named

SONGS, STEPS, ROUNDS = 256, 128, 7
SIDE = 1024
PEER = "vae-elbo"


def cpu_seconds(call: Callable[[], object]) -> float:
    """Return the CPU seconds of the quickest of several calls."""
    call()
    seconds = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        call()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    keys = generator.integers(0, 13, (SONGS, STEPS))
    rolls = rolls_of(np.where(generator.random(keys.shape) < 0.4, keys, -1).astype(np.int8))
    matrix = torch.from_numpy(generator.random((SIDE, SIDE), dtype=np.float32))
    product = cpu_seconds(lambda: matrix @ matrix)
    listeners = {name: listener_named(name) for name in NAMES}
    rates = {name: SONGS * STEPS / cpu_seconds(partial(one.rewards, rolls)) for name, one in listeners.items()}
    if options.json:
        print(json.dumps({"steps_a_second": rates, "gflops": 2e-9 * SIDE**3 / product}))
        return
    print(f"a product of {SIDE}x{SIDE} matrices: {2e-9 * SIDE**3 / product:.0f} GFLOP/s")
    print(f"{'listener':<10}{'song-steps/s':>14}{'times ' + PEER:>12}")
    for name, rate in rates.items():
        print(f"{name:<10}{rate:>14,.0f}{rate / rates[PEER]:>12.1f}")


if __name__ == "__main__":
    main()
