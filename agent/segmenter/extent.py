"""A lattice → which of its rows and columns are tiles.

A band of text or buttons may look like one more row of tiles; a row of which all are chosen hides
its own edges. So a lattice is continued as far as the picture goes, and of all its parts the one is
taken in which each row and column shows lines, and beside which there is none that does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.segmenter.edges import Edges, Spans

# What speaks for a part of a lattice: a conditional logit of "these are the tiles" among all parts
# of all lattices found in a picture, fitted on seeds 2000 to 5999 of tests/grid_pictures/.
_SEEN = 8.0  # the evidence at the tiles' edges on the whole
_SEEN_INSIDE = 12.0  # the same at those edges or a little inside, where chosen tiles have theirs
_WEAKEST = 16.5  # this in the row or column of tiles that shows it least
_BESIDE = -7.6  # evidence in the row or column beside them that shows it most
_COVERED = 4.8  # the share of the picture
_STRETCH = -5.6  # tiles that are longer than wide or the other way round: of this, the logarithm
_ASIDE = -8.6  # farther to the left or right, as a share of the picture
_TILES = 6.0  # their number: of this, the logarithm
# Chosen afterwards, by pictures that were missed:
_FILLED = 4.0  # all of the picture, to the pixel, as in a sheet of tiles: chance seldom does that
_PLAIN, _LEAD = 42.0, 8.0  # score and lead of a part that needs no second opinion

_SAME_PX = 3  # edges no farther apart than that are the same ones, seen more or less sharply
_OVERHANG = 0.08  # of a tile, that those continued may reach over the edge of the picture
_MOST = 6  # by which a lattice is continued to either side
_END_PX = 2  # within which tiles reach both ends of the picture
_SHRUNK = 0.09  # of a tile, by which the lines of a chosen one may lie inside of its edges


@dataclass(frozen=True, slots=True)
class Part:
    """Rows and columns of a lattice, and what speaks for them.

    `lead`: how much more than for any other number of rows or columns of it.
    """

    rows: Spans
    cols: Spans
    score: float
    lead: float

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return len(self.rows), len(self.cols)

    @property
    def is_plain(self) -> bool:
        """Whether no other lattice need be looked at."""
        return self.score > _PLAIN and self.lead > _LEAD

    def is_at(self, rows: Spans, cols: Spans) -> bool:
        """Whether all tiles are these, but for some pixels."""
        if self.shape != (len(rows), len(cols)):
            return False
        apart = np.abs(np.array([*self.rows, *self.cols]) - np.array([*rows, *cols])).max()
        return bool(apart <= _SAME_PX)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The edges across one axis, beside each tile of the other axis.

    `seen` and `inside` (tiles, tiles of the other axis) add up the evidence at both edges, or there
    and a little inside; `edges` (tiles,) are as many of the two as are not the picture's own.
    """

    seen: NDArray[np.float32]
    inside: NDArray[np.float32]
    edges: NDArray[np.float32]


def best_parts(
    across: Edges,
    down: Edges,
    lattice: tuple[Spans, Spans],
    rows: Sequence[int],
    cols: Sequence[int],
) -> list[Part]:
    """The part of this lattice that is seen best, and the best of those of another shape."""
    lines, columns = _continued(lattice[0], down), _continued(lattice[1], across)
    high, wide = _ranges(len(lines), rows), _ranges(len(columns), cols)
    if not len(high) or not len(wide):
        return []
    score = features(across, down, lines, columns, high, wide) @ np.array(
        [_SEEN, _SEEN_INSIDE, _WEAKEST, _BESIDE, _COVERED, _STRETCH, _ASIDE, _TILES, _FILLED]
    )
    found = list[Part]()
    for _ in range(2):
        row, col = np.unravel_index(int(np.argmax(score)), score.shape)
        most = float(score[row, col])
        if most == -np.inf:
            break
        (top, bottom), (left, right) = high[row].tolist(), wide[col].tolist()
        score[(np.diff(high) == bottom - top) & (np.diff(wide) == right - left).T] = -np.inf
        lead = most - float(score.max())
        found.append(Part(lines[top:bottom], columns[left:right], most, lead))
    return found


