"""Probabilities + policy → which tiles to click, and how sure that choice is."""

from __future__ import annotations

import numpy as np

from agent.data import Decision, Probabilities, Target
from agent.policy import Decide


def decide(probabilities: Probabilities, target: Target, rule: Decide) -> Decision:
    """Choose tiles by their probability of matching `target`'s concept.

    `probabilities` has shape (n,). The decision's confidence is the probability that every tile
    is judged rightly, the tiles taken as independent.
    """
    wanted = probabilities if target.wanted else 1 - probabilities
    if not target.many:
        best = int(np.argmax(wanted))
        others = np.delete(wanted, best)
        confidence = float(wanted[best] * np.prod(1 - np.minimum(others, wanted[best])))
        return Decision(probabilities, (best,), confidence, rule.threshold, target)
    chosen = wanted >= rule.threshold
    if not chosen.any() and not target.none_allowed:
        # The instruction says that something matches: the likeliest tile is the best answer.
        chosen[int(np.argmax(wanted))] = True
    right = np.where(chosen, wanted, 1 - wanted)
    selected = tuple(int(index) for index in np.flatnonzero(chosen))
    return Decision(probabilities, selected, float(np.prod(right)), rule.threshold, target)
