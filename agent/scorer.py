"""Tiles + Target → probabilities, with any model package.

A tile's probability is "the asked-for thing rather than any other": its logit of the target
against the log-sum-exp of contrast concepts (`concepts.yaml`), as in a softmax classifier.
Negatives are other named things, never "not a X": CLIP is at chance there (NegBench, 2025).
Prompt templates are averaged and renormalised as open_clip's `build_zero_shot_classifier` does.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent import concepts, decider, instruction
from agent.data import (
    MOST_CONTRASTS,
    THRESHOLD,
    Contrast,
    Contrasts,
    Decision,
    Grid,
    Picture,
    Probabilities,
    Scores,
    Target,
)
from agent.detection import Detection, Shown
from agent.errors import UsageError
from agent.models import calibrated
from agent.models.encoder import Encoder, load_encoder
from agent.models.looks import Remembered, Tile
from agent.models.noise import denoised
from agent.models.store import Package
from agent.squares import (
    Edges,
    by_things,
    edges_of,
    pool_cells,
    pool_shares,
    whole,
    with_surroundings,
)

Embeddings = NDArray[np.float32]
"""Shape (n, d), each row of unit length."""


class Scorer:
    """Says how likely each tile shows what an instruction asks for. Safe to share by threads."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        self._texts: dict[str, NDArray[np.float32]] | None = None
        self._embed = Remembered(encoder.embed_pixels)
        detector = encoder.package.card.detector
        self._detection = Detection(encoder, detector) if detector else None

    @property
    def package(self) -> Package:
        return self._encoder.package

    @property
    def name(self) -> str:
        return self._encoder.package.name

    def warm(self) -> None:
        """Load the model and encode the contrast concepts, so that the first score is quick."""
        self.concept_embeddings(concepts.names())
        blank = self._made_ready([Image.new("RGB", (32, 32))])
        self._embed(blank)
        if self._detection is not None:
            self._detection.logits(blank)

    def embed_images(self, tiles: Sequence[Image.Image]) -> Embeddings:
        """Embed pictures: (n, d) float32, unit length. One seen before is not embedded again.

        Noise is taken off them first.
        """
        if not tiles:
            return np.zeros((0, self._encoder.package.card.embedding_size), dtype=np.float32)
        return self._embed(self._made_ready(tiles))

    def _made_ready(self, tiles: Sequence[Image.Image]) -> list[Tile]:
        image = self._encoder.package.card.image
        return [Tile(picture, image) for picture in tiles]

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as they are, without templates: (n, d) float32, unit length."""
        return self._encoder.embed_texts(texts)

    def score(
        self,
        tiles: Sequence[Image.Image],
        instruction_text: str = "",
        *,
        reference: Image.Image | None = None,
        threshold: float = THRESHOLD,
    ) -> Decision:
        """Which of `tiles` match the instruction, or the `reference` picture.

        Raises UsageError where there are no tiles, or the instruction names nothing.
        """
        target = _target(tiles, instruction_text, reference)
        return decider.decide(self.judge(tiles, target, reference), target, threshold)

    def score_picture(
        self,
        picture: Image.Image,
        instruction_text: str,
        *,
        rows: int,
        cols: int,
        threshold: float = THRESHOLD,
    ) -> Decision:
        """Which squares of one picture, cut into `rows` x `cols`, match; row by row."""
        target = _target([picture], instruction_text, None)
        width, height = picture.width / cols, picture.height / rows
        edges = [
            (col * width, row * height, (col + 1) * width, (row + 1) * height)
            for row in range(rows)
            for col in range(cols)
        ]
        scores = self.score_squares(picture, edges, target)
        return decider.decide(scores, target, threshold)

    def score_grid(
        self,
        picture: Image.Image,
        grid: Grid,
        instruction_text: str = "",
        *,
        reference: Image.Image | None = None,
        threshold: float = THRESHOLD,
    ) -> Decision:
        """Which tiles of a screenshot match: squares of one picture where squares are asked for."""
        target = _target([picture], instruction_text, reference)
        edges = edges_of(grid)
        if target.squares:
            scores = self.score_squares(picture, edges, target)
        else:
            tiles = [picture.crop(whole(edge)) for edge in edges]
            scores = self.judge(tiles, target, reference)
        return decider.decide(scores, target, threshold)

    def scores_on(
        self, picture: Picture, grid: Grid, target: Target, sample: Picture | None = None
    ) -> Scores:
        """Score the tiles of a screenshot; squares of one picture in a single pass.

        With `sample`, whether they show the same as that picture.
        """
        image = Image.fromarray(picture.pixels)
        edges = edges_of(grid)
        if target.squares and sample is None:
            return self.score_squares(image, edges, target)
        tiles = [image.crop(whole(edge)) for edge in edges]
        reference = Image.fromarray(sample.pixels) if sample else None
        return self.judge(tiles, target, reference)

    def probabilities(
        self, tiles: Sequence[Image.Image], target: Target, reference: Image.Image | None = None
    ) -> Probabilities:
        """Shape (n,): how likely each tile, seen alone, shows the target's concept.

        With `reference`, whether it shows the same as that picture. Both cases equally likely
        beforehand.
        """
        return self.judge(tiles, target, reference).probabilities

    def judge(
        self, tiles: Sequence[Image.Image], target: Target, reference: Image.Image | None = None
    ) -> Scores:
        """`probabilities`, and what each tile may show instead."""
        ready, card = self._made_ready(tiles), self._encoder.package.card
        images = self._embed(ready)
        if reference is None:
            logits = self._logits_of(ready, target)
            scale, others = card.logit_scale, concepts.others(target.concept)
        else:
            (wanted,) = self.embed_images([reference])
            fitted = card.reference or card
            logits = self.reference_margins(images, wanted, fitted.logit_scale)
            logits = logits + np.float32(fitted.logit_bias)
            scale, others = fitted.logit_scale, self._unlike(wanted)
        probabilities = _sigmoid(logits)
        return Scores.apart(probabilities, self.contrasts(images, others, scale, probabilities))

    def contrasts(
        self,
        images: Embeddings,
        others: Sequence[str],
        scale: float,
        probabilities: Probabilities,
    ) -> Contrasts:
        """For each picture (n, d) the likeliest of `others`: they share what the target leaves."""
        logits = images @ self.concept_embeddings(others).T * scale
        shares = np.exp(logits - _log_sum_exp(logits)[:, None]) * (1 - probabilities)[:, None]
        order = np.argsort(-shares, axis=1)[:, :MOST_CONTRASTS]
        return tuple(
            tuple(Contrast(others[index], float(row[index])) for index in top)
            for row, top in zip(shares, order, strict=True)
        )

    def logits(self, images: Embeddings, target: Target) -> NDArray[np.float32]:
        """Shape (n,): the logit that each embedded tile, seen alone, shows the concept.

        A concept for which the package was calibrated is scored by what was learnt of it, where
        it is asked for in tiles: squares of one picture were not what that was learnt from.
        """
        card, concept = self._encoder.package.card, target.concept
        learnt = None if target.squares else self._learnt.get(concepts.canonical(concept))
        if learnt is None:
            return self.margins(images, concept, card.logit_scale) + np.float32(card.logit_bias)
        margins = self.margins(images, concept, learnt.scale)
        return margins + images @ learnt.weights + np.float32(learnt.bias)

    def tile_logits(self, tiles: Sequence[Image.Image], target: Target) -> NDArray[np.float32]:
        """Shape (n,): the logit that each tile shows the concept, the detector's word counted."""
        return self._logits_of(self._made_ready(tiles), target)

    def _logits_of(self, tiles: Sequence[Tile], target: Target) -> NDArray[np.float32]:
        logits = self.logits(self._embed(tiles), target)
        return self.with_detector(logits, self._detected(tiles, target))

    def detect(self, tiles: Sequence[Image.Image], target: Target) -> Shown | None:
        """What the detector says of the concept in a challenge's tiles.

        None where there is no detector, or where it has no name for it.
        """
        return self._detected(self._made_ready(tiles), target)

    def _detected(self, tiles: Sequence[Tile], target: Target) -> Shown | None:
        return self._detection.in_tiles(tiles, target.concept) if self._detection else None

    def with_detector(
        self, logits: NDArray[np.floating[Any]], shown: Shown | None
    ) -> NDArray[np.float32]:
        """The logits (n,) of the towers, and what the detector says of the same tiles."""
        return (shown.beside(logits) if shown else logits).astype(np.float32)

    @cached_property
    def _learnt(self) -> dict[str, calibrated.Learnt]:
        return calibrated.load(self._encoder.package)

    def margins(self, images: Embeddings, concept: str, scale: float) -> NDArray[np.float32]:
        """Shape (n,): the logit of the concept less the log-sum-exp of its contrast concepts."""
        wanted = self.concept_embeddings(concepts.wordings(concept))
        others = self.concept_embeddings(concepts.others(concept))
        return _margins(images, wanted, others, scale)

    def reference_margins(
        self, images: Embeddings, wanted: NDArray[np.float32], scale: float
    ) -> NDArray[np.float32]:
        """Shape (n,): the same for a sample picture's embedding (d,) in the concept's place."""
        others = self.concept_embeddings(self._unlike(wanted))
        return _margins(images, wanted[None], others, scale)

    def _unlike(self, wanted: NDArray[np.float32]) -> tuple[str, ...]:
        """The concepts but for those that a sample resembles most: what it shows is unknown."""
        names = concepts.names()
        likeness = self.concept_embeddings(names) @ wanted
        like = set(np.argsort(likeness)[-_LIKE_REFERENCE:].tolist())
        return tuple(name for index, name in enumerate(names) if index not in like)

    def score_squares(
        self,
        picture: Image.Image,
        edges: Sequence[Edges],
        target: Target,
    ) -> Scores:
        """How likely each square (left, top, right, bottom) shows the concept.

        Noise is taken off the picture first.
        """
        cells = self._encoder.package.card.cells
        if cells is None:
            tiles = [picture.crop(with_surroundings(edge, picture.size)) for edge in edges]
            return self.judge(tiles, target)
        others, picture = concepts.others(target.concept), denoised(picture)
        if cells.objects is not None:
            objects = cells.objects
            embeddings, masks, found = self._encoder.embed_objects(picture)
            things = self.margins(embeddings, target.concept, objects.logit_scale)
            squares = pool_cells(found, picture.size, edges)
            alone = self.margins(squares, target.concept, objects.logit_scale)
            covered = pool_shares(masks, picture.size, edges) >= objects.least_share
            margins, judgements = by_things(covered, things, alone)
            logits = margins + np.float32(objects.logit_bias)
            likely = _sigmoid(self._with_boxes(picture, edges, target, logits))
            contrasts = self.contrasts(squares, others, objects.logit_scale, likely)
            return Scores(likely, judgements, contrasts)
        squares = pool_cells(self._encoder.embed_cells(picture), picture.size, edges)
        margins = self.margins(squares, target.concept, cells.logit_scale)
        logits = margins + np.float32(cells.logit_bias)
        likely = _sigmoid(self._with_boxes(picture, edges, target, logits))
        return Scores.apart(likely, self.contrasts(squares, others, cells.logit_scale, likely))

    def _with_boxes(
        self,
        picture: Image.Image,
        edges: Sequence[Edges],
        target: Target,
        logits: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        found = self._detection
        return self.with_detector(
            logits, found.in_squares(picture, edges, target.concept) if found else None
        )

    def concept_embeddings(self, names: Sequence[str]) -> Embeddings:
        """Each name in every template of the package, averaged and renormalised; remembered."""
        with self._lock:
            if self._texts is None:
                self._texts = self._encoder.known_concepts()
            new = [name for name in names if name not in self._texts]
            if new:
                self._texts.update(zip(new, self._encode_names(new), strict=True))
            return np.stack([self._texts[name] for name in names])

    def _encode_names(self, names: Sequence[str]) -> Embeddings:
        templates = self._encoder.package.card.templates
        prompts = [template.format(name) for name in names for template in templates]
        embedded = self._encoder.embed_texts(prompts)
        mean = embedded.reshape(len(names), len(templates), -1).mean(axis=1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), dtype=np.float32)


