"""Draws tiles, probabilities and choices into a picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil, sqrt

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from agent.data import Box, Decision, Grid, Picture

# Okabe and Ito's blue and orange: told apart with any kind of colour vision.
_CHOSEN, _OTHER = (0, 114, 178), (230, 159, 0)
_TILE_PX, _GAP_PX = 200, 8  # of a sheet


def annotate(
    picture: Picture,
    boxes: Sequence[Box],
    probabilities: Sequence[float],
    selected: Collection[int],
) -> Image.Image:
    """The screenshot with each tile's number, probability and whether it was chosen."""
    image = Image.fromarray(picture.pixels).copy()
    unit = max(1.0, min((box.width for box in boxes), default=100.0) / 130)
    pen = ImageDraw.Draw(image)
    for index, (box, probability) in enumerate(zip(boxes, probabilities, strict=False)):
        chosen = index in selected
        width = round((5 if chosen else 2) * unit)
        edges = (box.x, box.y, box.right - 1, box.bottom - 1)
        pen.rectangle(edges, outline=_CHOSEN if chosen else _OTHER, width=width)
        _label(pen, box, f"{index + 1}", f"{probability:.2f}", chosen, unit)
    return image


def outlined(picture: Image.Image, grid: Grid) -> Image.Image:
    """The picture with each tile's outline and number."""
    image = picture.copy()
    pen = ImageDraw.Draw(image)
    for number, box in enumerate(grid.boxes, start=1):
        edges = (box.x, box.y, box.right - 1, box.bottom - 1)
        pen.rectangle(edges, outline=(255, 0, 120), width=2)
        place = (box.x + 6, box.y + 4)
        pen.text(place, str(number), fill="white", stroke_width=2, stroke_fill="black")
    return image


def scored(pictures: Sequence[Image.Image], grid: Grid | None, decision: Decision) -> Image.Image:
    """The one picture with its squares scored, or all pictures on one sheet."""
    image, boxes = (pictures[0], grid.boxes) if grid else _sheet(pictures)
    pixels = np.asarray(image)
    picture = Picture(pixels, Box(0, 0, image.width, image.height), 1.0)
    return annotate(picture, boxes, decision.probabilities.tolist(), decision.selected)


def _sheet(pictures: Sequence[Image.Image]) -> tuple[Image.Image, tuple[Box, ...]]:
    """Pictures side by side, in rows of equal squares, and where each one is."""
    cols = ceil(sqrt(len(pictures)))
    rows, pitch = ceil(len(pictures) / cols), _TILE_PX + _GAP_PX
    sheet = Image.new("RGB", (cols * pitch - _GAP_PX, rows * pitch - _GAP_PX), "white")
    boxes = []
    for index, picture in enumerate(pictures):
        x, y = index % cols * pitch, index // cols * pitch
        fitted = ImageOps.pad(picture, (_TILE_PX, _TILE_PX), color="white")
        sheet.paste(fitted, (x, y))
        boxes.append(Box(x, y, _TILE_PX, _TILE_PX))
    return sheet, tuple(boxes)


def _label(
    pen: ImageDraw.ImageDraw, box: Box, number: str, value: str, chosen: bool, unit: float
) -> None:
    """A strip at the tile's foot: its number, its probability, a bar as long as that."""
    height = 22 * unit
    top = box.bottom - height
    color = _CHOSEN if chosen else (40, 40, 40)
    pen.rectangle((box.x, top, box.right - 1, box.bottom - 1), fill=(18, 18, 18))
    share = min(max(float(value), 0.0), 1.0)
    if share > 0:
        pen.rectangle((box.x, top, box.x + share * (box.width - 1), box.bottom - 1), fill=color)
    font = ImageFont.load_default(size=14 * unit)
    pen.text((box.x + 6 * unit, top + 3 * unit), number, font=font, fill="white")
    mark = f"✓ {value}" if chosen else value
    mark = mark.replace("✓ ", "* ") if not _has_check(font) else mark
    pen.text((box.right - 6 * unit, top + 3 * unit), mark, font=font, fill="white", anchor="ra")


def _has_check(font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> bool:
    """Whether the font draws a check mark: Pillow's own one may not."""
    missing, check = font.getmask("\uffff"), font.getmask("✓")
    return bytes(missing) != bytes(check)
