"""Evidence along both axes → the lattice that explains both.

Each axis tells the other where to look: columns run beside tiles and not through the instruction
above them, and gaps are mostly as wide across as down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from agent.segmenter.edges import Edges, Profile, Spans, widened
from agent.segmenter.extent import Part, best_parts
from agent.segmenter.ground import gap_px
from agent.segmenter.lattice import LEAST_TILE_PX, Chain, Neighbours, chains
from agent.segmenter.seams import touching
from agent.segmenter.sharpening import sharpened

_SEEDS = 2  # chains of each axis from which the other axis is explored


def search(
    across: Edges, down: Edges, rows: Sequence[int], cols: Sequence[int]
) -> Iterator[tuple[Spans, Spans]]:
    """Rows and columns, in one of these numbers each, that may be tiles: the plainest first."""
    lines = chains(down.profile(0, across.length_px), rows)
    columns = chains(across.profile(0, down.length_px), cols)
    found, tried = list[Part](), set[tuple[Spans, Spans]]()
    for lattice in _lattices(across, down, lines, columns, rows, cols):
        if lattice in tried:
            continue
        parts = best_parts(across, down, lattice, rows, cols)
        at_first_sight = not tried and lines and columns
        tried.add(lattice)
        found += parts
        if (
            at_first_sight
            and parts
            and parts[0].is_plain
            and parts[0].is_at(lines[0].spans, columns[0].spans)
        ):
            break
    else:
        found += _with_seams(across, down, found, rows, cols)
    seen = list[Part]()
    for part in sorted(found, key=_score, reverse=True):
        if not any(part.is_at(other.rows, other.cols) for other in seen):
            seen.append(part)
            yield _sharp(across, down, part)


def _with_seams(
    across: Edges, down: Edges, found: list[Part], rows: Sequence[int], cols: Sequence[int]
) -> Iterator[Part]:
    """Other numbers of tiles, seen once lines on both sides of a seam are no gap any more."""
    ranked = sorted(found, key=_score, reverse=True)
    gaps = [part for part in ranked if max(gap_px(part.rows), gap_px(part.cols)) >= 1]
    for part in gaps[:_SEEDS]:
        lattice = touching(across, down, part.rows, part.cols)
        for other in best_parts(across, down, lattice, rows, cols):
            if other.shape != ranked[0].shape:
                yield other


def _score(part: Part) -> float:
    return part.score


def _lattices(
    across: Edges,
    down: Edges,
    lines: list[Chain],
    columns: list[Chain],
    rows: Sequence[int],
    cols: Sequence[int],
) -> Iterator[tuple[Spans, Spans]]:
    """Rows and columns that may go together, given those of each axis that are seen at first."""
    for number in range(_SEEDS):
        for seed in lines[number : number + 1]:
            yield from _settled(across, down, seed, rows, cols)
        for known in columns[number : number + 1]:
            for seed in _beside(down, across, known, rows)[:1]:
                yield from _settled(across, down, seed, rows, cols)
    if lines and columns:  # where each axis leads the other astray
        yield lines[0].spans, columns[0].spans
    filling = _filling(down.profile(0, across.length_px), rows)
    beside = _filling(across.profile(0, down.length_px), cols)
    if filling and beside:
        yield from _settled(across, down, filling, rows, cols)
        yield filling.spans, beside.spans


def _filling(profile: Profile, counts: Sequence[int]) -> Chain | None:
    """Tiles that fill the axis without a gap, as many as the profile shows best."""
    length = len(profile) - 1
    found = []
    for count in counts:
        if length < count * LEAST_TILE_PX:
            continue
        edges = [round(length * part / count) for part in range(count + 1)]
        inner = widened(profile, edges[1:-1])
        found.append(Chain(tuple(pairwise(edges)), float(inner.mean()) if count > 1 else 0.0))
    return max(found, key=lambda chain: chain.evidence, default=None)


def _beside(axis: Edges, other: Edges, known: Chain, counts: Sequence[int]) -> list[Chain]:
    """The chains of `axis`, given one of the other axis."""
    profile = axis.profile(known.spans[0][0], known.spans[-1][1])
    neighbours = Neighbours(other.inside(known.spans, axis.length_px), known.side_px, known.gap_px)
    return chains(profile, counts, neighbours)


def _settled(
    across: Edges, down: Edges, seed: Chain, rows: Sequence[int], cols: Sequence[int]
) -> Iterator[tuple[Spans, Spans]]:
    """Columns beside these rows, then rows beside those columns; nothing where there are none."""
    columns = _beside(across, down, seed, cols)
    lines = _beside(down, across, columns[0], rows) if columns else []
    if lines:
        yield lines[0].spans, columns[0].spans


def _sharp(across: Edges, down: Edges, found: Part) -> tuple[Spans, Spans]:
    along, beside = ((spans[0][0], spans[-1][1]) for spans in (found.rows, found.cols))
    cols, rows = sharpened(
        (found.cols, across.profile(*along), across.crests(*along)),
        (found.rows, down.profile(*beside), down.crests(*beside)),
    )
    return rows, cols
