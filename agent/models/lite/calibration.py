"""Calibrates "lite": `python -m agent.models.lite.calibration --work DIR`.

A logit scale and a bias turn a margin (target against contrast concepts) into the probability
that a tile matches, both cases equally likely. They are fitted where the model was not trained:
on drawings of other packages, as single tiles and as things in scenes. Printed is what
`package.py` holds.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent import concepts
from agent.models.encoder import Encoder, load_encoder
from agent.models.lite import compose, cutouts, sources
from agent.scorer import Embeddings, Scorer

SCENES, SCENE_PX, EACH = 250, 480, 3
_STYLE = re.compile(r"\b(flat|face|\d+)\b")
_OTHERWISE = {"mouse", "bat", "fork", "face", "map", "window", "bow"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Pictures' embeddings (n, d), the concept asked of each, and whether it shows it (n,)."""

    embeddings: Embeddings
    concepts: list[str]
    matches: NDArray[np.bool_]


def drawings(work: Path) -> list[cutouts.Cutout]:
    """Drawings of packages that are no training source, as far as the vocabulary names them."""
    found = []
    for source in sources.CALIBRATION:
        folder = sources.folder(source, work) / "package"
        icons = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
        for name in sorted(icons["icons"]):
            words = re.sub(r"\s+", " ", _STYLE.sub(" ", name.replace("-", " "))).strip()
            known = concepts.entry(words) or concepts.entry(words.removesuffix("s"))
            if known is None or known.name in _OTHERWISE:
                continue
            pixels = cutouts.drawn(icons, name)
            if pixels is not None:
                found.append(cutouts.Cutout((known.name,), pixels))
    return found


def tiles(scorer: Scorer, drawn: Sequence[cutouts.Cutout], random: np.random.Generator) -> Asked:
    """Each drawing as a tile, asked for by its own concept and by others."""
    pictures = [compose.tile(224, drawing, random) for drawing in drawn]
    embedded = scorer.embed_images(pictures)
    return _asked(embedded, [drawing.captions[0] for drawing in drawn], random)


def things(encoder: Encoder, drawn: Sequence[cutouts.Cutout], random: np.random.Generator) -> Asked:
    """The things told apart in scenes, each with the drawing that covers most of it."""
    embeddings, names = [], []
    for _ in range(SCENES):
        chosen = [drawn[i] for i in random.choice(len(drawn), int(random.integers(3, 6)), False)]
        picture, shares = compose.scene(SCENE_PX, chosen, random)
        found, masks = encoder.embed_objects(picture)
        for embedding, mask in zip(found, masks, strict=True):
            shape = (mask.shape[1], mask.shape[0])
            covers = [
                (
                    np.asarray(Image.fromarray(share).resize(shape, Image.Resampling.BOX)) * mask
                ).sum()
                for share in shares
            ]
            if max(covers) > 0.5 * mask.sum():
                embeddings.append(embedding)
                names.append(chosen[int(np.argmax(covers))].captions[0])
    return _asked(np.stack(embeddings), names, random)


def _asked(embedded: Embeddings, names: list[str], random: np.random.Generator) -> Asked:
    rows, asked, matches = [], [], []
    known = set(names)
    for number, name in enumerate(names):
        apart = sorted(known & set(concepts.others(name)))
        for other in [name, *random.choice(apart, EACH, replace=False).tolist()]:
            rows.append(number)
            asked.append(other)
            matches.append(other == name)
    return Asked(embedded[rows], asked, np.array(matches))


def fit(scorer: Scorer, asked: Asked) -> tuple[float, float, float]:
    """(logit scale, logit bias, loss) of the least log loss, matching or not counting alike."""
    best = (0.0, 0.0, np.inf)
    for scale in np.arange(8.0, 40.1, 1.0):
        margins = _margins(scorer, asked, float(scale))
        for bias in np.arange(0.0, 9.1, 0.25):
            loss = _loss(margins + bias, asked.matches)
            if loss < best[2]:
                best = (float(scale), float(bias), loss)
    return best


def _margins(scorer: Scorer, part: Asked, scale: float) -> NDArray[np.float64]:
    found = np.empty(len(part.concepts))
    for name in set(part.concepts):
        rows = np.flatnonzero([other == name for other in part.concepts])
        found[rows] = scorer.margins(part.embeddings[rows], name, scale)
    return found


def _loss(logits: NDArray[np.float64], matches: NDArray[np.bool_]) -> float:
    each = np.logaddexp(0, np.where(matches, -logits, logits))
    return float(each[matches].mean() + each[~matches].mean()) / 2


def main() -> None:
    """Fit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="packages are kept here")
    parser.add_argument("--model", default="lite")
    given = parser.parse_args()
    encoder, random = load_encoder(given.model), np.random.default_rng(0)
    scorer = Scorer(encoder)
    drawn = drawings(given.work)
    for name, asked in (
        ("tiles", tiles(scorer, drawn, random)),
        ("things", things(encoder, drawn, random)),
    ):
        scale, bias, loss = fit(scorer, asked)
        count = len(asked.concepts)
        print(f"{name:<7} logit_scale {scale:g}  logit_bias {bias:g}  loss {loss:.4f}  n {count}")


if __name__ == "__main__":
    main()
