"""Cards of model packages: what is wrong or hostile in one is refused by file and key."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.errors import UsageError
from agent.models.card import read_card
from tests.fuzz.corpus import CARD

DETECTED = {"tower_scale": 0.5, "detector_scale": 1.0, "bias": 4.0, "photograph_scale": 50.0,
            "photograph_bias": -70.0}  # fmt: skip
DETECTOR = {"names": ["bus"], "picture_px": 300,
            "tiles": DETECTED, "squares": dict(DETECTED)}  # fmt: skip


def write(folder: Path, content: object) -> None:
    (folder / "model.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def changed(place: str, value: object) -> dict[str, Any]:
    """A whole card in which one key has another value."""
    card: dict[str, Any] = copy.deepcopy(CARD)
    part = card
    *way, key = place.split("/")
    for name in way:
        part = part[name]
    part[key] = value
    return card


def message(folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_card(folder)
    return str(caught.value).removeprefix(f"{folder / 'model.yaml'}: ")


def test_the_example_is_a_card(tmp_path: Path) -> None:
    """What the other tests change is read as it is."""
    write(tmp_path, CARD)
    assert read_card(tmp_path).embedding_size == 256


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("embedding_size", 10**30,
         "embedding_size: expected `int` <= 1000000 (got 1000000000000000000000000000000)"),
        ("embedding_size", -1, "embedding_size: expected `int` >= 1 (got -1)"),
        ("context_length", 0, "context_length: expected `int` >= 1 (got 0)"),
        ("image/size_px", -224, "image.size_px: expected `int` >= 1 (got -224)"),
        ("image/size_px", "224", "image.size_px: expected `int`, got `str` (got '224')"),
        ("image/size_px", True, "image.size_px: expected `int`, got `bool` (got True)"),
        ("image/std", [0.5, 0.0, 0.5], "image.std.1: expected `float` >= 0.001 (got 0.0)"),
        ("image/mean", [0.5, 0.5], "image.mean: expected `array` of length 3, got 2 (got [0.5, "
         "0.5])"),
        ("image/mean", [0.5, float("nan"), 0.5],
         "image.mean.1: expected `float` >= -10.0 (got nan)"),
        ("logit_scale", float("nan"), "logit_scale: expected `float` > 0.0 (got nan)"),
        ("logit_scale", float("inf"), "logit_scale: expected `float` <= 10000.0 (got inf)"),
        ("logit_bias", float("-inf"), "logit_bias: expected `float` >= -10000.0 (got -inf)"),
        ("cells", [], "cells: expected `object | null`, got `array` (got [])"),
        ("templates", ["no place"],
         "templates.0: expected `str` matching regex '^[^{}]*\\\\{\\\\}[^{}]*$' (got 'no place')"),
        ("templates", ["a {}", "{0.__class__} {}"], "templates.1: expected `str` matching regex"),
        (1, 2, "the card: expected `str`"),
        ("files/../x", "0" * 64,
         "files: a package's files lie in its own folder (got '../x')"),
        ("files//etc/hostname", "0" * 64,
         "files: a package's files lie in its own folder (got '/etc/hostname')"),
        ("files/..", "0" * 64, "files: a package's files lie in its own folder (got '..')"),
        ("files/text.onnx", "",
         "files.text.onnx: expected a SHA-256, 64 hexadecimal digits (got '')"),
        ("files", {"image.onnx": "0" * 64},
         "files: the SHA-256 of text.onnx and tokenizer.json is missing"),
        ("cells/objects", {"least_share": 0.1, "logit_scale": 1.0},
         "files: the SHA-256 of objects.onnx is missing"),
        ("detector", DETECTOR, "files: the SHA-256 of detector.onnx is missing"),
        ("detector", {**DETECTOR, "names": []},
         "detector.names: expected `array` of length >= 1 (got [])"),
        ("detector", {**DETECTOR, "picture_px": 0},
         "detector.picture_px: expected `int` >= 1 (got 0)"),
        ("detector", {**DETECTOR, "tiles": {**DETECTED, "detector_scale": -1.0}},
         "detector.tiles.detector_scale: expected `float` > 0.0 (got -1.0)"),
    ],
)  # fmt: skip
def test_wrong_cards(tmp_path: Path, place: Any, value: object, expected: str) -> None:
    """Huge, negative and missing numbers, wrong types, files elsewhere or without a checksum."""
    if place == 1:
        card: dict[Any, Any] = {**CARD, 1: 2}
    elif str(place).startswith("files/"):
        name = place.removeprefix("files/")
        card = changed("files", {**CARD["files"], name: value})
    else:
        card = changed(place, value)
    write(tmp_path, card)
    assert message(tmp_path).startswith(expected)


def test_what_is_no_card(tmp_path: Path) -> None:
    """A list, nothing at all, and objects that YAML could make."""
    write(tmp_path, ["name"])
    assert message(tmp_path) == "the card: expected `object`, got `array` (got ['name'])"
    (tmp_path / "model.yaml").write_text("")
    assert message(tmp_path) == "the card: expected `object`, got `null` (got None)"
    (tmp_path / "model.yaml").write_text("name: !!python/object:os.system {}")
    assert message(tmp_path).startswith("line 1: tags (tag:yaml.org,2002:python/object:os.system)")


def test_a_card_elsewhere(tmp_path: Path) -> None:
    """A card that is a link is not followed."""
    (tmp_path / "a").mkdir()
    write(tmp_path, CARD)
    (tmp_path / "a" / "model.yaml").symlink_to(tmp_path / "model.yaml")
    assert message(tmp_path / "a") == "a package's files lie in its own folder (got a link)"
