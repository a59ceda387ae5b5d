"""Calibrates "lite": `python -m agent.models.lite.calibration --work DIR`.

A logit scale and a bias turn a margin (target against contrast concepts) into the probability
that a tile matches, both cases equally likely. They are fitted where the model was not trained:
on drawings of other packages, as single tiles, as pairs with a sample and as things in scenes;
single tiles on labelled photographs as well, where there are any. So is what the detector counts
beside the towers (`counting.py`). Printed is what `package.py` holds.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent import concepts
from agent.models.encoder import Encoder, load_encoder
from agent.models.lite import compose, counting, cutouts, package, sources
from agent.models.noise import denoised
from agent.scorer import Embeddings, Scorer
from agent.squares import pool_cells, pool_shares

SCENES, SCENE_PX, EACH = 250, 480, 3
_SQUARE_PX = SCENE_PX // 4
_STYLE = re.compile(r"\b(flat|face|\d+)\b")
_OTHERWISE = {"mouse", "bat", "fork", "face", "map", "window", "bow"}


@dataclass(frozen=True, slots=True)
class Judged:
    """n judgements: their margins (n,) at a logit scale, and which of them should be yes (n,)."""

    margins: Callable[[float], NDArray[np.float64]]
    matches: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Asked:
    """Embeddings of n looks, the concept asked of each, and whether it shows it (n,).

    A tile's look is its embedding (1, d); a thing's are its own and those of the squares that it
    covers (1 + m, d), which count for half, as the scorer has it.
    """

    looks: list[Embeddings]
    concepts: list[str]
    matches: NDArray[np.bool_]

    def judged(self, scorer: Scorer) -> Judged:
        """By the scorer's margins."""

        def margins(scale: float) -> NDArray[np.float64]:
            found = np.empty(len(self.concepts))
            for name in set(self.concepts):
                rows = np.flatnonzero([other == name for other in self.concepts])
                looks = [self.looks[row] for row in rows]
                every = scorer.margins(np.concatenate(looks), name, scale)
                ends = np.cumsum([len(look) for look in looks])
                for row, look in zip(rows, np.split(every, ends[:-1]), strict=True):
                    found[row] = look[0] if len(look) == 1 else (look[0] + look[1:].mean()) / 2
            return found

        return Judged(margins, self.matches)


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
    pictures = [compose.tile(package.IMAGE_PX, drawing, random) for drawing in drawn]
    embedded = list(scorer.embed_images(pictures)[:, None])
    return _asked(embedded, [drawing.captions[0] for drawing in drawn], random)


def things(encoder: Encoder, drawn: Sequence[cutouts.Cutout], random: np.random.Generator) -> Asked:
    """The things told apart in scenes, each with the drawing that covers most of it."""
    looks, names = [], []
    edges = [(x, y, x + _SQUARE_PX, y + _SQUARE_PX)
             for y in range(0, SCENE_PX, _SQUARE_PX) for x in range(0, SCENE_PX, _SQUARE_PX)]  # fmt: skip
    least = package.LEAST_SHARE
    for _ in range(SCENES):
        chosen = [drawn[i] for i in random.choice(len(drawn), int(random.integers(3, 6)), False)]
        picture, shares = compose.scene(SCENE_PX, chosen, random)
        found, masks, cells = encoder.embed_objects(denoised(picture))
        squares = pool_cells(cells, picture.size, edges)
        covered = pool_shares(masks, picture.size, edges) >= least
        for embedding, mask, own in zip(found, masks, covered.T, strict=True):
            shape = (mask.shape[1], mask.shape[0])
            covers = [
                (
                    np.asarray(Image.fromarray(share).resize(shape, Image.Resampling.BOX)) * mask
                ).sum()
                for share in shares
            ]
            if max(covers) > 0.5 * mask.sum() and own.any():
                looks.append(np.concatenate([embedding[None], squares[own]]))
                names.append(chosen[int(np.argmax(covers))].captions[0])
    return _asked(looks, names, random)


