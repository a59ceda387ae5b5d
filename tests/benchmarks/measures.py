"""Measures with their uncertainty: shares, means, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.audit import Rate


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval, from `n` observations."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f}, n={self.n})"


def rate(right: Sequence[bool] | NDArray[np.bool_]) -> Interval:
    """The share of right answers, with Wilson's interval."""
    found = Rate(int(np.sum(right)), len(right))
    return Interval(found.share, *found.interval, found.n)


def mean(values: Sequence[float]) -> Interval:
    """The mean, with a bootstrap interval (2,000 resamples of the values)."""
    every = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(0)
    resampled = every[random.integers(len(every), size=(2000, len(every)))].mean(axis=1)
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Interval(float(every.mean()), float(low), float(high), len(every))


def reliability(
    confidences: Sequence[float], right: Sequence[bool], bins: int = 10
) -> list[tuple[float, float, int]]:
    """(mean confidence, share right, n) of each of `bins` equal bins that holds anything."""
    sure, hit = np.asarray(confidences), np.asarray(right)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    return [
        (float(sure[place == b].mean()), float(hit[place == b].mean()), int((place == b).sum()))
        for b in range(bins)
        if (place == b).any()
    ]


def diagram(confidences: Sequence[float], right: Sequence[bool]) -> str:
    """A reliability diagram as text: how often what was said with each confidence was right."""
    lines = []
    for sure, share, n in reliability(confidences, right):
        bar = "█" * round(share * 30)
        marked = f"{bar:<30}"
        at = min(round(sure * 30), 29)
        lines.append(
            f"  said {sure:.2f}  {marked[:at]}│{marked[at + 1 :]}  right {share:.2f}  n={n}"
        )
    return "\n".join(lines)


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error over ten equal bins (Naeini et al., 2015; Guo et al., 2017)."""
    found = reliability(confidences, right)
    total = sum(n for _, _, n in found)
    return sum(n * abs(sure - share) for sure, share, n in found) / total
