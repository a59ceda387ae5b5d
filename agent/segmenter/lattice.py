"""Evidence along one axis → the row of equal tiles that it shows best, for each number of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.segmenter.edges import Profile, Spans, widened

LEAST_TILE_PX = 8
_THRESHOLD = 0.25  # evidence above it speaks for a line, below it against one
_END = 0.4  # what the picture's own edge counts, which may well be the edge of a tile
_PEAKS, _WIDTHS, _TILES = 40, 16, 40  # how many lines, sides and places of tiles are tried
_WIDEST_GAP = 0.6  # of a tile
_GAP_COST = 0.1  # for a gap as wide as a tile: of two ways to see it, tiles rather than gaps
_ODD_GAP_COST = 1.0  # for a gap that differs from those of the other axis by a quarter of a tile
_STRETCH_COST = 0.3  # for a tile e times as long as wide, or the other way round
_OUTSIDE_COST = 3.5  # for a tile that the lines of the other axis do not run along
_FAINT, _FAINT_COST = 0.6, 3.0  # of the plainest line between tiles: fainter ones cost so much
_TOUCHING_PX = 3  # tiles that are no farther apart show one line rather than two
_INSIDE = 0.93  # the share of a tile that they run along at least: round corners have none


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the other axis is known to show.

    `inside` (length + 1,) adds up where its lines run along this axis: beside tiles, not in gaps.
    """

    inside: NDArray[np.float32]
    side_px: int
    gap_px: float


@dataclass(frozen=True, slots=True)
class Chain:
    """Tiles of one size side by side, and the evidence above the threshold at all their edges."""

    spans: Spans
    evidence: float

    @property
    def side_px(self) -> int:
        """The size of a tile."""
        return self.spans[0][1] - self.spans[0][0]

    @property
    def gap_px(self) -> float:
        """The usual gap between two tiles."""
        gaps = [after[0] - before[1] for before, after in pairwise(self.spans)]
        return float(np.median(gaps)) if gaps else 0.0


