"""Tiles with gaps in which no ground shows → tiles that touch.

Frames of chosen tiles show lines a little inside of the tiles' edges. Where tiles touch, those on
both sides of a seam look like a gap. But between them is no ground: pictures of tiles that are not
chosen reach to the seam, and the seam itself is seen beside them.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from agent.data import Pixels
from agent.segmenter.edges import Edges, Spans, widened
from agent.segmenter.ground import gap_px, parts

_LEAST_GAP_PX, _LEAST_WITH_SEAM_PX = 4, 6  # narrower ones may be a line, or two with borders
_SEAM = 0.2  # evidence in the middle of gaps: ground has none
_UNLIKE, _ODD = 30.0, 0.25  # grey levels, and the share of stretches along a gap that differ so
_END = 1.15  # what the picture's own edge counts
_NEXT = 0.1  # what the pixel beside a sharp edge counts
_SQUARE = 0.5  # in plain lines, what square tiles count


def closed(
    pixels: Pixels, across: Edges, down: Edges, rows: Spans, cols: Spans
) -> tuple[Spans, Spans]:
    """Rows and columns without gaps where these show no ground; else as they are."""
    without_gaps = max(gap_px(rows), gap_px(cols)) < 1  # then all of them touch
    turned = pixels.transpose(1, 0, 2)
    if not (
        without_gaps
        or _is_closed(turned, down, rows, cols)
        or _is_closed(pixels, across, cols, rows)
    ):
        return rows, cols
    return touching(across, down, rows, cols)


def touching(across: Edges, down: Edges, rows: Spans, cols: Spans) -> tuple[Spans, Spans]:
    """Rows and columns without gaps, close by, where the lines are plainest."""
    if len(rows) > len(cols):
        rows = _closed(down, rows, cols, None)
        return rows, _closed(across, cols, rows, rows[0][1] - rows[0][0])
    cols = _closed(across, cols, rows, None)
    return _closed(down, rows, cols, cols[0][1] - cols[0][0]), cols


def _is_closed(pixels: Pixels, axis: Edges, spans: Spans, others: Spans) -> bool:
    """Whether the gaps between `spans`, which lie along the second axis, show no ground."""
    gap = gap_px(spans)
    if gap < _LEAST_GAP_PX:
        return False
    odd = [
        _odd(pixels[:, before[1] : after[0]], others)
        for before, after in pairwise(spans)
        if after[0] > before[1]
    ]
    if np.median(odd) >= _ODD:
        return True
    return gap >= _LEAST_WITH_SEAM_PX and _seen_at(axis, spans, others, gap / 2) >= _SEAM


def _odd(gap: Pixels, others: Spans) -> float:
    """The share of stretches along a gap that differ from most: in its most even line."""
    beside = np.concatenate([parts(gap, *other) for other in others])
    beside -= np.median(beside, axis=0)
    along = np.arange(len(beside)) - (len(beside) - 1) / 2
    slope = np.tensordot(along, beside, axes=1) / (along @ along)  # a gradient is even, too
    unlike = np.abs(beside - along[:, None, None] * slope).max(axis=2) > _UNLIKE
    return float(unlike.mean(axis=0).min())


def _seen_at(axis: Edges, spans: Spans, others: Spans, offset_px: float) -> float:
    """The evidence of lines so far behind the tiles before gaps."""
    profile = axis.profile(others[0][0], others[-1][1])
    places = [before[1] + offset_px for before, _ in pairwise(spans)]
    return float(
        np.mean([profile[math.floor(place) : math.ceil(place) + 1].max() for place in places])
    )


def _closed(axis: Edges, spans: Spans, others: Spans, square_px: float | None) -> Spans:
    """Tiles of one size that touch: where these edges, taken together, are plainest."""
    count = len(spans)
    gap = max((after[0] - before[1] for before, after in pairwise(spans)), default=0)
    if gap < 1:
        return spans
    evidence = axis.crests(others[0][0], others[-1][1])
    evidence += np.float32(_NEXT) * widened(evidence, range(len(evidence)))
    evidence[[0, -1]] = _END
    side = spans[0][1] - spans[0][0]
    sides = np.arange(2 * side, 2 * (side + gap) + 3) / 2
    starts = spans[0][0] + np.arange(-gap - 1, gap + 2)
    edges = starts[:, None, None] + sides[:, None] * np.arange(count + 1)
    fits = (edges[..., 0] >= 0) & (edges[..., -1] <= axis.length_px + 0.5)
    places = np.clip(np.floor(edges + 0.5).astype(np.int64), 0, axis.length_px)
    seen = evidence[places].sum(axis=-1) + _SQUARE * (sides == square_px)
    if not fits.any():
        return spans
    best = np.unravel_index(int(np.argmax(np.where(fits, seen, -1))), seen.shape)
    return tuple(pairwise(places[best].tolist()))
