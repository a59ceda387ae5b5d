"""Pictures of tile grids with their boxes known, each drawn from a seed.

What the segmenter must cope with comes up in all combinations: gutters of any colour or none,
uneven gaps, rounded corners, borders, shadows, chosen tiles, round marks, bands of text, damage.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from agent.data import Box, Grid
from fixtures import render
from fixtures.backdrop import Random, backdrop

DRAWINGS = Path(render.__file__).parent / "pictures"
POOL = 160  # tiles and scenes that all pictures are made of, mirrored and relit
Color = tuple[int, int, int]
THEMES: dict[str, Color] = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "dark": (26, 32, 45),
    "pale": (242, 244, 248),
    "accent": (36, 86, 214),
}
ACCENT, DARK, INK = THEMES["accent"], THEMES["dark"], (27, 34, 51)


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is drawn; lengths in CSS pixels, before `scale` and `resampled`."""

    rows: int
    cols: int
    width: int
    height: int
    gutter: int
    uneven: int  # by which single gaps are wider, at most
    color: Color  # of gutters and margin
    theme: str  # the name of that colour
    ground: str  # plain, gradient, textured
    margin: int
    corner: int  # radius
    border: int
    shadow: bool
    chosen: str  # how chosen tiles look: none, tint, check, shrunk, ring
    marks: bool  # a round mark in the corner of every tile
    header: int  # heights of the bands
    footer: int
    content: str  # tiles: single pictures; scene: one picture cut; icons: drawings on paper
    scale: int
    resampled: float
    jpeg: int  # quality, 100 for none


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
    return draw(_look(random), random)


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


def without_grid(seed: int) -> Image.Image:
    """A picture that shows no grid: a tile, a scene or a place, some below a band."""
    random = np.random.default_rng((2, seed))
    kind = int(random.integers(3))
    side = int(random.integers(160, 600))
    picture = (
        backdrop(side, random)
        if kind == 0
        else _photo(
            ("tiles", "scene")[kind - 1], (side, round(side * random.uniform(0.6, 1))), random
        )
    )
    if random.random() < 0.3:
        header = round(picture.height * random.uniform(0.1, 0.4))
        below = Image.new("RGB", (picture.width, picture.height + header), THEMES["white"])
        below.paste(picture, (0, header))
        _header(below, Box(0, 0, picture.width, header), random)
        picture = below
    return _damaged(picture, int(random.choice([100, 40, 70, 90])))


