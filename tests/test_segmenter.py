"""Tile grids found in pictures, from pixels alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from agent.data import Box, Grid
from agent.segmenter import split

COLORS = {"white": 255, "black": 0, "gray": 128}


def grid_picture(
    rows: int, cols: int, side: int, gutter: int, color: int, margin: int, *, seed: int = 0,
    jitter: int = 0, marks: tuple[int, ...] = (),
) -> tuple[Image.Image, list[Box]]:  # fmt: skip
    """Textured tiles on a plain ground, and where they are."""
    random = np.random.default_rng(seed)
    width = cols * side + (cols - 1) * gutter + 2 * margin
    height = rows * side + (rows - 1) * gutter + 2 * margin
    picture = Image.new("RGB", (width, height), (color, color, color))
    pen, boxes = ImageDraw.Draw(picture), []
    for row, col in itertools.product(range(rows), range(cols)):
        x = (
            margin
            + col * (side + gutter)
            + (int(random.integers(-jitter, jitter + 1)) if col else 0)
        )
        y = margin + row * (side + gutter)
        coarse = random.integers(30, 226, (6, 6, 3), dtype=np.uint8)
        texture = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        noise = random.normal(0, 9, (side, side, 3))
        tile = np.clip(np.asarray(texture).astype(float) + noise, 0, 255).astype(np.uint8)
        picture.paste(Image.fromarray(tile), (x, y))
        if len(boxes) in marks:
            pen.ellipse((x - 4, y - 4, x + side // 5, y + side // 5), fill=(36, 86, 214))
        boxes.append(Box(x, y, side, side))
    return picture, boxes


def least_iou(grid: Grid, boxes: list[Box]) -> float:
    assert len(grid.boxes) == len(boxes), (grid.rows, grid.cols)
    shares = []
    for seen, real in zip(grid.boxes, boxes, strict=True):
        shared = seen.overlap(real)
        shares.append(shared / (seen.area + real.area - shared))
    return min(shares)


CASES = list(
    itertools.product(
        [(2, 2), (2, 3), (3, 3), (4, 4), (3, 5), (5, 5)],
        [60, 100, 133],
        [2, 3, 8, 16],
        COLORS,
        [0, 12],
    )
)


@pytest.mark.parametrize("shape", sorted({case[0] for case in CASES}))
def test_every_tile_is_found(shape: tuple[int, int]) -> None:
    """Each tile at IoU 0.95 or better, for gutters of 2 px or wider of any colour and width."""
    cases = [case for case in CASES if case[0] == shape]
    for seed, ((rows, cols), side, gutter, color, margin) in enumerate(cases):
        picture, boxes = grid_picture(rows, cols, side, gutter, COLORS[color], margin, seed=seed)
        grid = split(picture)
        assert (grid.rows, grid.cols) == (rows, cols), (side, gutter, color, margin)
        assert least_iou(grid, boxes) >= 0.95, (side, gutter, color, margin)
        assert grid.confidence > 0.5


def test_a_jitter_of_one_pixel_reorders_nothing() -> None:
    """Tiles come row by row even where a column is off by a pixel."""
    picture, boxes = grid_picture(3, 3, 100, 8, 255, 0, jitter=1, seed=5)
    grid = split(picture)
    assert least_iou(grid, boxes) >= 0.93


def test_marks_of_chosen_tiles_do_not_hide_the_grid() -> None:
    """A check mark that hangs over the gutters leaves the grid as it is."""
    picture, boxes = grid_picture(3, 3, 120, 8, 255, 10, marks=(0, 4), seed=3)
    assert least_iou(split(picture, rows=3, cols=3), boxes) >= 0.95


def test_seams_without_gutters() -> None:
    """Tiles that touch are told apart by the jump of the pixels between them."""
    picture, boxes = grid_picture(3, 3, 90, 0, 255, 0, seed=2)
    grid = split(picture)
    assert (grid.rows, grid.cols) == (3, 3)
    assert least_iou(grid, boxes) >= 0.95


def test_a_picture_without_a_grid() -> None:
    """A photograph that shows no lattice is one tile with no confidence."""
    picture, _ = grid_picture(1, 1, 240, 0, 255, 0)
    grid = split(picture)
    assert (grid.rows, grid.cols, grid.confidence) == (1, 1, 0.0)


def test_a_given_count_is_taken() -> None:
    """With the count given, a picture without lines is cut into equal parts."""
    picture, _ = grid_picture(1, 1, 240, 0, 255, 0)
    grid = split(picture, rows=4, cols=4)
    assert (grid.rows, grid.cols) == (4, 4)
    assert {(box.width, box.height) for box in grid.boxes} == {(60, 60)}


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60), st.just(3))),
    st.none() | st.integers(1, 6),
    st.none() | st.integers(1, 6),
)
def test_any_picture_gives_boxes_inside_it(
    pixels: np.ndarray, rows: int | None, cols: int | None
) -> None:
    """Whatever the pixels: rows x cols boxes, inside the picture, none over another."""
    grid = split(pixels, rows=rows, cols=cols)
    assert len(grid.boxes) == grid.rows * grid.cols
    height, width = pixels.shape[:2]
    for box in grid.boxes:
        assert box.x >= 0 <= box.y
        assert box.right <= width
        assert box.bottom <= height
    for first, second in itertools.combinations(grid.boxes, 2):
        assert first.overlap(second) == 0
    assert 0 <= grid.confidence <= 1
