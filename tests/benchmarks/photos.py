"""How right a model is on photographs, with intervals: tiles, grids, squares, damaged grids.

    python -m tests.benchmarks.photos FOLDER [--model NAME] [--grids N]

FOLDER holds labelled photographs: `tiles.json`, a list of {"file", "has", "touches"}, square crops
with the classes that they show (`has`: positives) and touch (neither); and `areas.json`, a list of
{"file", "coverage": {class: 4 x 4 shares}}. None of them may have been trained on.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from agent import decider
from agent.data import Decision, Target
from agent.measures import auc
from agent.policy import Decide
from agent.scorer import Scorer, load_scorer
from tests.benchmarks.measures import Interval, calibration_error, diagram, mean, rate

LEAST_POSITIVES = 5  # of a class, for it to be asked for in grids
WHOLE = 0.15  # share of a square that must be chosen
Picture = Image.Image
Damage = Callable[[Picture, np.random.Generator], Picture]


def noise(picture: Picture, random: np.random.Generator) -> Picture:
    pixels = np.asarray(picture).astype(np.float32)
    noisy = pixels + random.normal(0, 22, pixels.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def blur(picture: Picture, _: np.random.Generator) -> Picture:
    return picture.filter(ImageFilter.GaussianBlur(picture.width / 80))


def jpeg(picture: Picture, _: np.random.Generator) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=18)
    return Image.open(buffer).convert("RGB")


def low_resolution(picture: Picture, _: np.random.Generator) -> Picture:
    small = picture.resize((picture.width * 2 // 5, picture.height * 2 // 5))
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def colour(picture: Picture, random: np.random.Generator) -> Picture:
    pixels = np.asarray(picture).astype(np.float32) + random.normal(0, 26, (1, 1, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def contrast(picture: Picture, _: np.random.Generator) -> Picture:
    return ImageEnhance.Contrast(picture).enhance(0.45)


def stretch(picture: Picture, _: np.random.Generator) -> Picture:
    wide = picture.resize((picture.width * 13 // 10, picture.height))
    left = (wide.width - picture.width) // 2
    return wide.crop((left, 0, left + picture.width, picture.height))


def occlusion(picture: Picture, random: np.random.Generator) -> Picture:
    side = picture.width * 7 // 20
    x, y = (int(value) for value in random.integers(0, picture.width - side, 2))
    covered = picture.copy()
    covered.paste((128, 128, 128), (x, y, x + side, y + side))
    return covered


DAMAGES: tuple[Damage, ...] = (
    noise, blur, jpeg, low_resolution, colour, contrast, stretch, occlusion,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tiles:
    """Labelled tiles, and how likely each class is on each: `likely` (classes, tiles)."""

    scorer: Scorer
    pictures: list[Picture]
    classes: tuple[str, ...]
    has: NDArray[np.bool_]
    touches: NDArray[np.bool_]
    likely: NDArray[np.float32]


def read_tiles(folder: Path, scorer: Scorer, damage: Damage | None = None) -> Tiles:
    """Score all tiles of a folder for all of its classes."""
    entries = json.loads((folder / "tiles.json").read_text(encoding="utf-8"))
    random = np.random.default_rng(0)
    pictures = [Image.open(folder / entry["file"]).convert("RGB") for entry in entries]
    if damage is not None:
        pictures = [damage(picture, random) for picture in pictures]
    classes = tuple(sorted({name for entry in entries for name in entry["has"]}))
    return Tiles(
        scorer,
        pictures,
        classes,
        np.array([[name in entry["has"] for entry in entries] for name in classes]),
        np.array([[name in entry["touches"] for entry in entries] for name in classes]),
        np.stack([scorer.probabilities(pictures, Target(name, "")) for name in classes]),
    )


def tile_auc(tiles: Tiles) -> Interval:
    """Mean over classes of the area under the curve, tiles that merely touch a class left out."""
    found = []
    for has, touches, likely in zip(tiles.has, tiles.touches, tiles.likely, strict=True):
        clean = has | ~touches
        if has.sum() >= 3:
            found.append(auc(likely[clean].astype(np.float64), has[clean]))
    return mean(found)


def draw_grid(tiles: Tiles, random: np.random.Generator) -> tuple[Decision, set[int]]:
    """A 3 x 3 grid of a random class with 1 to 5 positives: the decision, and the right answer."""
    asked = np.flatnonzero(tiles.has.sum(axis=1) >= LEAST_POSITIVES)
    number = int(random.choice(asked))
    count = int(random.integers(1, 6))
    right = random.choice(np.flatnonzero(tiles.has[number]), count, replace=False)
    wrong = random.choice(np.flatnonzero(~tiles.touches[number]), 9 - count, replace=False)
    order = random.permutation(9)
    shown = np.concatenate([right, wrong])[order]
    target = Target(tiles.classes[number], "")
    scores = tiles.scorer.judge([tiles.pictures[index] for index in shown], target)
    decision = decider.decide(scores, target)
    return decision, set(np.flatnonzero(order < count).tolist())


def exact(tiles: Tiles, count: int, *, reloads: int = 0) -> tuple[Interval, list[float]]:
    """How often the submitted grid is exactly right; `reloads` grids may be exchanged when unsure.

    Returns the share and the confidence of each submitted grid.
    """
    random = np.random.default_rng(1)
    hits, sure = [], []
    for _ in range(count):
        for left in range(reloads, -1, -1):
            decision, answer = draw_grid(tiles, random)
            if decision.confidence >= Decide().sure or not left:
                break
        hits.append(set(decision.selected) == answer)
        sure.append(decision.confidence)
    return rate(hits), sure


Said = tuple[list[float], list[bool]]


def said(tiles: Tiles, count: int) -> tuple[Said, Said]:
    """With what confidence things were said and whether they were right: tiles, whole choices."""
    random = np.random.default_rng(2)
    likely, matches, sure, right = [], [], [], []
    for _ in range(count):
        decision, answer = draw_grid(tiles, random)
        likely += decision.probabilities.tolist()
        matches += [index in answer for index in range(9)]
        sure.append(decision.confidence)
        right.append(set(decision.selected) == answer)
    return (likely, matches), (sure, right)


def square_auc(folder: Path, scorer: Scorer) -> Interval:
    """Mean over classes of the area under the curve over the 4 x 4 squares of photographs."""
    likely: dict[str, list[NDArray[Any]]] = {}
    covered: dict[str, list[NDArray[Any]]] = {}
    for entry in json.loads((folder / "areas.json").read_text(encoding="utf-8")):
        picture = Image.open(folder / entry["file"]).convert("RGB")
        step = picture.width / 4
        edges = [(c * step, r * step, (c + 1) * step, (r + 1) * step)
                 for r in range(4) for c in range(4)]  # fmt: skip
        for name, shares in entry["coverage"].items():
            scores = scorer.score_squares(picture, edges, Target(name, "", squares=True))
            likely.setdefault(name, []).append(scores.probabilities)
            covered.setdefault(name, []).append(np.ravel(shares) >= WHOLE)
    found = []
    for name, parts in likely.items():
        positive = np.concatenate(covered[name])
        if positive.any() and not positive.all():
            found.append(auc(np.concatenate(parts).astype(np.float64), positive))
    return mean(found)


def main() -> None:
    """Measure everything, one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--grids", type=int, default=2000)
    given = parser.parse_args()
    scorer = load_scorer(given.model)
    tiles = read_tiles(given.folder, scorer)
    print(f"tiles, mean AUC over classes        {tile_auc(tiles)}")
    plain, _ = exact(tiles, given.grids)
    print(f"3x3 grids exactly right             {plain}")
    print(f"the same, two reloads when unsure   {exact(tiles, given.grids, reloads=2)[0]}")
    print(f"squares, mean AUC over classes      {square_auc(given.folder, scorer)}")
    for name, (sure, right) in zip(
        ("tiles", "whole choices"), said(tiles, given.grids), strict=True
    ):
        error = calibration_error(sure, right)
        print(f"expected calibration error          {error:.3f}  {name}, said (│) and right (█)")
        print(diagram(sure, right))
    for damage in DAMAGES:
        hurt, _ = exact(read_tiles(given.folder, scorer, damage), given.grids)
        name = damage.__name__.replace("_", " ")
        print(f"grids under {name:<23} {hurt}  loss {plain.value - hurt.value:+.3f}")


if __name__ == "__main__":
    main()
