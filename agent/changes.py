"""What changed between two pictures of the same tiles."""

from __future__ import annotations

import numpy as np

from agent.data import Box, Grid, Picture, Pixels

_LEVELS = 24  # grey levels by which a pixel differs from what it was
_SHARE = 0.004  # of a tile's pixels that must differ: a small tick is so many
_FLAT = 1.0  # deviation, in grey levels, of what shows nothing


def changed(now: Picture, before: Picture, box: Box) -> bool:
    """Whether a tile's pixels are others than before."""
    new, old = _crop(now, box).astype(np.int16), _crop(before, box).astype(np.int16)
    if new.shape != old.shape or not new.size:
        return True
    return float((np.abs(new - old).max(axis=2) >= _LEVELS).mean()) >= _SHARE


def same_challenge(now: Picture, before: Picture, grid: Grid) -> bool:
    """Whether the pictures still are those of the challenge that was dealt with before."""
    if now.pixels.shape != before.pixels.shape:
        return False
    others = [changed(now, before, box) for box in grid.boxes]
    # Tiles that had been chosen show a mark now; the others tell.
    return sum(others) <= len(others) / 2 and not all(others)


def has_blank(picture: Picture, grid: Grid) -> bool:
    """Whether a tile is of one colour only, as one that is not painted yet."""
    return any(is_blank(picture, box) for box in grid.boxes)


def is_blank(picture: Picture, box: Box) -> bool:
    """Whether a tile shows nothing but one colour."""
    return float(_crop(picture, box).std(axis=(0, 1)).max(initial=0.0)) < _FLAT


def _crop(picture: Picture, box: Box) -> Pixels:
    top, left = round(box.y), round(box.x)
    return picture.pixels[top : round(box.bottom), left : round(box.right)]
