"""One tile with all that lies on it and around it: borders, shadows, choices, marks."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFilter

from agent.data import Box
from fixtures.backdrop import Random
from tests.grid_pictures.look import ACCENT, INK, THEMES, Look


def place(picture: Image.Image, content: Image.Image, box: Box, look: Look, random: Random) -> None:
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
