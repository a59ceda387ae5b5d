"""Picture → tile boxes, from pixels alone.

Between tiles lie gutters: rows or columns of one colour along their whole length. Where the
tiles of one picture touch, a seam remains: a line across which the pixels jump. Both make a
regular lattice, and the lattice that the picture shows best, in gutters and in seams, is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent.data import Box, Grid, Pixels

_COUNTS = range(1, 7)
_LEAST_TILE_PX = 8
_FLAT = 14.0  # largest mean deviation, in grey levels, along a line of one colour
_WIDEST_GUTTER = 0.35  # of a tile's side

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
    gutters = [b[0] - a[1] for axis in (down, across) for a, b in zip(axis.spans, axis.spans[1:])]
    gutter = float(np.median(gutters)) if gutters else 0.0
    confidence = float(min(down.evidence, across.evidence))
    return Grid(len(down.spans), len(across.spans), boxes, confidence, gutter)


def _axis(pixels: Line, count: int | None) -> _Axis:
    """The spans of the tiles along the first axis of `pixels`, shape (length, width, 3)."""
    length = len(pixels)
    if count is not None and length < count * 2:
        return _equal(length, count)
    flat = _flatness(pixels)
    found = [
        axis
        for number in (_COUNTS if count is None else (count,))
        if (axis := _by_gutters(flat, number)) is not None
    ]
    if not found:
        found = [
            axis
            for number in (_COUNTS if count is None else (count,))
            if (axis := _by_seams(pixels, number)) is not None
        ]
    if not found:
        return _equal(length, count or 1)
    return max(found, key=lambda axis: axis.evidence * (1 if len(axis.spans) > 1 else 0.1))


def _equal(length: int, count: int) -> _Axis:
    edges = [round(length * part / count) for part in range(count + 1)]
    return _Axis(tuple(zip(edges, edges[1:], strict=False)), 0.0)


def _flatness(pixels: Line) -> NDArray[np.bool_]:
    """Which lines are of one colour along their length, but for a few pixels: shape (length,).

    The colour is the line's median; a check mark that hangs over a gutter must not hide it.
    """
    middle = np.median(pixels, axis=1, keepdims=True)
    off = np.abs(pixels - middle).max(axis=2)
    return np.asarray((off > _FLAT).mean(axis=1) < 0.03)


def _by_gutters(flat: NDArray[np.bool_], count: int) -> _Axis | None:
    """The best `count` equal tiles between runs of flat lines, or None.

    Margins around the grid are flat lines too: tiles are what is left between them.
    """
    runs = _runs(~flat)
    runs = [run for run in runs if run[1] - run[0] >= 1]
    if not runs or not flat.any():
        return None
    start, stop = runs[0][0], runs[-1][1]
    if count == 1:
        return _Axis(((start, stop),), 0.5) if len(runs) == 1 else None
    best: _Axis | None = None
    gutter = _gutter(flat[start:stop], count)
    if gutter is None:
        return None
    side = (stop - start - gutter * (count - 1)) / count
    if side < _LEAST_TILE_PX or gutter > side * _WIDEST_GUTTER:
        return None
    spans, hits = [], 0.0
    for number in range(count):
        ideal = start + number * (side + gutter)
        spans.append(_snap(flat, ideal, ideal + side, max(2.0, 0.03 * side)))
    for before, after in zip(spans, spans[1:], strict=False):
        hits += float(flat[before[1] : after[0]].mean()) if after[0] > before[1] else 0.0
    inside = np.mean([flat[a + 1 : b - 1].mean() if b - a > 2 else 1.0 for a, b in spans])
    evidence = hits / (count - 1) * (1 - float(inside))
    sides = [stop - start for start, stop in spans]
    if min(sides) < 0.85 * max(sides) or evidence < 0.5:
        return None
    best = _Axis(tuple(spans), evidence)
    return best


def _gutter(flat: NDArray[np.bool_], count: int) -> float | None:
    """The usual width of the flat runs near where `count` equal tiles would meet, or None."""
    length, widths = len(flat), []
    runs = _runs(flat)
    for number in range(1, count):
        middle = length * number / count
        near = [run for run in runs if run[0] - 2 <= middle <= run[1] + 2]
        if not near:
            near = [run for run in runs if abs((run[0] + run[1]) / 2 - middle) <= 0.06 * length / count]
        if not near:
            return None
        closest = min(near, key=lambda run: abs((run[0] + run[1]) / 2 - middle))
        widths.append(closest[1] - closest[0])
    return float(np.median(widths))


def _snap(flat: NDArray[np.bool_], start: float, stop: float, reach: float) -> tuple[int, int]:
    """A tile's ideal edges, each moved to the nearest change between flat and not."""
    changes = np.flatnonzero(np.diff(np.concatenate([[True], flat, [True]]).astype(np.int8)))
    edges = []
    for ideal in (start, stop):
        nearest = changes[np.argmin(np.abs(changes - ideal))] if len(changes) else round(ideal)
        edges.append(int(nearest) if abs(nearest - ideal) <= reach else round(ideal))
    return edges[0], edges[1]


def _by_seams(pixels: Line, count: int) -> _Axis | None:
    """`count` equal tiles without gutters, by the jump of the pixels where they touch."""
    if count == 1:
        return None
    length = len(pixels)
    jump = np.abs(np.diff(pixels, axis=0)).mean(axis=(1, 2))
    usual = float(np.median(jump)) + 1.0
    edges = [0]
    strength = []
    for number in range(1, count):
        ideal = length * number / count
        low, high = int(max(ideal - 3, 1)), int(min(ideal + 3, length - 1))
        at = low + int(np.argmax(jump[low - 1 : high]))
        strength.append(float(jump[at - 1]) / usual)
        edges.append(at)
    edges.append(length)
    if min(strength) < 2.5:
        return None
    evidence = min(1.0, min(strength) / 10) * 0.6
    return _Axis(tuple(zip(edges, edges[1:], strict=False)), evidence)


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, stop) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
