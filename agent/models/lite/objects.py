"""Trains the network that tells the things in a picture apart: `agent/models/objects.py` says how.

It reads what the untouched backbone's stages make of a picture half-way, so that it comes at
nearly no cost beside the image tower, and knows nothing of names: unseen drawings are told from
their backdrop as well as seen ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from agent.models.lite.image_tower import Report
from agent.models.lite.pool import Pool

SCENE_PX = 384
_CHANNELS, _WIDTH, _DILATIONS = 80, 96, (1, 1, 2, 2, 1, 1)
_STEPS, _BATCH, _RATE = 1500, 24, 2e-3
_OFFSETS = 3.0  # their share of the loss


class _Block(nn.Module):
    """A residual block: 5x5 depthwise, then two 1x1 convolutions."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.dw = nn.Conv2d(
            _WIDTH, _WIDTH, 5, padding=2 * dilation, dilation=dilation, groups=_WIDTH, bias=False
        )
        self.b1 = nn.BatchNorm2d(_WIDTH)
        self.a = nn.Conv2d(_WIDTH, 2 * _WIDTH, 1)
        self.b = nn.Conv2d(2 * _WIDTH, _WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        widened: Tensor = self.b(F.relu(self.a(self.b1(self.dw(x)))))
        return x + widened


class Objects(nn.Module):
    """Features half-way (n, 80, h, w) → foreground's logit and the offset to a centre (n, 3, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.inn = nn.Sequential(nn.BatchNorm2d(_CHANNELS), nn.Conv2d(_CHANNELS, _WIDTH, 1))
        self.blocks = nn.Sequential(*[_Block(dilation) for dilation in _DILATIONS])
        self.out = nn.Conv2d(_WIDTH, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(self.blocks(self.inn(x)))
        return found


def train(features: Tensor, pool: Pool, *, seed: int, report: Report) -> Objects:
    """Learn from scenes, seen by the frozen stages: `features` (m, 80, h/16, w/16)."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    # Channels last: 1.5 times as fast on CPU.
    network = Objects().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=_STEPS)
    foreground, offsets = (torch.from_numpy(part) for part in _targets(pool.shares))
    mirrored = torch.tensor([-1.0, 1.0])[None, :, None, None]
    for step in range(_STEPS):
        some = random.choice(len(features), _BATCH, replace=False)
        x, covered, leads = features[some].float(), foreground[some], offsets[some]
        if random.random() < 0.5:
            x, covered, leads = x.flip(3), covered.flip(2), leads.flip(3) * mirrored
        found = network(x.contiguous(memory_format=torch.channels_last))
        missed = ((found[:, 1:] - leads).abs().sum(dim=1) * covered).sum() / covered.sum()
        losses = {
            "foreground": F.binary_cross_entropy_with_logits(found[:, 0], covered),
            "offsets": _OFFSETS * missed,
        }
        torch.stack(list(losses.values())).sum().backward()
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        if step % 100 == 0:
            report(step, _STEPS, {name: float(loss.detach()) for name, loss in losses.items()})
    return network.eval()


def export(network: Objects, path: Path) -> None:
    """Write the network as ONNX, for features of any height and width."""
    axes = {0: "n", 2: "rows", 3: "cols"}
    torch.onnx.export(
        network, (torch.zeros(2, _CHANNELS, 24, 24),), str(path),
        input_names=["halfway"], output_names=["objects"],
        dynamic_axes={"halfway": axes, "objects": axes}, opset_version=17, dynamo=False,
    )  # fmt: skip


def _targets(shares: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How much of each cell is covered (m, h, w), and the way from it to the centre of what covers
    most of it (m, 2, h, w), in shares of the picture."""
    covers = shares.astype(np.float32) / 255
    count, _, height, width = covers.shape
    down = ((np.arange(height) + 0.5) / height)[:, None]
    across = (np.arange(width) + 0.5) / width
    mass = covers.sum(axis=(2, 3)) + 1e-6
    centers = ((covers * across).sum(axis=(2, 3)) / mass, (covers * down).sum(axis=(2, 3)) / mass)
    first = covers.argmax(axis=1)
    scene = np.arange(count)[:, None, None]
    offsets = [centers[0][scene, first] - across, centers[1][scene, first] - down]
    return (
        covers.sum(axis=1).clip(0, 1),
        np.stack(offsets, axis=1).astype(np.float32),
    )
