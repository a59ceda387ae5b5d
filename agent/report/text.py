"""Attempts in words, for a test's failure: what was asked, what was chosen, who is to blame."""

from __future__ import annotations

from collections.abc import Sequence

from agent.data import Attempt, tile_numbers
from agent.redaction import plain

Right = Sequence[frozenset[int] | None]
"""The right tiles of each attempt, None where nobody knows them."""


def describe(attempts: Sequence[Attempt], right: Right = ()) -> str:
    """Every attempt with its scores; with `right`, whether scorer or widget is to blame.

    Tiles are shown as in the report's pictures: counted from 1, row by row.
    """
    known = [*right, *[None] * (len(attempts) - len(right))]
    lines = []
    for number, (attempt, tiles) in enumerate(zip(attempts, known, strict=True), start=1):
        lines += _attempt(number, attempt, tiles)
    blamed = _blame(attempts, known)
    return "\n".join([*lines, blamed] if blamed else lines)


def _attempt(number: int, attempt: Attempt, right: frozenset[int] | None) -> list[str]:
    rows, cols = attempt.grid
    chosen = f"chosen {tile_numbers(attempt.selected)} of {rows}x{cols}"
    chosen += f" (sure to {attempt.confidence:.2f})"
    if right is not None:
        chosen += f"; right by the oracle: {tile_numbers(right)}"
    return [
        plain(f"{number}. {attempt.instruction!r} - {attempt.result}: {attempt.reason}"),
        f"   {chosen}",
        *(f"   {line}" for line in _scores(attempt, cols)),
    ]


def _scores(attempt: Attempt, cols: int) -> list[str]:
    """The probabilities laid out as the tiles are, the chosen ones marked."""
    cells = [
        f"{probability:.2f}{'*' if index in attempt.selected else ' '}"
        for index, probability in enumerate(attempt.probabilities)
    ]
    return [" ".join(cells[at : at + cols]).rstrip() for at in range(0, len(cells), cols)]


def _blame(attempts: Sequence[Attempt], right: Right) -> str:
    """Who is to blame, as far as an oracle can tell: a right answer is the widget's to take.

    What the page accepted is nobody's fault: widgets may tolerate a tile more or less.
    """
    judged = wrong = 0
    for number, (attempt, tiles) in enumerate(zip(attempts, right, strict=True), start=1):
        if tiles is None:
            continue
        good = attempt.result == "accepted" or set(attempt.selected) == tiles
        if good and attempt.result in ("rejected", "unknown", "error"):
            return f"The widget is broken: the right answer of attempt {number} did not pass."
        judged, wrong = judged + 1, wrong + (not good)
    return f"The scorer was wrong in {wrong} of {judged} challenges." if wrong else ""
