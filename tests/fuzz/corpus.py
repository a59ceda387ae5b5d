"""What fuzzing begins with, made by code: small examples of all that is read, good and odd."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import numpy as np
import yaml
from PIL import Image

from agent import policy, widget_file
from agent.places import policies_folder

_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK")
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def seeds(target: str) -> list[bytes]:
    """The examples of a target."""
    return list(_SEEDS[target]())


def _pictures() -> Iterator[bytes]:
    for name in _FORMATS:
        for mode in _MODES:
            try:
                yield _encoded(Image.new(mode, (5, 3)), name)
            except (OSError, KeyError, ValueError):  # not every format has every mode
                continue
    red, exif = Image.new("RGB", (8, 4), "red"), Image.Exif()
    exif[0x0112] = 6
    for name in ("PNG", "JPEG", "WEBP"):
        yield _encoded(red, name, exif=exif, icc_profile=b"no profile")
    frames = [Image.new("RGBA", (4, 4), color) for color in ("red", "green")]
    for name in ("PNG", "WEBP", "GIF"):
        yield _encoded(frames[0], name, save_all=True, append_images=frames[1:])
    yield b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\xff" * 8 + b"\x08\2\0\0\0"  # a bomb's header
    yield b""


def _encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _pixels() -> Iterator[bytes]:
    random = np.random.default_rng(0)
    for head in (
        (0, 0, 0, 0, 0, 0),
        (11, 11, 2, 2, 14, 0),
        (23, 23, 4, 4, 0, 27),
        (7, 9, 3, 1, 35, 9),
    ):
        yield bytes(head) + random.bytes(60)
    tile = np.full((12, 12, 3), 90, np.uint8)
    tile[[0, -1]] = tile[:, [0, -1]] = 255
    yield bytes((11, 11, 2, 3, 35, 0)) + tile.tobytes()
    yield _NO_WIDTH


# Found: a gap so wide that a tile beside it had less than no width.
_NO_WIDTH = base64.b64decode(
    "F1paWlo4EpUUIOu5CAgICAgIAQAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
    "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAkICAgICAgICAgICAgICAgICAgICAgICEzx1iZ7"
    "zzo0bAyjOmc99T8HaMpeAWAH0R+o6x4C"
)


def _sentences() -> Iterator[bytes]:
    for text in (
        "Select all images with a bus", "Click every square that contains 3 traffic lights",
        "Select all images with\nbicycles", "Please click each image that is not a car. "
        "If there are none, click skip", "Wählen Sie alle Bilder mit Bussen aus",
        "Sélectionnez toutes les images avec des feux", "Seleziona 2 immagini con gatti",
        "Selecciona todas las imágenes con coches rojos", "すべてのバスの画像を選択してください",
        "버스가 있는 이미지를 모두 선택하세요", "请选择所有包含公交车的图片",
        "Выберите все изображения с автобусами",
        "Wybierz wszystkie obrazy z kotami", "Otobüs olan tüm resimleri seçin",
        "Selecteer alle afbeeldingen met een fiets", "&lt;b&gt;Select&#x20;all&nbsp;<i>",
        "٣ ² ① ﷺ", "",
    ):  # fmt: skip
        yield text.encode()
    yield b"\xed\xa0\x80 select all images with a bus"


def _policies() -> Iterator[bytes]:
    for path in sorted(policies_folder().glob("*.yaml")):
        yield path.read_bytes()
    yield policy.dump(policy.Policy()).encode()
    yield from _odd_yaml("retry")


def _widgets() -> Iterator[bytes]:
    yield widget_file.dump({"instruction": ".ask", "tiles": "img", "rows": 3, "cols": 3}).encode()
    yield from _odd_yaml("rows")


def _nouns() -> Iterator[bytes]:
    yield b"de: {licence plate: Nummernschild/Nummernschilder, car: Auto+s}"
    yield "ja: {bus: 'バス, ばす'}\nfr: {cat: chat+s}".encode()
    yield from _odd_yaml("de")


CARD = {
    "name": "x", "source": "x", "licence": "MIT",
    "image": {"size_px": 224, "mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "shortest",
              "interpolation": "bicubic"},
    "cells": {"size_px": 384, "logit_scale": 20.0},
    "context_length": 32, "embedding_size": 256, "logit_scale": 15.0, "templates": ["a {}"],
    "precision": "float32", "parity": {"pictures": 64},
    "files": dict.fromkeys(("image.onnx", "text.onnx", "tokenizer.json"), "0" * 64),
}  # fmt: skip


def _cards() -> Iterator[bytes]:
    yield yaml.safe_dump(CARD).encode()
    yield from _odd_yaml("image")


def _odd_yaml(key: str) -> Iterator[bytes]:
    """What YAML can say and hardly anybody expects, under a key that is known."""
    values = (
        "!!int x", "!!timestamp x", "!!python/object/apply:os.system [id]", "2001-13-45", "0b_",
        "1:1:1.5", ".nan", "-.inf", "1e999", "&a [*a]", "<<", "{1: 2}", "? [1]", "0x" + "f" * 60,
        "[" * 30, "!!binary aaaa", '"\\ud800"', "~", "''", "- -", "%TAG", "yes",
    )  # fmt: skip
    for value in values:
        yield f"{key}: {value}".encode()
    yield b"a: &a [1,2]\nb: &b [*a,*a]\nc: [*b,*b]"
    yield b"\xff\xfe" + "a: 1".encode("utf-16-le")
    yield b"- a\n- b"
    yield b"1: 2"
    yield b""


_SEEDS = {
    "picture": _pictures,
    "segmenter": _pixels,
    "instruction": _sentences,
    "policy": _policies,
    "widget": _widgets,
    "nouns": _nouns,
    "card": _cards,
}
