"""How a picture of a tile grid is drawn, chosen at random among all that sites do."""

from __future__ import annotations

from dataclasses import dataclass

from fixtures.backdrop import Random

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


def random_look(random: Random) -> Look:
    """A look in which anything may come with anything."""

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
