"""lite as it is shipped against open_clip: its own checkpoint's choices, and ViT-B/32's speed.

    python -m tests.benchmarks.lite [--grids N] [--runs N]

Needs open_clip (the extra `clip`). Grids are the fixture site's, the seconds those of one run.
"""

from __future__ import annotations

import argparse
import functools
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from agent.models.encoder import Embeddings, Encoder, load_encoder
from agent.models.looks import Look, Remembered, Tile
from agent.models.source import load, read_source
from agent.models.store import Package
from agent.scorer import Scorer
from fixtures.challenge import Challenge, make
from fixtures.kinds import KINDS
from tests.benchmarks.measures import Interval, rate
from tests.benchmarks.packages import ARCH, random_weights, warm

_TILES = 9


class Checkpoint(Encoder):
    """The package's open_clip checkpoint itself, run by torch in float32, without its graphs."""

    def __init__(self, package: Package) -> None:
        super().__init__(package)
        self._model = open_clip.create_model(f"local-dir:{package.folder}").float().eval()
        self._tokenizer = open_clip.tokenizer.SimpleTokenizer(
            context_length=package.card.context_length
        )

    @torch.inference_mode()
    def embed_pixels(self, pixels: NDArray[np.float32]) -> Embeddings:
        found = F.normalize(self._model.encode_image(torch.from_numpy(pixels)), dim=1)
        return np.asarray(found.numpy())

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        found = F.normalize(self._model.encode_text(self._tokenizer(list(texts))), dim=1)
        return np.asarray(found.numpy())

    def known_concepts(self) -> dict[str, NDArray[np.float32]]:
        return {}


def same_choices(encoder: Encoder, grids: int) -> Interval:
    """How often the graphs and the checkpoint choose the same tiles of a grid."""
    ours, theirs = Scorer(encoder), Scorer(Checkpoint(encoder.package))
    same = []
    for number in range(grids):
        made = make(KINDS["tiles"], f"lite:{number}", np.random.default_rng(number))
        tiles = opened(made)
        decisions = [scorer.score(tiles, made.instruction) for scorer in (ours, theirs)]
        same.append(decisions[0].selected == decisions[1].selected)
    return rate(same)


def opened(made: Challenge) -> list[Image.Image]:
    """A challenge's pictures."""
    return [Image.open(io.BytesIO(picture)).convert("RGB") for picture in made.pictures]


def look(encoder: Encoder, looks: Sequence[Look], tiles: Sequence[Image.Image]) -> None:
    """All that is done for tiles not seen before: they are made ready and looked at."""
    ready = [Tile(picture, encoder.package.card.image) for picture in tiles]
    for each in looks:
        Remembered(each)(ready)


def main() -> None:
    """Measure both, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grids", type=int, default=300)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    encoder = load_encoder("lite")
    print(f"same choices as the checkpoint in float32   {same_choices(encoder, given.grids)}")
    # One of each of nine grids: how many are to be cleaned differs from grid to grid.
    grids = [make(KINDS["tiles"], f"1:{n}", np.random.default_rng(n)) for n in range(_TILES)]
    tiles = [opened(grid)[n] for n, grid in enumerate(grids)]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = random_weights(Path(folder) / "random.safetensors")
        loaded = load(read_source(f"{ARCH}:{checkpoint}")[1])
        for what, looks in (
            ("its image tower alone", [encoder.embed_pixels]),
            ("with its detector", [encoder.embed_pixels, encoder.detect_pixels]),
        ):
            print(f"lite, {what}, against {ARCH} in open_clip, float32, random weights")
            warm(loaded, functools.partial(look, encoder, looks), tiles, given.runs)


if __name__ == "__main__":
    main()
