"""What prompts and contrast are worth: each way of asking on the same embeddings of pictures.

    python -m tests.benchmarks.prompts [PHOTOS] [--model NAME] [--work FOLDER] [--grids N]

PHOTOS is a folder as `photos.py` reads it. No way of asking has a bias here: the area under the
curve and grids whose number of matching tiles is known need none, and so are fair to all.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent import concepts
from agent.models.encoder import load_encoder
from agent.scorer import Embeddings, Scorer
from tests.benchmarks import drawings
from tests.benchmarks.measures import Interval, auc, mean, rate

Margins = NDArray[np.float64]
Others = Callable[[str], tuple[str, ...]]

NAME = ("{}",)
PHOTO = ("a photo of a {}",)
CAPTCHA = ("a captcha tile with a {}",)
SEVEN = (
    "itap of a {}.", "a bad photo of the {}.", "a origami {}.", "a photo of the large {}.",
    "a {} in a video game.", "art of the {}.", "a photo of the small {}.",
)  # fmt: skip


def nothing(_: str) -> tuple[str, ...]:
    return ()


def all_but_itself(concept: str) -> tuple[str, ...]:
    found = concepts.entry(concept)
    return tuple(name for name in concepts.names() if name != (found.name if found else concept))


def itself(concept: str) -> tuple[str, ...]:
    return (concept,)


def negated(concept: str) -> tuple[str, ...]:
    return (f"not a {concept}",)


@dataclass(frozen=True, slots=True)
class Way:
    """A way of asking: templates, what is looked for, and what it is weighed against."""

    name: str
    templates: tuple[str, ...] = PHOTO
    wanted: Others = concepts.wordings
    others: Others = concepts.others


WAYS = (
    Way("as shipped"),
    Way("the name alone", NAME),
    Way("a captcha tile with a …", CAPTCHA),
    Way("seven templates, averaged", SEVEN),
    Way("no contrast", others=nothing),
    Way("against “not a …”", others=negated),
    Way("against kin as well", others=all_but_itself),
    Way("without what is below it", wanted=itself),
)


class Asker:
    """Embeds each name once for each list of templates."""

    def __init__(self, scorer: Scorer, scale: float) -> None:
        self._scorer, self._scale = scorer, scale
        self._known: dict[tuple[str, tuple[str, ...]], NDArray[np.float32]] = {}

    def _texts(self, names: tuple[str, ...], templates: tuple[str, ...]) -> Embeddings:
        new = [name for name in names if (name, templates) not in self._known]
        if new:
            prompts = [template.format(name) for name in new for template in templates]
            found = self._scorer.embed_texts(prompts).reshape(len(new), len(templates), -1).mean(1)
            unit = found / np.linalg.norm(found, axis=1, keepdims=True)
            self._known |= {(name, templates): row for name, row in zip(new, unit, strict=True)}
        return np.stack([self._known[name, templates] for name in names])

    def margins(self, way: Way, concept: str, images: Embeddings) -> Margins:
        """Shape (n,): how much more each picture looks like the concept than like the others."""
        found = images @ self._texts(way.wanted(concept), way.templates).T
        yes = found.max(axis=1).astype(np.float64) * self._scale
        if not (others := way.others(concept)):
            return yes
        logits = images @ self._texts(others, way.templates).T * np.float64(self._scale)
        return np.asarray(yes - np.logaddexp.reduce(logits, axis=1))


@dataclass(frozen=True, slots=True)
class Photos:
    """Embedded tiles, and of each class which show it and which are clear of it."""

    images: Embeddings
    classes: tuple[str, ...]
    has: NDArray[np.bool_]
    clear: NDArray[np.bool_]


def photos(folder: Path, scorer: Scorer) -> Photos:
    entries = json.loads((folder / "tiles.json").read_text(encoding="utf-8"))
    classes = tuple(sorted({name for entry in entries for name in entry["has"]}))
    return Photos(
        scorer.embed_images([Image.open(folder / e["file"]).convert("RGB") for e in entries]),
        classes,
        np.array([[name in entry["has"] for entry in entries] for name in classes]),
        np.array([[name not in entry["touches"] for entry in entries] for name in classes]),
    )


def on_photos(pictures: Photos, asked: list[Margins], grids: int) -> tuple[Interval, Interval]:
    """Mean area under the curve over classes, and grids of nine right, the number being known."""
    areas = [
        auc(margins[has | clear], has[has | clear])
        for margins, has, clear in zip(asked, pictures.has, pictures.clear, strict=True)
        if has.sum() >= 3
    ]
    random, right = np.random.default_rng(1), []
    enough = np.flatnonzero(pictures.has.sum(axis=1) >= 5)
    for _ in range(grids):
        number, count = int(random.choice(enough)), int(random.integers(1, 6))
        shown = random.choice(np.flatnonzero(pictures.has[number]), count, replace=False)
        clear = random.choice(np.flatnonzero(pictures.clear[number]), 9 - count, replace=False)
        right.append(bool(asked[number][shown].min() > asked[number][clear].max()))
    return mean(areas), rate(right)


def on_drawings(
    names: list[str], images: Embeddings, ask: Callable[[str, Embeddings], Margins]
) -> Interval:
    """How often the drawing that a word names is the likeliest of five."""
    random, right = np.random.default_rng(1), []
    for number, name in enumerate(names):
        apart = set(concepts.others(name))
        other = [index for index, found in enumerate(names) if found in apart]
        shown = [number, *random.choice(other, 4, replace=False).tolist()]
        right.append(int(ask(name, images[shown]).argmax()) == 0)
    return rate(right)


def main() -> None:
    """Measure each way, print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="?")
    parser.add_argument("--model", default="lite")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "captcha-agent-drawings"
    )
    parser.add_argument("--grids", type=int, default=2000)
    given = parser.parse_args()
    encoder = load_encoder(given.model)
    scorer = Scorer(encoder)
    asker = Asker(scorer, encoder.package.card.logit_scale)
    drawn = drawings.draw(given.work)
    embedded = scorer.embed_images(drawn.tiles)
    pictures = photos(given.photos, scorer) if given.photos else None
    for way in WAYS:
        line = f"{way.name:<26}"
        if pictures:
            asked = [asker.margins(way, name, pictures.images) for name in pictures.classes]
            area, grids = on_photos(pictures, asked, given.grids)
            line += f" AUC {area.value:.3f}  grids, number known {grids}"
        five = on_drawings(
            drawn.names, embedded, lambda name, images, way=way: asker.margins(way, name, images)
        )
        print(f"{line}  one of five drawings {five}", flush=True)


if __name__ == "__main__":
    main()
