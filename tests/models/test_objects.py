"""Cells that vote for one centre are one thing."""

from __future__ import annotations

import numpy as np

from agent.models.objects import grouped

SIDE = 24


def scene(
    *boxes: tuple[int, int, int, int],
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Foreground, offsets and masks of rectangles (left, top, right, bottom) in cells."""
    foreground = np.full((SIDE, SIDE), 0.05, dtype=np.float32)
    offsets = np.zeros((2, SIDE, SIDE), dtype=np.float32)
    masks = []
    for left, top, right, bottom in boxes:
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        mask[top:bottom, left:right] = True
        rows, cols = np.nonzero(mask)
        foreground[mask] = 0.9
        offsets[0][mask] = ((left + right) / 2 - cols - 0.5) / SIDE
        offsets[1][mask] = ((top + bottom) / 2 - rows - 0.5) / SIDE
        masks.append(mask)
    return foreground, offsets, masks


def test_touching_things_with_centres_apart_are_two() -> None:
    foreground, offsets, masks = scene((2, 4, 10, 14), (10, 4, 18, 14))
    found = grouped(foreground, offsets)
    assert len(found) == 2
    for mask in masks:
        assert any(np.array_equal(one > 0, mask) for one in found)


def test_a_speck_is_no_thing() -> None:
    foreground, offsets, _ = scene((3, 3, 4, 5))
    assert grouped(foreground, offsets).shape == (0, SIDE, SIDE)


def test_an_empty_picture_has_no_things() -> None:
    foreground, offsets, _ = scene()
    assert grouped(foreground, offsets).shape == (0, SIDE, SIDE)
