"""What a detector of known things adds to what the towers say."""

from __future__ import annotations

import numpy as np
import pytest

from agent import detection
from agent.models.card import Detected
from agent.models.store import open_package

BY = Detected(
    tower_scale=0.5, detector_scale=1.0, bias=2.0, photograph_scale=50.0, photograph_bias=-70.0
)


@pytest.mark.parametrize(
    ("concept", "named"),
    [
        ("bus", ["bus"]),
        ("sofa", ["couch"]),  # another word for it
        ("tv", ["television"]),
        ("computer mouse", ["computer mouse"]),
        ("mouse", []),  # the animal
        ("handbag", ["handbag"]),  # its own name before those of its entry
        ("bag", ["backpack", "handbag", "suitcase"]),
        ("fruit", []),  # of which it knows but a few
        ("animal", []),
        ("unicorn", []),
    ],
)
def test_what_a_detector_calls_a_concept(concept: str, named: list[str]) -> None:
    """By name or another word for the same; not what it merely is a kind of."""
    detector = open_package("lite").card.detector
    assert detector is not None
    found = [detector.names[index] for index in detection.known_as(concept, detector.names)]
    assert found == named


def test_a_square_shows_what_covers_it() -> None:
    """All of a thing's logit from half a square on, less below that, hardly any where it is not."""
    edges = [(0.0, 0.0, 50.0, 50.0), (50.0, 0.0, 100.0, 50.0), (0.0, 50.0, 50.0, 100.0)]
    boxes = np.array([[0, 0, 0.75, 0.5], [0, 0, 0.1, 0.1]], dtype=np.float32)
    logits = np.array([1.5, -3.0], dtype=np.float32)
    found = detection.on_squares(logits, boxes, (100, 100), edges)
    np.testing.assert_allclose(found[:2], 1.5, atol=1e-5)
    assert found[2] < -11
    quarter = np.array([[0, 0, 0.25, 0.25]], dtype=np.float32)
    (half, _, _) = detection.on_squares(logits[:1], quarter, (100, 100), edges)
    likely = 0.5 / (1 + np.exp(-1.5))  # a quarter of a square is half of what is enough
    assert half == pytest.approx(np.log(likely / (1 - likely)), abs=1e-5)


def test_in_drawings_the_towers_speak_alone() -> None:
    """In photographs both do; between the two, it goes over smoothly."""
    towers, detected = np.array([2.0, -2.0]), np.array([-6.0, 1.0])
    contrast = np.array([1.2, 1.4, 1.7])
    drawing, either, photograph = detection.photographs(contrast, BY)
    np.testing.assert_allclose([drawing, either, photograph], [0, 0.5, 1], atol=1e-4)
    both = 0.5 * towers + detected + 2
    for likely, expected in ((drawing, towers), (photograph, both), (either, (towers + both) / 2)):
        found = detection.combined(towers, detected, likely, BY)
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_no_number_is_too_large() -> None:
    """Pictures of one colour, and cards with the largest numbers allowed, warn of nothing."""
    steep = Detected(
        tower_scale=1, detector_scale=1, bias=0, photograph_scale=10_000, photograph_bias=-10_000
    )
    with np.errstate(all="raise"):
        assert detection.photographs(np.array([0.0]), steep) == pytest.approx(0, abs=1e-6)
        assert detection.photographs(np.array([3.0]), steep) == pytest.approx(1)
