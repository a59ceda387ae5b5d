"""The model package "lite": whole, refused where it is not, and what its embeddings hold to."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from msgspec import structs
from PIL import Image

from agent.errors import MissingError, UsageError
from agent.models.encoder import Encoder, load_encoder, preprocessed
from agent.models.store import open_package

LITE = Path(__file__).parents[2] / "agent" / "models" / "lite"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("lite")


def pictures(count: int, size: tuple[int, int] = (90, 120)) -> list[Image.Image]:
    random = np.random.default_rng(1)
    shape = (*size, 3)
    return [Image.fromarray(random.integers(0, 255, shape, dtype=np.uint8)) for _ in range(count)]


def test_weights_are_small_and_no_pickle() -> None:
    """The repository holds at most 30 MB of weights, in safetensors, ONNX, or plain arrays."""
    weights = [path for path in LITE.iterdir() if path.stat().st_size > 60_000]
    assert {path.suffix for path in weights} <= {".safetensors", ".onnx", ".json", ".npz"}
    with np.load(LITE / "concepts.npz", allow_pickle=False) as arrays:
        assert all(array.dtype.kind in "fU" for array in arrays.values())
    assert sum(path.stat().st_size for path in weights) <= 30_000_000


def test_embeddings_are_of_unit_length(encoder: Encoder) -> None:
    """Pictures and texts come as (n, d) float32 of unit length, none as (0, d)."""
    size = encoder.package.card.embedding_size
    for found in (encoder.embed_images(pictures(3)), encoder.embed_texts(["a bus", "a", ""])):
        assert found.shape == (3, size)
        assert found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert encoder.embed_images([]).shape == encoder.embed_texts([]).shape == (0, size)


def test_a_text_is_embedded_alike_beside_any_other(encoder: Encoder) -> None:
    """Padding to the longest text of a batch changes nothing."""
    alone = encoder.embed_texts(["a photo of a bus"])
    beside = encoder.embed_texts(["a photo of a bus", "a photo of a very long and winding road"])
    np.testing.assert_allclose(alone[0], beside[0], atol=2e-5)


def test_long_texts_are_cut(encoder: Encoder) -> None:
    """A text over the context length is cut and still ends with the mark of its end."""
    numbers = encoder.tokens("very " * 100 + "old bus")
    assert len(numbers) == encoder.package.card.context_length
    assert numbers[-1] == encoder.tokens("bus")[-1]


def test_the_mean_of_the_cells_is_the_embedding(encoder: Encoder) -> None:
    """A class activation map adds up to what the whole picture shows."""
    cells = encoder.package.card.cells
    assert cells is not None
    (picture,) = pictures(1, (cells.size_px, cells.size_px))
    found = encoder.embed_cells(picture)
    side = cells.size_px // 32
    assert found.shape == (side, side, encoder.package.card.embedding_size)


def test_the_detector_looks_at_tiles_and_pictures(encoder: Encoder) -> None:
    """A logit of each thing it knows; boxes within the picture; alike beside any other tile."""
    detector = encoder.package.card.detector
    assert detector is not None
    things = len(detector.names)
    some, image = pictures(11), encoder.package.card.image
    pixels = np.stack([preprocessed(picture, image) for picture in some])
    found = encoder.detect_pixels(pixels)
    assert found.shape == (11, things)
    np.testing.assert_allclose(encoder.detect_pixels(pixels[10:])[0], found[10], atol=1e-4)
    logits, boxes = encoder.detect(some[0])
    assert (logits.shape, boxes.shape) == ((1917, things), (1917, 4))
    assert ((boxes >= 0) & (boxes <= 1)).all()


def test_a_package_without_a_detector(encoder: Encoder) -> None:
    """Is told by name; nothing is asked of it."""
    card = structs.replace(encoder.package.card, detector=None)
    plain = Encoder(replace(encoder.package, card=card))
    with pytest.raises(UsageError, match="model 'lite' has no detector"):
        plain.detect(pictures(1)[0])
    with pytest.raises(UsageError, match="model 'lite' has no detector"):
        plain.detect_pixels(np.zeros((1, 3, 192, 192), dtype=np.float32))


def test_a_missing_package() -> None:
    """A name or folder without a package is answered with what there is."""
    with pytest.raises(MissingError, match="no model package there; use 'lite'"):
        open_package("large")


def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("model.yaml", *open_package("lite").card.files):
        shutil.copy(LITE / name, folder / name)
    return folder


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    """A file that is not the one of the card is named, with both sums."""
    folder = copy(tmp_path)
    with (folder / "text.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UsageError, match=r"text\.onnx: the file is damaged or altered: SHA-256"):
        open_package(str(folder))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A package's files lie in its own folder."""
    folder = copy(tmp_path)
    (folder / "text.onnx").unlink()
    (folder / "text.onnx").symlink_to(LITE / "text.onnx")
    with pytest.raises(UsageError, match="lie in its own folder"):
        open_package(str(folder))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("logit_scale", -1),
        ("files", {"image.onnx": "x"}),
        ("templates", ["a photo"]),
        ("colour", 1),
    ],
)
def test_a_wrong_card(tmp_path: Path, key: str, value: object) -> None:
    """A card with a wrong or unknown key is refused by file and key."""
    folder = copy(tmp_path)
    card = yaml.safe_load((folder / "model.yaml").read_text())
    (folder / "model.yaml").write_text(yaml.safe_dump({**card, key: value}))
    with pytest.raises(
        UsageError, match=rf"model\.yaml: {key}(\.0|\.image\.onnx)?: .*expected|unknown"
    ):
        open_package(str(folder))


def test_parity_was_measured() -> None:
    """The card says how far the graphs lie from open_clip, and they hardly do."""
    parity = open_package("lite").card.parity
    assert parity["pictures"] >= 64
    assert parity["image_least_cosine"] >= 0.9999
    assert parity["text_least_cosine"] >= 0.9999


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (60, 60), (224, 224), (500, 31)])
def test_against_open_clip(encoder: Encoder, size: tuple[int, int]) -> None:
    """Tokens, pixels and embeddings are open_clip's own, where it is installed."""
    open_clip = pytest.importorskip("open_clip")
    torch = pytest.importorskip("torch")
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{LITE}")
    model.eval()
    (picture,) = pictures(1, size)
    mine, theirs = preprocessed(picture, encoder.package.card.image), transform(picture).numpy()
    assert np.abs(mine - theirs).max() * 128 <= 1.01  # one grey level
    texts = ["a photo of a bus", "It\u2019s \u201cfine\u201d &amp; good", "two  traffic lights!"]
    tokens = open_clip.get_tokenizer(f"local-dir:{LITE}")(texts)
    for text, row in zip(texts, tokens.numpy(), strict=True):
        assert encoder.tokens(text) == [number for number in row if number]
    with torch.inference_mode():
        image = model.encode_image(transform(picture)[None], normalize=True).numpy()
        text = model.encode_text(tokens, normalize=True).numpy()
    assert (image * encoder.embed_images([picture])).sum() >= 0.999
    assert (text * encoder.embed_texts(texts)).sum(axis=1).min() >= 0.999
