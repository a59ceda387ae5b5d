"""Anchors of a single-shot detector, and boxes from offsets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from agent.models import anchors


def test_anchors_are_those_of_the_published_detector() -> None:
    """1,917 of them at 300 px; places from the graph that its authors trained."""
    found = anchors.boxes(300)
    assert found.shape == (1917, 4)
    published = {
        0: (-0.02368421, -0.02368421, 0.07631579, 0.07631579),
        1: (-0.11510557, -0.04439489, 0.16773716, 0.09702647),
        2: (-0.04439489, -0.11510557, 0.09702647, 0.16773716),
        -6: (0.02500001, 0.02500001, 0.975, 0.975),
        -5: (-0.17175144, 0.16412428, 1.1717515, 0.83587575),
        -3: (-0.3227241, 0.22575861, 1.3227241, 0.7742414),
        -1: (0.01266029, 0.01266029, 0.98733974, 0.98733974),
    }
    for place, edges in published.items():
        np.testing.assert_allclose(found[place], edges, atol=1e-4)


@pytest.mark.parametrize("size_px", [32, 128, 224, 300, 333])
def test_without_offsets_a_box_is_its_anchor(size_px: int) -> None:
    """As far as it lies in the picture."""
    found = anchors.boxes(size_px)
    none = np.zeros_like(found)
    np.testing.assert_allclose(anchors.decoded(none, size_px), found.clip(0, 1), atol=1e-6)


def test_offsets_move_and_grow_a_box() -> None:
    """A tenth of the anchor's side for each 1 of y and x, e-fold for each 5 of height and width."""
    offsets = np.zeros((1917, 4), dtype=np.float32)
    middle = 19 * 19 * 3 + (5 * 10 + 5) * 6  # 35 % wide and high, at (0.55, 0.55)
    offsets[middle] = (1, -2, 5 * np.log(0.5), 5 * np.log(0.2))
    left, top, right, bottom = anchors.decoded(offsets, 300)[middle]
    x, y = 0.55 - 0.2 * 0.35, 0.55 + 0.1 * 0.35
    np.testing.assert_allclose(
        (left, top, right, bottom),
        (x - 0.035, y - 0.0875, x + 0.035, y + 0.0875), atol=1e-5,
    )  # fmt: skip


def test_pixels_lie_between_minus_one_and_one() -> None:
    """Any mode and shape, squared; channels first."""
    grey, red = Image.new("L", (40, 20), 0), Image.new("RGBA", (5, 9), (255, 0, 0, 255))
    found = anchors.pixels([grey, red], 32)
    assert found.shape == (2, 3, 32, 32)
    assert found.dtype == np.float32
    assert (found[0] == -1).all()
    assert (found[1, 0] == 1).all()
    assert (found[1, 1:] == -1).all()