def _asked(looks: Sequence[Embeddings], names: list[str], random: np.random.Generator) -> Asked:
    rows, asked, matches = [], [], []
    known = set(names)
    for number, name in enumerate(names):
        apart = sorted(known & set(concepts.others(name)))
        for other in [name, *random.choice(apart, EACH, replace=False).tolist()]:
            rows.append(number)
            asked.append(other)
            matches.append(other == name)
    return Asked([looks[row] for row in rows], asked, np.array(matches))


def references(
    scorer: Scorer, drawn: Sequence[cutouts.Cutout], random: np.random.Generator
) -> Judged:
    """Pairs of tiles: of one concept, or of two that have nothing to do with each other."""
    embedded = scorer.embed_images([compose.tile(package.IMAGE_PX, one, random) for one in drawn])
    names = [drawing.captions[0] for drawing in drawn]
    pairs, matches = [], []
    for number, name in enumerate(names):
        same = [k for k, other in enumerate(names) if other == name and k != number]
        apart = [k for k, other in enumerate(names) if other in set(concepts.others(name))]
        for other in [*same[:1], *random.choice(apart, EACH, replace=False)]:
            pairs.append((number, other))
            matches.append(names[other] == name)

    def margins(scale: float) -> NDArray[np.float64]:
        found = [
            scorer.reference_margins(embedded[[tile]], embedded[sample], scale)
            for sample, tile in pairs
        ]
        return np.concatenate(found).astype(np.float64)

    return Judged(margins, np.array(matches))


def photographs(scorer: Scorer, folder: Path) -> Judged:
    """Labelled photographs, as `tests/benchmarks/photos.py` reads them, for every class of theirs."""
    entries = json.loads((folder / "tiles.json").read_text(encoding="utf-8"))
    embedded = scorer.embed_images(
        [Image.open(folder / entry["file"]).convert("RGB") for entry in entries]
    )
    looks, asked, matches = [], [], []
    for name in sorted({name for entry in entries for name in entry["has"]}):
        for entry, embedding in zip(entries, embedded, strict=True):
            if name in entry["has"] or name not in entry["touches"]:
                looks.append(embedding[None])
                asked.append(name)
                matches.append(name in entry["has"])
    return Asked(looks, asked, np.array(matches)).judged(scorer)


def fit(*parts: Judged) -> tuple[float, float, float]:
    """(logit scale, logit bias, loss) of the least mean log loss over the parts.

    In each of them those that match and those that don't count alike.
    """
    best = (0.0, 0.0, np.inf)
    for scale in np.arange(8.0, 40.1, 1.0):
        margins = [part.margins(float(scale)) for part in parts]
        for bias in np.arange(-6.0, 9.1, 0.25):
            losses = [
                counting.loss(each + bias, part.matches)
                for each, part in zip(margins, parts, strict=True)
            ]
            loss = sum(losses) / len(losses)
            if loss < best[2]:
                best = (float(scale), float(bias), loss)
    return best


def main() -> None:
    """Fit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="packages are kept here")
    parser.add_argument("--photos", type=Path, help="labelled photographs, to count as much")
    parser.add_argument("--model", default="lite")
    given = parser.parse_args()
    encoder, random = load_encoder(given.model), np.random.default_rng(0)
    scorer = Scorer(encoder)
    drawn = drawings(given.work)
    tiles_parts = [tiles(scorer, drawn, random).judged(scorer)]
    if given.photos:
        tiles_parts.append(photographs(scorer, given.photos))
    for name, parts in (
        ("tiles", tiles_parts),
        ("reference", [references(scorer, drawn, random)]),
        ("things", [things(encoder, drawn, random).judged(scorer)]),
    ):
        scale, bias, loss = fit(*parts)
        count = sum(len(part.matches) for part in parts)
        print(f"{name:<9} logit_scale {scale:g}  logit_bias {bias:g}  loss {loss:.4f}  n {count}")
    if given.photos:
        print(f"detector, tiles: {counting.in_tiles(encoder, given.photos, drawn)}")
        numbers = counting.in_squares(encoder, given.photos, drawn, random)
        print(f"detector, squares: {numbers}")


if __name__ == "__main__":
    main()
