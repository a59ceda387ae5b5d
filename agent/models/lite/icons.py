"""Draws the icons of Iconify's packages: one JSON file holds the SVG bodies of a whole set."""

from __future__ import annotations

import io
from typing import Any

import resvg_py
from PIL import Image


def draw(icons: dict[str, Any], name: str, side_px: int) -> Image.Image:
    """The icon `name` of a package's `icons.json`, RGBA, `side_px` wide."""
    icon = icons["icons"][name]
    width = icon.get("width", icons.get("width", 16))
    height = icon.get("height", icons.get("height", 16))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, width=side_px)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")
