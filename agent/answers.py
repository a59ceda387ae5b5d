"""What stands in for the scorer, or beside it, where a test and not the model knows the tiles.

Tiles count from 0, row by row.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.data import Attempt, Grid, Picture, Scores, Target
from agent.errors import UsageError

Tiles = frozenset[int]
Choose = Callable[[Picture, Grid, Target, Picture | None], Tiles]


@dataclass(frozen=True)
class Oracle:
    """A function that knows the right tiles of the challenge that `page` shows.

    The function gets the page and returns tile numbers; with an async page it may be a coroutine
    function, which runs on `loop` while the scorer's thread waits for it.
    """

    know: Callable[[Any], Any]
    page: Any
    loop: asyncio.AbstractEventLoop | None = None

    def ask(self, grid: Grid) -> Tiles:
        """The right tiles now. Raises UsageError for an answer that can't be one."""
        known = self.know(self.page)
        if inspect.iscoroutine(known):
            if self.loop is None:
                known.close()
                raise UsageError("oracle: an async function needs an async page")
            known = asyncio.run_coroutine_threadsafe(known, self.loop).result()
        return checked(known, grid, "oracle")


def checked(tiles: Any, grid: Grid, giver: str) -> Tiles:
    """`tiles` as a set; raises UsageError where they are none of this grid's."""
    count = len(grid.boxes)
    if not isinstance(tiles, Iterable) or isinstance(tiles, str):
        raise UsageError(f"{giver}: expected tile numbers, for instance [0, 4] (got {tiles!r:.80})")
    found = list(tiles)
    for tile in found:
        if not isinstance(tile, int | np.integer) or not 0 <= tile < count:
            raise UsageError(
                f"{giver}: tile {tile!r:.80} is not there: the captcha has {count} tiles "
                f"({grid.rows}x{grid.cols}), numbered 0 to {count - 1} row by row"
            )
    return frozenset(int(tile) for tile in found)


class Chosen:
    """Stands in for a scorer: tiles that `choose` names match for certain, all others do not."""

    def __init__(self, name: str, choose: Choose) -> None:
        self.name = name
        self._choose = choose

    def warm(self) -> None:
        """Nothing to load."""

    def scores_on(
        self, picture: Picture, grid: Grid, target: Target, sample: Picture | None = None
    ) -> Scores:
        """Scores that make exactly the chosen tiles the decision.

        Raises UsageError for a choice that the instruction rules out.
        """
        tiles = self._choose(picture, grid, target, sample)
        if not tiles and not target.none_allowed:
            raise UsageError(
                f"{self.name}: no tile is no answer to {target.instruction!r}: name at least one"
            )
        if len(tiles) > 1 and not target.many:
            raise UsageError(
                f"{self.name}: {target.instruction!r} asks for one tile (got {len(tiles)})"
            )
        match = np.isin(np.arange(len(grid.boxes)), sorted(tiles)) == target.wanted
        return Scores.apart(match.astype(np.float32))


class Watched:
    """A scorer whose challenges an oracle sees, too, so that a failure can be blamed."""

    def __init__(self, scorer: Any, oracle: Oracle) -> None:
        self.name: str = scorer.name
        self._scorer = scorer
        self._oracle = oracle
        self._known: list[tuple[Picture, Tiles]] = []

    def warm(self) -> None:
        """Load the model."""
        self._scorer.warm()

    def scores_on(
        self, picture: Picture, grid: Grid, target: Target, sample: Picture | None = None
    ) -> Scores:
        """The scorer's own scores; what is right is only noted."""
        self._known.append((picture, self._oracle.ask(grid)))
        scores: Scores = self._scorer.scores_on(picture, grid, target, sample)
        return scores

    def right(self, attempt: Attempt) -> Tiles | None:
        """The right tiles of an attempt's challenge, None where the oracle was not asked."""
        for picture, tiles in self._known:
            if picture is attempt.picture:
                return tiles
        return None


def given(tiles: Iterable[int]) -> Chosen:
    """Answers with just these tiles."""
    return Chosen("answer", lambda picture, grid, target, sample: checked(tiles, grid, "answer"))


def right(oracle: Oracle) -> Chosen:
    """Answers as the oracle says."""
    return Chosen("oracle", lambda picture, grid, target, sample: oracle.ask(grid))


def wrong(oracle: Oracle) -> Chosen:
    """Answers with one tile that is not right: then a right one is missing, too."""

    def choose(picture: Picture, grid: Grid, target: Target, sample: Picture | None) -> Tiles:
        known = oracle.ask(grid)
        others = [tile for tile in range(len(grid.boxes)) if tile not in known]
        return frozenset((others or sorted(known))[:1])

    return Chosen("wrong", choose)


def unlikely(scorer: Any) -> Chosen:
    """Answers with the one tile that the scorer believes in least."""

    def choose(picture: Picture, grid: Grid, target: Target, sample: Picture | None) -> Tiles:
        likely = scorer.scores_on(picture, grid, target, sample).probabilities
        return frozenset([int(np.argmin(likely if target.wanted else -likely))])

    return Chosen("wrong", choose)
