"""Learns from labelled tiles how to do better on one's own captcha.

What the words say of a tile (the margin of `scorer`) stays. Beside it a linear classifier of the
frozen image tower's embeddings is fitted for each label: logistic regression that starts from the
words and is held to them by a ridge, as in LP++ (Huang et al., CVPR 2024) and Tip-Adapter, here
solved exactly. The logits' scale and bias are fitted anew; how firm the ridge is, is chosen by
cross-validation. What is reported is measured on tiles from which nothing of it was learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.measures import Floats, Measured, Truth, counts, loss, measure
from agent.models.calibrated import Learnt
from agent.scorer import Embeddings

Rows = NDArray[np.intp]
Margins = Callable[[float], Floats]
"""The words' margins (n, k) of n tiles and k labels, at a logit scale."""

Finish = Callable[[Floats], Floats]

How = Literal["nothing", "words", "pictures"]
"""What to learn: nothing; scale and bias of what the words say; how the labels' pictures look."""

_SCALES = (5.0, 8.0, 12.0, 15.0, 20.0, 30.0, 50.0)
_RIDGES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
_FOLDS = 4
_DIGITS = 4  # of a loss that mean something


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was learnt of each label, in their order, and what it is worth on held-out tiles."""

    how: How
    learnt: tuple[Learnt, ...]
    before: Measured
    after: Measured


@dataclass(frozen=True, slots=True)
class _Tiles:
    """Embeddings (n, d), truth (n, k; -1 where it is not known), margins (n, k) at each scale."""

    embeddings: Floats
    truth: Truth
    margins: dict[float, Floats]

    def of(self, rows: Rows) -> _Tiles:
        """Some of the tiles."""
        margins = {scale: margins[rows] for scale, margins in self.margins.items()}
        return _Tiles(self.embeddings[rows], self.truth[rows], margins)


Learn = Callable[[_Tiles], tuple[Learnt, ...]]
"""Learns from tiles: what to keep of each label."""


def calibrate(
    embeddings: Embeddings, truth: Truth, margins: Margins, before: Floats, finish: Finish
) -> Calibrated:
    """Learn from tiles (n, d) that show each of k labels (truth 1), don't (0), or may (-1).

    `before` (n, k) are the logits so far; `finish` adds to logits (n, k) of the embeddings what
    else is known of the tiles, as it is added when tiles are scored. Kept is what has the least
    loss on held-out tiles; nothing where that is not less than before.
    """
    tiles = _Tiles(
        embeddings.astype(np.float64), truth, {scale: margins(scale) for scale in _SCALES}
    )
    ways: dict[How, Learn] = {"words": _from_words, "pictures": _from_pictures}
    judged: dict[How, Floats] = {"nothing": before}
    judged |= {how: finish(_held_out(tiles, learn)) for how, learn in ways.items()}
    # Of those that are as good the first, which is the simplest.
    best = min(judged, key=lambda how: round(loss(judged[how], truth), _DIGITS))
    learnt = ways[best](tiles) if best in ways else ()
    return Calibrated(best, learnt, measure(before, truth), measure(judged[best], truth))


def _held_out(tiles: _Tiles, learn: Learn) -> Floats:
    """Logits (n, k) of each tile by what the tiles of other folds teach."""
    logits = np.zeros(tiles.truth.shape)
    for rest, held in _folds(tiles.truth):
        for label, one in enumerate(learn(tiles.of(rest))):
            said = tiles.margins[one.scale][held, label]
            logits[held, label] = said + tiles.embeddings[held] @ one.weights + one.bias
    return logits


def _from_words(tiles: _Tiles) -> tuple[Learnt, ...]:
    """Scale and bias alone, the same for all labels."""
    scale, bias = _scale_and_bias(tiles)
    one = Learnt(scale, np.zeros(tiles.embeddings.shape[1], dtype=np.float32), bias)
    return tuple(one for _ in tiles.truth.T)


def _from_pictures(tiles: _Tiles) -> tuple[Learnt, ...]:
    """A classifier for each label, with the ridge that does best on held-out tiles."""
    scale, bias = _scale_and_bias(tiles)
    start = tiles.margins[scale] + bias
    said = np.zeros((len(_RIDGES), *tiles.truth.shape))
    for rest, held in _folds(tiles.truth):
        for number, found in enumerate(_classifiers(tiles, rest, start)):
            said[number, held] = tiles.embeddings[held] @ found[:, :-1].T + found[:, -1]
    best = int(np.argmin([loss(start + more, tiles.truth) for more in said]))
    *_, found = _classifiers(tiles, np.arange(len(start)), start, _RIDGES[: best + 1])
    return tuple(Learnt(scale, one[:-1].astype(np.float32), bias + float(one[-1])) for one in found)


def _scale_and_bias(tiles: _Tiles) -> tuple[float, float]:
    """Those of the least loss."""
    weights, matches = counts(tiles.truth), tiles.truth == 1
    found = []
    for scale, margins in tiles.margins.items():
        ones = np.ones((margins.size, 1))
        (bias,) = _logistic(
            ones, margins.ravel(), matches.ravel(), weights.ravel() / len(weights.T), _FREE
        )
        found.append((loss(margins + bias, tiles.truth), scale, float(bias)))
    _, scale, bias = min(found)
    return scale, bias


def _classifiers(
    tiles: _Tiles, rows: Rows, start: Floats, ridges: tuple[float, ...] = _RIDGES
) -> Iterator[Floats]:
    """For each ridge, from firm to loose, what to add to `start`: weights and bias (k, d + 1)."""
    embeddings, truth = tiles.embeddings[rows], tiles.truth[rows]
    middle = embeddings.mean(axis=0)
    # The tiles span at most as many directions as there are tiles.
    left, lengths, directions = np.linalg.svd(embeddings - middle, full_matrices=False)
    features = np.column_stack([left * lengths, np.full(len(rows), _BIAS_FEATURE)])
    weights, matches = counts(truth), truth == 1
    found = np.zeros((truth.shape[1], features.shape[1]))
    for ridge in ridges:
        for label in range(len(found)):
            found[label] = _logistic(
                features,
                start[rows, label],
                matches[:, label],
                weights[:, label],
                ridge,
                found[label],
            )
        ways = found[:, :-1] @ directions
        yield np.column_stack([ways, _BIAS_FEATURE * found[:, -1] - ways @ middle])


_FREE = 1e-4  # a ridge that only keeps a bias finite
_BIAS_FEATURE = 3.0  # so large that the ridge hardly holds the bias
_NEWTON_STEPS = 12
_LONGEST_STEP = 5.0


def _logistic(
    features: Floats,
    start: Floats,
    matches: NDArray[np.bool_],
    each: Floats,
    ridge: float,
    found: Floats | None = None,
) -> Floats:
    """Weights (r,) of the least loss of the logits `start` + features (n, r) @ weights.

    `each` is what a tile counts. By Newton's method, from `found` where that is given.
    """
    weights = np.zeros(features.shape[1]) if found is None else found
    for _ in range(_NEWTON_STEPS):
        likely = 1 / (1 + np.exp(-np.clip(start + features @ weights, -50, 50)))
        slope = features.T @ (each * (likely - matches)) + ridge * weights
        bend = (features.T * (each * likely * (1 - likely))) @ features
        bend[np.diag_indices_from(bend)] += ridge
        step = np.linalg.solve(bend, slope)
        weights = weights - step * min(1.0, _LONGEST_STEP / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-5:
            break
    return weights


def _folds(truth: Truth) -> Iterator[tuple[Rows, Rows]]:
    """The other tiles and the held-out ones of each fold.

    Each fold has about as many of every label; the rarest are dealt out first.
    """
    random, fold = np.random.default_rng(0), np.full(len(truth), -1)
    shows = np.column_stack([truth == 1, ~(truth == 1).any(axis=1)])
    for label in np.argsort(shows.sum(axis=0), kind="stable"):
        mine = np.flatnonzero(shows[:, label])
        dealt = np.bincount(fold[mine][fold[mine] >= 0], minlength=_FOLDS)
        for tile in random.permutation(mine[fold[mine] < 0]):
            fold[tile] = dealt.argmin()
            dealt[fold[tile]] += 1
    for number in range(_FOLDS):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)
