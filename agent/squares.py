"""Squares of one picture: what its cells and things say of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent.data import Grid

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom of a square in its picture's pixels."""

_SURROUNDINGS = 0.2  # of a square's side, on each side, where a model has no cells
_NO_THING = -12.5  # the margin of what covers a square where no thing does


def edges_of(grid: Grid) -> list[Edges]:
    """Where the tiles of a grid lie, row by row."""
    return [(box.x, box.y, box.right, box.bottom) for box in grid.boxes]


def pool_cells(
    cells: NDArray[np.float32], size: tuple[int, int], edges: Sequence[Edges]
) -> NDArray[np.float32]:
    """Unit embeddings (n, d) of squares: the mean of the cells (h, w, d) that each one covers."""
    stacked = np.einsum("nhw,hwd->nd", _covers(cells.shape[:2], size, edges), cells)
    return np.asarray(stacked / np.linalg.norm(stacked, axis=1, keepdims=True), dtype=np.float32)


def pool_shares(
    masks: NDArray[np.float32], size: tuple[int, int], edges: Sequence[Edges]
) -> NDArray[np.float64]:
    """Shape (n, k): the share of each square that each of the masks (k, h, w) covers."""
    covers = _covers(masks.shape[1:], size, edges)
    summed = np.einsum("nhw,khw->nk", covers, masks)
    return np.asarray(summed / covers.sum(axis=(1, 2))[:, None], dtype=np.float64)


def _covers(
    shape: Sequence[int], size: tuple[int, int], edges: Sequence[Edges]
) -> NDArray[np.float64]:
    """Shape (n, h, w): how much of each cell lies in each square of a picture."""
    height, width = shape
    covers = [
        np.outer(
            _share(top / size[1] * height, bottom / size[1] * height, height),
            _share(left / size[0] * width, right / size[0] * width, width),
        )
        for left, top, right, bottom in edges
    ]
    return np.stack(covers)


def _share(start: float, stop: float, count: int) -> NDArray[np.float64]:
    """How much of each of `count` unit cells lies in [start, stop], shape (count,)."""
    left = np.arange(count)
    overlap = np.minimum(left + 1, stop) - np.maximum(left, start)
    return np.asarray(np.clip(overlap, 0, 1), dtype=np.float64)


def by_things(
    covered: NDArray[np.bool_], things: NDArray[np.float32], alone: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Margins (n,) of squares: half its own, half that of the likeliest thing that covers it.

    Two looks at the same place that err differently. Also the number of that thing, -1 for none.
    `covered` is (n, k), `things` (k,) and `alone` (n,) are margins.
    """
    best = np.column_stack([np.where(covered, things, -np.inf), np.full(len(alone), _NO_THING)])
    thing = best.argmax(axis=1)
    margins = (best.max(axis=1) + alone) / 2
    return margins.astype(np.float32), np.where(thing < len(things), thing, -1)


def with_surroundings(edge: Edges, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A square with some of its surroundings, as far as the picture goes: a thing's part alone is
    harder to name."""
    left, top, right, bottom = edge
    across, down = (right - left) * _SURROUNDINGS, (bottom - top) * _SURROUNDINGS
    return whole(
        (
            max(0.0, left - across),
            max(0.0, top - down),
            min(size[0], right + across),
            min(size[1], bottom + down),
        )
    )


def whole(edge: Edges) -> tuple[int, int, int, int]:
    """The same in whole pixels, for cropping."""
    left, top, right, bottom = edge
    return round(left), round(top), round(right), round(bottom)
