"""What lite's detector counts beside its towers, and how photographs are told from drawings.

Fitted on labelled photographs, as they are and damaged, and on drawings of packages that are no
training source: `calibration.py` runs it.
"""

from __future__ import annotations

import json
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
from agent.models.encoder import Encoder
from agent.models.lite import compose, cutouts, detector, package
from agent.models.looks import Tile
from agent.models.noise import denoised
from agent.scorer import Scorer

NAMES = list(detector.THINGS)
CHALLENGE = 9  # pictures that are damaged alike
SHOWN, HIDDEN = 0.15, 0.02  # shares of a square: at least, less than
_SCENES, _SCENE_PX = 250, 480


def loss(logits: Floats, matches: NDArray[np.bool_]) -> float:
    """Mean log loss (n,), those that match and those that don't counting alike."""
    each = np.logaddexp(0, np.where(matches, -logits, logits))
    return float(each[matches].mean() + each[~matches].mean()) / 2


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


def fit(photographs: Seen, drawings: Seen) -> dict[str, float]:
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
        return loss(logits.astype(np.float64), part.matches)

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
    towers, image = without_detector(encoder), encoder.package.card.image
    found = encoder.detect_pixels(np.stack([Tile(one, image).pixels for one in pictures]))
    challenge = np.arange(len(pictures)) // CHALLENGE
    contrast = (np.bincount(challenge, found.std(axis=1)) / np.bincount(challenge))[challenge]
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
        found, boxes = encoder.detect(denoised(picture))
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


def in_tiles(encoder: Encoder, photos: Path, drawn: Sequence[cutouts.Cutout]) -> dict[str, float]:
    """What the detector counts in tiles, see `fit`."""
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
    return fit(
        seen_in_tiles(encoder, pictures, shown_by_photographs),
        seen_in_tiles(encoder, tiles, shown_by_drawings),
    )


def in_squares(
    encoder: Encoder, photos: Path, drawn: Sequence[cutouts.Cutout], random: np.random.Generator
) -> dict[str, float]:
    """What the detector counts in squares of a picture, see `fit`."""
    entries, pictures = _as_shown(photos, "areas.json")
    spelled = _spelled({name for entry in entries for name in entry["coverage"]})
    names = {label: name for name, label in spelled.items()}
    scenes, shares = [], []
    for _ in range(_SCENES):
        chosen = [drawn[i] for i in random.choice(len(drawn), int(random.integers(3, 6)), False)]
        scene, covers = compose.scene(_SCENE_PX, chosen, random)
        scenes.append(scene)
        shown: dict[str, Floats] = {}
        for drawing, cover in zip(chosen, covers, strict=True):
            squares = np.asarray(
                Image.fromarray(cover).resize((4, 4), Image.Resampling.BOX)
            ).ravel()
            name = drawing.captions[0]
            shown[name] = np.maximum(shown.get(name, 0), squares)
        shares.append(shown)
    return fit(
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
