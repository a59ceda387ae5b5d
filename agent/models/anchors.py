"""The anchors of a single-shot detector, and the boxes that offsets from them are.

SSD (Liu et al., ECCV 2016), with the shapes of anchors that its authors' TensorFlow code has.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Boxes = NDArray[np.float32]
"""Shape (n, 4): left, top, right and bottom, in shares of the picture's width and height."""

_STRIDE = 16  # pixels, of the finest feature map; each of the others halves the one before it
_SIDES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
_ASPECTS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
_FEW = ((0.1, 1.0), (0.2, 2.0), (0.2, 0.5))  # of the finest feature map
_CENTRE, _SIZE = 10.0, 5.0  # by which offsets are larger than they mean


def boxes(size_px: int) -> Boxes:
    """The anchors of a square picture, feature map by feature map, row by row."""
    found, side = [], math.ceil(size_px / _STRIDE)
    for number, (small, large) in enumerate(itertools.pairwise(_SIDES)):
        shapes = [*((small, aspect) for aspect in _ASPECTS), (math.sqrt(small * large), 1.0)]
        for_each = np.array(shapes if number else _FEW)
        across = for_each[:, 0] * np.sqrt(for_each[:, 1])
        down = for_each[:, 0] / np.sqrt(for_each[:, 1])
        middles = (np.arange(side) + 0.5) / side
        y, x = np.meshgrid(middles, middles, indexing="ij")
        x, y = x[:, :, None], y[:, :, None]
        edges = (x - across / 2, y - down / 2, x + across / 2, y + down / 2)
        found.append(np.stack(edges, axis=-1).reshape(-1, 4))
        side = math.ceil(side / 2)
    return np.concatenate(found).astype(np.float32)


def decoded(offsets: NDArray[np.float32], size_px: int) -> Boxes:
    """The boxes (n, 4) that `offsets` (n, 4: y, x, height, width) from the anchors are."""
    left, top, right, bottom = boxes(size_px).T
    width, height = right - left, bottom - top
    y, x, tall, wide = offsets.T
    x, y = (left + right) / 2 + x / _CENTRE * width, (top + bottom) / 2 + y / _CENTRE * height
    wide, tall = np.exp(wide / _SIZE) * width / 2, np.exp(tall / _SIZE) * height / 2
    return np.stack([x - wide, y - tall, x + wide, y + tall], axis=1).clip(0, 1)


def pixels(pictures: Sequence[Image.Image], size_px: int) -> NDArray[np.float32]:
    """Shape (n, 3, size, size): pictures squared, between -1 and 1."""
    squared = [
        np.asarray(
            picture.convert("RGB").resize((size_px, size_px), Image.Resampling.BICUBIC),
            dtype=np.float32,
        )
        for picture in pictures
    ]
    return np.stack(squared).transpose(0, 3, 1, 2) / np.float32(127.5) - 1
