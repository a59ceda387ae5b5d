"""What stands above and below a grid: the instruction, the buttons."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from agent.data import Box
from fixtures.backdrop import Random
from tests.grid_pictures.look import ACCENT, DARK, INK, THEMES, Color
from tests.grid_pictures.photographs import photo


def header(picture: Image.Image, band: Box, random: Random) -> None:
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
        sample = photo("tiles", (side, side), random)
        picture.paste(sample, (int(band.right - side * 1.2), int(band.y + band.height * 0.15)))


def footer(picture: Image.Image, band: Box, random: Random) -> None:
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
