"""Tiles at the pixels where their edges are plainest → tiles that end where the ground begins.

A line of pixels between tiles shows the ground all along: its colour beside the tiles is that where
it crosses the gaps of the other axis. The line of a border has another colour there. So borders are
told from gutters, and a narrow margin from tiles that begin at the picture's own edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.data import Pixels
from agent.segmenter.edges import Spans

_ALIKE = 26.0  # grey levels by which lines of the ground differ among themselves at most
_MOST_UNEVEN = 60.0  # grey levels by which the ground may differ along a line, as gradients do
_MIDDLE = (0.2, 0.8)  # of a tile's side: round corners and marks lie outside of it
_PARTS = 6  # of that, each averaged: noise goes, a picture stays
_AROUND_PX = 2  # by which a gap may be off where it is crossed
_REACH, _LEAST_REACH_PX = 0.05, 4  # by which an edge is moved at most, of a tile
_EVEN = 12.0  # grey levels by which a shadow beside tiles differs along a line at most
_SHADED = 20.0  # grey levels from one line to the next, at most, in a soft shadow
_PLAIN = 60.0  # grey levels from tile to ground that could not be plainer
_BLURRED_PX = 2  # within which a resized edge goes from one colour to the other

Differences = NDArray[np.float32]
"""By how many grey levels a line differs from one of ground alone, at each pixel of an axis."""


def grounded(pixels: Pixels, rows: Spans, cols: Spans) -> tuple[Spans, Spans]:
    """Rows and columns that end where the ground begins, as far as there is any between them."""
    if max(_gap(rows), _gap(cols)) < 1:
        return rows, cols
    return _grounded(pixels.transpose(1, 0, 2), cols, rows), _grounded(pixels, rows, cols)


def _gap(spans: Spans) -> float:
    return float(np.median([after[0] - before[1] for before, after in pairwise(spans)] or [0]))


def _grounded(pixels: Pixels, across: Spans, spans: Spans) -> Spans:
    """`spans` of the second axis; `across` are the tiles of the first one."""
    if len(spans) < 2 or len(across) < 2:
        return spans
    windows = _windows(spans, pixels.shape[1])
    differ = np.full(pixels.shape[1], np.nan, dtype=np.float32)
    ground = np.zeros(pixels.shape[1], dtype=np.bool_)
    seen = [_differences(pixels[:, start:stop], across) for start, stop in windows]
    usual = float(np.median([(along + off).min() for along, off in seen[1:-1]]))
    if usual > _MOST_UNEVEN:
        return spans
    for (start, stop), (along, off) in zip(windows, seen, strict=True):
        differ[start:stop] = along + off
        ground[start:stop] = _grown(along, along + off, usual)
    found = _of_one_size(_between(ground, windows, spans), spans, len(ground))
    return max((spans, found), key=lambda each: _contrast(each, differ))


def _between(ground: NDArray[np.bool_], windows: Sequence[tuple[int, int]], spans: Spans) -> Spans:
    """The tiles between runs of ground, one in each window; else their edges as in `spans`."""
    first, *gaps, last = windows
    inner = zip(gaps, pairwise(spans), strict=True)
    between = [_run(ground, *gap) or (before[1], after[0]) for gap, (before, after) in inner]
    begin = 0 if first[0] == 0 else spans[0][0]
    begin = max((at + 1 for at in range(*first) if ground[at]), default=begin)
    end = len(ground) if last[1] == len(ground) else spans[-1][1]
    end = min((at for at in range(*last) if ground[at]), default=end)
    starts, stops = [begin, *(stop for _, stop in between)], [*(start for start, _ in between), end]
    return tuple(zip(starts, stops, strict=True))


def _contrast(spans: Spans, differ: Differences) -> float:
    """By how much the outermost lines of tiles differ more from the ground than those beside."""
    starts, stops = np.array(spans).T
    padded = np.pad(differ, 1)  # beyond the picture is no tile
    inside = np.concatenate([padded[starts + 1], padded[stops]])
    outside = np.concatenate([padded[starts], padded[stops + 1]])
    return float(np.clip(np.nan_to_num(inside - outside), -_PLAIN, _PLAIN).sum())


def _windows(spans: Spans, length: int) -> list[tuple[int, int]]:
    """Where the ground may end before the first tile, between tiles and behind the last one."""
    side = spans[0][1] - spans[0][0]
    reach = min(max(_LEAST_REACH_PX, round(_REACH * side)), side // 2)
    edges = [(spans[0][0],) * 2, *((b[1], a[0]) for b, a in pairwise(spans)), (spans[-1][1],) * 2]
    return [(max(start - reach, 0), min(stop + reach, length)) for start, stop in edges]


def _differences(pixels: Pixels, across: Spans) -> tuple[Differences, Differences]:
    """How a line's parts beside tiles differ from each other, and from where gaps are crossed.

    Both of shape (lines,), in grey levels.
    """
    parts = []
    for start, stop in across:
        cuts = np.round(start + np.linspace(*_MIDDLE, _PARTS + 1) * (stop - start)).astype(int)
        parts += [pixels[a:b].mean(axis=0) for a, b in pairwise(cuts.tolist()) if a < b]
    beside = np.stack(parts)
    usual = np.median(beside, axis=0)
    crossings = [
        pixels[max(before[1] - _AROUND_PX, 0) : after[0] + _AROUND_PX]
        for before, after in pairwise(across)
    ]
    off = np.abs(np.concatenate(crossings) - usual).max(axis=2)
    # Of a crossing this share is ground; marks may cover half of it.
    share = max(_gap(across), 1) / (max(_gap(across), 1) + 2 * _AROUND_PX)
    along = np.abs(beside - usual).max(axis=2).mean(axis=0)
    return along, np.quantile(off, 1 - share / 2, axis=0)


def _grown(along: Differences, differ: Differences, usual: float) -> NDArray[np.bool_]:
    """The lines of ground, with those beside them that are in a shadow or blurred."""
    ground, even = differ < usual + _ALIKE, along < usual + _EVEN
    onward = _grown_on(ground, even, differ)
    return onward | _grown_on(ground[::-1], even[::-1], differ[::-1])[::-1]


def _grown_on(
    ground: NDArray[np.bool_], even: NDArray[np.bool_], differ: Differences
) -> NDArray[np.bool_]:
    """As `_grown`, towards the end. A shadow grows softly and ends at a tile."""
    grown = ground.copy()
    for edge in (np.flatnonzero(ground[:-1] & ~ground[1:]) + 1).tolist():
        stop = edge
        while stop < len(ground) and even[stop] and differ[stop] < differ[stop - 1] + _SHADED:
            stop += 1
        if stop == len(ground) or stop == edge:
            stop = edge + bool(differ[edge] < differ[edge : edge + 1 + _BLURRED_PX].max() / 2)
        grown[edge:stop] = True
    return grown


def _run(ground: NDArray[np.bool_], start: int, stop: int) -> tuple[int, int] | None:
    """The longest run of ground from `start` to `stop`."""
    inside = np.flatnonzero(ground[start:stop]) + start
    if not len(inside):
        return None
    runs = np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1)
    longest = max(runs, key=len)
    return int(longest[0]), int(longest[-1]) + 1


def _of_one_size(found: Spans, known: Spans, length: int) -> Spans:
    """`found`, where its tiles are of one size or can be brought to it; else `known`."""
    sizes = np.array([stop - start for start, stop in found])
    before = known[0][1] - known[0][0]
    support = (np.abs(sizes[:, None] - sizes) <= 1).sum(axis=1)
    size = int(sizes[np.lexsort((np.abs(sizes - before), -support))[0]])
    placed = []
    for number, (start, stop) in enumerate(found):
        # Of a tile of another size, the side that is the surer is kept.
        moved = abs(start - known[number][0]), abs(stop - known[number][1])
        at_end = number == 0 or (number < len(found) - 1 and moved[1] < moved[0])
        if abs(stop - start - size) <= 1:
            placed.append((start, stop))
        else:
            placed.append((stop - size, stop) if at_end else (start, start + size))
    inside = placed[0][0] >= 0 and placed[-1][1] <= length
    apart = all(after[0] >= before[1] for before, after in pairwise(placed))
    return tuple(placed) if inside and apart else known
