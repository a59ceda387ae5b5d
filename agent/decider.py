"""Probabilities + policy → which tiles to click, and how sure that choice is."""

from __future__ import annotations

import numpy as np

from agent.data import Decision, Scores, Target
from agent.policy import Decide


def decide(scores: Scores, target: Target, rule: Decide) -> Decision:
    """Choose tiles by their probability of matching `target`'s concept.

    The decision's confidence is the probability that every tile is judged rightly: the judgements
    are taken as independent, the squares of one thing as one judgement.
    """
    probabilities = scores.probabilities
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
    _, first = np.unique(scores.judgements, return_index=True)
    return Decision(probabilities, selected, float(np.prod(right[first])), rule.threshold, target)
