"""What stands in for the scorer: given tiles, an oracle's, wrong ones on purpose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent import answers, decider, instruction
from agent.answers import Chosen, Oracle
from agent.data import Box, Grid, Picture
from agent.errors import UsageError
from tests.conftest import Fixed

GRID = Grid(3, 3, tuple(Box(col * 10, row * 10, 9, 9) for row in range(3) for col in range(3)))
PICTURE = Picture(np.zeros((30, 30, 3), dtype=np.uint8), Box(0, 0, 30, 30), 1.0)


def chosen(scorer: Chosen, words: str = "Select all images with a bus") -> tuple[int, ...]:
    target = instruction.read(words)
    return decider.decide(scorer.scores_on(PICTURE, GRID, target), target).selected


@pytest.mark.parametrize(
    ("words", "tiles"),
    [
        ("Select all images with a bus", [0, 4]),
        ("Select all images with a bus", range(9)),
        ("Select all images without a bus", [1, 2]),
        ("Click the image with a key", [7]),
    ],
)
def test_given_tiles_are_the_decision(words: str, tiles: Any) -> None:
    """Whatever the instruction asks for, the decider chooses just the given tiles."""
    assert chosen(answers.given(tiles), words) == tuple(tiles)


@pytest.mark.parametrize(
    ("tiles", "words", "message"),
    [
        (
            [9],
            "Select all images with a bus",
            "answer: tile 9 is not there: the captcha has 9 tiles (3x3), "
            "numbered 0 to 8 row by row",
        ),
        (
            "04",
            "Select all images with a bus",
            "answer: expected tile numbers, for instance [0, 4] (got '04')",
        ),
        (
            [],
            "Select all images with a bus",
            "answer: no tile is no answer to 'Select all images with a bus': name at least one",
        ),
        (
            [0, 1],
            "Click the image with a key",
            "answer: 'Click the image with a key' asks for one tile (got 2)",
        ),
    ],
)
def test_tiles_that_are_no_answer(tiles: Any, words: str, message: str) -> None:
    """Tiles that are not there, or that the instruction rules out, are refused with the reason."""
    with pytest.raises(UsageError) as error:
        chosen(answers.given(tiles), words)
    assert str(error.value) == message


@pytest.mark.parametrize("right", [{0, 4}, {8}, set(range(9)), set()])
def test_wrong_by_the_oracle(right: set[int]) -> None:
    """A wrong answer is another than the right one, whatever that is."""
    assert set(chosen(answers.wrong(Oracle(lambda page: right, page=None)))) != right


@pytest.mark.parametrize(
    "words", ["Select all images with a bus", "Select all images without a bus"]
)
def test_unlikely(words: str) -> None:
    """Without an oracle the tile that the scorer believes in least is the wrong answer."""
    likely = dict.fromkeys(range(9), 0.5) | {2: 0.01, 6: 0.99}
    wrong = 6 if "without" in words else 2
    assert chosen(answers.unlikely(Fixed(lambda target: likely)), words) == (wrong,)


def test_an_async_oracle_needs_an_async_page() -> None:
    """A coroutine function can't be waited for beside a sync page."""

    async def know(page: Any) -> list[int]:
        return [0]

    with pytest.raises(UsageError, match="oracle: an async function needs an async page"):
        Oracle(know, page=None).ask(GRID)
