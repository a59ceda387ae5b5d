"""From tiles to probabilities and choices."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs
from numpy.typing import NDArray
from PIL import Image

import agent
from agent import concepts
from agent.data import Target
from agent.errors import UsageError
from agent.models import calibrated
from agent.models.calibrated import Learnt
from agent.models.card import Card
from agent.models.encoder import Encoder, load_encoder
from agent.models.noise import denoised
from agent.scorer import Scorer, load_scorer
from fixtures.challenge import make
from fixtures.kinds import KINDS


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return load_scorer("lite")


def tiles(seed: int) -> tuple[list[Image.Image], str, frozenset[int]]:
    made = make(KINDS["tiles"], f"{seed}:0", np.random.default_rng(seed))
    return [Image.open(io.BytesIO(p)) for p in made.pictures], made.instruction, made.answer


def test_the_python_surface(scorer: Scorer) -> None:
    """Names, shapes and types are those that users script against."""
    pictures, text, _ = tiles(1)
    decision = scorer.score(pictures, text)
    assert decision.probabilities.shape == (9,)
    assert decision.probabilities.dtype == np.float32
    assert ((decision.probabilities >= 0) & (decision.probabilities <= 1)).all()
    assert all(isinstance(index, int) for index in decision.selected)
    assert agent.load_scorer("lite") is scorer
    whole = scorer.score_picture(pictures[0], "Select all squares with a bus", rows=4, cols=4)
    assert whole.probabilities.shape == (16,)


def test_right_tiles_are_likelier_than_wrong_ones(scorer: Scorer) -> None:
    """Over many grids a right tile outranks a wrong one nine times in ten, whatever the style."""
    wins = pairs = 0
    for seed in range(40):
        pictures, text, answer = tiles(seed)
        found = scorer.score(pictures, text).probabilities
        right = found[sorted(answer)]
        wrong = found[[index for index in range(9) if index not in answer]]
        wins += int((right[:, None] > wrong[None, :]).sum())
        pairs += len(right) * len(wrong)
    assert wins / pairs > 0.9


def test_a_reference_matches_itself(scorer: Scorer) -> None:
    """A picture matches itself better than any other."""
    pictures, _, _ = tiles(3)
    for index, picture in enumerate(pictures):
        assert int(scorer.score(pictures, reference=picture).probabilities.argmax()) == index


def test_contrasts_are_what_else_a_tile_may_show(scorer: Scorer) -> None:
    """Three of the vocabulary, the likeliest first, never the target; with it no more than 1."""
    pictures, text, _ = tiles(1)
    reference = scorer.score(pictures, reference=pictures[0])
    squares = scorer.score_picture(pictures[0], "Select all squares with a bus", rows=3, cols=3)
    for decision in (scorer.score(pictures, text), reference, squares):
        assert decision.alone is not None
        assert len(decision.contrasts) == len(decision.alone) == 9
        for alone, likeliest in zip(decision.alone.tolist(), decision.contrasts, strict=True):
            shares = [other.probability for other in likeliest]
            assert len(shares) == 3
            assert shares == sorted(shares, reverse=True)
            assert alone + sum(shares) <= 1 + 1e-5
    assert all(other.concept != "bus" for tile in squares.contrasts for other in tile)


def test_contrasts_name_what_is_there(scorer: Scorer) -> None:
    """Asked for something else, the likeliest contrast of a tile is what it was made to show."""
    named = shown = 0
    for seed in range(20):
        made = make(KINDS["tiles"], f"{seed}:0", np.random.default_rng(seed))
        pictures = [Image.open(io.BytesIO(p)) for p in made.pictures]
        concept = scorer.score(pictures, made.instruction).target
        assert concept is not None
        other = "volcano" if concept.concept != "volcano" else "bus"
        found = scorer.score(pictures, f"Select all images with a {other}").contrasts
        named += sum(found[index][0].concept == concept.concept for index in made.answer)
        shown += len(made.answer)
    assert named / shown > 0.5


def test_no_tiles(scorer: Scorer) -> None:
    """Nothing to score is wrong usage."""
    with pytest.raises(UsageError, match="expected at least one picture"):
        scorer.score([], "Select all images with a bus")


def test_contrast_leaves_out_kin() -> None:
    """A concept is contrasted neither with itself nor with what is above, below or alike."""
    others = set(concepts.others("puppy"))
    assert not {"dog", "poodle", "animal"} & others
    assert {"cat", "bus"} <= others
    assert "car" not in concepts.others("red car")
    assert "car" not in concepts.others("vehicle")


class Watched(Encoder):
    """Notes at how many tiles the detector looks."""

    def __init__(self) -> None:
        super().__init__(load_scorer("lite").package)
        self.looks: list[int] = []

    def detect_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        self.looks.append(len(pixels))
        return super().detect_pixels(pixels)


class Photographs(Watched):
    """Sees a bus in the first tile and in no other; all of them photographs."""

    def detect_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        super().detect_pixels(pixels)
        detector = self.package.card.detector
        assert detector is not None
        assert len(pixels) == 9
        found = np.tile(np.linspace(-9, -3, len(detector.names), dtype=np.float32), (9, 1))
        found[:, detector.names.index("bus")] = [4, *[-9] * 8]
        return found


def test_the_detector_has_no_say_in_drawings() -> None:
    """Where it finds all things alike the towers' word stands."""

    class Drawings(Watched):
        def detect_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.full_like(super().detect_pixels(pixels), -6)

    encoder, (pictures, _, _) = Drawings(), tiles(1)
    scorer = Scorer(encoder)
    towers = Scorer(Encoder(replace(encoder.package, card=without_detector(encoder))))
    found = scorer.probabilities(pictures, Target("bus", ""))
    np.testing.assert_allclose(found, towers.probabilities(pictures, Target("bus", "")), atol=1e-6)


