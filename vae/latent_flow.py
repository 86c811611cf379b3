"""A learned prior: a flow that maps the standard normal to the distribution of the latent vectors of melodies.

The posteriors of many melodies together are not exactly the normal that the ELBO assumes: above all, the bars of a real
melody depend on each other. A flow trained afterwards, with the model fixed, corrects draws from the prior. It does not
change encodings, reconstructions or the ELBO.

Conventions: u (B, latent) draws of the standard normal, z (B, latent) latent vectors; inside, a vector is U bars of
features (B, U, latent / U). Time runs from 0 (u) to 1 (z).

Source: Y. Lipman et al., Flow Matching for Generative Modeling, 2023.
"""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vae.bar_mixing import BarMixing
from vae.fit import Fit
from vae.recorded_step import RecordedStep, make_optimizer

TIME_FEATURES = 32
EULER_STEPS = 32


class LatentFlow(nn.Module):
    """A velocity field over latent vectors, made of layers of attention between bars."""

    def __init__(self, bars: int, latent: int, width: int, layers: int):
        super().__init__()
        self.bars = bars
        self.read = nn.Linear(latent // bars, width)
        self.position = nn.Parameter(torch.randn(bars, width) * 0.02)
        self.clock = nn.Sequential(nn.Linear(TIME_FEATURES, width), nn.GELU(), nn.Linear(width, width))
        self.mixing = nn.Sequential(*(BarMixing(bars, width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.write = nn.Linear(width, latent // bars)

    def velocity(self, x: Tensor, moment: Tensor) -> Tensor:
        """Return the velocity (B, latent) at points x (B, latent) and times (B,)."""
        frequencies = torch.exp(torch.linspace(0, math.log(100.0), TIME_FEATURES // 2, device=x.device))
        angles = moment[:, None] * frequencies
        now = self.clock(torch.cat((torch.sin(angles), torch.cos(angles)), dim=1))
        bars = self.read(x.reshape(len(x), self.bars, -1)) + self.position + now[:, None]
        return self.write(self.norm(self.mixing(bars))).flatten(1)

    def loss(self, z: Tensor, u: Tensor, moment: Tensor) -> Tensor:
        """Return the mean squared error of the velocity on the straight ways from u to z."""
        x = (1 - moment[:, None]) * u + moment[:, None] * z
        return (self.velocity(x, moment).float() - (z - u)).square().mean()

    @torch.no_grad()
    def carry(self, u: Tensor) -> Tensor:
        """Return the latent vectors (B, latent) to which the flow maps draws u (B, latent)."""
        x = u
        for step in range(EULER_STEPS):  # the midpoint rule
            begin = torch.full((len(u),), step / EULER_STEPS, device=u.device)
            half = x + self.velocity(x, begin) / (2 * EULER_STEPS)
            x = x + self.velocity(half, begin + 1 / (2 * EULER_STEPS)) / EULER_STEPS
        return x


def train_flow(
    flow: LatentFlow,
    means: Tensor,
    deviations: Tensor,
    minutes: float,
    seed: int = 0,
    batch: int = 128,
    learning_rate: float = 1e-3,
    bfloat16: bool = False,
    report: Callable[[int, float, Tensor], None] = lambda step, share, loss: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> int:
    """Train a flow; the weights that are kept are an average over the training.

    Args:
        flow: changed in place.
        means: (N, latent) means of the posteriors of training melodies.
        deviations: (N, latent) standard deviations of the targets around the means. Near 0 the targets are the means
            alone, which is hard to learn: samples then have too few notes. With the deviations of the posteriors,
            samples are as wild as reconstructions from draws of the posteriors.
        minutes: of CPU time (wall time on a GPU).
        seed: of all random numbers.
        batch: vectors in a step.
        learning_rate: the highest; it falls along a cosine.
        bfloat16: compute the layers in it.
        report: called with step, share of the course and loss.
        interrupted: called after every step; training ends if it returns true.

    Returns:
        The number of steps.
    """
    device = means.device
    recorded = device.type == "cuda"
    optimizer = make_optimizer(list(flow.parameters()), learning_rate, 0.0, recorded)
    fit = Fit(flow, learning_rate, optimizer=optimizer)
    average = [parameter.detach().clone() for parameter in flow.parameters()]

    def descend(z: Tensor, u: Tensor, moment: Tensor, change: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            loss = flow.loss(z, u, moment)
        fit.descend(loss)
        for kept, parameter in zip(average, flow.parameters(), strict=True):
            kept.lerp_(parameter.detach(), change)
        return loss.detach()

    take_step = RecordedStep(descend, optimizer, average) if recorded else descend
    generator = torch.Generator(device).manual_seed(seed)
    clock = time.process_time if device.type == "cpu" else time.monotonic
    start, share, step = clock(), 0.0, 0
    while share < 1 and not interrupted():
        share = min(1.0, (clock() - start) / (60 * minutes))
        falling = 0.02 + 0.49 * (1 + math.cos(math.pi * share))
        fit.set_rate(learning_rate * min(1.0, (step + 1) / 100) * falling)
        chosen = torch.randint(len(means), (batch,), generator=generator, device=device)
        noise, u = torch.randn((2, batch, means.shape[1]), generator=generator, device=device)
        z = means[chosen] + deviations[chosen] * noise
        moment = torch.rand(batch, generator=generator, device=device)
        step += 1
        change = 1 - min(0.999, step / (step + 10))
        report(step, share, take_step(z, u, moment, torch.tensor(change, device=device)))
    for kept, parameter in zip(average, flow.parameters(), strict=True):
        parameter.data.copy_(kept)
    return step