def features(
    across: Edges,
    down: Edges,
    rows: Spans,
    cols: Spans,
    high: NDArray[np.int64],
    wide: NDArray[np.int64],
) -> NDArray[np.float64]:
    """What is known of each part of a lattice: shape (ranges of rows, ranges of columns, 9).

    `high` and `wide`, of shape (ranges, 2), are first and last of the rows and columns.
    """
    upright, level = _lines(across, cols, rows), _lines(down, rows, cols)
    count = (_of(level.edges, high)[:, None] * (wide[:, 1] - wide[:, 0])) + (
        _of(upright.edges, wide) * (high[:, 1] - high[:, 0])[:, None]
    )
    seen = _within(upright.seen, wide, high).T + _within(level.seen, high, wide)
    inside = _within(upright.inside, wide, high).T + _within(level.inside, high, wide)
    weakest = np.minimum(
        _least(_shares(upright.inside, upright.edges, wide, 1.0), high).T,
        _least(_shares(level.inside, level.edges, high, 1.0), wide),
    )
    beside = np.maximum(
        _outside(_shares(upright.seen, upright.edges, wide, 0.0), high).T,
        _outside(_shares(level.seen, level.edges, high, 0.0), wide),
    )
    top, bottom = _bounds(rows, high)
    left, right = _bounds(cols, wide)
    high_px, wide_px = bottom - top, right - left
    covered = np.outer(high_px / down.length_px, wide_px / across.length_px)
    filled = np.outer(high_px >= down.length_px - _END_PX, wide_px >= across.length_px - _END_PX)
    aside = np.abs(left + right - across.length_px) / across.length_px
    tiles = np.outer(high[:, 1] - high[:, 0], wide[:, 1] - wide[:, 0])
    stretch = abs(math.log((rows[0][1] - rows[0][0]) / (cols[0][1] - cols[0][0])))
    count = np.maximum(count, 1)
    known = (seen / count, inside / count, weakest, beside, covered, stretch, aside, np.log(tiles))
    return np.stack(np.broadcast_arrays(*known, filled), axis=-1).astype(np.float64)


def _continued(spans: Spans, axis: Edges) -> Spans:
    """With as many tiles before and behind as there is room for."""
    side = spans[0][1] - spans[0][0]
    pitch = max((spans[-1][0] - spans[0][0]) / max(len(spans) - 1, 1), side)
    room = [spans[0][0] + _OVERHANG * side, axis.length_px - spans[-1][1] + _OVERHANG * side]
    before, after = (min(int(each / pitch), _MOST) for each in room)
    starts = [round(spans[0][0] - number * pitch) for number in range(before, 0, -1)]
    ends = [round(spans[-1][0] + number * pitch) for number in range(1, after + 1)]
    more = [min(max(start, 0), axis.length_px - side) for start in (*starts, *ends)]
    beyond = [(start, start + side) for start in more]
    return (*beyond[:before], *spans, *beyond[before:])


def _ranges(length: int, counts: Sequence[int]) -> NDArray[np.int64]:
    """First and last of each run of so many: shape (ranges, 2)."""
    runs = [(start, start + n) for n in counts for start in range(length - n + 1)]
    return np.array(runs, dtype=np.int64).reshape(-1, 2)


def _lines(axis: Edges, spans: Spans, others: Spans) -> _Lines:
    profiles = np.stack([axis.profile(*other) for other in others])
    edges = np.array(spans).ravel()
    inward = np.tile([1, -1], len(spans))[:, None]
    reach = max(round(_SHRUNK * (spans[0][1] - spans[0][0])), 1)
    windows = np.clip(edges[:, None] + inward * np.arange(-1, reach + 1), 0, axis.length_px)
    near = profiles[:, windows]
    inner = ((edges > 1) & (edges < axis.length_px - 1)).astype(np.float32)
    pairs = (len(others), len(spans), 2)
    return _Lines(
        (near[..., :3].max(axis=-1) * inner).reshape(pairs).sum(axis=-1).T,
        (near.max(axis=-1) * inner).reshape(pairs).sum(axis=-1).T,
        inner.reshape(len(spans), 2).sum(axis=-1),
    )


def _summed(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    first = np.zeros_like(np.take(values, [0], axis=axis))
    return np.concatenate([first, np.cumsum(values, axis=axis)], axis=axis)


def _of(values: NDArray[np.float32], ranges: NDArray[np.int64]) -> NDArray[np.float32]:
    """Sums over the ranges of the first axis."""
    summed = _summed(values, 0)
    return np.asarray(summed[ranges[:, 1]] - summed[ranges[:, 0]])


def _within(
    values: NDArray[np.float32], ranges: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Sums over the ranges of both axes: shape (ranges, others)."""
    return _of(_of(values, ranges).T, others).T


def _shares(
    values: NDArray[np.float32],
    edges: NDArray[np.float32],
    ranges: NDArray[np.int64],
    without: float,
) -> NDArray[np.float32]:
    """Means over the edges in each range, beside each tile: shape (ranges, tiles beside)."""
    count = _of(edges, ranges)[:, None]
    means = _of(values, ranges) / np.maximum(count, 1)
    return np.where(count > 0, means, np.float32(without))


def _least(shares: NDArray[np.float32], ranges: NDArray[np.int64]) -> NDArray[np.float32]:
    """The least of the tiles beside that are in each range: shape (ranges of edges, ranges)."""
    return np.stack([shares[:, first:last].min(axis=1) for first, last in ranges], axis=1)


def _outside(shares: NDArray[np.float32], ranges: NDArray[np.int64]) -> NDArray[np.float32]:
    """The greater of the two tiles next to each range: shape (ranges of edges, ranges)."""
    padded = np.pad(shares, ((0, 0), (1, 1)))
    return np.maximum(padded[:, ranges[:, 0]], padded[:, ranges[:, 1] + 1])


def _bounds(spans: Spans, ranges: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the tiles of each range begin and end."""
    starts, stops = np.array(spans).T
    return starts[ranges[:, 0]], stops[ranges[:, 1] - 1]
