"""What tiles show: photographs of the project's drawings, cuts of one scene, icons on paper."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from agent.data import Box
from fixtures import render
from fixtures.backdrop import Random
from tests.grid_pictures.look import Color, Look

DRAWINGS = Path(render.__file__).parent / "pictures"
POOL = 160  # tiles and scenes that all pictures are made of, mirrored and relit


def contents(look: Look, boxes: Sequence[Box], random: Random) -> list[Image.Image]:
    """What each tile shows."""
    if look.content == "scene":
        right, bottom = max(b.right for b in boxes), max(b.bottom for b in boxes)
        left, top = boxes[0].x, boxes[0].y
        whole = photo("scene", (int(right - left), int(bottom - top)), random)
        return [
            whole.crop((int(b.x - left), int(b.y - top), int(b.right - left), int(b.bottom - top)))
            for b in boxes
        ]
    size = (int(boxes[0].width), int(boxes[0].height))
    if look.content == "tiles":
        return [photo("tiles", size, random) for _ in boxes]
    paper = _paper(look.color, random)
    return [_icon(size, paper, random) for _ in boxes]


def _paper(gutter: Color, random: Random) -> Color:
    """A colour that a person tells from the gutters'."""
    while True:
        level, tint = random.integers(0, 256), random.integers(-25, 26, 3)
        paper = np.clip(level + tint, 0, 255)
        if np.abs(paper - np.array(gutter)).max() >= 40:
            return int(paper[0]), int(paper[1]), int(paper[2])


def use_photographs(folder: Path) -> None:
    """Make the pictures of these photographs instead of the project's own drawings."""
    photos = [Image.open(path).convert("RGB") for path in sorted(folder.rglob("*.jpg"))]
    squares = [photo.crop((0, 0, min(photo.size), min(photo.size))) for photo in photos]
    _pool()["tiles"][:] = squares
    _pool()["scene"][:] = squares


def photo(kind: str, size: tuple[int, int], random: Random) -> Image.Image:
    """One of the pool, cut, mirrored and relit at will."""
    pool = _pool()[kind]
    picture = pool[int(random.integers(len(pool)))]
    share = random.uniform(0.75, 1)
    left, top = (random.uniform(0, (1 - share) * edge) for edge in picture.size)
    part = (left, top, left + share * picture.width, top + share * picture.height)
    picture = picture.resize(size, Image.Resampling.BILINEAR, box=part)
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = np.asarray(picture).astype(np.float32) * random.uniform(0.7, 1.2)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _icon(size: tuple[int, int], paper: Color, random: Random) -> Image.Image:
    tile = Image.new("RGB", size, paper)
    paths = _drawings()
    with Image.open(paths[int(random.integers(len(paths)))]) as opened:
        icon = opened.convert("RGBA")
    side = round(min(size) * random.uniform(0.5, 0.9))
    icon.thumbnail((side, side))
    slack = [max(edge - own, 0) for edge, own in zip(size, icon.size, strict=True)]
    tile.paste(icon, (round(slack[0] * random.random()), round(slack[1] * random.random())), icon)
    return tile


@lru_cache(maxsize=1)
def _pool() -> dict[str, list[Image.Image]]:
    """The photographs of the project: drawings on drawn places, damaged as a captcha's are."""
    random = np.random.default_rng(0)
    drawings = [
        Path(path) for path in random.permutation(sorted(map(str, DRAWINGS.rglob("*.webp"))))
    ]
    tiles = [render.tile(path, random) for path in drawings[:POOL]]
    scenes = [render.scene(drawings[n * 5 : n * 5 + 4], 4, 4, random)[0] for n in range(POOL // 8)]
    return {"tiles": tiles, "scene": scenes}


@lru_cache(maxsize=1)
def _drawings() -> list[Path]:
    return sorted(DRAWINGS.rglob("*.webp"))
