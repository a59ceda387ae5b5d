"""Picture → tile boxes, from pixels alone.

Tiles lie in rows and columns, or in a single one, and are all of one size. Between them are gutters
of whatever colour, or a seam where they touch: straight lines in any case. The lattice that the
lines of both axes show best is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise, product

import numpy as np
from PIL import Image

from agent.data import Box, Grid, Pixels
from agent.segmenter.confidence import confidence
from agent.segmenter.edges import Edges, Spans, edges
from agent.segmenter.ground import grounded
from agent.segmenter.seams import closed
from agent.segmenter.search import search

_COUNTS = range(2, 7)
_LONG, _IN_A_ROW = 2.4, range(3, 9)  # so many times as long as wide, it may be a single row
_DOUBTED, _PLAIN = 0.7, 0.9  # confidence in several rows, where one is tried; in that one
_LEAST_CONFIDENCE = 0.03  # below it, what was found is part of a picture
_LEAST_OF_GIVEN = 0.1  # the same where parts of equal size are a good guess, too
_AS_SEEN = 0.97  # of the confidence, that tiles keep at least where they end with the ground
_SURE, _OPINIONS = 0.1, 3  # below that confidence, so many lattices in all are looked at


def split(
    picture: Image.Image | Pixels, *, rows: int | None = None, cols: int | None = None
) -> Grid:
    """The tile grid of a picture; boxes row by row, in whole pixels of it.

    With `rows` and `cols` the count is taken as given, and a picture that shows no lines is cut
    into equal parts. Without, a picture in which no lattice is seen comes back as one tile with
    confidence 0. `confidence` estimates how likely all tiles are right.
    """
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if image.mode != "RGB":
        image = image.convert("RGB")
    across, down = edges(image)
    pixels = np.asarray(image)
    free = rows is None and cols is None
    least = _LEAST_CONFIDENCE if rows is None or cols is None else _LEAST_OF_GIVEN
    best, most = _seen(pixels, across, down, _counts(rows), _counts(cols), least)
    if free and most < _DOUBTED and max(image.size) >= _LONG * min(image.size):
        one_row = image.width > image.height
        lines, columns = ((1,), _IN_A_ROW) if one_row else (_IN_A_ROW, (1,))
        strip, sure = _seen(pixels, across, down, lines, columns, _PLAIN)
        best, most = (strip, sure) if strip is not None else (best, most)
    if best is not None:
        return _grid(*best, most)
    return _grid(_equal(image.height, rows or 1), _equal(image.width, cols or 1), 0.0)


def _seen(
    pixels: Pixels,
    across: Edges,
    down: Edges,
    rows: Sequence[int],
    cols: Sequence[int],
    most: float,
) -> tuple[tuple[Spans, Spans] | None, float]:
    """The rows and columns that are seen best, and how surely; None where no surer than `most`."""
    best = None
    for found in islice(search(across, down, rows, cols), _OPINIONS):
        for known in dict.fromkeys((closed(pixels, across, down, *found), found)):
            lines = grounded(pixels, across, down, *known)
            sure = confidence(across, down, *lines)
            if lines != known:
                before = confidence(across, down, *known)
                if sure < _AS_SEEN * before:
                    lines, sure = known, before
            if sure >= most:
                best, most = lines, sure
        if most >= _SURE:
            break
    return best, most


def _counts(given: int | None) -> Sequence[int]:
    return _COUNTS if given is None else (given,)


def _equal(length: int, count: int) -> Spans:
    edges = [round(length * part / count) for part in range(count + 1)]
    return tuple(pairwise(edges))


def _grid(rows: Spans, cols: Spans, confidence: float) -> Grid:
    boxes = tuple(
        Box(left, top, right - left, bottom - top)
        for (top, bottom), (left, right) in product(rows, cols)
    )
    gutters = [after[0] - before[1] for spans in (rows, cols) for before, after in pairwise(spans)]
    gutter = float(np.median(gutters)) if gutters else 0.0
    return Grid(len(rows), len(cols), boxes, confidence, gutter)
