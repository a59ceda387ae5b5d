"""The pool of training pictures: the same whoever draws it, and drawn once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("resvg_py", reason="training draws with the extra clip")
pytest.importorskip("scipy", reason="training draws with the extra clip")

from agent.models.lite import pool  # they need resvg
from agent.models.lite.cutouts import Cutout


@pytest.fixture
def drawings() -> list[Cutout]:
    """Eight squares of one colour each: the most that a scene shows."""
    colours = [(red, green, blue) for red in (20, 220) for green in (20, 220) for blue in (20, 220)]
    return [
        Cutout((str(number),), np.full((64, 64, 4), (*colour, 255), dtype=np.uint8))
        for number, colour in enumerate(colours)
    ]


def make(drawings: list[Cutout], folder: Path, workers: int) -> pool.Pool:
    return pool.make(drawings, folder, tiles=6, scenes=2, scene_px=64, workers=workers)


def test_any_number_of_workers_draws_the_same(drawings: list[Cutout], tmp_path: Path) -> None:
    """Each picture has a seed of its own."""
    one, two = make(drawings, tmp_path / "one", 1), make(drawings, tmp_path / "two", 2)
    for name in ("tiles", "shown", "scenes", "present", "shares"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert len({tile.tobytes() for tile in one.tiles}) == 6


def test_a_whole_pool_is_taken_as_it_is(drawings: list[Cutout], tmp_path: Path) -> None:
    """A training that was stopped does not draw again; a pool that was left half done is drawn."""
    expected = np.array(make(drawings, tmp_path, 1).tiles)
    tiles = np.load(tmp_path / "tiles.npy", mmap_mode="r+")
    tiles[0] = 7
    tiles.flush()
    assert (make(drawings, tmp_path, 1).tiles[0] == 7).all()
    (tmp_path / "whole").unlink()
    assert np.array_equal(make(drawings, tmp_path, 1).tiles, expected)
