"""Pictures of tile grids with their boxes known, each drawn from a seed.

What the segmenter must cope with comes up in all combinations: gutters of any colour or none,
uneven gaps, rounded corners, borders, shadows, chosen tiles, round marks, bands of text, damage.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from PIL import Image

from agent.data import Box, Grid
from fixtures.backdrop import Random, backdrop
from tests.grid_pictures.bands import footer, header
from tests.grid_pictures.look import ACCENT, THEMES, Look, random_look
from tests.grid_pictures.photographs import contents, photo
from tests.grid_pictures.tiles import place


@dataclass(frozen=True, slots=True)
class Example:
    """A picture, its tiles' boxes row by row, and the look it was drawn from."""

    picture: Image.Image
    boxes: tuple[Box, ...]
    look: Look

    @property
    def gutter_px(self) -> float:
        """The narrowest gap of the grid, in pixels of the picture."""
        return self.look.gutter * self.look.scale * self.look.resampled

    @property
    def has_hidden_edges(self) -> bool:
        """Whether chosen tiles have frames of the very colour of the gutters beside them."""
        look = self.look
        return look.gutter > 0 and look.color == ACCENT and look.chosen in ("ring", "shrunk")

    @property
    def features(self) -> tuple[str, ...]:
        """What there is in this picture, to count results by."""
        look = self.look
        present = ("uneven", "margin", "corner", "border", "shadow", "marks", "header", "footer")
        return (
            f"gutter {_band(self.gutter_px)}",
            f"lines {min(look.rows, look.cols)} to {max(look.rows, look.cols)}",
            f"colour {look.theme if look.gutter else 'none'}",
            f"ground {look.ground}",
            f"content {look.content}",
            f"chosen {look.chosen}",
            f"scale {look.scale}" + ("" if look.resampled == 1 else ", resampled"),
            *(name for name in present if getattr(look, name)),
            *(["JPEG damage"] if look.jpeg < 100 else []),
            *(["gutter 2 px or more"] if self.gutter_px >= 2 else []),
            *(["frames in the gutters' colour"] if self.has_hidden_edges else []),
            *(["not square"] if look.width != look.height else []),
        )


def _band(gutter_px: float) -> str:
    if gutter_px < 2:
        return "0 px" if gutter_px == 0 else "below 2 px"
    return "2 to 4 px" if gutter_px < 4 else "4 px or more"


def least_iou(grid: Grid, boxes: Sequence[Box]) -> float:
    """The least intersection over union of a tile with its box; 0 where their number differs."""
    if len(grid.boxes) != len(boxes):
        return 0.0
    shares = []
    for seen, real in zip(grid.boxes, boxes, strict=True):
        shared = seen.overlap(real)
        shares.append(shared / (seen.area + real.area - shared))
    return min(shares)


def example(seed: int) -> Example:
    """The grid of this seed."""
    random = np.random.default_rng((1, seed))
    return draw(random_look(random), random)


def textured(
    rows: int, cols: int, side: int, gutter: int, level: int, margin: int, *, seed: int
) -> tuple[Image.Image, list[Box]]:
    """Noisy textures on a ground of one grey level, and where they are."""
    random = np.random.default_rng(seed)
    width, height = (n * side + (n - 1) * gutter + 2 * margin for n in (cols, rows))
    picture = Image.new("RGB", (width, height), (level, level, level))
    boxes = []
    for row, col in product(range(rows), range(cols)):
        x, y = (margin + n * (side + gutter) for n in (col, row))
        coarse = random.integers(30, 226, (6, 6, 3), dtype=np.uint8)
        texture = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        tile = np.asarray(texture).astype(float) + random.normal(0, 9, (side, side, 3))
        picture.paste(Image.fromarray(np.clip(tile, 0, 255).astype(np.uint8)), (x, y))
        boxes.append(Box(x, y, side, side))
    return picture, boxes


def continuous(seed: int) -> Example:
    """One photograph that is cut into tiles where nothing shows it: only their number tells."""
    random = np.random.default_rng((3, seed))
    look = replace(
        random_look(random), content="scene", gutter=0, uneven=0, margin=0, corner=0, border=0,
        shadow=False, chosen="none", marks=False, header=0, footer=0, resampled=1.0,
    )  # fmt: skip
    return draw(look, random)


def without_grid(seed: int) -> Image.Image:
    """A picture that shows no grid: a tile, a scene or a place, some below a band."""
    random = np.random.default_rng((2, seed))
    kind = int(random.integers(3))
    side = int(random.integers(160, 600))
    picture = (
        backdrop(side, random)
        if kind == 0
        else photo(
            ("tiles", "scene")[kind - 1], (side, round(side * random.uniform(0.6, 1))), random
        )
    )
    if random.random() < 0.3:
        height = round(picture.height * random.uniform(0.1, 0.4))
        below = Image.new("RGB", (picture.width, picture.height + height), THEMES["white"])
        below.paste(picture, (0, height))
        header(below, Box(0, 0, picture.width, height), random)
        picture = below
    return _damaged(picture, int(random.choice([100, 40, 70, 90])))


def draw(look: Look, random: Random) -> Example:
    """The picture of a look."""
    unit = look.scale
    columns = _starts(look.cols, look.width, look, random)
    lines = [top + look.header for top in _starts(look.rows, look.height, look, random)]
    boxes = [
        Box(left * unit, top * unit, look.width * unit, look.height * unit)
        for top, left in product(lines, columns)
    ]
    size = (
        (columns[-1] + look.width + look.margin) * unit,
        (lines[-1] + look.height + look.margin + look.footer) * unit,
    )
    picture = _ground(look, size, random)
    for box, content in zip(boxes, contents(look, boxes, random), strict=True):
        place(picture, content, box, look, random)
    if look.header:
        header(picture, Box(0, 0, size[0], look.header * unit), random)
    if look.footer:
        top = size[1] - look.footer * unit
        footer(picture, Box(0, top, size[0], look.footer * unit), random)
    if look.resampled != 1:
        resized = [round(edge * look.resampled) for edge in size]
        factors = [new / old for new, old in zip(resized, size, strict=True)]
        picture = picture.resize((resized[0], resized[1]), Image.Resampling.BICUBIC)
        boxes = [
            Box(b.x * factors[0], b.y * factors[1], b.width * factors[0], b.height * factors[1])
            for b in boxes
        ]
    return Example(_damaged(picture, look.jpeg), tuple(boxes), look)


def _starts(count: int, side: int, look: Look, random: Random) -> list[int]:
    """Where the tiles of one direction begin."""
    gaps = look.gutter + random.integers(0, look.uneven + 1, count - 1)
    return [look.margin, *(look.margin + np.cumsum(side + gaps)).tolist()]


def _ground(look: Look, size: tuple[int, int], random: Random) -> Image.Image:
    picture = Image.new("RGB", size, look.color)
    if look.ground == "plain":
        return picture
    pixels = np.asarray(picture).astype(np.float32)
    if look.ground == "gradient":
        down, across = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
        way = down / size[1] * random.uniform(-1, 1) + across / size[0] * random.uniform(-1, 1)
        pixels += way[..., None] * random.uniform(-90, 90, 3).astype(np.float32)
    else:
        pixels += random.normal(0, random.uniform(2, 8), pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _damaged(picture: Image.Image, jpeg: int) -> Image.Image:
    if jpeg == 100:
        return picture
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=jpeg)
    return Image.open(buffer).convert("RGB")
