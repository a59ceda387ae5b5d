"""Tile grids found in pictures, from pixels alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps

from agent.data import Box, Grid
from agent.segmenter import split
from tests.grid_pictures import (
    THEMES,
    Example,
    Look,
    continuous,
    draw,
    least_iou,
    textured,
    without_grid,
)
from tests.grid_pictures import (
    example as grid_of,
)

LEAST_IOU = 0.95
FIRST = 24000  # apart from the seeds that the segmenter's numbers were chosen on


def look(**changes: object) -> Look:
    """Nine tiles of 90 px with white gutters of 6 px, and nothing else."""
    plain: dict[str, object] = {
        "rows": 3, "cols": 3, "width": 90, "height": 90, "gutter": 6, "uneven": 0,
        "color": THEMES["white"], "theme": "white", "ground": "plain", "margin": 0, "corner": 0,
        "border": 0, "shadow": False, "chosen": "none", "marks": False, "header": 0, "footer": 0,
        "content": "tiles", "scale": 1, "resampled": 1.0, "jpeg": 100,
    }  # fmt: skip
    return Look(**{**plain, **changes})  # type: ignore[arg-type]


def drawn(seed: int = 0, **changes: object) -> Example:
    return draw(look(**changes), np.random.default_rng(seed))


def is_right(found: Example) -> bool:
    return least_iou(split(found.picture), found.boxes) >= LEAST_IOU


def test_most_grids_of_a_varied_matrix() -> None:
    """Of 200 varied pictures 97 % have every tile found, and all the right rows and columns.

    This guards what is reached; the aim is 99.5 %. `tests/benchmarks/grids.py` measures it.
    """
    missed, miscounted = [], []
    for seed in range(FIRST, FIRST + 200):
        found = grid_of(seed)
        grid = split(found.picture)
        missed += [seed] if least_iou(grid, found.boxes) < LEAST_IOU else []
        right = (grid.rows, grid.cols) == (found.look.rows, found.look.cols)
        miscounted += [] if right else [seed]
    assert len(missed) <= 6, missed
    assert not miscounted


CASES = list(
    itertools.product(
        [(2, 2), (2, 3), (3, 3), (4, 4), (3, 5), (5, 5)],
        [60, 100, 133],
        [2, 3, 8, 16],
        [255, 0, 128],
        [0, 12],
    )
)


@pytest.mark.parametrize("shape", sorted({case[0] for case in CASES}))
def test_every_tile_is_found(shape: tuple[int, int]) -> None:
    """Each tile at IoU 0.95 or better, for plain gutters of 2 px or wider, with and without margin.

    All 432 combinations of shape, side, gutter, its grey level and margin.
    """
    cases = [case for case in CASES if case[0] == shape]
    for seed, ((rows, cols), side, gutter, level, margin) in enumerate(cases):
        picture, boxes = textured(rows, cols, side, gutter, level, margin, seed=seed)
        grid = split(picture)
        assert (grid.rows, grid.cols) == (rows, cols), (side, gutter, level, margin)
        assert least_iou(grid, boxes) >= LEAST_IOU, (side, gutter, level, margin)
        assert grid.confidence > 0.5, (side, gutter, level, margin)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("gutter", [2, 6])
def test_gutters_of_any_colour(theme: str, gutter: int) -> None:
    """Each tile at IoU 0.95 or better, whatever the colour and width of the gutters."""
    assert is_right(drawn(color=THEMES[theme], theme=theme, gutter=gutter))


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 2, "cols": 6},
        {"rows": 6, "cols": 2},
        {"gutter": 0},
        {"uneven": 5},
        {"margin": 3, "border": 2},
        {"uneven": 4, "border": 2},
        {"gutter": 1, "margin": 2},
        {"shadow": True, "gutter": 8, "margin": 4, "border": 1, "color": THEMES["pale"]},
        {"corner": 14, "margin": 9},
        {"border": 2},
        {"shadow": True, "gutter": 12},
        {"ground": "gradient"},
        {"ground": "textured"},
        {"chosen": "tint"},
        {"chosen": "check"},
        {"chosen": "shrunk"},
        {"marks": True},
        {"header": 100, "footer": 50},
        {"content": "scene"},
        {"width": 130, "height": 70},
        {"jpeg": 40},
        {"scale": 3},
        {"resampled": 1.37},
    ],
    ids=" ".join,
)
def test_what_sites_do_to_tiles(changes: dict[str, object]) -> None:
    """One thing at a time that sites do to a grid of tiles leaves it found."""
    assert is_right(drawn(seed=1, **changes))


@pytest.mark.parametrize(
    "seed",
    [
        4351,  # a shadow beside a border
        3173, 3511, 4789, 30303,  # borders in gutters of 2 to 4 px, frames of chosen tiles
        30264,  # shadows on paper in uneven gaps: no seams
        4784, 5398, 30092,  # the lattice that scores best is not the one
        30287, 30901,  # frames of chosen tiles beside seams
        40879, 41027,  # the border of the next tile is not this one's
        40576,  # a border that would reach over the picture's edge
        40793, 41113,  # margins that are hardly darker than the tiles
        40084,  # a tile with the gap beside it is as good as the tile: both axes are asked
        41116, 41902,  # tiles that fill the picture to the pixel
    ],
)  # fmt: skip
def test_grids_that_were_missed_once(seed: int) -> None:
    """Each was missed for a cause of its own."""
    assert is_right(grid_of(seed))


def test_touching_tiles_have_no_gutter() -> None:
    """Tiles that touch are told apart by the seam, and the gutter is 0 px wide."""
    found = drawn(gutter=0)
    assert split(found.picture).gutter_px == 0
    assert split(drawn(gutter=6).picture).gutter_px == pytest.approx(6, abs=1)


@pytest.mark.parametrize("gutter", [0, 6])
@pytest.mark.parametrize("count", [3, 5, 8])
def test_a_single_row_or_column(count: int, gutter: int) -> None:
    """Much longer than wide, a picture may be a row of tiles, or a column."""
    row = drawn(gutter=gutter, rows=1, cols=count)
    assert is_right(row)
    column = split(row.picture.transpose(Image.Transpose.TRANSPOSE))
    assert (column.rows, column.cols) == (count, 1)


def test_pictures_without_a_grid_get_a_low_confidence() -> None:
    """Nine of ten pictures without a grid get a confidence below 0.5; nine of ten grids above."""
    plain = [split(without_grid(FIRST + number)).confidence for number in range(40)]
    grids = [split(grid_of(FIRST + number).picture).confidence for number in range(40)]
    assert sum(sure < 0.5 for sure in plain) >= 36, plain
    assert sum(sure > 0.5 for sure in grids) >= 36, grids


def test_a_photograph_that_nothing_cuts() -> None:
    """Where no line shows how a photograph is cut, it is said so; a given count cuts it equally."""
    found = [continuous(FIRST + number) for number in range(20)]
    assert sum(split(each.picture).confidence < 0.5 for each in found) >= 19
    told = [split(each.picture, rows=each.look.rows, cols=each.look.cols) for each in found]
    right = [
        least_iou(*pair) >= LEAST_IOU for pair in zip(told, (e.boxes for e in found), strict=True)
    ]
    assert sum(right) >= 19, right


def test_a_picture_without_any_line_is_one_tile() -> None:
    """Where nothing is seen, the whole picture is the one tile, with confidence 0."""
    assert split(Image.new("RGB", (200, 120), "teal")) == Grid(1, 1, (Box(0, 0, 200, 120),), 0.0)


def test_a_given_count_is_taken() -> None:
    """With the count given, a picture without lines is cut into equal parts."""
    grid = split(Image.new("RGB", (240, 240), "teal"), rows=4, cols=4)
    assert (grid.rows, grid.cols, grid.confidence) == (4, 4, 0.0)
    assert {(box.width, box.height) for box in grid.boxes} == {(60, 60)}


def test_a_given_count_finds_the_lines() -> None:
    """With the count given, tiles are where the lines are, not equal parts of the picture."""
    found = drawn(header=100, margin=10)
    assert least_iou(split(found.picture, rows=3, cols=3), found.boxes) >= LEAST_IOU


# Drawn alike in each run: how often others are missed is for tests/benchmarks/grids.py to say.
GRIDS = st.builds(
    lambda seed, rows, cols, gutter, side: drawn(
        seed, rows=rows, cols=cols, gutter=gutter, width=side, height=side
    ),
    st.integers(0, 999), st.integers(2, 4), st.integers(2, 4), st.integers(2, 12),
    st.integers(60, 110),
)  # fmt: skip


@settings(max_examples=12, deadline=None, derandomize=True)
@given(GRIDS)
def test_mirrored_and_inverted_pictures_have_the_same_grid(found: Example) -> None:
    """Mirrored, the tiles are mirrored; with inverted colours, they stay."""
    width = found.picture.width
    mirrored = [
        Box(width - box.right, box.y, box.width, box.height)
        for row in range(found.look.rows)
        for box in reversed(found.boxes[row * found.look.cols :][: found.look.cols])
    ]
    assert least_iou(split(ImageOps.mirror(found.picture)), mirrored) >= LEAST_IOU
    assert least_iou(split(ImageOps.invert(found.picture)), found.boxes) >= LEAST_IOU


@settings(max_examples=12, deadline=None, derandomize=True)
@example(drawn(168, rows=2, cols=2, gutter=7, width=109, height=109), 28, 49, 3)
@example(drawn(18, rows=2, cols=2, gutter=2, width=97, height=97), 1, 1, 3).xfail(
    raises=AssertionError, reason="missed still: the upper tiles lose a third of their height"
)
@given(GRIDS, st.integers(1, 60), st.integers(1, 60), st.sampled_from([1, 2, 3]))
def test_a_moved_and_scaled_grid_is_moved_and_scaled(
    found: Example, dx: int, dy: int, factor: int
) -> None:
    """On a larger canvas of the gutters' colour, and at a whole scale, the tiles move along."""
    canvas = Image.new("RGB", (found.picture.width + 70, found.picture.height + 70), "white")
    canvas.paste(found.picture, (dx, dy))
    canvas = canvas.resize(
        (canvas.width * factor, canvas.height * factor), Image.Resampling.NEAREST
    )
    boxes = [box.moved(dx, dy).scaled(factor) for box in found.boxes]
    assert least_iou(split(canvas), boxes) >= LEAST_IOU


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60), st.just(3))),
    st.none() | st.integers(1, 6),
    st.none() | st.integers(1, 6),
)
def test_any_picture_gives_boxes_inside_it(
    pixels: np.ndarray, rows: int | None, cols: int | None
) -> None:
    """Whatever the pixels: rows x cols boxes in order, inside the picture, none over another."""
    grid = split(pixels, rows=rows, cols=cols)
    assert len(grid.boxes) == grid.rows * grid.cols
    height, width = pixels.shape[:2]
    for box in grid.boxes:
        assert box.x >= 0 <= box.y
        assert box.right <= width
        assert box.bottom <= height
    for first, second in itertools.combinations(grid.boxes, 2):
        assert first.overlap(second) == 0
    lines = [grid.boxes[n : n + grid.cols] for n in range(0, len(grid.boxes), grid.cols)]
    assert all([box.x for box in line] == sorted(box.x for box in line) for line in lines)
    assert [line[0].y for line in lines] == sorted(line[0].y for line in lines)
    assert 0 <= grid.confidence <= 1
