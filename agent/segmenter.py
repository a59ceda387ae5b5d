"""Picture → tile boxes, from pixels alone.

Between tiles lie gutters: rows or columns of one colour along their whole length. Where the
tiles of one picture touch, a seam remains: a line across which the pixels jump. Both make a
regular lattice, and the lattice that the picture shows best, in gutters and in seams, is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent.data import Box, Grid, Pixels

_COUNTS = range(2, 7)
_LEAST_TILE_PX = 8
_FLAT = 14.0  # largest mean deviation, in grey levels, along a line of one colour
_STEP = 5.0  # grey levels by which a gutter differs from the tiles beside it
_SLIVER_PX = 3  # a margin may begin so far from the picture's edge
_REACH = 0.06  # of the pitch, how far a gutter may lie from where equal tiles would put it
_UNEVEN = 0.08  # of a tile's side, by which tiles may differ
_WIDEST_GUTTER = 0.35  # of the pitch
_LEAST_JUMP = 2.5  # times the usual difference of neighbouring lines

Line = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where the tiles lie along one axis: (start, stop) of each, and the evidence for it."""

    spans: tuple[tuple[int, int], ...]
    evidence: float


def split(
    picture: Image.Image | Pixels, *, rows: int | None = None, cols: int | None = None
) -> Grid:
    """The tile grid of a picture; boxes row by row, in whole pixels of it.

    With `rows` and `cols` the count is taken as given, and a picture that shows no lines is cut
    into equal parts. Without, a picture in which no lattice is seen comes back as one tile with
    confidence 0.
    """
    pixels = np.asarray(picture.convert("RGB") if isinstance(picture, Image.Image) else picture)
    gray = pixels.astype(np.float32)
    down = _axis(gray, rows)
    across = _axis(gray.transpose(1, 0, 2), cols)
    if rows is None and cols is None and (len(down.spans) == 1) != (len(across.spans) == 1):
        # Lines in one direction only are more often part of a picture than of a grid.
        height, width = pixels.shape[:2]
        return Grid(1, 1, (Box(0, 0, width, height),), 0.0)
    boxes = tuple(
        Box(left, top, right - left, bottom - top)
        for top, bottom in down.spans
        for left, right in across.spans
    )
    gutters = [b[0] - a[1] for axis in (down, across) for a, b in pairwise(axis.spans)]
    gutter = float(np.median(gutters)) if gutters else 0.0
    confidence = float(min(down.evidence, across.evidence))
    return Grid(len(down.spans), len(across.spans), boxes, confidence, gutter)


def _axis(pixels: Line, count: int | None) -> _Axis:
    """The spans of the tiles along the first axis of `pixels`, shape (length, width, 3)."""
    length = len(pixels)
    counts = _COUNTS if count is None else (count,)
    if length < 2 * max(counts[0], 1) * _LEAST_TILE_PX:
        return _equal(length, count or 1)
    flat = _flatness(pixels)
    found = _by_gutters(pixels, flat, counts) or _by_seams(pixels, counts)
    if found is not None:
        return found
    return _equal(length, count or 1)


def _equal(length: int, count: int) -> _Axis:
    edges = [round(length * part / count) for part in range(count + 1)]
    return _Axis(tuple(pairwise(edges)), 0.0)


def _flatness(pixels: Line) -> NDArray[np.bool_]:
    """Which lines are of one colour along their length, but for a few pixels: shape (length,).

    The colour is the line's median; a check mark that hangs over a gutter must not hide it.
    """
    middle = np.median(pixels, axis=1, keepdims=True)
    off = np.abs(pixels - middle).max(axis=2)
    return np.asarray((off > _FLAT).mean(axis=1) < 0.03)


def _by_gutters(pixels: Line, flat: NDArray[np.bool_], counts: Sequence[int]) -> _Axis | None:
    """The lattice of gutters that explains most of the picture, or None."""
    length = len(flat)
    runs = _runs(flat)
    gutters = [run for run in runs if _stands_out(pixels, run)]
    # A margin around the grid is one colour, too; so may be the sky in the first row of tiles.
    starts = [0, *(stop for start, stop in runs if start <= _SLIVER_PX)]
    stops = [length, *(start for start, stop in runs if stop >= length - _SLIVER_PX)]
    found = [
        axis
        for count in counts
        for start in starts
        for stop in stops
        if (axis := _lattice(gutters, start, stop, count)) is not None
    ]
    if not found:
        return None

    def rating(axis: _Axis) -> tuple[int, int, int]:
        # The more tiles, the more gutters are explained: half of a 4x4 grid's make a 2x2 grid's.
        # Of two that fit equally well the tighter one: an even margin leaves tiles equal, too.
        return len(axis.spans), round(axis.evidence * 20), axis.spans[0][0] - axis.spans[-1][1]

    return max(found, key=rating)


def _lattice(gutters: Sequence[tuple[int, int]], start: int, stop: int, count: int) -> _Axis | None:
    """`count` tiles of one size between `start` and `stop`, a gutter between each two, or None."""
    pitch = (stop - start) / count
    if pitch < _LEAST_TILE_PX:
        return None
    edges = [start]
    for number in range(1, count):
        ideal = start + number * pitch
        near = min(
            gutters,
            key=lambda run: abs((run[0] + run[1]) / 2 - ideal),
            default=(-(10**9), -(10**9)),
        )
        if abs((near[0] + near[1]) / 2 - ideal) > _REACH * pitch + 2 or near[0] <= edges[-1]:
            return None
        if near[1] - near[0] > _WIDEST_GUTTER * pitch:
            return None
        edges += near
    edges.append(stop)
    spans = tuple(zip(edges[::2], edges[1::2], strict=True))
    sides = np.array([stop - start for start, stop in spans])
    unevenness = float(np.ptp(sides)) / float(sides.mean()) if sides.min() > 0 else 1.0
    if count == 1 or unevenness > max(_UNEVEN, 4 / float(sides.mean())):
        return None
    return _Axis(spans, 1 - unevenness)


def _stands_out(pixels: Line, run: tuple[int, int]) -> bool:
    """Whether the pixels change at both edges of a flat run, as they do where tiles begin."""
    start, stop = run
    if start < 2 or stop > len(pixels) - 2:
        return False
    color = np.median(pixels[start:stop], axis=(0, 1))
    # Beside a gutter lies a line of blended pixels where the scale is not a whole number.
    beside = (pixels[start - 2], pixels[stop + 1])
    return all(float(np.abs(line - color).max(axis=1).mean()) > _STEP for line in beside)


def _by_seams(pixels: Line, counts: Sequence[int]) -> _Axis | None:
    """Equal tiles without gutters, by the jump of the pixels where they touch, or None."""
    length = len(pixels)
    jump = np.abs(np.diff(pixels, axis=0)).mean(axis=(1, 2))
    usual = float(np.median(jump)) + 1.0
    found: list[_Axis] = []
    for count in counts:
        edges, strength = [0], []
        for number in range(1, count):
            ideal = length * number / count
            low, high = int(max(ideal - 3, 1)), int(min(ideal + 3, length - 1))
            at = low + int(np.argmax(jump[low - 1 : high]))
            strength.append(float(jump[at - 1]) / usual)
            edges.append(at)
        if strength and min(strength) >= _LEAST_JUMP:
            spans = tuple(zip(edges, [*edges[1:], length], strict=True))
            found.append(_Axis(spans, 0.6 * min(1.0, min(strength) / 10)))
    return max(found, key=lambda axis: (len(axis.spans), axis.evidence), default=None)


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, stop) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
