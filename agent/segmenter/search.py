"""Evidence along both axes → the lattice that explains both.

Each axis tells the other where to look: columns run beside tiles and not through the instruction
above them, and gaps are mostly as wide across as down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from agent.segmenter.confidence import logistic, seen
from agent.segmenter.edges import Edges, Spans
from agent.segmenter.lattice import Chain, Neighbours, chains
from agent.segmenter.sharpening import sharpened

_SEEDS = 2  # chains of each axis from which the other axis is explored
_LONGEST = 2.5  # times as long as wide
_MOST = 0.8  # of the lines that run on beyond the tiles
_RUNS_ON, _CONTRAST = 0.4, 0.25  # evidence of most lines there; of all, over elsewhere
_SNUG_RUNS_ON, _SNUG_CONTRAST = 0.15, 0.1  # the same where they lead to the picture's edge
_SNUG = 0.06  # of a tile, from that edge
_FEWEST = 4  # lines that run on: two of a band's text do by chance
_OVERHANG = 0.08  # of a tile, that such tiles may reach over the edge of the picture
_SHRUNK = 0.09  # of a tile, by which the lines of a chosen one may lie inside of its edges
_SEEN, _COVERS = 1.0, 1.0  # evidence that plainness is worth, and the whole picture covered
_PLAIN = 0.97  # plainness that needs no second opinion
# Log odds of "all tiles right" by their lines alone, before they are placed to the pixel.
_BIAS, _MEAN, _WEAKEST = -8.6, 6.6, 8.6


@dataclass(frozen=True, slots=True)
class Lattice:
    """Rows and columns that go together; `evidence` is that of both chains.

    `plainness`, in [0, 1]: how plainly the edges of tiles are seen."""

    rows: Spans
    cols: Spans
    evidence: float
    plainness: float

    @property
    def area_px(self) -> int:
        """From the first tile to the last one."""
        height, width = (spans[-1][1] - spans[0][0] for spans in (self.rows, self.cols))
        return height * width

    @property
    def stretch(self) -> float:
        """How many times as long as wide a tile is, or as wide as long."""
        height, width = (spans[0][1] - spans[0][0] for spans in (self.rows, self.cols))
        return max(height / width, width / height)


def search(across: Edges, down: Edges, rows: Sequence[int], cols: Sequence[int]) -> Lattice | None:
    """The lattice of one of these numbers of rows and columns that is seen best, or None."""
    columns = chains(across.profile(0, down.length_px), cols)
    lines = chains(down.profile(0, across.length_px), rows)
    if columns and lines:
        first = _settled(across, down, lines[0], rows, cols)
        kept = (len(lines[0].spans), len(columns[0].spans))
        if first and first.plainness > _PLAIN and (len(first.rows), len(first.cols)) == kept:
            return _sharp(across, down, first)
    found = [
        lattice
        for seed in _seeds(across, down, lines, columns, rows)
        if (lattice := _settled(across, down, seed, rows, cols)) is not None
    ]
    whole_px = across.length_px * down.length_px
    likely = [lattice for lattice in found if lattice.stretch <= _LONGEST]
    if not likely and columns and lines:
        # Led astray by each other: what was seen first may be better.
        likely = [_lattice(across, down, lines[0], columns[0])]
    best = max(
        likely or found,
        key=lambda lattice: (
            lattice.evidence + _SEEN * lattice.plainness + _COVERS * lattice.area_px / whole_px
        ),
        default=None,
    )
    if best is None:
        return None
    if best.plainness <= _PLAIN:
        best = _extended(across, down, best, rows, cols)
    return _sharp(across, down, best)


def _seeds(
    across: Edges, down: Edges, lines: list[Chain], columns: list[Chain], rows: Sequence[int]
) -> Iterator[Chain]:
    """Rows to begin with: those seen at first sight, and those beside the columns seen so."""
    yield from lines[:_SEEDS]
    for chain in columns[:_SEEDS]:
        yield from _beside(down, across, chain, rows)[:1]


def _beside(axis: Edges, other: Edges, known: Chain, counts: Sequence[int]) -> list[Chain]:
    """The chains of `axis`, given one of the other axis."""
    profile = axis.profile(known.spans[0][0], known.spans[-1][1])
    neighbours = Neighbours(other.inside(known.spans, axis.length_px), known.gap_px)
    return chains(profile, counts, neighbours)


def _settled(
    across: Edges, down: Edges, seed: Chain, rows: Sequence[int], cols: Sequence[int]
) -> Lattice | None:
    """Columns beside these rows, then rows beside those columns."""
    columns = _beside(across, down, seed, cols)
    lines = _beside(down, across, columns[0], rows) if columns else []
    if not lines:
        return None
    return _lattice(across, down, lines[0], columns[0])


def _lattice(across: Edges, down: Edges, lines: Chain, columns: Chain) -> Lattice:
    spans = lines.spans, columns.spans
    evidence = lines.evidence + columns.evidence
    return Lattice(*spans, evidence, _plainness(across, down, *spans))


def _extended(
    across: Edges, down: Edges, found: Lattice, rows: Sequence[int], cols: Sequence[int]
) -> Lattice:
    """With the rows and columns along which the lines of the other axis run on.

    Where most tiles of a row are chosen, and framed or shrunk for that, their own edges are hidden.
    """
    lines = _run_on(across, found.cols, found.rows, down.length_px, rows)
    columns = _run_on(down, lines, found.cols, across.length_px, cols)
    return Lattice(lines, columns, found.evidence, found.plainness)


def _run_on(
    axis: Edges, known: Spans, spans: Spans, length_px: int, counts: Sequence[int]
) -> Spans:
    """`spans` of the other axis and more of them, as far as lines at the edges of `known` run.

    Tiles that would just fill the picture need not show them as plainly.
    """
    side = spans[0][1] - spans[0][0]
    reach = max(round(_SHRUNK * (known[0][1] - known[0][0])), 1)
    at_edges = [edge for span in known for edge in span if 1 < edge < axis.length_px - 1]
    between = [(start + stop) / 2 for start, stop in known]
    margin = min(known[0][0], axis.length_px - known[-1][1])

    def runs_on(start: int) -> bool:
        if not -_OVERHANG * side <= start <= length_px - (1 - _OVERHANG) * side:
            return False
        beyond = axis.near(at_edges, reach, (start, start + side))
        most = float(np.quantile(beyond, 1 - _MOST))
        elsewhere = float(axis.near(between, reach, (start, start + side)).mean())
        left = min(start, length_px - start - side)
        if min(abs(left), abs(left - margin)) <= _SNUG * side:
            return bool(most >= _SNUG_RUNS_ON and beyond.mean() >= elsewhere + _SNUG_CONTRAST)
        plain = len(at_edges) >= _FEWEST and most >= _RUNS_ON
        return bool(plain and beyond.mean() >= elsewhere + _CONTRAST)

    while at_edges and len(spans) < max(counts):
        beyond = [start for start in _beyond(spans) if runs_on(start)]
        if not beyond:
            break
        start = min(max(beyond[0], 0), length_px - side)
        spans = tuple(sorted((*spans, (start, start + side))))
    return spans


def _beyond(spans: Spans) -> tuple[int, int]:
    """Where tiles would begin before the first and behind the last one."""
    side = spans[0][1] - spans[0][0]
    pitch = round((spans[-1][0] - spans[0][0]) / max(len(spans) - 1, 1)) or side
    return spans[0][0] - pitch, spans[-1][0] + pitch


def _plainness(across: Edges, down: Edges, rows: Spans, cols: Spans) -> float:
    mean, weakest = seen(across, down, rows, cols)
    return logistic(_BIAS + _MEAN * mean + _WEAKEST * weakest)


def _sharp(across: Edges, down: Edges, found: Lattice) -> Lattice:
    along, beside = ((spans[0][0], spans[-1][1]) for spans in (found.rows, found.cols))
    cols, rows = sharpened(
        (found.cols, across.profile(*along), across.crests(*along)),
        (found.rows, down.profile(*beside), down.crests(*beside)),
    )
    return Lattice(rows, cols, found.evidence, found.plainness)
