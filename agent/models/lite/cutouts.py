"""Drawings without background, with what they may be called, from the training packages."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image, UnidentifiedImageError

from agent import concepts
from agent.data import Pixels

SIDE_PX = 224
ICON_SETS = (
    "iconify-json-noto",
    "iconify-json-noto-v1",
    "iconify-json-twemoji",
    "iconify-json-emojione",
)
_CATEGORIES = {
    "Activities", "Animals & Nature", "Nature", "Food & Drink", "Food", "Objects",
    "Travel & Places", "Travel",
}  # fmt: skip
_PEOPLE = {"person", "man", "woman", "boy", "girl", "baby", "eye", "eyes", "ear", "nose", "foot", "leg",
           "raised-hand", "waving-hand", "tooth", "bone", "brain", "mouth", "footprints"}  # fmt: skip
# Clip art is named by its authors; only folders whose pictures are things, and names that say which.
_CLIPART = ("animals", "food", "transportation", "plants", "buildings", "tools", "household",
            "recreation", "electronics", "office", "education", "people/clothing", "geography",
            "unsorted", "computer/hardware", "science")  # fmt: skip
_PLAIN = re.compile(r"\b(face|oncoming|front facing|medium|light|dark|skin tone|\d+)\b")


@dataclass(frozen=True, slots=True)
class Cutout:
    """A drawing: RGBA pixels, shape (h, w, 4), trimmed to what it covers, and its captions."""

    captions: tuple[str, ...]
    pixels: Pixels


def load(folders: dict[str, Path]) -> list[Cutout]:
    """All training drawings, in a fixed order."""
    by_name = {name.removeprefix("@").replace("/", "-"): path for name, path in folders.items()}
    cutouts = [cutout for name in ICON_SETS for cutout in _icons(by_name[name] / "package")]
    cutouts += _clipart(by_name["openclipart-png"] / "usr/share/openclipart/png")
    return cutouts


def _icons(folder: Path) -> Iterator[Cutout]:
    icons = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    wanted = {
        name
        for key, names in metadata["categories"].items()
        if key in _CATEGORIES
        for name in names
    }
    for name in sorted((wanted | _PEOPLE) & icons["icons"].keys()):
        icon = icons["icons"][name]
        width, height = (
            icon.get("width", icons.get("width", 16)),
            icon.get("height", icons.get("height", 16)),
        )
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
        )
        png = resvg_py.svg_to_bytes(svg_string=svg, width=SIDE_PX)
        pixels = _trimmed(Image.open(io.BytesIO(bytes(png))).convert("RGBA"))
        if pixels is not None:
            yield Cutout(captions(name.replace("-", " ")), pixels)


def _clipart(folder: Path) -> Iterator[Cutout]:
    for path in sorted(folder.rglob("*.png")):
        inside = path.relative_to(folder).as_posix()
        words = re.sub(r"[^a-z]+", " ", path.stem.lower()).strip()
        known = _known_concept(words)
        if known is None or not inside.startswith(_CLIPART):
            continue
        try:
            opened = Image.open(path)
        except (Image.DecompressionBombError, UnidentifiedImageError):
            continue
        if opened.width * opened.height > 4_000_000:
            continue
        picture = opened.convert("RGBA")
        picture.thumbnail((SIDE_PX, SIDE_PX))
        pixels = _trimmed(picture)
        # A picture that fills its frame has a background of its own: no cutout.
        if pixels is not None and (pixels[..., 3] < 128).mean() > 0.08:
            yield Cutout(captions(known), pixels)


def _trimmed(picture: Image.Image) -> Pixels | None:
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 16 else 0).getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 16:
        return None
    return np.asarray(picture.crop(box))


@cache
def captions(words: str) -> tuple[str, ...]:
    """What a drawing named `words` may be called: its own name, and the vocabulary's."""
    plain = re.sub(r"\s+", " ", _PLAIN.sub(" ", words)).strip() or words
    known = _known_concept(plain)
    found = [plain]
    if known is not None:
        entry = concepts.entry(known)
        assert entry is not None
        found.append(entry.name)
    return tuple(dict.fromkeys(found))


@cache
def _phrases() -> tuple[str, ...]:
    every = {word for name in concepts.names() for word in concepts.spellings(name)}
    return tuple(sorted(every, key=lambda phrase: (-len(phrase), phrase)))


def _known_concept(words: str) -> str | None:
    """The longest phrase of the vocabulary that `words` ends or begins with, as whole words."""
    for phrase in _phrases():
        if words == phrase or words.endswith(" " + phrase) or words.startswith(phrase + " "):
            return phrase
    return None
