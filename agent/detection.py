"""What a detector of known things adds to the towers' word: it knows few names, photographs alone,
and these well, cluttered ones too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent import concepts
from agent.models.anchors import Boxes
from agent.models.card import Detected, Detector
from agent.models.encoder import Encoder
from agent.models.looks import Remembered, Tile
from agent.squares import Edges

Logits = NDArray[np.floating[Any]]

_ENOUGH = 0.5  # of a square: a thing that covers more of it counts no more
_SURE = 30.0  # a logit beyond which nothing changes
_LEAST = 1e-5  # likely: a square that nothing covers


@dataclass(frozen=True, slots=True)
class Shown:
    """What the detector says of one thing: its logit (n,) in each tile or square, how likely these
    are photographs, and how that counts."""

    logits: NDArray[np.float32]
    photographs: NDArray[np.float32]
    by: Detected

    def beside(self, towers: Logits) -> NDArray[np.float32]:
        """The logits (n,) of both."""
        return combined(towers, self.logits, self.photographs, self.by)


class Detection:
    """Asks a package's detector. Safe to share by threads."""

    def __init__(self, encoder: Encoder, card: Detector) -> None:
        self._encoder, self._card = encoder, card
        self._look = Remembered(encoder.detect_pixels)

    def logits(self, tiles: Sequence[Tile]) -> NDArray[np.float32]:
        """Shape (n, k): the logit of each thing that it has a name for, anywhere in a tile."""
        return self._look(tiles)

    def in_tiles(self, tiles: Sequence[Tile], concept: str) -> Shown | None:
        """What it says of the concept in a challenge's tiles; None where it has no name for it."""
        named = known_as(concept, self._card.names)
        if not named:
            return None
        found = self.logits(tiles)
        likely = photographs(found.std(axis=1).mean(), self._card.tiles)
        return Shown(found[:, named].max(axis=1), likely, self._card.tiles)

    def in_squares(
        self, picture: Image.Image, edges: Sequence[Edges], concept: str
    ) -> Shown | None:
        """What it says of the concept in squares of one picture.

        None where it has no name for it.
        """
        named = known_as(concept, self._card.names)
        if not named:
            return None
        found, boxes = self._encoder.detect(picture)
        logits = on_squares(found[:, named].max(axis=1), boxes, picture.size, edges)
        likely = photographs(found.max(axis=0).std(), self._card.squares)
        return Shown(logits, likely, self._card.squares)


def known_as(concept: str, names: Sequence[str]) -> list[int]:
    """Which of the detector's names show `concept`: itself, else those that are another word for
    it. A word for more than one kind of thing (fruit) is none of them."""
    if concept in names:
        return [names.index(concept)]
    same = concepts.canonical(concept)
    return [index for index, name in enumerate(names) if concepts.canonical(name) == same]


def on_squares(
    logits: Logits, boxes: Boxes, size: tuple[int, int], edges: Sequence[Edges]
) -> NDArray[np.float32]:
    """The logit (n,) that each square shows the thing with `logits` (a,) in `boxes` (a, 4)."""
    squares = np.array(edges, dtype=np.float32) / np.array([*size, *size], dtype=np.float32)
    left, top = (np.maximum(squares[:, None, side], boxes[:, side]) for side in (0, 1))
    right, bottom = (np.minimum(squares[:, None, side], boxes[:, side]) for side in (2, 3))
    area = (squares[:, 2] - squares[:, 0]) * (squares[:, 3] - squares[:, 1])
    covered = (right - left).clip(0) * (bottom - top).clip(0) / area[:, None]
    likely = np.minimum(covered / _ENOUGH, 1) / (1 + np.exp(-logits))
    likely = likely.max(axis=1).clip(_LEAST, 1 - _LEAST)
    return np.asarray(np.log(likely / (1 - likely)), dtype=np.float32)


def photographs(contrast: Logits | np.floating[Any], by: Detected) -> NDArray[np.float32]:
    """How likely pictures are photographs.

    `contrast` tells: the standard deviation of all things' logits in a picture, its mean over the
    pictures of a challenge. In a drawing a detector of photographs finds all things alike.
    """
    sure = np.clip(by.photograph_scale * contrast + by.photograph_bias, -_SURE, _SURE)
    return np.asarray(1 / (1 + np.exp(-sure)), dtype=np.float32)


def combined(towers: Logits, detected: Logits, likely: Logits, by: Detected) -> NDArray[np.float32]:
    """The logits (n,) of both, as far as these are `likely` photographs, else the towers'."""
    both = by.tower_scale * towers + by.detector_scale * detected + by.bias
    return np.asarray(likely * both + (1 - likely) * towers, dtype=np.float32)
