"""A saved attempt once more, without the site: split, scored and decided anew, then compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent import decider, reading
from agent.data import Decision, Grid, Step, tile_numbers
from agent.policy import Policy
from agent.progress import next_step
from agent.report.saved import SavedAttempt, SavedOutcome

_MOVED = 0.005  # less is told by no number of two digits

_STEPS: dict[Step, str] = {
    "submit": "submit",
    "reload": "ask for another challenge",
    "stop": "stop without an answer",
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """One attempt then and now; `grid`, `decision` and `step` are None where it can't be tried."""

    then: SavedAttempt
    grid: tuple[int, int] | None = None
    decision: Decision | None = None
    step: Step | None = None

    @property
    def comparable(self) -> bool:
        """Whether tile numbers mean the same tiles then and now."""
        return self.grid == self.then.grid

    @property
    def moved(self) -> tuple[int, ...]:
        """The tiles whose probability is another by half a hundredth or more."""
        if self.decision is None or not self.comparable:
            return ()
        pairs = enumerate(zip(self.then.probabilities, self.decision.probabilities, strict=True))
        return tuple(tile for tile, (then, now) in pairs if abs(then - now) >= _MOVED)

    @property
    def changes(self) -> tuple[str, ...]:
        """What would be done otherwise, in words; tiles count from 1."""
        if self.decision is None or self.grid is None:
            return ()
        if not self.comparable:
            (rows, cols), (old_rows, old_cols) = self.grid, self.then.grid
            found = [
                f"the picture is cut into {rows}x{cols} tiles, no longer {old_rows}x{old_cols}"
            ]
        else:
            now, before = set(self.decision.selected), set(self.then.decided)
            named = (("also choose", now - before), ("leave out", before - now))
            found = [f"would {verb} {tile_numbers(tiles)}" for verb, tiles in named if tiles]
        if self.step is not None and self.step != self.then.step:
            found.append(f"would {_STEPS[self.step]}, no longer {_STEPS[self.then.step]}")
        return tuple(found)


def replay(saved: SavedOutcome, scorer: Any, rules: Policy) -> tuple[Replayed, ...]:
    """Decide each attempt of a report again, with this scorer and this policy."""
    replayed = []
    for number, attempt in enumerate(saved.attempts):
        reloads = sum(before.step == "reload" for before in saved.attempts[:number])
        replayed.append(_replay(attempt, scorer, rules, reloads))
    return tuple(replayed)


def _replay(then: SavedAttempt, scorer: Any, rules: Policy, reloads: int) -> Replayed:
    if then.picture is None or then.widget is None or then.target is None:
        return Replayed(then)
    grid: Grid = reading.split(then.picture, then.widget)
    if len(grid.boxes) < 2:
        return Replayed(then, (grid.rows, grid.cols))
    scores = scorer.scores_on(then.picture, grid, then.target, then.sample)
    decision = decider.decide(scores, then.target, rules.decide.threshold)
    step = next_step(rules, decision, then.widget, reloads)
    return Replayed(then, (grid.rows, grid.cols), decision, step)
