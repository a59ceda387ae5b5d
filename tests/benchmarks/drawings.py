"""How right a model is on drawings of styles that it never saw, with intervals.

    python -m tests.benchmarks.drawings [--model NAME] [--work FOLDER]

The fixture site's packages are fetched once (npm), whole: all their drawings that a concept of the
vocabulary names, not only those that the site shows. Each becomes a tile as the site makes one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent import concepts
from agent.data import Target
from agent.scorer import Scorer, load_scorer
from fixtures import make_pictures, render
from tests.benchmarks.measures import Interval, rate

CONCEPTS = 200
# By these names emoji mean something else than the vocabulary does.
SKIPPED = {"face", "map", "bow", "animal", "household", "sport", "nature"}


@dataclass(frozen=True, slots=True)
class Drawings:
    """Tiles of drawings, the concept and the style (package) of each."""

    tiles: list[Image.Image]
    names: list[str]
    styles: list[str]


def draw(work: Path) -> Drawings:
    """Tiles of `CONCEPTS` concepts, one of each style that draws the concept."""
    found: dict[str, list[tuple[str, Path]]] = {}
    folder = work / "drawn"
    folder.mkdir(parents=True, exist_ok=True)
    for style, package in make_pictures.ICONIFY.items():
        icons = json.loads((make_pictures.fetch(*package, work) / "icons.json").read_text("utf-8"))
        for icon in sorted(icons["icons"]):
            known = concepts.entry(icon.replace("-", " "))
            if known is None or known.name in SKIPPED:
                continue
            if style in [other for other, _ in found.get(known.name, [])]:
                continue
            path = folder / f"{style}-{icon}.webp"
            if not path.exists():
                make_pictures.drawing(icons, icon).save(path, lossless=True)
            found.setdefault(known.name, []).append((style, path))
    random = np.random.default_rng(0)
    # A reference and its match need two styles.
    several = sorted(name for name, drawn in found.items() if len(drawn) >= 2)
    chosen = sorted(random.choice(several, min(CONCEPTS, len(several)), replace=False).tolist())
    each = [(name, style, path) for name in chosen for style, path in found[name]]
    return Drawings(
        [render.tile(path, random) for _, _, path in each],
        [name for name, _, _ in each],
        [style for _, style, _ in each],
    )


def one_of_five(drawings: Drawings, scorer: Scorer) -> tuple[Interval, dict[str, Interval]]:
    """How often the tile that a word names is the likeliest of five; the same for each style."""
    random = np.random.default_rng(1)
    right: list[bool] = []
    for number, name in enumerate(drawings.names):
        wrong = _of_other_concepts(drawings, name, 4, random)
        tiles = [drawings.tiles[index] for index in (number, *wrong)]
        right.append(int(np.argmax(scorer.probabilities(tiles, Target(name, "")))) == 0)
    styles = sorted(set(drawings.styles))
    by_style = {
        style: rate([hit for hit, s in zip(right, drawings.styles, strict=True) if s == style])
        for style in styles
    }
    return rate(right), by_style


def same_as_sample(drawings: Drawings, scorer: Scorer) -> Interval:
    """How often, of six tiles, the one of the sample's concept (in another style) is likeliest."""
    random = np.random.default_rng(2)
    right = []
    for number, name in enumerate(drawings.names):
        alike = [
            index
            for index, other in enumerate(drawings.names)
            if other == name and drawings.styles[index] != drawings.styles[number]
        ]
        wrong = _of_other_concepts(drawings, name, 5, random)
        tiles = [drawings.tiles[index] for index in (int(random.choice(alike)), *wrong)]
        decision = scorer.score(tiles, reference=drawings.tiles[number])
        right.append(int(decision.probabilities.argmax()) == 0)
    return rate(right)


def _of_other_concepts(
    drawings: Drawings, name: str, count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    apart = set(concepts.others(name))
    other = [index for index, found in enumerate(drawings.names) if found in apart]
    return random.choice(other, count, replace=False)


def main() -> None:
    """Fetch, draw, measure, print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="lite")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "captcha-agent-drawings"
    )
    given = parser.parse_args()
    drawings = draw(given.work)
    scorer = load_scorer(given.model)
    whole, by_style = one_of_five(drawings, scorer)
    print(f"{len(set(drawings.names))} concepts, {len(drawings.names)} drawings")
    print(f"one of five named by a word    {whole}")
    for style, found in by_style.items():
        print(f"  {style:<28} {found}")
    print(f"one of six like a sample       {same_as_sample(drawings, scorer)}")


if __name__ == "__main__":
    main()
