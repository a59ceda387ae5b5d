"""Why these tiles: what the report says of a decision, in words."""

from __future__ import annotations

from agent.data import Attempt, Decision, tile_numbers


def rule(decision: Decision) -> str:
    """What chose the tiles, as a sentence."""
    target, threshold = decision.target, f"{decision.threshold:.2f}"
    count = len(decision.selected)
    match decision.rule:
        case "count":
            return f"The {count} likeliest were chosen: the instruction asks for just so many."
        case "one":
            return "The likeliest was chosen: the instruction asks for one."
        case "likeliest":
            likeliest = "likeliest was" if count == 1 else "squares of the likeliest thing were"
            return (
                f"No tile reaches the threshold {threshold}; the {likeliest} chosen, as the "
                "instruction says that something matches."
            )
        case "none":
            return (
                f"No tile reaches the threshold {threshold}, and the instruction allows to choose "
                "none."
            )
    if target is not None and not target.wanted:
        return f"Chosen is what matches less than {1 - decision.threshold:.2f}: all others match."
    return f"Chosen is every tile at or above the threshold {threshold}."


def asked(decision: Decision) -> str:
    """What the instruction was read as."""
    target = decision.target
    if target is None:
        return ""
    sought = "what the sample shows" if target.reference else f"“{target.concept}”"
    kind = "squares of one picture" if target.squares else "tiles"
    number = "one of the " if not target.many else ""
    number = f"{target.count} " if target.count is not None else number
    which = "with" if target.wanted else "without"
    none = "; none is an answer, too" if target.none_allowed else ""
    return f"Read as: {number}{kind} {which} {sought}{none}."


def judged(decision: Decision) -> str:
    """Why some squares have the same probability."""
    if decision.target is None or not decision.target.squares:
        return ""
    return "Squares that one thing covers are judged together: they share their probability."


def sureness(attempt: Attempt, least: float | None) -> str:
    """How sure the whole choice was, beside what the policy asks for."""
    sure = f"That exactly this choice is right was taken to be {attempt.confidence:.2f} likely"
    return f"{sure}; the policy asks for {least:.2f}." if least is not None else f"{sure}."


def earlier(attempt: Attempt) -> str:
    """What was clicked before other pictures took its place."""
    rounds = [tile_numbers(each.clicked) for each in attempt.rounds]
    if not rounds:
        return ""
    told = "; then ".join(rounds)
    return f"Other pictures took the places of clicked tiles: first {told}. The last are shown."
