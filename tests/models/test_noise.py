"""Noise that is taken off pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from agent.models import noise


def drawn(width: int = 200, height: int = 160) -> Image.Image:
    """Shapes with edges, a shade, and a plain ground."""
    across = np.linspace(60, 200, width)[None, :, None]
    shade = np.broadcast_to(across, (height, width, 3)).astype(np.uint8)
    picture = Image.fromarray(shade)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((20, 20, 110, 120), fill=(200, 40, 40), outline=(0, 0, 0), width=3)
    draw.rectangle((width - 70, 30, width - 20, height - 40), fill=(30, 60, 180))
    return picture


def noisy(picture: Image.Image, deviation: float) -> Image.Image:
    pixels = np.asarray(picture).astype(np.float32)
    random = np.random.default_rng(0)
    found = pixels + random.normal(0, deviation, pixels.shape)
    return Image.fromarray(np.clip(np.round(found), 0, 255).astype(np.uint8))


def error(picture: Image.Image, clean: Image.Image) -> float:
    """The mean square difference's root, in grey levels."""
    apart = np.asarray(picture, dtype=np.float32) - np.asarray(clean, dtype=np.float32)
    return float(np.sqrt((apart**2).mean()))


@pytest.mark.parametrize("deviation", [5, 12, 22, 40])
def test_most_of_the_noise_goes(deviation: float) -> None:
    """What is left of it is a third at most."""
    clean = drawn()
    found = noise.denoised(noisy(clean, deviation))
    assert found.size == clean.size
    assert error(found, clean) < error(noisy(clean, deviation), clean) / 3


@pytest.mark.parametrize("deviation", [4, 12, 30])
def test_how_strong_noise_is(deviation: float) -> None:
    """Told within a fifth, whatever the picture shows; nothing of it where there is none."""
    pixels = np.asarray(noisy(drawn(), deviation), dtype=np.float32)
    assert noise.deviation(pixels) == pytest.approx(deviation, rel=0.2)
    assert noise.deviation(np.asarray(drawn(), dtype=np.float32)) < 1


def test_a_picture_without_noise_stays_as_it_is() -> None:
    """Not one pixel changes; nor is it copied."""
    picture = drawn()
    assert noise.denoised(picture) is picture


def compressed(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def test_blocks_of_a_picture_that_was_compressed_much_go() -> None:
    """Wherever the first of them begins; the picture comes closer to what it was."""
    clean = noisy(drawn(), 2)
    blocky = compressed(clean, 12)
    assert noise.blockiness(np.asarray(clean, dtype=np.float32)) < 0.1
    for left, top in ((0, 0), (3, 5)):
        part = (left, top, 180, 150)
        found, expected = blocky.crop(part), clean.crop(part)
        assert noise.blockiness(np.asarray(found, dtype=np.float32)) > 0.3
        assert error(noise.denoised(found), expected) < error(found, expected)


@pytest.mark.parametrize("scale", [1.3, 1.5, 2.0])
def test_noise_of_a_picture_that_was_scaled(scale: float) -> None:
    """It is seen, though nothing of it is left in the highest frequencies, and most of it goes."""
    clean = drawn()
    size = (round(clean.width * scale), round(clean.height * scale))
    large, loud = (one.resize(size, Image.Resampling.BICUBIC) for one in (clean, noisy(clean, 25)))
    found = noise.spectrum(np.asarray(loud, dtype=np.float32))
    assert found[1] > 4 * found[63]
    assert error(noise.denoised(loud), large) < error(loud, large) / 1.7
    assert noise.denoised(large) is large


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (8, 8), (9, 17), (33, 8)])
def test_small_and_odd_sizes(size: tuple[int, int]) -> None:
    """Of a picture of any size one of the same size comes back."""
    picture = noisy(Image.new("RGB", size, (120, 130, 140)), 30)
    assert noise.denoised(picture).size == size


def test_large_pictures_are_cleaned_at_a_size_that_models_see() -> None:
    """They come back as large as they were, and as clean."""
    clean = drawn(1300, 1000)
    found = noise.denoised(noisy(clean, 25))
    assert found.size == clean.size
    assert error(found, clean) < 8


def test_other_modes() -> None:
    """Grey pictures and such with an alpha channel come back in colours."""
    for mode in ("L", "RGBA", "P"):
        assert noise.denoised(noisy(drawn(), 20).convert(mode)).mode == "RGB"


def test_the_graph_is_what_its_module_makes() -> None:
    """The shipped file is not older than what made it."""
    onnx = pytest.importorskip("onnx")
    from agent.models import noise_graph

    assert onnx.load(noise.GRAPH) == noise_graph.model()
