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
from agent.segmenter.edges import Edges, Spans

_ALIKE = 26.0  # grey levels by which lines of the ground differ among themselves at most
_MOST_UNEVEN = 90.0  # grey levels by which the ground may differ along a line, as gradients do
_MIDDLE = (0.2, 0.8)  # of a tile's side: round corners and marks lie outside of it
_PARTS = 6  # of that, each averaged: noise goes, a picture stays
_AROUND_PX = 2  # by which a gap may be off where it is crossed
_REACH, _LEAST_REACH_PX = 0.05, 4  # by which an edge is moved at most, of a tile
_DEEPEST = 0.3  # of a tile, the widest margin that is taken for a part of it
_UNEQUAL, _LEAST_UNEQUAL_PX = 0.03, 2  # of a tile, by which such margins differ at most
_EVEN = 12.0  # grey levels by which a shadow beside tiles differs along a line at most
_SHADED = 20.0  # grey levels from one line to the next, at most, in a soft shadow
_PLAIN = 60.0  # grey levels from tile to ground that could not be plainer
_FRAME = 80.0  # grey levels from which on a line beside tiles is no ground, but a border of theirs
_LESS_SEEN = 0.1  # evidence that edges lose at most where they are moved to the ground
_BLURRED_PX = 2  # within which a resized edge goes from one colour to the other

Differences = NDArray[np.float32]
"""By how many grey levels a line differs from one of ground alone, at each pixel of an axis."""


def grounded(
    pixels: Pixels, across: Edges, down: Edges, rows: Spans, cols: Spans
) -> tuple[Spans, Spans]:
    """Rows and columns that end where the ground begins, as far as there is any."""
    turned = pixels.transpose(1, 0, 2)
    return _grounded(turned, down, cols, rows), _grounded(pixels, across, rows, cols)


def gap_px(spans: Spans) -> float:
    """The usual gap between two tiles; 0 for one tile."""
    return float(np.median([after[0] - before[1] for before, after in pairwise(spans)] or [0]))


def _grounded(pixels: Pixels, axis: Edges, across: Spans, spans: Spans) -> Spans:
    """`spans` of the second axis; `across` are the tiles of the first one."""
    if len(spans) < 2 or len(across) < 2:
        return spans
    length, has_gaps = pixels.shape[1], max(gap_px(spans), gap_px(across)) >= 1
    windows = _windows(spans, length)
    deep = round(_DEEPEST * (spans[0][1] - spans[0][0]))
    windows[0] = windows[0][0], spans[0][0] + deep
    windows[-1] = spans[-1][1] - deep, windows[-1][1]
    ends = np.cumsum([stop - start for start, stop in windows])[:-1]
    near = np.concatenate([pixels[:, start:stop] for start, stop in windows], axis=1)
    along, off = _differences(np.ascontiguousarray(near), across)
    parts = list(zip(windows, np.split(along, ends), np.split(along + off, ends), strict=True))
    usual = float(np.median([each.min() for _, _, each in parts[1:-1]])) if has_gaps else 0.0
    if usual > _MOST_UNEVEN:
        return spans
    differ = np.full(length, np.nan, dtype=np.float32)
    ground = np.zeros(length, dtype=np.bool_)
    for (start, stop), beside, each in parts:
        differ[start:stop] = each
        ground[start:stop] = _grown(beside, each, usual if has_gaps else _EVEN - _ALIKE)
    spans = _without_margins(ground, differ, spans)
    if not has_gaps:
        return spans
    found = _of_one_size(_between(ground, _windows(spans, length), spans), spans, length)
    before, after = (float(axis.sides(each, across).mean()) for each in (spans, found))
    if after < before - _LESS_SEEN:
        return spans
    return max((spans, found), key=lambda each: _contrast(each, differ))


def _without_margins(ground: NDArray[np.bool_], differ: Differences, spans: Spans) -> Spans:
    """`spans` less the ground at both ends, where it is as wide at both."""
    begin, end = spans[0][0], spans[-1][1]
    deep = round(_DEEPEST * (spans[0][1] - begin))
    before = _margin(ground[begin : begin + deep], differ[begin : begin + deep])
    behind = _margin(ground[end - deep : end][::-1], differ[end - deep : end][::-1])
    unequal = max(round(_UNEQUAL * (spans[0][1] - begin)), _LEAST_UNEQUAL_PX)
    if min(before, behind) < 1 or abs(before - behind) > unequal:
        return spans
    begin, end = begin + before, end - behind
    if len(spans) == 2:
        return (begin, spans[0][1]), (spans[1][0], end)
    pitch = (end - begin + gap_px(spans)) / len(spans)
    starts = [begin + number * pitch for number in range(len(spans))]
    side = pitch - gap_px(spans)
    return tuple((round(start), round(start + side)) for start in starts)


def _margin(ground: NDArray[np.bool_], differ: Differences) -> int:
    """How many lines of ground there are before a tile begins; 0 where that is not plain."""
    begin = int(np.argmax(ground[: _BLURRED_PX + 1]))
    width = begin + int(np.argmin(ground[begin:]))
    beyond = differ[width : width + _BLURRED_PX + 1]
    plain = ground[begin] and not ground[width]
    return width if plain and beyond.max() > differ[begin:width].min() + _ALIKE else 0


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
    # What differs plainly beside tiles is no ground, but a border of theirs.
    plain = np.minimum(inside - outside, _PLAIN) - np.maximum(outside - _FRAME, 0)
    return float(np.maximum(np.nan_to_num(plain), -_PLAIN).sum())


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
    beside = np.concatenate([parts(pixels, *span) for span in across])
    usual = _quantile(beside, 0.5)
    crossings = [sorted((before[1], after[0])) for before, after in pairwise(across)]
    # Though ground be a single pixel of a crossing: as narrow as that a gap may be.
    off = [
        np.abs(pixels[max(start - _AROUND_PX, 0) : stop + _AROUND_PX] - usual).max(axis=(0, 2))
        for start, stop in crossings
    ]
    along = np.abs(beside - usual).max(axis=2).mean(axis=0)
    return along, np.median(off, axis=0)  # marks may lie on some crossings


def parts(pixels: Pixels, start: int, stop: int) -> NDArray[np.float32]:
    """The means of some parts of each line from `start` to `stop`, shape (parts, lines, 3)."""
    first, last = (round(start + share * (stop - start)) for share in _MIDDLE)
    long = max((last - first) // _PARTS, 1)
    middle = pixels[first : first + (last - first) // long * long]
    return np.asarray(middle.reshape(-1, long, *pixels.shape[1:]).mean(axis=1, dtype=np.float32))


def _quantile(values: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Of the first axis, without going between two values."""
    at = round(share * (len(values) - 1))
    return np.asarray(np.partition(values, at, axis=0)[at])


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
            beyond = differ[edge : edge + 1 + _BLURRED_PX].max()
            stop = edge + bool(not even[edge] and differ[edge] < beyond / 2)
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
    inside = size > 0 and placed[0][0] >= 0 and placed[-1][1] <= length
    apart = all(after[0] >= before[1] for before, after in pairwise(placed))
    return tuple(placed) if inside and apart else known
