"""Calibrates "lite": `python -m agent.models.lite.calibration --work DIR`.

A logit scale and a bias turn a margin (target against contrast concepts) into the probability
that a tile matches, both cases equally likely. They are fitted where the model was not trained:
on drawings of other packages, as single tiles, as pairs with a sample and as things in scenes;
single tiles on labelled photographs as well, where there are any. What the detector counts beside
the towers is fitted on such photographs alone, and where it counts at all by what it sees in these
and in drawings. Printed is what `package.py` holds.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import minimize

from agent import concepts, detection
from agent.data import Scores, Target
from agent.measures import Floats, Truth
from agent.models.card import Detected
from agent.models.encoder import Encoder, load_encoder
from agent.models.lite import compose, cutouts, detector, package, sources
from agent.scorer import Embeddings, Scorer
from agent.squares import pool_cells, pool_shares

SCENES, SCENE_PX, EACH = 250, 480, 3
NAMES = list(detector.THINGS)
CHALLENGE = 9  # pictures that are damaged alike
SHOWN, HIDDEN = 0.15, 0.02  # shares of a square: at least, less than
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
        found, masks, cells = encoder.embed_objects(picture)
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


@dataclass(frozen=True, slots=True)
class Seen:
    """n judgements by towers and detector: logits (n,), the standard deviation of all things'
    logits in the picture (n,; its mean over the pictures of a challenge), and the truth (n,)."""

    towers: Floats
    detected: Floats
    contrast: Floats
    matches: NDArray[np.bool_]

    @classmethod
    def of(cls, judgements: Sequence[tuple[Any, ...]]) -> Seen:
        """Of parts, each with the four."""
        return cls(*map(np.concatenate, zip(*judgements, strict=True)))


def fit_detector(photographs: Seen, drawings: Seen) -> dict[str, float]:
    """The numbers of `card.Detected`.

    First a gate as many deviations from the one as from the other, then the sum of the least log
    loss behind it; photographs and drawings count alike.
    """
    (high, wide), (low, narrow) = (
        (float(part.contrast.mean()), float(part.contrast.std()))
        for part in (photographs, drawings)
    )
    scale = (high - low) / (wide * narrow)
    bias = -scale * (high * narrow + low * wide) / (wide + narrow)

    def numbers(by: Floats) -> Detected:
        towers, detected, shift = (float(one) for one in by)
        return Detected(
            tower_scale=towers, detector_scale=detected, bias=shift,
            photograph_scale=scale, photograph_bias=bias,
        )  # fmt: skip

    def missed(part: Seen, by: Detected) -> float:
        likely = detection.photographs(part.contrast, by)
        logits = detection.combined(part.towers, part.detected, likely, by)
        return _loss(logits.astype(np.float64), part.matches)

    def error(by: Floats) -> float:
        return missed(photographs, numbers(by)) + missed(drawings, numbers(by))

    found = numbers(minimize(error, np.array([0.5, 1.0, 3.0]), method="Nelder-Mead").x)
    return {name: round(value, 2) for name, value in structs.asdict(found).items()}


def without_detector(encoder: Encoder) -> Scorer:
    """The scorer that knows what the towers say, alone."""
    card = structs.replace(encoder.package.card, detector=None)
    return Scorer(Encoder(replace(encoder.package, card=card)))


def _logits(scores: Scores) -> NDArray[np.float64]:
    likely = scores.probabilities.astype(np.float64).clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(likely / (1 - likely)))


def seen_in_tiles(
    encoder: Encoder, pictures: Sequence[Image.Image], truth: Callable[[str], Truth]
) -> Seen:
    """Every picture asked for each of the detector's things that one of them shows.

    `truth` (n,) says of a thing's name which pictures show it (1), don't (0), or may (-1).
    """
    towers, sizes = without_detector(encoder), (detector.GLANCE_PX, detector.TILE_PX)
    looks = [encoder.detect_in_tiles(pictures, size_px) for size_px in sizes]
    found, glance = np.mean(looks, axis=0), looks[0].std(axis=1)
    challenge = np.arange(len(pictures)) // CHALLENGE
    contrast = (np.bincount(challenge, glance) / np.bincount(challenge))[challenge]
    parts = []
    for column, name in enumerate(NAMES):
        shows = truth(name)
        if (shows == 1).any():
            logits = _logits(towers.judge(pictures, Target(name, "")))
            each = (logits, found[:, column], contrast, shows == 1)
            parts.append(tuple(values[shows >= 0] for values in each))
    return Seen.of(parts)


def seen_in_squares(
    encoder: Encoder,
    pictures: Sequence[Image.Image],
    shares: Sequence[dict[str, Floats]],
    random: np.random.Generator,
) -> Seen:
    """Each picture's 4 x 4 squares asked for the detector's things that it shows, and one more.

    `shares` (16,) say, by the name of what a picture shows, how much of each square that covers.
    """
    towers, names, parts = without_detector(encoder), NAMES, []
    for picture, shown in zip(pictures, shares, strict=True):
        found, boxes = encoder.detect(picture)
        kin = {name for one in shown for name in {one, *names} - set(concepts.others(one))}
        apart = [name for name in names if name not in kin]
        step = picture.width / 4
        edges = [(x * step, y * step, (x + 1) * step, (y + 1) * step)
                 for y in range(4) for x in range(4)]  # fmt: skip
        for name in [*sorted(shown.keys() & set(names)), str(random.choice(apart))]:
            share = shown.get(name, np.zeros(16))
            clear = (share >= SHOWN) | (share < HIDDEN)
            scores = towers.score_squares(picture, edges, Target(name, "", squares=True))
            seen = detection.on_squares(found[:, names.index(name)], boxes, picture.size, edges)
            each = (_logits(scores), seen, np.full(16, found.max(axis=0).std()), share >= SHOWN)
            parts.append(tuple(values[clear] for values in each))
    return Seen.of(parts)


def _as_shown(photos: Path, file: str) -> tuple[list[Any], list[Image.Image]]:
    """Labels and photographs, as they are and as captchas damage pictures: all of one alike."""
    entries = json.loads((photos / file).read_text(encoding="utf-8"))
    pictures = [Image.open(photos / entry["file"]).convert("RGB") for entry in entries]
    damaged = [
        compose.damaged(picture, np.random.default_rng(number // CHALLENGE))
        for number, picture in enumerate(pictures)
    ]
    return entries * 2, [*pictures, *damaged]


def detector_in_tiles(
    encoder: Encoder, photos: Path, drawn: Sequence[cutouts.Cutout]
) -> dict[str, float]:
    """What the detector counts in tiles, see `fit_detector`."""
    entries, pictures = _as_shown(photos, "tiles.json")
    spelled = _spelled({name for entry in entries for name in entry["has"]})

    def shown_by_photographs(name: str) -> Truth:
        named = spelled.get(name, "")
        return np.array(
            [1 if named in entry["has"] else -(named in entry["touches"]) for entry in entries],
            dtype=np.int8,
        )

    def shown_by_drawings(name: str) -> Truth:
        same, apart = set(concepts.wordings(name)), set(concepts.others(name))
        captions = [drawing.captions[0] for drawing in drawn]
        return np.array(
            [1 if said in same else -(said not in apart) for said in captions], dtype=np.int8
        )

    tiles = [
        compose.tile(package.IMAGE_PX, drawing, np.random.default_rng(number // CHALLENGE))
        for number, drawing in enumerate(drawn)
    ]
    return fit_detector(
        seen_in_tiles(encoder, pictures, shown_by_photographs),
        seen_in_tiles(encoder, tiles, shown_by_drawings),
    )


def detector_in_squares(
    encoder: Encoder, photos: Path, drawn: Sequence[cutouts.Cutout], random: np.random.Generator
) -> dict[str, float]:
    """What the detector counts in squares of a picture, see `fit_detector`."""
    entries, pictures = _as_shown(photos, "areas.json")
    spelled = _spelled({name for entry in entries for name in entry["coverage"]})
    names = {label: name for name, label in spelled.items()}
    scenes, shares = [], []
    for _ in range(SCENES):
        chosen = [drawn[i] for i in random.choice(len(drawn), int(random.integers(3, 6)), False)]
        scene, covers = compose.scene(SCENE_PX, chosen, random)
        scenes.append(scene)
        shown: dict[str, Floats] = {}
        for drawing, cover in zip(chosen, covers, strict=True):
            squares = np.asarray(
                Image.fromarray(cover).resize((4, 4), Image.Resampling.BOX)
            ).ravel()
            name = drawing.captions[0]
            shown[name] = np.maximum(shown.get(name, 0), squares)
        shares.append(shown)
    return fit_detector(
        seen_in_squares(
            encoder,
            pictures,
            [{names.get(label, label): np.ravel(share) for label, share in entry["coverage"].items()}
             for entry in entries],
            random,
        ),
        seen_in_squares(encoder, scenes, shares, random),
    )  # fmt: skip


def _spelled(labels: set[str]) -> dict[str, str]:
    """The detector's names, with what labels call them."""
    found = {}
    for label in sorted(labels):
        for column in detection.known_as(label, NAMES)[:1]:
            found[NAMES[column]] = label
    return found


def fit(*parts: Judged) -> tuple[float, float, float]:
    """(logit scale, logit bias, loss) of the least mean log loss over the parts.

    In each of them those that match and those that don't count alike.
    """
    best = (0.0, 0.0, np.inf)
    for scale in np.arange(8.0, 40.1, 1.0):
        margins = [part.margins(float(scale)) for part in parts]
        for bias in np.arange(-6.0, 9.1, 0.25):
            losses = [
                _loss(each + bias, part.matches) for each, part in zip(margins, parts, strict=True)
            ]
            loss = sum(losses) / len(losses)
            if loss < best[2]:
                best = (float(scale), float(bias), loss)
    return best


def _loss(logits: NDArray[np.float64], matches: NDArray[np.bool_]) -> float:
    each = np.logaddexp(0, np.where(matches, -logits, logits))
    return float(each[matches].mean() + each[~matches].mean()) / 2


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
        print(f"detector, tiles: {detector_in_tiles(encoder, given.photos, drawn)}")
        numbers = detector_in_squares(encoder, given.photos, drawn, random)
        print(f"detector, squares: {numbers}")


if __name__ == "__main__":
    main()
