"""How right logits are on labelled tiles, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truth = NDArray[np.int8]
"""Shape (n, k), of n tiles and k labels: 1 shows it, 0 does not, -1 is not known."""

_RESAMPLES = 300


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Measured:
    """How right logits are, means over labels.

    In `loss` (nats a tile) and `accuracy` tiles that match and tiles that don't count alike.
    """

    loss: Interval
    auc: Interval
    accuracy: Interval


def counts(truth: Truth) -> Floats:
    """(n, k): what each judgement counts of a label's 1, half of it for tiles that match."""
    yes, no = truth == 1, truth == 0
    each = [0.5 * part / np.maximum(part.sum(axis=0), 1) for part in (yes, no)]
    return np.asarray(each[0] + each[1])


def loss(logits: Floats, truth: Truth) -> float:
    """The mean log loss over labels, in nats."""
    losses = np.logaddexp(0, np.where(truth == 1, -logits, logits))
    return float((counts(truth) * losses).sum() / truth.shape[1])


def _accuracy(logits: Floats, truth: Truth) -> float:
    right = (logits >= 0) == (truth == 1)
    return float((counts(truth) * right).sum() / truth.shape[1])


def auc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The area under the ROC curve: how often a positive outranks a negative; ties count half."""
    right, wrong = scores[positive], np.sort(scores[~positive])
    below = np.searchsorted(wrong, right, side="left")
    level = np.searchsorted(wrong, right, side="right") - below
    return float((below + level / 2).sum() / (len(right) * len(wrong)))


def _auc(logits: Floats, truth: Truth) -> float:
    """Mean over labels of the area under the curve."""
    areas = [
        auc(said[shows >= 0], shows[shows >= 0] == 1)
        for said, shows in zip(logits.T, truth.T, strict=True)
        if (shows == 1).any() and (shows == 0).any()
    ]
    return float(np.mean(areas)) if areas else float("nan")


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval (1927) of a share of `n`, which holds near 0 and 1 too."""
    if not n:
        return 0.0, 1.0
    z = 1.959964
    center = share + z * z / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (center - spread) / (1 + z * z / n), (center + spread) / (1 + z * z / n)


def measure(logits: Floats, truth: Truth) -> Measured:
    """How right logits (n, k) are.

    The interval of the loss is of tiles drawn anew (percentile bootstrap). Those of the others are
    Wilson's, of as many tiles as the rarer case has, matching or not: no area under a curve varies
    more than a share of these (Birnbaum and Klose, 1957).
    """
    random = np.random.default_rng(0)
    drawn = [random.integers(0, len(truth), len(truth)) for _ in range(_RESAMPLES)]
    losses = [loss(logits[rows], truth[rows]) for rows in drawn]
    low, high = np.quantile(losses, (0.025, 0.975))
    rarer = np.minimum((truth == 1).sum(axis=0), (truth == 0).sum(axis=0)).sum()

    def interval(share: float) -> Interval:
        return Interval(share, *wilson(share, min(float(rarer), len(truth))))

    return Measured(
        Interval(loss(logits, truth), float(low), float(high)),
        interval(_auc(logits, truth)),
        interval(_accuracy(logits, truth)),
    )
