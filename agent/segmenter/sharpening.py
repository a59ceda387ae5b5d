"""Tiles found to a few pixels → tiles at the very pixels where their edges are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.segmenter.edges import Profile, Spans, widened

_LEAST_SHIFT_PX, _MOST_SHIFT_PX = 3, 6  # by how much an edge is moved, at most
_SHIFT = 0.03  # the same as a share of a tile
_ODD_PX = 2.5  # tiles that are off an even pitch by more lie unevenly
_BESIDE = 0.1  # what the pixel beside a sharp edge counts
_END = 1.15  # what the picture's own edge counts: more than the inner edge of a border beside it
_TWO_LINES = 0.45  # evidence that a gap needs to be taken for two lines, not for one
_EVEN = 0.95  # an even pitch is taken where it is as sharp as this share of the best places
_BORDER = 0.08  # of a tile, the widest border
_LEAST_BORDER_PX, _LEAST_GUTTER_PX = 2, 2
_SEEN, _AS_PLAIN = 0.5, 0.7  # evidence at a border's outer edge, and its share of the inner one's


def sharpened(spans: Spans, profile: Profile, crests: Profile) -> Spans:
    """`spans` with their edges where `crests` are highest, borders being part of a tile."""
    sharp = crests + np.float32(_BESIDE) * widened(profile, range(len(profile)))
    sharp[[0, -1]] = _END
    placed, even = _each(spans, sharp), _even(spans, sharp)
    if even and _total(even, sharp) > _EVEN * _total(placed, sharp):
        placed = even
    return _with_borders(placed, crests)


def _reach(spans: Spans) -> int:
    side = spans[0][1] - spans[0][0]
    return min(max(_LEAST_SHIFT_PX, int(_SHIFT * side)), _MOST_SHIFT_PX)


def _total(spans: Spans, sharp: Profile) -> float:
    at = np.array(spans)
    return float(_totals(at[None, :, 0], at[None, :, 1], sharp)[0])


def _totals(
    starts: NDArray[np.int64], stops: NDArray[np.int64], sharp: Profile
) -> NDArray[np.float32]:
    """How sharp all edges are together, for each way to place the tiles: shape (ways,).

    The line between tiles that touch counts once.
    """
    gap = starts[:, 1:] - stops[:, :-1]
    shared = np.where(gap == 0, sharp[starts[:, 1:]], np.float32(_TWO_LINES))
    return np.asarray(sharp[starts].sum(axis=1) + sharp[stops].sum(axis=1) - shared.sum(axis=1))


def _each(spans: Spans, sharp: Profile) -> Spans:
    """Tiles of one size, each where it is sharpest."""
    side, reach = spans[0][1] - spans[0][0], _reach(spans)
    ways = (_placed(spans, width, sharp) for width in range(max(side - reach, 1), side + reach + 1))
    return max(
        (way for way in ways if way is not None),
        key=lambda way: _total(way, sharp),
        default=spans,
    )


def _placed(spans: Spans, width: int, sharp: Profile) -> Spans | None:
    """Tiles of this width, one after the other at the sharpest place left; None without room."""
    last, reach = len(sharp) - 1, _reach(spans)
    end, placed = 0, list[tuple[int, int]]()
    for start, _ in spans:
        places = np.arange(max(start - reach, end), min(start + reach, last - width) + 1)
        if not len(places):
            return None
        value = sharp[places] + sharp[places + width]
        if placed:
            value -= np.where(places == end, sharp[end], np.float32(_TWO_LINES))
        end = int(places[int(np.argmax(value))]) + width
        placed.append((end - width, end))
    return tuple(placed)


def _even(spans: Spans, sharp: Profile) -> Spans | None:
    """The sharpest tiles of one size and pitch, neither in whole pixels; None for uneven tiles."""
    starts = np.array([start for start, _ in spans])
    steps = np.arange(len(spans)) / max(len(spans) - 1, 1)
    if np.abs(starts - (starts[0] + steps * (starts[-1] - starts[0]))).max() > _ODD_PX:
        return None
    reach = _reach(spans)
    shift = np.arange(-reach, reach + 1)
    widths = spans[0][1] - spans[0][0] + np.arange(-2 * reach, 2 * reach + 1) / 2
    grid = np.meshgrid(starts[0] + shift, starts[-1] + shift, widths)
    first, final, width = (part.ravel() for part in grid)
    begin = first[:, None] + steps * (final - first)[:, None]
    end = begin + width[:, None]
    fits = (begin[:, 0] >= 0) & (end[:, -1] <= len(sharp) - 1) & (width > 0)
    fits &= (begin[:, 1:] >= end[:, :-1] - 0.01).all(axis=1)
    if not fits.any():
        return None
    begin = np.floor(begin[fits] + 0.5).astype(np.int64)
    end = np.floor(end[fits] + 0.5).astype(np.int64)
    best = int(np.argmax(_totals(begin, end, sharp)))
    return tuple(zip(begin[best].tolist(), end[best].tolist(), strict=True))


def _with_borders(spans: Spans, crests: Profile) -> Spans:
    """Grown on either side by as much as shows a second line outside of it, as a border does."""
    last = len(crests) - 1
    gaps = [after[0] - before[1] for before, after in pairwise(spans)]
    widest = int(_BORDER * (spans[0][1] - spans[0][0]))
    before = _border([start for start, _ in spans], -1, min([widest, *gaps]), crests)
    after = _border([stop for _, stop in spans], 1, min([widest, *gaps]), crests)
    room = min(gaps, default=last) - _LEAST_GUTTER_PX
    if before + after > room:
        before, after = (before, 0) if before <= room else (0, after if after <= room else 0)
    return tuple((max(start - before, 0), min(stop + after, last)) for start, stop in spans)


def _border(edges: list[int], way: int, widest: int, crests: Profile) -> int:
    """How far from `edges` a second line runs outside of them, at most `widest`; 0 without one."""

    def evidence(grown: int) -> NDArray[np.float32]:
        places = [edge + way * grown for edge in edges]
        inner = [place for place in places if 0 < place < len(crests) - 1]
        return widened(crests, inner) if inner else np.zeros(1, dtype=np.float32)

    for grown in range(widest, _LEAST_BORDER_PX - 1, -1):
        outer = evidence(grown)
        if np.median(outer) > _SEEN and outer.mean() > _AS_PLAIN * evidence(0).mean():
            return grown
    return 0