_LIKE_REFERENCE = 8


@lru_cache(maxsize=4)
def load_scorer(model: str = "lite", *, threads: int | None = None) -> Scorer:
    """A scorer on the model package `model` (a name, or a folder); loaded once for each.

    Raises MissingError where the package is not there, UsageError where it is damaged.
    """
    return Scorer(load_encoder(model, threads=threads))


def _target(
    tiles: Sequence[Image.Image], instruction_text: str, reference: Image.Image | None
) -> Target:
    if not tiles:
        raise UsageError("score: expected at least one picture (got none)")
    if reference is not None and not instruction_text:
        return Target(concept="", instruction="", reference=True)
    return instruction.read(instruction_text, reference=reference is not None)


def _margins(
    images: Embeddings, wanted: Embeddings, others: Embeddings, scale: float
) -> NDArray[np.float32]:
    """Logit of the best wording less the log-sum-exp of all others, from unit embeddings."""
    yes = (images @ wanted.T).max(axis=1) * scale
    return np.asarray(yes - _log_sum_exp(images @ others.T * scale), dtype=np.float32)


def _sigmoid(logits: NDArray[np.float32]) -> Probabilities:
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)


def _log_sum_exp(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    top = logits.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logits - top).sum(axis=1)), dtype=np.float32)
