"""Tiles found to a few pixels → tiles at the very pixels where their edges are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from agent.segmenter.edges import Profile, Spans, widened

_LEAST_SHIFT_PX, _MOST_SHIFT_PX = 3, 8  # by how much an edge is moved, at most
_SHIFT = 0.035  # the same as a share of a tile
_ODD_PX = 2.5  # tiles that are off an even pitch by more lie unevenly
_BESIDE = 0.1  # what the pixel beside a sharp edge counts
_END = 1.15  # what the picture's own edge counts: more than the inner edge of a border beside it
_TWO_LINES = 0.45  # evidence that a gap needs to be taken for two lines, not for one
_EVEN = 0.85  # an even pitch is taken where it is as sharp as this share of the best places
_SQUARE = 0.5  # in plain lines, what it counts that tiles are square
_NEARLY_SQUARE = 0.12  # by which sides differ at most for square tiles to be tried
_BORDER = 0.08  # of a tile, the widest border
_LEAST_BORDER_PX, _LEAST_GUTTER_PX = 2, 2
_SEEN, _AS_PLAIN = 0.5, 0.7  # evidence at a border's outer edge, and its share of the inner one's


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the tiles of one axis may lie: unevenly, and evenly for each width of a tile.

    `odd` is the sharpest of all, or None where `even` explains the lines as well.
    """

    even: dict[float, tuple[float, Spans]]  # by width: how sharp, and where
    odd: Spans | None
    crests: Profile


def sharpened(
    cols: tuple[Spans, Profile, Profile], rows: tuple[Spans, Profile, Profile]
) -> tuple[Spans, Spans]:
    """Columns and rows, moved to where their lines are plainest; borders are part of a tile.

    Each axis comes as its tiles, the profile and the crests of the evidence. Of two ways that the
    lines show about as well, the one with square tiles is taken.
    """
    sides = [spans[0][1] - spans[0][0] for spans, _, _ in (cols, rows)]
    across, down = _ways(*cols, sides[1]), _ways(*rows, sides[0])
    best = max(
        product(across.even.items(), down.even.items()),
        key=lambda pair: (
            pair[0][1][0] + pair[1][1][0] + _SQUARE * (abs(pair[0][0] - pair[1][0]) <= 1)
        ),
        default=None,
    )
    chosen = [cols[0], rows[0]] if best is None else [best[0][1][1], best[1][1][1]]
    first, second = (
        _with_borders(ways.odd or spans, ways.crests)
        for ways, spans in zip((across, down), chosen, strict=True)
    )
    return first, second


def _ways(spans: Spans, profile: Profile, crests: Profile, other_side: int) -> Ways:
    sharp = crests + np.float32(_BESIDE) * widened(profile, range(len(profile)))
    sharp[[0, -1]] = _END
    even, odd = _even(spans, sharp, other_side), _each(spans, sharp)
    most = max((total for total, _ in even.values()), default=0.0)
    if most > _EVEN * _total(odd, sharp):
        return Ways(even, None, crests)
    return Ways({float(odd[0][1] - odd[0][0]): (_total(odd, sharp), odd)}, odd, crests)


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


def _even(spans: Spans, sharp: Profile, other_side: int) -> dict[float, tuple[float, Spans]]:
    """The sharpest tiles of one size and pitch for each width; none for tiles that lie unevenly.

    Neither width nor pitch need be whole pixels. The inner edges stay near; the outer ones follow
    from the width, since a margin or a band beside the tiles shows lines, too.
    """
    starts = np.array([start for start, _ in spans])
    steps = np.arange(len(spans)) / max(len(spans) - 1, 1)
    if np.abs(starts - (starts[0] + steps * (starts[-1] - starts[0]))).max() > _ODD_PX:
        return {}
    side, reach = spans[0][1] - spans[0][0], _reach(spans)
    widths = side + np.arange(-2 * reach, 2 * reach + 1) / 2
    if abs(other_side - side) < _NEARLY_SQUARE * side:
        widths = np.union1d(widths, other_side + np.arange(-2, 3) / 2)
    shift = np.arange(-reach, reach + 1)
    grid = np.meshgrid(spans[0][1] + shift, spans[-1][0] + shift, widths)
    stop, final, width = (part.ravel() for part in grid)
    first = stop - width if len(spans) > 1 else final
    begin = first[:, None] + steps * (final - first)[:, None]
    end = begin + width[:, None]
    fits = (begin[:, 0] >= -0.5) & (end[:, -1] <= len(sharp) - 0.5) & (width > 0)
    fits &= (begin[:, 1:] >= end[:, :-1] - 0.01).all(axis=1)
    width, begin, end = width[fits], begin[fits], end[fits]
    begin = np.maximum(np.floor(begin + 0.5).astype(np.int64), 0)
    end = np.minimum(np.floor(end + 0.5).astype(np.int64), len(sharp) - 1)
    totals = _totals(begin, end, sharp)
    falling = np.argsort(-totals, kind="stable")
    sizes, place = np.unique(width[falling], return_index=True)
    return {
        float(size): (
            float(totals[best]),
            tuple(zip(begin[best].tolist(), end[best].tolist(), strict=True)),
        )
        for size, best in zip(sizes, falling[place], strict=True)
    }


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
