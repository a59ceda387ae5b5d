"""Probabilities + policy → which tiles to click, and how sure that choice is.

How many tiles match is unknown (unless the instruction says it), and that is all that ties them
together: any number is possible (none only where the instruction says so), each number of tiles
shares its prior among all choices of so many. The posterior of a choice S is then

    P(S) ∝ prior(|S|) / (n choose |S|) · Π odds of its tiles,

summed over all choices by the elementary symmetric polynomials of the odds: exact, no sampling.
"""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
from numpy.typing import NDArray

from agent.data import THRESHOLD, Decision, Rule, Scores, Target

_SUREST = 1e-4  # no single tile is taken for surer than that: labels are people's opinions
_MISSED = 0.3  # prior of no thing matching that was told apart in a picture, as a share of one
_RARER = 0.5  # prior of each number of tiles above half of them, as a share of the number below


def decide(scores: Scores, target: Target, threshold: float = THRESHOLD) -> Decision:
    """Choose tiles by their probability of matching `target`'s concept, given all others.

    The decision's confidence is the posterior probability that exactly this choice is right. The
    squares of one thing are one judgement, as likely as they are in the (geometric) mean of their
    odds; empty squares are none.
    """
    alone = np.clip(scores.probabilities.astype(np.float64), _SUREST, 1 - _SUREST)
    if not target.wanted:
        alone = 1 - alone
    judged, member = _units(scores.judgements)
    logits = np.log(alone / (1 - alone))[judged]
    odds = np.exp(np.bincount(member, weights=logits) / np.bincount(member))
    if len(odds) < len(alone) or (target.count or 0) > len(alone):
        # A thing in several squares is one judgement: how many of them there are is unknown.
        prior = _prior(len(odds), replace(target, count=None))
    else:
        prior = _prior(len(odds), target)
    marginals, total = _posterior(odds, prior)
    wanted = alone.copy()
    wanted[judged] = marginals[member]
    chosen, rule = _choose(wanted, scores.judgements, target, threshold)
    units = sorted(set(member[chosen[judged]].tolist()))
    confidence = prior[len(units)] * np.prod(odds[units]) / total if total else 0.0
    if (chosen & ~judged).any():
        confidence *= float(alone[chosen & ~judged].prod())
    probabilities = wanted if target.wanted else 1 - wanted
    return Decision(
        probabilities.astype(np.float32),
        tuple(int(index) for index in np.flatnonzero(chosen)),
        float(min(confidence, 1.0)),
        threshold,
        target,
        rule,
        scores.probabilities,
        scores.contrasts,
    )


def _choose(
    wanted: NDArray[np.float64], judgements: NDArray[np.int64], target: Target, threshold: float
) -> tuple[NDArray[np.bool_], Rule]:
    """Which tiles (n,) to click by how likely each is wanted, and what chose them."""
    chosen = wanted >= threshold
    if target.count is not None and (chosen.any() or not target.none_allowed):
        # The instruction says how many: just so many, the likeliest.
        return np.argsort(np.argsort(-wanted, kind="stable")) < target.count, "count"
    if not target.many or (not chosen.any() and not target.none_allowed):
        # The instruction says that something matches: the likeliest is the best answer.
        best = int(np.argmax(wanted))
        alike = (judgements >= 0) & (judgements == judgements[best]) & target.many
        return (np.arange(len(wanted)) == best) | alike, "likeliest" if target.many else "one"
    return chosen, "threshold" if chosen.any() else "none"


def _units(judgements: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which tiles are judged at all, and the number of each judged tile's judgement, from 0."""
    judged = judgements >= 0
    order: dict[int, int] = {}
    member = [order.setdefault(each, len(order)) for each in judgements[judged].tolist()]
    return judged, np.array(member, dtype=np.int64)


def _prior(count: int, target: Target) -> NDArray[np.float64]:
    """For each number of matching tiles, 0 to `count`: the prior of one choice of so many."""
    weights = np.ones(count + 1)
    weights[count // 2 + 1 :] = _RARER ** np.arange(1, count - count // 2 + 1)
    if not target.none_allowed:
        # A picture's things may have been missed; a single tile can't be.
        weights[0] = _MISSED if target.squares else 0
    if not target.many:
        weights[2:] = 0
    if target.count is not None:
        weights[1:] = 0
        weights[target.count] = 1
    choices = np.array([comb(count, number) for number in range(count + 1)], dtype=np.float64)
    return np.asarray(weights / max(weights.sum(), 1e-12) / choices)


def _posterior(
    odds: NDArray[np.float64], prior: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Each tile's marginal probability (n,), and the sum over all choices that both divide by."""
    total = float(prior @ _symmetric(odds))
    marginals = np.zeros(len(odds))
    for number in range(len(odds)):
        # All choices that hold this tile: any of the others beside it.
        beside = _symmetric(np.delete(odds, number))
        marginals[number] = odds[number] * float(prior[1:] @ beside) / total
    return marginals, total


def _symmetric(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elementary symmetric polynomials of n odds, of degree 0 to n."""
    found = np.zeros(len(odds) + 1)
    found[0] = 1.0
    for number, value in enumerate(odds, start=1):
        found[1 : number + 1] += value * found[:number].copy()
    return found
