"""Evidence along both axes → the lattice that explains both.

Each axis tells the other where to look: columns run beside tiles and not through the instruction
above them, and gaps are mostly as wide across as down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from agent.segmenter.edges import Edges, Profile, Spans, widened
from agent.segmenter.extent import Part, best_part
from agent.segmenter.lattice import LEAST_TILE_PX, Chain, Neighbours, chains
from agent.segmenter.sharpening import sharpened

_SEEDS = 2  # chains of each axis from which the other axis is explored


def search(
    across: Edges, down: Edges, rows: Sequence[int], cols: Sequence[int]
) -> tuple[Spans, Spans] | None:
    """The rows and columns, in one of these numbers each, that are seen best; None without any."""
    lines = chains(down.profile(0, across.length_px), rows)
    columns = chains(across.profile(0, down.length_px), cols)
    best: Part | None = None
    for number, lattice in enumerate(_lattices(across, down, lines, columns, rows, cols)):
        part = best_part(across, down, lattice, rows, cols)
        if part and (best is None or part.score > best.score):
            best = part
        if part and number == 0 and lines and columns and part.is_plain:
            at_first_sight = len(lines[0].spans), len(columns[0].spans)
            if (len(part.rows), len(part.cols)) == at_first_sight:
                break
    return _sharp(across, down, best) if best else None


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
