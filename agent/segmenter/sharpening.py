"""Tiles found to a few pixels → tiles at the very pixels where their edges are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.segmenter.edges import Profile, Spans, widened

_LEAST_SHIFT_PX, _MOST_SHIFT_PX = 3, 8  # by how much an edge is moved, at most
_SHIFT = 0.035  # the same as a share of a tile
_BESIDE = 0.1  # what the pixel beside a sharp edge counts
_END = 1.15  # what the picture's own edge counts: more than the inner edge of a border beside it
_TWO_LINES = 0.45  # evidence that a gap needs to be taken for two lines, not for one
_EVEN = 0.8  # an even pitch is taken where it is as sharp as this share of the best places
_SQUARE, _ALIKE = 0.5, 0.5  # in plain lines, what square tiles and gaps of one width count
_NEARLY_SQUARE = 0.12  # by which sides differ at most for square tiles to be tried
_BORDER = 0.08  # of a tile, the widest border
_LEAST_BORDER_PX, _LEAST_GUTTER_PX = 2, 2
_SEEN, _AS_PLAIN = 0.5, 0.7  # evidence at a border's outer edge, and its share of the inner one's


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways to place the tiles of one axis: shape (ways,), or (ways, tiles) for starts and stops."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    sides: NDArray[np.float64]
    gaps: NDArray[np.float64]
    sharpness: NDArray[np.float32]

    def __getitem__(self, kept: NDArray[np.int64]) -> Ways:
        return Ways(
            self.starts[kept],
            self.stops[kept],
            self.sides[kept],
            self.gaps[kept],
            self.sharpness[kept],
        )

    def spans(self, way: int) -> Spans:
        """The tiles of one way."""
        starts, stops = self.starts[way].tolist(), self.stops[way].tolist()
        return tuple(zip(starts, stops, strict=True))


def sharpened(
    cols: tuple[Spans, Profile, Profile], rows: tuple[Spans, Profile, Profile]
) -> tuple[Spans, Spans]:
    """Columns and rows, moved to where their lines are plainest; borders are part of a tile.

    Each axis comes as its tiles, the profile and the crests of the evidence. Of ways that the
    lines show about as well, those with square tiles and gaps of one width are taken.
    """
    sides = [spans[0][1] - spans[0][0] for spans, _, _ in (cols, rows)]
    across, down = _ways(*cols, sides[1]), _ways(*rows, sides[0])
    square = np.abs(across.sides[:, None] - down.sides) <= 1
    alike = np.abs(across.gaps[:, None] - down.gaps) <= 1
    value = across.sharpness[:, None] + down.sharpness + _SQUARE * square + _ALIKE * alike
    col, row = np.unravel_index(int(np.argmax(value)), value.shape)
    return _with_borders(across.spans(int(col)), cols[2]), _with_borders(
        down.spans(int(row)), rows[2]
    )


def _ways(spans: Spans, profile: Profile, crests: Profile, other_side: int) -> Ways:
    """The even ways, or where they leave lines unexplained, the sharpest of all ways alone."""
    sharp = crests + np.float32(_BESIDE) * widened(profile, range(len(profile)))
    sharp[[0, -1]] = _END
    even, odd = _even(spans, sharp, other_side), _each(spans, sharp)
    most = _total(odd, sharp)
    if len(even.sharpness) and float(even.sharpness.max()) > _EVEN * most:
        return even
    at = np.array(odd)[None]
    gaps = [after[0] - before[1] for before, after in pairwise(odd)]
    side, gap = float(odd[0][1] - odd[0][0]), float(np.median(gaps)) if gaps else 0.0
    return Ways(
        at[..., 0],
        at[..., 1],
        np.array([side]),
        np.array([gap]),
        np.array([most], dtype=np.float32),
    )


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


def _even(spans: Spans, sharp: Profile, other_side: int) -> Ways:
    """Tiles of one size and pitch, the sharpest for each size and gap.

    Neither size nor pitch need be whole pixels. The inner edges stay near; the outer ones follow
    from the size, since a margin or a band beside the tiles shows lines, too.
    """
    steps = np.arange(len(spans)) / max(len(spans) - 1, 1)
    side, reach = spans[0][1] - spans[0][0], _reach(spans)
    sides = side + np.arange(-2 * reach, 2 * reach + 1) / 2
    if abs(other_side - side) < _NEARLY_SQUARE * side:
        sides = np.union1d(sides, other_side + np.arange(-2, 3) / 2)
    shift = np.arange(-reach, reach + 1)
    grid = np.meshgrid(spans[0][1] + shift, spans[-1][0] + shift, sides)
    stop, final, size = (part.ravel().astype(np.float64) for part in grid)
    first = stop - size if len(spans) > 1 else final
    begin = first[:, None] + steps * (final - first)[:, None]
    end = begin + size[:, None]
    fits = (begin[:, 0] >= -0.5) & (end[:, -1] <= len(sharp) - 0.5) & (size > 0)
    fits &= (begin[:, 1:] >= end[:, :-1] - 0.01).all(axis=1)
    begin, end, size = begin[fits], end[fits], size[fits]
    gap = begin[:, 1] - end[:, 0] if len(spans) > 1 else np.zeros(len(begin))
    starts, stops = _whole(begin, len(sharp) - 1), _whole(end, len(sharp) - 1)
    ways = Ways(starts, stops, size, gap, _totals(starts, stops, sharp))
    # What squares and gaps of one width add at most is no help to the others.
    likely = np.flatnonzero(ways.sharpness >= ways.sharpness.max(initial=0) - _SQUARE - _ALIKE)
    falling = likely[np.argsort(-ways.sharpness[likely], kind="stable")]
    kinds = np.round(2 * size[falling]) * len(sharp) + np.round(gap[falling])
    return ways[falling[np.unique(kinds, return_index=True)[1]]]


def _whole(edges: NDArray[np.float64], last: int) -> NDArray[np.int64]:
    return np.clip(np.floor(edges + 0.5).astype(np.int64), 0, last)


def _with_borders(spans: Spans, crests: Profile) -> Spans:
    """Grown on either side by as much as shows a second line outside of it, as a border does."""
    last = len(crests) - 1
    gaps = [after[0] - before[1] for before, after in pairwise(spans)]
    widest = int(_BORDER * (spans[0][1] - spans[0][0]))
    room_before, room_after = spans[0][0], last - spans[-1][1]
    before = _border([start for start, _ in spans], -1, min([widest, room_before, *gaps]), crests)
    after = _border([stop for _, stop in spans], 1, min([widest, room_after, *gaps]), crests)
    room = min(gaps, default=last) - _LEAST_GUTTER_PX
    if before + after > room:  # one of them is the gutter: that which is wider
        before, after = (before, 0) if 0 < before <= min(after or room, room) else (0, after)
        after = after if after <= room else 0
    return tuple((start - before, stop + after) for start, stop in spans)


def _border(edges: list[int], way: int, widest: int, crests: Profile) -> int:
    """How far from `edges` a second line runs outside of them, at most `widest`; 0 without one."""

    def evidence(grown: int) -> NDArray[np.float32]:
        places = [edge + way * grown for edge in edges]
        inner = [place for place in places if 0 < place < len(crests) - 1]
        return widened(crests, inner) if inner else np.zeros(1, dtype=np.float32)

    usual = evidence(0).mean()
    found = list[int]()
    for grown in range(_LEAST_BORDER_PX, widest + 1):
        outer = evidence(grown)
        if np.median(outer) > _SEEN and outer.mean() > _AS_PLAIN * usual:
            found.append(grown)
        elif found:
            break  # farther out lies the border of the next tile
    return found[len(found) // 2] if found else 0
