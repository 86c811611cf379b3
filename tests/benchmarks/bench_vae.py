"""How fast the MusicVAE trains and plays, against a re-statement of the seed's way of doing it.

    python tests/benchmarks/bench_vae.py [--bars 2 16] [--steps 2] [--wide] [--json]
    python tests/benchmarks/bench_vae.py --device cuda [--bars 2 16] [--steps 10] [--json]

The peer decodes one step at a time, always from its own raw logits, with LSTM cells, in float32 and with denormals, and
samples melodies one by one: what the seed does, re-stated. `same sizes` is our faithful model of the same sizes; `fast`
is the architecture that `kuznechik vae train` uses. The sizes are a quarter of the seed's unless --wide is given.

On a GPU our models alone are measured, `seed` at its real size of 176 million parameters, with and without the
recording of steps that training uses, and how near they come to what the GPU multiplies at best: a product of two
matrices of 8192 x 8192 in bfloat16, measured in the same run.

Conventions: CPU seconds, one thread, a training step of 32 melodies with Adam; the best of some steps. Compare ratios.
On a GPU wall seconds, the median of some steps; the operations of a training step are three times those of the layers
on the way forward, and TFLOP/s are 10^12 of them a second.
"""

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.config import TrainingOptions, preset
from vae.model import MusicVAE, make_model, parameter_count
from vae.processor import computing
from vae.sampling import sample
from vae.training import Trainer, has_bfloat16

BATCH = 32
PLAYED = 32
PLAYED_ON_GPU = 4096
GPU_ROWS = (  # model, melodies in a step, precision, recorded
    ("fast", 64, "bfloat16", False),
    ("fast", 64, "bfloat16", True),
    ("fast", 64, "float32", True),
    ("fast", 512, "bfloat16", True),
    ("fast", 4096, "bfloat16", True),
    ("faithful", 64, "bfloat16", True),
    ("faithful", 512, "bfloat16", True),
    ("seed", 32, "float32", True),
    ("seed", 32, "bfloat16", True),
    ("seed", 512, "bfloat16", False),
    ("seed", 512, "bfloat16", True),
    ("seed", 1024, "bfloat16", True),
)
CLASSES = 89
STEPS_PER_BAR = 16