def test_the_detector_is_asked_for_what_it_has_a_name_for() -> None:
    """Neither for other things nor for those that a sample shows; once for the same tiles."""
    encoder, (pictures, _, _) = Watched(), tiles(1)
    scorer = Scorer(encoder)
    scorer.probabilities(pictures, Target("key", ""))
    scorer.probabilities(pictures, Target("bus", ""), reference=pictures[0])
    assert encoder.looks == []
    for name in ("bus", "car", "bus"):
        scorer.probabilities(pictures, Target(name, ""))
    assert encoder.looks == [9]


def test_noise_is_taken_off_tiles_and_pictures() -> None:
    """What is scored is the picture without it."""
    random, encoder = np.random.default_rng(0), load_encoder("lite")
    pictures, scorer = tiles(1)[0], Scorer(encoder)
    noisy = [
        Image.fromarray(np.clip(random.normal(one, 22), 0, 255).astype(np.uint8))
        for one in pictures
    ]
    clean = [denoised(one) for one in noisy]
    np.testing.assert_allclose(scorer.embed_images(noisy), encoder.embed_images(clean), atol=1e-5)
    target, edges = Target("bus", "", squares=True), [(0.0, 0.0, 80.0, 80.0)]
    found, expected = (scorer.score_squares(one, edges, target) for one in (noisy[0], clean[0]))
    np.testing.assert_allclose(found.probabilities, expected.probabilities)


def test_what_the_detector_sees_in_photographs_counts_and_is_remembered() -> None:
    """A tile seen before is not looked at again."""
    encoder, (pictures, _, _) = Photographs(), tiles(1)
    scorer = Scorer(encoder)
    for name in ("bus", "car", "bus"):
        found = scorer.probabilities(pictures, Target(name, ""))
        assert found[0] > 0.9 if name == "bus" else found.max() < 0.5
    assert encoder.looks == [9]


def test_squares_show_what_the_detector_finds_there() -> None:
    """A box over the upper left quarter of a photograph speaks for these four squares alone."""

    class Box(Encoder):
        def detect(self, picture: Image.Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            detector = self.package.card.detector
            assert detector is not None
            logits = np.full((1, len(detector.names)), -7, dtype=np.float32)
            logits[0, ::2] = -3  # a photograph: some things are likelier than others
            logits[0, detector.names.index("bus")] = 6
            return logits, np.array([[0, 0, 0.5, 0.5]], dtype=np.float32)

    picture = Image.effect_noise((200, 200), 30).convert("RGB")
    scorer = Scorer(Box(load_scorer("lite").package))
    shown = scorer.score_picture(picture, "Select all squares with a bus", rows=4, cols=4)
    assert set(np.argsort(-shown.probabilities)[:4].tolist()) == {0, 1, 4, 5}
    assert shown.selected == (0, 1, 4, 5)


def test_what_was_learnt_from_own_tiles_counts_beside_the_detector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A calibrated concept's logits take the place of the words', no more."""
    encoder, (pictures, _, _) = Photographs(), tiles(1)
    learnt = Learnt(15.0, np.zeros(encoder.package.card.embedding_size, dtype=np.float32), -20.0)
    before = Scorer(encoder).tile_logits(pictures, Target("bus", ""))
    monkeypatch.setattr(calibrated, "load", lambda package: {"bus": learnt})
    after = Scorer(encoder).tile_logits(pictures, Target("bus", ""))
    assert (after < before - 5).all()
    assert int(after.argmax()) == int(before.argmax()) == 0


def without_detector(encoder: Encoder) -> Card:
    """The card of the same package without its detector."""
    return structs.replace(encoder.package.card, detector=None)
