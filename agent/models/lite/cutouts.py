"""Drawings without background, with what they may be called, from the training packages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from agent import concepts
from agent.data import Pixels
from agent.models.lite.icons import draw

SIDE_PX = 224
ICON_SETS = (
    "iconify-json-noto",
    "iconify-json-noto-v1",
    "iconify-json-twemoji",
    "iconify-json-emojione",
)
# Glyphs of one colour or few, named as everything that an interface shows: of them only those whose
# name is one of the vocabulary's.
GLYPH_SETS = (
    "iconify-json-emojione-monotone",
    "iconify-json-game-icons",
    "iconify-json-icon-park",
    "iconify-json-mdi",
    "iconify-json-ph",
    "iconify-json-tabler",
    "iconify-json-hugeicons",
    "iconify-json-healthicons",
    "iconify-json-temaki",
    "iconify-json-marketeq",
    "iconify-json-flat-color-icons",
    "iconify-json-meteocons",
)
# What an interface calls by these names is another thing (a computer's mouse, a fork in a road), or
# none that can be seen; in clip art's file names "orange" is mostly a colour.
_OTHERWISE = {"mouse", "bat", "fork", "seal", "face", "top", "bow", "letter", "map", "street", "tie",
              "steps", "top hat", "ring", "sport", "nature", "tool", "present", "window", "table",
              "orange"}  # fmt: skip
_STYLE = re.compile(
    r"\b(fill|filled|bold|thin|light|duotone|outline|outlined|line|variant|alt|solid|round|sharp|"
    r"\d+|px|negative)\b"
)
_THIN = re.compile(r"-(thin|light|negative|bold)$")  # hardly seen in a tile, or seen twice
_CATEGORIES = {
    "Activities", "Animals & Nature", "Nature", "Food & Drink", "Food", "Objects",
    "Travel & Places", "Travel",
}  # fmt: skip
_PEOPLE = {"person", "man", "woman", "boy", "girl", "baby", "eye", "eyes", "ear", "nose", "foot", "leg",
           "raised-hand", "waving-hand", "tooth", "bone", "brain", "mouth", "footprints"}  # fmt: skip
# Clip art is named by its authors; only folders whose pictures are things, and names that say which.
_CLIPART = ("animals", "food", "transportation", "plants", "buildings", "tools", "household",
            "recreation", "electronics", "office", "education", "people", "geography", "unsorted",
            "computer/hardware", "computer/icons", "science", "containers", "special", "decorations",
            "signs_and_symbols")  # fmt: skip
_PLAIN = re.compile(r"\b(face|oncoming|front facing|medium|light|dark|skin tone|\d+)\b")


@dataclass(frozen=True, slots=True)
class Cutout:
    """A drawing: RGBA pixels, shape (h, w, 4), trimmed to what it covers, and its captions.

    `ink` says that it is of one colour only, which stands for any.
    """

    captions: tuple[str, ...]
    pixels: Pixels
    ink: bool = False


def load(folders: dict[str, Path]) -> list[Cutout]:
    """All training drawings, in a fixed order."""
    by_name = {name.removeprefix("@").replace("/", "-"): path for name, path in folders.items()}
    cutouts = [cutout for name in ICON_SETS for cutout in _icons(by_name[name] / "package")]
    cutouts += [cutout for name in GLYPH_SETS for cutout in _glyphs(by_name[name] / "package")]
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
        pixels = drawn(icons, name)
        if pixels is not None:
            yield Cutout(captions(name.replace("-", " ")), pixels)


def _glyphs(folder: Path) -> Iterator[Cutout]:
    icons = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    for name in sorted(icons["icons"]):
        words = re.sub(r"\s+", " ", _STYLE.sub(" ", name.replace("-", " "))).strip()
        known = next((w for w in (words, words.removesuffix("s")) if w in _phrases()), None)
        if known is None or known in _OTHERWISE or _THIN.search(name):
            continue
        pixels = drawn(icons, name)
        if pixels is not None:
            seen = pixels[pixels[..., 3] > 0, :3]
            yield Cutout(captions(known), pixels, ink=bool(seen.max() < 16))


def drawn(icons: dict[str, Any], name: str) -> Pixels | None:
    """An icon of a package's `icons.json`, trimmed; None where next to nothing is drawn."""
    return _trimmed(draw(icons, name, SIDE_PX))


def _clipart(folder: Path) -> Iterator[Cutout]:
    for path in sorted(folder.rglob("*.png")):
        inside = path.relative_to(folder).as_posix()
        words = re.sub(r"[^a-z]+", " ", path.stem.lower()).strip()
        known = _known_concept(words) or _named_inside(words)
        if known is None or not inside.startswith(_CLIPART):
            continue
        if known in _OTHERWISE and not inside.startswith(("animals", "food")):
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


def _named_inside(words: str) -> str | None:
    """The longest phrase of the vocabulary among the first words: authors' names come last."""
    several = words.split()[:4]
    for length in (3, 2, 1):
        for at in range(len(several) - length + 1):
            phrase = " ".join(several[at : at + length])
            for name in (phrase, phrase.removesuffix("s"), phrase.removesuffix("es")):
                if name in _phrases() and len(name) > 2:
                    return name
    return None