class SlowVAE(nn.Module):
    """The seed's formulas, step by step."""

    def __init__(self, bars: int, encoder: int, latent: int, conductor: int, decoder: int):
        super().__init__()
        self.bars = bars
        self.listen = nn.LSTM(CLASSES, encoder, 2, bidirectional=True, batch_first=True)
        self.mean = nn.Linear(2 * encoder, latent)
        self.deviation = nn.Linear(2 * encoder, latent)
        self.begin = nn.Linear(latent, 4 * conductor)
        self.conduct = nn.LSTM(1, conductor, 2, batch_first=True)
        self.begin_bar = nn.Linear(conductor, 4 * decoder)
        self.cells = nn.ModuleList([nn.LSTMCell(conductor + CLASSES, decoder), nn.LSTMCell(decoder, decoder)])
        self.say = nn.Linear(decoder, CLASSES)

    def decode(self, z: Tensor) -> Tensor:
        """Return probabilities (B, T, classes)."""
        h1, h2, c1, c2 = torch.tanh(self.begin(z)).chunk(4, dim=1)
        silence = torch.zeros(len(z), self.bars, 1)
        embeddings, _ = self.conduct(silence, (torch.stack((h1, h2)), torch.stack((c1, c2))))
        previous, said = torch.zeros(len(z), CLASSES), []
        for bar in embeddings.unbind(dim=1):
            h1, h2, c1, c2 = torch.tanh(self.begin_bar(bar)).chunk(4, dim=1)
            for _ in range(STEPS_PER_BAR):
                h1, c1 = self.cells[0](torch.cat((bar, previous.detach()), dim=1), (h1, c1))
                h2, c2 = self.cells[1](h1, (h2, c2))
                previous = self.say(h2)
                said.append(previous)
        return torch.stack(said, dim=1).softmax(dim=2)

    def forward(self, melodies: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return probabilities, mean and deviation of melodies (B, T, classes)."""
        _, (hidden, _) = self.listen(melodies)
        last = torch.cat((hidden[-2], hidden[-1]), dim=1)
        mean, deviation = self.mean(last), torch.log1p(torch.exp(self.deviation(last)))
        return self.decode(mean + torch.randn_like(mean) * deviation), mean, deviation


def seconds(step: Callable[[], object], steps: int) -> float:
    """Return the CPU seconds of the fastest of some calls, after one that is not counted."""
    step()
    taken = []
    for _ in range(steps):
        begin = time.process_time()
        step()
        taken.append(time.process_time() - begin)
    return min(taken)


def slow_step(model: SlowVAE, tokens: Tensor) -> Callable[[], None]:
    """Return a function that takes one training step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    melodies = functional.one_hot(tokens, CLASSES).float()

    def step() -> None:
        said, mean, deviation = model(melodies)
        spread = 0.5 * (mean**2 + deviation**2 - 1 - torch.log(deviation**2)).sum(dim=1).mean()
        loss = functional.binary_cross_entropy(said, melodies, reduction="sum") / len(tokens) / model.bars + spread
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def fast_step(model: MusicVAE, tokens: Tensor) -> Callable[[], None]:
    """Return a function that takes one training step."""
    trainer = Trainer(model, TrainingOptions(epochs=1000, batch=BATCH), tokens, tokens)

    def step() -> None:
        trainer.update()
        trainer.steps += 1

    return step


def forward_operations(model: MusicVAE, tokens: Tensor) -> int:
    """Return the additions and multiplications of the linear and LSTM layers on the way forward."""
    counted: list[int] = []

    def linear(layer, given, result) -> None:
        counted.append(2 * result.numel() * layer.in_features)

    def lstm(layer, given, result) -> None:
        rows = given[0].shape[0] * given[0].shape[1]
        weights = [value.numel() for name, value in layer.named_parameters() if name.startswith("weight")]
        counted.append(2 * rows * sum(weights))

    kinds = {nn.Linear: linear, nn.LSTM: lstm}
    hooks = [each.register_forward_hook(kinds[type(each)]) for each in model.modules() if type(each) in kinds]
    with torch.no_grad():
        model(tokens, tokens, torch.zeros(len(tokens), model.config.latent, device=tokens.device))
    for hook in hooks:
        hook.remove()
    return sum(counted)


def gpu_seconds(step: Callable[[], object], steps: int) -> float:
    """Return the median of the seconds that some calls take on the GPU, after three that are not counted."""
    for _ in range(3):
        step()
    taken = []
    for _ in range(steps):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        step()
        end.record()
        end.synchronize()
        taken.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(taken)


def matrix_limit() -> float:
    """Return the operations a second of the product of two matrices of 8192 x 8192 in bfloat16."""
    one, other = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    return 2 * 8192**3 / gpu_seconds(lambda: one @ other, 20)


def measure_gpu(name: str, bars: int, batch: int, precision: str, recorded: bool, steps: int, limit: float) -> dict:
    """Return the row of one model on the GPU."""
    config = preset(name, bars)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, CLASSES, (batch, config.steps), generator=generator).cuda()
    with torch.device("cuda"):  # 176 million numbers are drawn sooner there
        model = MusicVAE(config)
    options = TrainingOptions(epochs=1000, batch=batch, precision=precision)
    trainer = Trainer(model, options, tokens, tokens.cpu())
    if not recorded:
        trainer.descend = trainer.descend_unrecorded

    def step() -> None:
        trainer.update()
        trainer.steps += 1

    operations = 3 * forward_operations(model, tokens)
    taken = gpu_seconds(step, steps)
    row = {"bars": bars, "model": name, "parameters": parameter_count(model), "batch": batch, "precision": precision}
    row |= {"recorded": recorded, "step": taken, "operations": operations, "share": operations / taken / limit}
    model.eval()
    playing = gpu_seconds(lambda: sample(model, PLAYED_ON_GPU), 3)
    return {**row, "melodies_a_second": PLAYED_ON_GPU / playing, "gigabytes": torch.cuda.max_memory_allocated() / 1e9}


