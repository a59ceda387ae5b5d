"""From tiles to probabilities and choices."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import agent
from agent import concepts
from agent.errors import UsageError
from agent.scorer import Scorer, load_scorer
from fixtures.challenge import make
from fixtures.kinds import KINDS


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return load_scorer("lite")


def tiles(seed: int) -> tuple[list[Image.Image], str, frozenset[int]]:
    made = make(KINDS["tiles"], f"{seed}:0", np.random.default_rng(seed))
    return [Image.open(io.BytesIO(p)) for p in made.pictures], made.instruction, made.answer


def test_the_python_surface(scorer: Scorer) -> None:
    """Names, shapes and types are those that users script against."""
    pictures, text, _ = tiles(1)
    decision = scorer.score(pictures, text)
    assert decision.probabilities.shape == (9,)
    assert decision.probabilities.dtype == np.float32
    assert ((decision.probabilities >= 0) & (decision.probabilities <= 1)).all()
    assert all(isinstance(index, int) for index in decision.selected)
    assert agent.load_scorer("lite") is scorer
    whole = scorer.score_picture(pictures[0], "Select all squares with a bus", rows=4, cols=4)
    assert whole.probabilities.shape == (16,)


def test_right_tiles_are_likelier_than_wrong_ones(scorer: Scorer) -> None:
    """Over many grids a right tile outranks a wrong one nine times in ten, whatever the style."""
    wins = pairs = 0
    for seed in range(40):
        pictures, text, answer = tiles(seed)
        found = scorer.score(pictures, text).probabilities
        right = found[sorted(answer)]
        wrong = found[[index for index in range(9) if index not in answer]]
        wins += int((right[:, None] > wrong[None, :]).sum())
        pairs += len(right) * len(wrong)
    assert wins / pairs > 0.9


def test_a_reference_matches_itself(scorer: Scorer) -> None:
    """A picture matches itself better than any other."""
    pictures, _, _ = tiles(3)
    for index, picture in enumerate(pictures):
        assert int(scorer.score(pictures, reference=picture).probabilities.argmax()) == index


def test_contrasts_are_what_else_a_tile_may_show(scorer: Scorer) -> None:
    """Three of the vocabulary, the likeliest first, never the target; with it no more than 1."""
    pictures, text, _ = tiles(1)
    reference = scorer.score(pictures, reference=pictures[0])
    squares = scorer.score_picture(pictures[0], "Select all squares with a bus", rows=3, cols=3)
    for decision in (scorer.score(pictures, text), reference, squares):
        assert decision.alone is not None
        assert len(decision.contrasts) == len(decision.alone) == 9
        for alone, likeliest in zip(decision.alone.tolist(), decision.contrasts, strict=True):
            shares = [other.probability for other in likeliest]
            assert len(shares) == 3
            assert shares == sorted(shares, reverse=True)
            assert alone + sum(shares) <= 1 + 1e-5
    assert all(other.concept != "bus" for tile in squares.contrasts for other in tile)


def test_contrasts_name_what_is_there(scorer: Scorer) -> None:
    """Asked for something else, the likeliest contrast of a tile is what it was made to show."""
    named = shown = 0
    for seed in range(20):
        made = make(KINDS["tiles"], f"{seed}:0", np.random.default_rng(seed))
        pictures = [Image.open(io.BytesIO(p)) for p in made.pictures]
        concept = scorer.score(pictures, made.instruction).target
        assert concept is not None
        other = "volcano" if concept.concept != "volcano" else "bus"
        found = scorer.score(pictures, f"Select all images with a {other}").contrasts
        named += sum(found[index][0].concept == concept.concept for index in made.answer)
        shown += len(made.answer)
    assert named / shown > 0.5


def test_no_tiles(scorer: Scorer) -> None:
    """Nothing to score is wrong usage."""
    with pytest.raises(UsageError, match="expected at least one picture"):
        scorer.score([], "Select all images with a bus")


def test_contrast_leaves_out_kin() -> None:
    """A concept is contrasted neither with itself nor with what is above, below or alike."""
    others = set(concepts.others("puppy"))
    assert not {"dog", "poodle", "animal"} & others
    assert {"cat", "bus"} <= others
    assert "car" not in concepts.others("red car")
    assert "car" not in concepts.others("vehicle")