def chains(profile: Profile, counts: Sequence[int], other: Neighbours | None = None) -> list[Chain]:
    """The best chain of each number of tiles, the plainest first."""
    length = len(profile) - 1
    worth = widened(profile, range(length + 1)) - np.float32(_THRESHOLD)
    worth[[0, -1]] = np.maximum(worth[[0, -1]], _END)
    peaks = _peaks(profile)
    widths = _widths(peaks, worth, length // max(min(counts), 1))
    if not len(widths):
        return []
    starts, alone = _tiles(peaks, widths, worth, other)
    links = _links(starts, widths, alone, profile, worth, other)
    return sorted(
        _longest(starts, widths, alone, links, worth, counts),
        key=lambda chain: chain.evidence,
        reverse=True,
    )


def _peaks(profile: Profile) -> NDArray[np.int64]:
    """The plainest boundaries, and both ends."""
    inner = profile[1:-1]
    top = (inner >= profile[:-2]) & (inner >= profile[2:]) & (inner > _THRESHOLD / 2)
    found = np.flatnonzero(top) + 1
    found = found[np.argsort(-profile[found], kind="stable")[:_PEAKS]]
    return np.unique(np.concatenate([found, [0, len(profile) - 1]]))


def _widths(peaks: NDArray[np.int64], worth: Profile, widest: int) -> NDArray[np.int64]:
    """The distances of boundaries that the profile shows most often: sides of tiles among them."""
    apart = peaks[None, :] - peaks[:, None]
    weight = np.maximum(worth[peaks], 0)
    both = np.minimum(weight[None, :], weight[:, None])
    fits = (apart >= LEAST_TILE_PX) & (apart <= widest)
    seen = np.bincount(apart[fits], weights=both[fits], minlength=3).astype(np.float64)
    smooth = seen.copy()
    smooth[1:] += seen[:-1] / 2
    smooth[:-1] += seen[1:] / 2
    order = np.argsort(-smooth, kind="stable")[:_WIDTHS]
    return np.asarray(order[smooth[order] > 0])


def _tiles(
    peaks: NDArray[np.int64], widths: NDArray[np.int64], worth: Profile, other: Neighbours | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Where tiles of each width may begin, in order, and what each is worth: (widths, tiles)."""
    last = len(worth) - 1
    starts = np.concatenate(
        [np.broadcast_to(peaks, (len(widths), len(peaks))), peaks - widths[:, None]], axis=1
    )
    starts.sort(axis=1)
    stops = starts + widths[:, None]
    fits = (starts >= 0) & (stops <= last)
    fits[:, 1:] &= starts[:, 1:] != starts[:, :-1]
    starts, stops = np.where(fits, starts, 0), np.where(fits, stops, 0)
    alone = worth[starts] + worth[stops]
    if other is not None:
        share = (other.inside[stops] - other.inside[starts]) / widths[:, None]
        alone -= np.float32(_OUTSIDE_COST) * np.maximum(_INSIDE - share, 0)
        stretch = np.abs(np.log(widths / other.side_px)).astype(np.float32)
        alone -= np.float32(_STRETCH_COST) * stretch[:, None]
    alone[~fits] = -np.inf
    kept = np.sort(np.argsort(-alone, axis=1, kind="stable")[:, :_TILES], axis=1)
    return np.take_along_axis(starts, kept, axis=1), np.take_along_axis(alone, kept, axis=1)


def _links(
    starts: NDArray[np.int64],
    widths: NDArray[np.int64],
    alone: NDArray[np.float32],
    profile: Profile,
    worth: Profile,
    other: Neighbours | None,
) -> NDArray[np.float32]:
    """What a tile adds after another one: (widths, tiles before, tiles after)."""
    side = widths[:, None, None].astype(np.float32)
    gap = starts[:, None, :] - starts[:, :, None] - side
    links = alone[:, None, :] - np.float32(_GAP_COST) * gap / side
    # The line between tiles that touch is one line, not two, though both see it from beside.
    links -= np.where(gap <= 1, np.maximum(worth[starts], 0)[:, None, :], 0)
    links -= np.where(gap == 2, _shared(profile, worth)[starts][:, None, :], 0)
    if other is not None:
        odd = np.abs(gap - np.float32(other.gap_px)) / side
        links -= np.float32(_ODD_GAP_COST) * np.minimum(4 * odd, 1)
    links[(gap < 0) | (gap > _WIDEST_GAP * side + 1)] = -np.inf
    return np.asarray(links)


def _shared(profile: Profile, worth: Profile) -> Profile:
    """What is counted twice where tiles that are 2 px apart see one line between: by their start.

    Two lines are seen without the boundary between them, too.
    """
    apart = profile - np.float32(_THRESHOLD)
    stops, outer = np.pad(worth, (2, 0))[:-2], np.pad(apart, (3, 0))
    two = np.maximum(outer[:-3], outer[1:-2]) + np.maximum(apart, np.pad(apart, (0, 1))[1:])
    one = np.maximum(stops, worth)
    return np.asarray(np.maximum(stops + worth - np.maximum(one, two), 0))


def _longest(
    starts: NDArray[np.int64],
    widths: NDArray[np.int64],
    alone: NDArray[np.float32],
    links: NDArray[np.float32],
    worth: Profile,
    counts: Sequence[int],
) -> list[Chain]:
    """The best way through the links for each number of tiles (dynamic programming)."""
    total, before, found = alone, [], []
    for number in range(1, max(counts) + 1):
        if number > 1:
            reached = total[:, :, None] + links
            before.append(reached.argmax(axis=1))
            total = reached.max(axis=1)
        row, last = np.unravel_index(int(np.argmax(total)), total.shape)
        if not np.isfinite(total[row, last]):
            break
        if number in counts:
            way = [int(last)]
            for step in reversed(before):
                way.append(int(step[row, way[-1]]))
            begins = [int(starts[row, place]) for place in reversed(way)]
            spans = tuple((begin, begin + int(widths[row])) for begin in begins)
            found.append(Chain(spans, float(total[row, last]) - _shortfall(spans, worth)))
    return found


def _shortfall(spans: Spans, worth: Profile) -> float:
    """The cost of lines between tiles far fainter than the plainest: they cut tiles in parts."""
    evidence = np.maximum(worth + np.float32(_THRESHOLD), 0)
    between = [
        float(max(evidence[stop], evidence[start]))
        if start - stop <= _TOUCHING_PX
        else float(evidence[stop] + evidence[start]) / 2
        for (_, stop), (start, _) in pairwise(spans)
    ]
    least = _FAINT * max(between, default=0.0)
    return _FAINT_COST * sum(max(least - each, 0.0) for each in between)