def on_gpu(options: argparse.Namespace) -> None:
    """Measure and print the rows of a GPU, one by one."""
    limit = matrix_limit()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}: 8192 x 8192 {limit / 1e12:.0f} TFLOP/s")
    print(
        f"{'bars':>4}  {'model':<9}{'parameters':>12}{'batch':>7}  {'precision':<10}{'recorded':<9}{'step ms':>9}"
        f"{'windows/s':>11}{'TFLOP/s':>9}{'share':>8}{'drawn/s':>10}{'GB':>6}"
    )
    rows = []
    for bars in options.bars:
        for name, batch, precision, recorded in GPU_ROWS:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            row = measure_gpu(name, bars, batch, precision, recorded, options.steps, limit)
            rows.append(row)
            told = "yes" if recorded else "no"
            print(
                f"{bars:>4}  {name:<9}{row['parameters']:>12,}{batch:>7}  {precision:<10}{told:<9}"
                f"{1e3 * row['step']:>9.2f}{batch / row['step']:>11,.0f}{row['operations'] / row['step'] / 1e12:>9.1f}"
                f"{row['share']:>8.1%}{row['melodies_a_second']:>10,.0f}{row['gigabytes']:>6.1f}",
                flush=True,
            )
    if options.json:
        print(json.dumps({"gpu": torch.cuda.get_device_name(), "limit": limit, "rows": rows}))


def measure(bars: int, steps: int, divide: int) -> list[dict]:
    """Return the rows of one length."""
    tokens = torch.randint(0, CLASSES, (BATCH, bars * STEPS_PER_BAR), generator=torch.Generator().manual_seed(0))
    sizes = dict(encoder=2048 // divide, latent=512 // divide, conductor=1024 // divide, decoder=1024 // divide)
    seed = preset("seed", bars)
    widths = dict(encoder_width=sizes["encoder"], conductor_width=sizes["conductor"], decoder_width=sizes["decoder"])
    same = dataclasses.replace(seed, latent=sizes["latent"], feedback="token", **widths)
    slow = SlowVAE(bars, **sizes)
    rows = [
        {
            "model": "seed's way",
            "parameters": parameter_count(slow),
            "step": seconds(slow_step(slow, tokens), steps),
            "sampling": seconds(lambda: [slow.decode(torch.randn(1, sizes["latent"])) for _ in range(PLAYED)], 1),
        }
    ]
    for name, config in (("same sizes", same), ("fast", preset("fast", bars))):
        model = make_model(config)
        with computing():  # as training does, and the seed does not
            row = {"model": name, "parameters": parameter_count(model)}
            row["step"] = seconds(fast_step(model, tokens), steps)
            rows.append({**row, "sampling": seconds(lambda model=model: sample(model.eval(), PLAYED), steps)})
    for row in rows:
        row.update(bars=bars, step_ratio=rows[0]["step"] / row["step"])
        row["sampling_ratio"] = rows[0]["sampling"] / row["sampling"]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bars", type=int, nargs="+", default=[2, 16])
    parser.add_argument("--steps", type=int, help="steps measured [2, or 10 on a GPU]")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--wide", action="store_true", help="the seed's real sizes: minutes, 10 GB")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if options.device == "cuda":
        options.steps = options.steps or 10
        return on_gpu(options)
    rows = [row for bars in options.bars for row in measure(bars, options.steps or 2, 1 if options.wide else 4)]
    if options.json:
        print(json.dumps({"bfloat16": has_bfloat16(torch.device("cpu")), "rows": rows}, indent=1))
        return
    print(f"{'bars':>4}  {'model':<12}{'parameters':>12}{'step ms':>10}{'times':>8}{'32 melodies ms':>16}{'times':>8}")
    for row in rows:
        print(
            f"{row['bars']:>4}  {row['model']:<12}{row['parameters']:>12,}{1e3 * row['step']:>10.1f}"
            f"{row['step_ratio']:>8.1f}{1e3 * row['sampling']:>16.1f}{row['sampling_ratio']:>8.1f}"
        )


if __name__ == "__main__":
    main()
