"""Training pictures: drawings on varied backgrounds, damaged as a captcha's pictures are.

A tile shows one drawing, a scene several, with where each one can be seen.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage

from agent.data import Pixels
from agent.models.lite.cutouts import Cutout

Random = np.random.Generator
CELL_PX = 16  # a scene says for each cell of this size how much of it each drawing covers
_PLACES = 8  # tried for each drawing of a scene, in half of all scenes: most real ones lie apart


def background(size: int, random: Random) -> Image.Image:
    """A made-up backdrop, size x size pixels: plain, graded, textured, striped or a landscape."""
    kind = random.integers(6)
    if kind == 0:
        field = np.broadcast_to(_color(random), (size, size, 3)).astype(np.float32)
    elif kind == 1:
        field = _gradient(size, random)
    elif kind == 2:
        field = _clouds(size, random)
    elif kind == 3:
        field = _stripes(size, random)
    elif kind == 4:
        field = _landscape(size, random)
    else:
        field = 0.5 * _gradient(size, random) + 0.5 * _clouds(size, random)
    grain = random.normal(0, random.uniform(0, 14), (size, size, 1))
    field = (field + grain).astype(np.float32)
    return Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))


def tile(size: int, drawing: Cutout, random: Random) -> Image.Image:
    """One drawing, placed at varied size, angle and crop on a backdrop, then damaged."""
    picture = background(size, random)
    cutout = _varied(drawing, random.uniform(0.42, 1.15) * size, random)
    room = size - max(cutout.size)
    # A drawing larger than the tile is cropped by it, but most of it stays in view.
    reach = max(abs(room) * 0.5, size * 0.12)
    x, y = random.uniform(-reach, reach, 2)
    at = (round((size - cutout.width) / 2 + x), round((size - cutout.height) / 2 + y))
    _paste(picture, cutout, at, random)
    return damaged(picture, random)


def scene(
    size: int, drawings: Sequence[Cutout], random: Random
) -> tuple[Image.Image, NDArray[np.float32]]:
    """Several drawings in one picture, and each one's visible share of each 16 x 16 pixels.

    Returns the picture and an array of shape (len(drawings), size / 16, size / 16), in [0, 1].
    """
    picture = background(size, random)
    masks = np.zeros((len(drawings), size, size), dtype=bool)
    places = _PLACES if random.random() < 0.5 else 1
    for number, drawing in enumerate(drawings):
        cutout = _varied(drawing, random.uniform(0.2, 0.62) * size, random)
        at = _place(cutout, np.asarray(masks[:number].any(axis=0)), places, random)
        _paste(picture, cutout, at, random)
        alpha = Image.new("L", (size, size))
        alpha.paste(cutout.getchannel("A"), at)
        mask = np.asarray(alpha) > 127
        masks[:number] &= ~mask
        masks[number] = mask
    cells = size // CELL_PX
    shares = masks.reshape(len(drawings), cells, CELL_PX, cells, CELL_PX).mean(axis=(2, 4))
    return damaged(picture, random), shares.astype(np.float32)


def _place(
    cutout: Image.Image, taken: NDArray[np.bool_], places: int, random: Random
) -> tuple[int, int]:
    """The one of some random places where the least of what is there already gets covered."""
    size = len(taken)
    found = [
        tuple(
            int(random.integers(-edge // 4, max(size - 3 * edge // 4, 1) + 1))
            for edge in cutout.size
        )
        for _ in range(places)
    ]

    def covered(at: tuple[int, ...]) -> int:
        x, y = at
        return int(taken[max(y, 0) : y + cutout.height, max(x, 0) : x + cutout.width].sum())

    x, y = min(found, key=covered)
    return x, y


def damaged(picture: Image.Image, random: Random) -> Image.Image:
    """Colour shift, blur, low resolution, noise and JPEG, each with some probability."""
    size = picture.width
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        if random.random() < 0.5:
            picture = enhance(picture).enhance(random.uniform(0.55, 1.4))
    if random.random() < 0.06:
        picture = picture.convert("L").convert("RGB")
    if random.random() < 0.35:
        small = max(int(size * random.uniform(0.3, 0.9)), 32)
        picture = picture.resize((small, small), Image.Resampling.BILINEAR)
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    if random.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 2.2)))
    pixels = np.asarray(picture).astype(np.float32)
    if random.random() < 0.4:
        pixels += random.uniform(-22, 22, (1, 1, 3)).astype(np.float32)
    if random.random() < 0.45:
        pixels += random.normal(0, random.uniform(2, 20), pixels.shape).astype(np.float32)
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if random.random() < 0.5:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=int(random.integers(25, 90)))
        picture = Image.open(buffer).convert("RGB")
    return picture


def crop(size: int, photograph: Pixels, random: Random) -> Image.Image:
    """A part of a photograph at any scale, turned and mirrored, damaged as a tile is."""
    height, width = photograph.shape[:2]
    side = min(height, width) * random.uniform(0.12, 0.7)
    x, y = random.uniform(0, width - side), random.uniform(0, height - side)
    part = Image.fromarray(photograph).resize(
        (size, size), Image.Resampling.BILINEAR, (x, y, x + side, y + side)
    )
    if random.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if random.random() < 0.5:
        part = part.rotate(
            float(random.uniform(-40, 40)), Image.Resampling.BILINEAR, fillcolor=None
        )
    return damaged(part, random)


def _varied(drawing: Cutout, side: float, random: Random) -> Image.Image:
    """The drawing with its longer side about `side` pixels, turned, mirrored, stretched."""
    cutout = Image.fromarray(drawing.pixels)
    if drawing.ink:
        cutout = _inked(cutout, random)
    elif random.random() < 0.3:
        cutout = _recoloured(cutout, random)
    if random.random() < 0.15:
        cutout = _outlined(cutout, random)
    if random.random() < 0.5:
        cutout = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    factor = side / max(cutout.size)
    stretch = np.exp(random.uniform(-0.18, 0.18))
    width, height = (
        max(cutout.width * factor * stretch, 8),
        max(cutout.height * factor / stretch, 8),
    )
    cutout = cutout.resize((round(width), round(height)), Image.Resampling.BILINEAR)
    if random.random() < 0.8:
        angle = float(random.normal(0, 14))
        cutout = cutout.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    return cutout


def _inked(glyph: Image.Image, random: Random) -> Image.Image:
    """A glyph in a colour of its own, often with what it encloses filled in another one."""
    alpha = glyph.getchannel("A")
    ink = Image.new("RGBA", glyph.size, (*_ink_color(random, 0, 110), 255))
    ink.putalpha(alpha)
    if random.random() < 0.4:
        return ink if random.random() < 0.6 else _recoloured(ink, random)
    inside = ndimage.binary_fill_holes(np.asarray(alpha) > 90)
    filled = Image.new("RGBA", glyph.size, (*_ink_color(random, 90, 256), 255))
    filled.putalpha(Image.fromarray(inside.astype(np.uint8) * 255))
    return Image.alpha_composite(filled, ink)


def _ink_color(random: Random, low: int, high: int) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(low, high, 3))
    return red, green, blue


def _recoloured(cutout: Image.Image, random: Random) -> Image.Image:
    """The drawing with its hues turned, paler, darker, or in greys."""
    pixels = np.asarray(cutout).astype(np.float32)
    color: NDArray[np.floating] = pixels[..., :3]
    if random.random() < 0.25:
        color = np.broadcast_to(color.mean(axis=2, keepdims=True), color.shape)
    elif random.random() < 0.6:
        color = color[..., random.permutation(3)]
    color = (color - 128) * random.uniform(0.5, 1.3) + 128 + random.normal(0, 18, 3)
    painted = np.concatenate([np.clip(color, 0, 255), pixels[..., 3:]], axis=2)
    return Image.fromarray(painted.astype(np.uint8))


def _outlined(cutout: Image.Image, random: Random) -> Image.Image:
    """The drawing with a line round it, as stickers and comics have."""
    width = int(random.integers(2, 7))
    padded = Image.new("RGBA", (cutout.width + 2 * width, cutout.height + 2 * width))
    padded.paste(cutout, (width, width))
    around = padded.getchannel("A").filter(ImageFilter.MaxFilter(2 * width - 1))
    line = Image.new(
        "RGBA", padded.size, (255, 255, 255) if random.random() < 0.4 else (20, 20, 24)
    )
    line.putalpha(around)
    return Image.alpha_composite(line, padded)


def _paste(picture: Image.Image, cutout: Image.Image, at: tuple[int, int], random: Random) -> None:
    if random.random() < 0.4:
        shadow = Image.new("RGBA", cutout.size, (0, 0, 0, 255))
        soft = cutout.getchannel("A").filter(ImageFilter.GaussianBlur(4)).point(lambda a: a // 2)
        shadow.putalpha(soft)
        offset = round(cutout.height * 0.04) + 2
        picture.paste(shadow, (at[0] + offset // 2, at[1] + offset), shadow)
    picture.paste(cutout, at, cutout)


def _color(random: Random) -> NDArray[np.float64]:
    gray = random.uniform(20, 250)
    return np.clip(gray + random.normal(0, 40, 3), 0, 255)


def _gradient(size: int, random: Random) -> NDArray[np.float32]:
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    along = np.clip(x * np.cos(angle) + y * np.sin(angle) + 0.5, 0, 1)[..., None]
    return (_color(random) * along + _color(random) * (1 - along)).astype(np.float32)


def _clouds(size: int, random: Random) -> NDArray[np.float32]:
    """Smooth random fields of several scales, summed."""
    total = np.zeros((size, size, 3), dtype=np.float32) + _color(random)
    for cells in (3, 7, 17, 41):
        coarse = random.normal(0, 1, (cells, cells, 3)) * np.array([1, 1, 1])
        shade = random.normal(0, 1, (cells, cells, 1))
        field = (shade * 26 + coarse * 9) * (3 / cells) ** random.uniform(0.1, 0.6)
        for channel in range(3):
            layer = Image.fromarray(field[..., channel].astype(np.float32))
            total[..., channel] += np.asarray(layer.resize((size, size), Image.Resampling.BICUBIC))
    return np.asarray(total, dtype=np.float32)


def _stripes(size: int, random: Random) -> NDArray[np.float32]:
    """Planks, bricks, blinds: two colours in turn along one direction."""
    angle, period = random.uniform(0, np.pi), random.uniform(8, size / 2)
    y, x = np.mgrid[0:size, 0:size]
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    edge = np.clip(wave * random.uniform(1, 8) * 0.5 + 0.5, 0, 1)[..., None]
    first = _color(random)
    second = np.clip(first + random.normal(0, 45, 3), 0, 255)
    return np.asarray(first * edge + second * (1 - edge), dtype=np.float32)


def _landscape(size: int, random: Random) -> NDArray[np.float32]:
    """A bright upper half over a textured ground."""
    horizon = int(size * random.uniform(0.25, 0.75))
    field = _gradient(size, random)
    field[:horizon] = np.array([150, 190, 235]) + random.normal(0, 30, 3) + field[:horizon] * 0.15
    field[horizon:] = _clouds(size, random)[horizon:]
    return field.astype(np.float32)
