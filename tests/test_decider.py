"""Which tiles are chosen, and how sure the whole choice is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.data import Scores, Target
from agent.decider import _prior, decide


def target(
    *,
    many: bool = True,
    wanted: bool = True,
    none_allowed: bool = False,
    squares: bool = False,
    count: int | None = None,
) -> Target:
    return Target("bus", "", wanted, many, none_allowed, squares, count=count)


def apart(*probabilities: float) -> Scores:
    return Scores.apart(np.array(probabilities, dtype=np.float32))


@pytest.mark.parametrize(
    ("scores", "asked", "selected"),
    [
        (apart(0.9, 0.1, 0.7), target(), (0, 2)),
        (apart(0.4, 0.1, 0.3), target(), (0,)),
        (apart(0.3, 0.1, 0.2), target(none_allowed=True), ()),
        (apart(0.9, 0.1, 0.95), target(many=False), (2,)),
        (apart(0.9, 0.1, 0.7), target(wanted=False), (1,)),
        (apart(0.02, 0.01, 0.01), target(), (0,)),
        (apart(0.9, 0.1, 0.7, 0.2), target(count=3), (0, 2, 3)),
        (apart(0.9, 0.8, 0.7, 0.2), target(count=2), (0, 1)),
        (apart(0.9, 0.1, 0.7, 0.2), target(count=2, wanted=False), (1, 3)),
        (apart(0.02, 0.01, 0.01), target(count=2, none_allowed=True), ()),
        (apart(0.9, 0.1), target(count=5), (0, 1)),
    ],
)
def test_decisions(scores: Scores, asked: Target, selected: tuple[int, ...]) -> None:
    """The threshold decides, but where one must match the likeliest is taken."""
    found = decide(scores, asked)
    assert found.selected == selected
    assert 0 <= found.confidence <= 1


def test_something_matches() -> None:
    """Where one tile must match and all others surely do not, the last one does."""
    found = decide(apart(0.3, 0.001, 0.001), target())
    assert found.selected == (0,)
    assert found.probabilities[0] > 0.95
    assert decide(apart(0.3, 0.001, 0.001), target(none_allowed=True)).selected == ()


def test_a_known_count_makes_surer() -> None:
    """What the instruction says about the number speaks for its tiles and against all others."""
    scores = apart(0.8, 0.7, 0.4, 0.3)
    counted, free = decide(scores, target(count=2)), decide(scores, target())
    assert counted.selected == free.selected == (0, 1)
    assert counted.confidence > free.confidence
    assert counted.probabilities.sum() == pytest.approx(2, abs=1e-5)


def test_a_count_of_squares() -> None:
    """Just so many squares are chosen, though the squares of one thing are one judgement."""
    squares = Scores(np.array([0.8, 0.8, 0.7, 0.1], dtype=np.float32), np.array([0, 0, 2, 3]))
    assert decide(squares, target(squares=True, count=2)).selected == (0, 1)


def every_choice(count: int) -> Iterator[tuple[int, ...]]:
    for number in range(count + 1):
        yield from combinations(range(count), number)


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=7), st.booleans(), st.booleans())
def test_the_posterior_is_a_sum_over_all_choices(
    alone: list[float], many: bool, none_allowed: bool
) -> None:
    """Marginals and confidence are those of summing every possible choice one by one."""
    asked = target(many=many, none_allowed=none_allowed)
    found = decide(apart(*alone), asked)
    p = np.array(alone, dtype=np.float32).astype(np.float64)
    odds, prior = p / (1 - p), _prior(len(p), asked)
    weights = {s: prior[len(s)] * np.prod(odds[list(s)]) for s in every_choice(len(p))}
    total = sum(weights.values())
    for index in range(len(p)):
        marginal = sum(w for s, w in weights.items() if index in s) / total
        assert found.probabilities[index] == pytest.approx(marginal, abs=1e-5)
    assert found.confidence == pytest.approx(weights[found.selected] / total, abs=1e-6)


@given(st.integers(1, 36), st.booleans(), st.booleans(), st.booleans())
def test_the_prior_is_one(count: int, many: bool, none_allowed: bool, squares: bool) -> None:
    """The priors of all single choices sum to one."""
    asked = target(many=many, none_allowed=none_allowed, squares=squares)
    prior = _prior(count, asked)
    choices = [len(list(combinations(range(count), n))) for n in range(min(count, 3) + 1)]
    assert (prior >= 0).all()
    if count <= 3:
        assert float(np.dot(prior, choices)) == pytest.approx(1)


def test_the_squares_of_one_thing_are_one_judgement() -> None:
    """Three squares of one thing are judged once: they don't make each other surer."""
    squares = Scores(np.array([0.8, 0.8, 0.8, 0.1], dtype=np.float32), np.array([0, 0, 0, 3]))
    found = decide(squares, target())
    single = decide(apart(0.8, 0.1), target())
    assert found.selected == (0, 1, 2)
    assert found.confidence == pytest.approx(single.confidence)


def test_empty_squares_are_never_chosen() -> None:
    """A square without any thing has no part in the posterior, and a low probability."""
    squares = Scores(np.array([0.9, 0.001, 0.9], dtype=np.float32), np.array([0, -1, 0]))
    found = decide(squares, target(squares=True))
    assert found.selected == (0, 2)
    assert found.probabilities[1] < 0.01


def test_nothing_told_apart_is_not_sure() -> None:
    """With no thing in the picture some square is chosen, with no confidence at all."""
    empty = Scores(np.array([0.001] * 4, dtype=np.float32), np.array([-1] * 4))
    found = decide(empty, target(squares=True))
    assert len(found.selected) == 1
    assert found.confidence < 0.01