def _look(random: Random) -> Look:
    def often(share: float) -> bool:
        return bool(random.random() < share)

    def among(*values: str) -> str:
        return str(random.choice(values))

    rows, cols = (int(n) for n in random.integers(2, 7, 2))
    if often(0.4):
        cols = rows
    scale = int(random.choice([1, 1, 1, 2, 3]))
    width = int(random.integers(60, 160 if max(rows, cols) < 5 else 110))
    height = round(width * random.uniform(0.6, 1.6)) if often(0.25) else width
    gutter = int(random.choice([0, 0, 1, 2, 2, 3, 4, 6, 8, 12, 20]))
    theme = among(*THEMES, "any")
    color = THEMES.get(theme) or tuple(int(v) for v in random.integers(0, 256, 3))
    wide = gutter >= 3
    content = "tiles" if gutter == 0 else among("tiles", "tiles", "tiles", "scene", "icons")
    return Look(
        rows=rows, cols=cols, width=width, height=max(height, 60),
        gutter=gutter,
        uneven=int(random.integers(1, max(2, gutter))) if gutter and often(0.2) else 0,
        color=color, theme=theme,  # type: ignore[arg-type]
        ground=among("plain", "plain", "gradient", "textured") if wide else "plain",
        margin=int(random.integers(1, 25)) if often(0.5) else 0,
        corner=int(random.integers(2, width // 6)) if wide and often(0.35) else 0,
        border=int(random.integers(1, 3)) if gutter >= 2 and often(0.25) else 0,
        shadow=gutter >= 6 and often(0.3),
        chosen=among("none", "tint", "check", "shrunk", "ring") if often(0.6) else "none",
        marks=often(0.2),
        header=int(random.integers(40, 130)) if often(0.3) else 0,
        footer=int(random.integers(30, 70)) if often(0.25) else 0,
        content=content,
        scale=scale,
        resampled=float(random.uniform(0.8, 1.5)) if often(0.2) else 1.0,
        jpeg=int(random.integers(35, 95)) if often(0.4) else 100,
    )  # fmt: skip


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
    for box, content in zip(boxes, _contents(look, boxes, random), strict=True):
        _place(picture, content, box, look, random)
    if look.header:
        _header(picture, Box(0, 0, size[0], look.header * unit), random)
    if look.footer:
        top = size[1] - look.footer * unit
        _footer(picture, Box(0, top, size[0], look.footer * unit), random)
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


def _contents(look: Look, boxes: Sequence[Box], random: Random) -> list[Image.Image]:
    if look.content == "scene":
        right, bottom = max(b.right for b in boxes), max(b.bottom for b in boxes)
        left, top = boxes[0].x, boxes[0].y
        whole = _photo("scene", (int(right - left), int(bottom - top)), random)
        return [
            whole.crop((int(b.x - left), int(b.y - top), int(b.right - left), int(b.bottom - top)))
            for b in boxes
        ]
    size = (int(boxes[0].width), int(boxes[0].height))
    if look.content == "tiles":
        return [_photo("tiles", size, random) for _ in boxes]
    paper = _paper(look.color, random)
    return [_icon(size, paper, random) for _ in boxes]


def _paper(gutter: Color, random: Random) -> Color:
    """A colour that a person tells from the gutters'."""
    while True:
        level, tint = random.integers(0, 256), random.integers(-25, 26, 3)
        paper = np.clip(level + tint, 0, 255)
        if np.abs(paper - np.array(gutter)).max() >= 40:
            return int(paper[0]), int(paper[1]), int(paper[2])


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


def use_photographs(folder: Path) -> None:
    """Make the pictures of these photographs instead of the project's own drawings."""
    photos = [Image.open(path).convert("RGB") for path in sorted(folder.rglob("*.jpg"))]
    squares = [photo.crop((0, 0, min(photo.size), min(photo.size))) for photo in photos]
    _pool()["tiles"][:] = squares
    _pool()["scene"][:] = squares


def _photo(kind: str, size: tuple[int, int], random: Random) -> Image.Image:
    """One of the pool, cut, mirrored and relit at will."""
    pool = _pool()[kind]
    photo = pool[int(random.integers(len(pool)))]
    share = random.uniform(0.75, 1)
    left, top = (random.uniform(0, (1 - share) * edge) for edge in photo.size)
    part = (left, top, left + share * photo.width, top + share * photo.height)
    photo = photo.resize(size, Image.Resampling.BILINEAR, box=part)
    if random.random() < 0.5:
        photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = np.asarray(photo).astype(np.float32) * random.uniform(0.7, 1.2)
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
def _drawings() -> list[Path]:
    return sorted(DRAWINGS.rglob("*.webp"))


def _place(
    picture: Image.Image, content: Image.Image, box: Box, look: Look, random: Random
) -> None:
    """One tile with all that lies on it and around it."""
    unit, size = look.scale, content.size
    at = (int(box.x), int(box.y))
    chosen = look.chosen if random.random() < 0.3 else "none"
    outline = Image.new("L", size, 0)
    everything = (0, 0, size[0] - 1, size[1] - 1)
    ImageDraw.Draw(outline).rounded_rectangle(everything, look.corner * unit, fill=255)
    if look.shadow:
        _shade(picture, box, 3 * unit)
    if chosen == "shrunk":
        small = content.resize((size[0] * 5 // 6, size[1] * 5 // 6))
        content = Image.new("RGB", size, ACCENT)
        content.paste(small, (size[0] // 12, size[1] // 12))
    elif chosen == "tint":
        content = Image.blend(content, Image.new("RGB", size, ACCENT), 0.4)
    pen = ImageDraw.Draw(content)
    if look.border:
        line = INK if sum(look.color) > 380 else (224, 226, 232)
        pen.rounded_rectangle(
            everything, look.corner * unit, outline=line, width=look.border * unit
        )
    if chosen == "ring":
        pen.rounded_rectangle(everything, look.corner * unit, outline=ACCENT, width=4 * unit)
    picture.paste(content, at, outline)
    if chosen in ("check", "shrunk"):
        _check(picture, box, unit)
    elif look.marks:
        radius = max(min(size) // 10, 5)
        x, y = box.right - radius * 1.5, box.y + radius * 1.5
        ring = (x - radius, y - radius, x + radius, y + radius)
        ImageDraw.Draw(picture).ellipse(ring, fill=THEMES["white"], outline=INK, width=unit)


def _shade(picture: Image.Image, box: Box, reach: int) -> None:
    """A soft shadow below and around a tile."""
    edges = (int(box.x) - 2 * reach, int(box.y) - reach, int(box.right) + 2 * reach,
             int(box.bottom) + 3 * reach)  # fmt: skip
    mask = Image.new("L", (edges[2] - edges[0], edges[3] - edges[1]), 0)
    inside = (2 * reach, 2 * reach, 2 * reach + box.width, 2 * reach + box.height)
    ImageDraw.Draw(mask).rectangle(inside, fill=90)
    mask = mask.filter(ImageFilter.GaussianBlur(reach * 0.7))
    picture.paste((0, 0, 0), edges[:2], mask)


def _check(picture: Image.Image, box: Box, unit: int) -> None:
    """A round check mark that hangs over the tile's corner by some pixels."""
    radius, x, y = 10 * unit, box.x + 8 * unit, box.y + 8 * unit
    pen = ImageDraw.Draw(picture)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ACCENT)
    hook = [(x - radius / 2, y), (x - radius / 8, y + radius / 2), (x + radius / 2, y - radius / 2)]
    pen.line(hook, fill=THEMES["white"], width=2 * unit)


def _header(picture: Image.Image, band: Box, random: Random) -> None:
    """The instruction: text on a band of colour, sometimes with a sample picture."""
    pen = ImageDraw.Draw(picture)
    inset = int(random.choice([0, 0, 6]))
    color = ACCENT if random.random() < 0.6 else THEMES["white"]
    pen.rectangle(
        (band.x + inset, band.y + inset, band.right - 1 - inset, band.bottom - 1 - inset),
        fill=color,
    )
    ink = THEMES["white"] if color == ACCENT else INK
    _write(pen, "Select all images with a", band, band.height * 0.12, band.height * 0.2, ink)
    _write(pen, "traffic light", band, band.height * 0.42, band.height * 0.34, ink)
    if random.random() < 0.3:
        side = int(band.height * 0.7)
        sample = _photo("tiles", (side, side), random)
        picture.paste(sample, (int(band.right - side * 1.2), int(band.y + band.height * 0.15)))


def _footer(picture: Image.Image, band: Box, random: Random) -> None:
    """Buttons: a quiet one on the left, one of colour on the right."""
    pen = ImageDraw.Draw(picture)
    color = THEMES["white"] if random.random() < 0.6 else DARK
    pen.rectangle((band.x, band.y, band.right - 1, band.bottom - 1), fill=color)
    middle, radius = band.y + band.height / 2, band.height * 0.2
    for n in range(int(random.integers(1, 4))):
        x = band.x + band.height * (0.5 + 0.7 * n)
        ring = (x - radius, middle - radius, x + radius, middle + radius)
        pen.ellipse(ring, outline=(120, 120, 128), width=max(round(band.height / 20), 1))
    width = min(band.height * 2.2, band.width * 0.4)
    right, top = band.right - band.height * 0.25, band.y + band.height * 0.2
    button = (right - width, top, right, band.bottom - band.height * 0.2)
    pen.rounded_rectangle(button, 4, fill=ACCENT)
    label = Box(right - width, top, width, band.height * 0.6)
    _write(pen, "VERIFY", label, label.height * 0.25, label.height * 0.45, THEMES["white"])


def _write(
    pen: ImageDraw.ImageDraw, text: str, area: Box, top: float, height: float, ink: Color
) -> None:
    font = ImageFont.load_default(max(height, 6))
    pen.text((area.x + area.height * 0.2, area.y + top), text, font=font, fill=ink)


def _damaged(picture: Image.Image, jpeg: int) -> Image.Image:
    if jpeg == 100:
        return picture
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=jpeg)
    return Image.open(buffer).convert("RGB")
