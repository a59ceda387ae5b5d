"""Packages made from open_clip models of each kind, and the ways in which making one can end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from agent import concepts, places
from agent.errors import MissingError, UsageError
from agent.models import store
from agent.models.card import TextInput
from agent.models.encoder import load_encoder
from agent.models.source import read_source
from agent.scorer import Scorer
from tests.models import tiny

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
pytest.importorskip("onnx")

from agent.models import assembly, parity, preparation  # noqa: E402  # they need torch
from agent.models.preparation import Order, prepare  # noqa: E402

TEXTS = ["a photo of a bus", "Traffic_lights, (two)!", "a", "one two three four five six " * 9]
LITE = Path(__file__).parents[2] / "agent" / "models" / "lite"


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    torch.set_num_threads(1)  # of models so small more are slower
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(folder))
    monkeypatch.setattr(parity.sample, "__defaults__", (24,))
    names = list(preparation.concepts.names()[:40])
    monkeypatch.setattr(assembly.concepts, "names", lambda: names)
    return folder


def pictures(count: int = 6) -> list[Image.Image]:
    return [Image.open(path) for path in parity.sample(places.pictures_folder(), count)]


def order(source: str, name: str = "tiny", precision: Any = "int8") -> Order:
    return Order(name, read_source(source)[1], precision, "none")


def own(source: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """open_clip's model and its unit embeddings of `pictures` and `TEXTS`."""
    model, _, transform = open_clip.create_model_and_transforms(source, pretrained_text=False)
    model.eval()
    tokens = open_clip.get_tokenizer(source)(TEXTS)
    with torch.inference_mode():
        pixels = torch.stack([transform(picture.convert("RGB")) for picture in pictures()])
        images = model.encode_image(pixels, normalize=True).numpy()
        return model, images, model.encode_text(tokens, normalize=True).numpy()


@pytest.mark.parametrize("precision", ["int8", "float32"])
@pytest.mark.parametrize("kind", tiny.MODELS)
def test_against_open_clip(kind: str, precision: str, tmp_path: Path) -> None:
    """Of each architecture the package's embeddings are open_clip's own, by its own pixels."""
    source = tiny.make(kind, tmp_path / kind)
    package = prepare(order(source, precision=precision))
    _, images, texts = own(source)
    encoder = load_encoder("tiny")
    limit = 0.985 if precision == "int8" else 0.999
    assert (encoder.embed_images(pictures()) * images).sum(axis=1).min() >= limit
    assert (encoder.embed_texts(TEXTS) * texts).sum(axis=1).min() >= limit
    assert package.card.parity["texts_tokenized_alike"] == package.card.parity["texts"]
    cells = package.card.cells
    if kind in ("hf_text",):  # 4 x 4 patches, but of any size: seen at twice its own
        assert cells is not None
        assert cells.size_px == 128
    if cells is not None:
        assert encoder.embed_cells(pictures()[0]).shape[2] == package.card.embedding_size


@pytest.mark.parametrize(
    ("kind", "cells_px"),
    [("vit", 128), ("resnet", 448), ("convnext", 320), ("mobileclip", 192), ("siglip", 160)],
)
def test_cells(kind: str, cells_px: int, tmp_path: Path) -> None:
    """Each architecture has cells, at a size at which a picture has enough of them."""
    source = tiny.make(kind, tmp_path / kind)
    package = prepare(order(source, precision="float32"))
    assert package.card.cells is not None
    assert package.card.cells.size_px == cells_px
    assert package.card.parity["cells_least_cosine"] >= 0.999


def test_a_transformers_weights_are_small_and_kept_once(tmp_path: Path, models: Path) -> None:
    """Both graphs of the tower use them; attention is one node, no other product has floats."""
    import onnx

    source = tiny.make("vit", tmp_path / "vit")
    prepare(order(source))
    graph = onnx.load(str(models / "tiny" / "image.onnx"), load_external_data=False).graph
    steps = [node.op_type for node in graph.node]
    layers = own(source)[0].visual.transformer.layers
    assert steps.count("MultiHeadAttention") == layers
    assert "Conv" not in steps
    floats = [node for node in graph.node if node.op_type in ("MatMul", "FusedMatMul", "Gemm")]
    assert len(floats) == 1  # the projection, which stays exact
    numbers = sum(part.numel() for part in own(source)[0].visual.parameters())
    assert (models / "tiny" / "image.weights").stat().st_size < 2 * numbers


def test_the_mean_of_a_convolutional_towers_cells_is_its_embedding() -> None:
    """Where pooling is an average and the projection linear, cells are a class activation map."""
    prepare(order(f"local-dir:{LITE}", precision="float32"))
    encoder = load_encoder("tiny")
    size = encoder.package.card.image.size_px
    cells = encoder.package.card.cells
    assert cells is not None
    picture = pictures(1)[0].convert("RGB").resize((cells.size_px, cells.size_px))
    mean = encoder.embed_cells(picture).mean(axis=(0, 1))
    from agent.models.towers import image_tower

    tower = image_tower(own(f"local-dir:{LITE}")[0].visual)
    with torch.inference_mode():
        whole = tower.embedding(torch.from_numpy(encoder.whole(picture))).numpy()[0]
    assert size == 192
    assert mean @ whole / np.linalg.norm(mean) >= 0.9999


def test_trained_weights_in_int8(tmp_path: Path) -> None:
    """The shipped model, prepared again in int8, names what the shipped one names."""
    package = prepare(order(f"local-dir:{LITE}"))
    assert package.card.parity["image_mean_cosine"] >= 0.995
    assert package.card.parity["text_least_cosine"] >= 0.985
    mine, lite = load_encoder("tiny"), load_encoder("lite")
    texts = lite.embed_texts(["a photo of a bus", "a photo of an apple", "a photo of a cat"])
    found = mine.embed_images(pictures(30)) @ texts.T
    expected = lite.embed_images(pictures(30)) @ texts.T
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.95


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_torch_backend(device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`torch:` gives open_clip's very embeddings, through the same interface."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    monkeypatch.setenv("CAPTCHA_AGENT_TORCH_DEVICE", device)
    source = tiny.make("vit", tmp_path / "vit")
    model, images, texts = own(source)
    tiny.save(model, tmp_path / "vit.safetensors")
    encoder = load_encoder(f"torch:{source}")
    np.testing.assert_allclose(encoder.embed_images(pictures()), images, atol=1e-5)
    np.testing.assert_allclose(encoder.embed_texts(TEXTS), texts, atol=1e-5)
    assert encoder.embed_cells(pictures()[0]).shape == (16, 16, 48)
    decision = Scorer(encoder).score(pictures(), "Select all images with a bus")
    assert decision.probabilities.shape == (6,)
    assert Scorer(encoder).name == f"torch:{source}"
    assert encoder.package.card.precision == f"float32 on {device}"


def test_a_torch_device_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that torch can't use is named, with what can be used."""
    monkeypatch.setenv("CAPTCHA_AGENT_TORCH_DEVICE", "abacus")
    source = tiny.make("vit", tmp_path / "vit")
    with pytest.raises(UsageError, match="CAPTCHA_AGENT_TORCH_DEVICE=abacus: torch can't use"):
        load_encoder(f"torch:{source}")


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def interrupt(source: str, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin to prepare a source and be interrupted at a step of `assembly`."""
    with monkeypatch.context() as patch:
        patch.setattr(assembly, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare(order(source))


def test_an_interrupted_preparation_goes_on(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that were finished are not done again; nobody sees the package before it is whole."""
    source = tiny.make("vit", tmp_path / "vit")
    interrupt(source, "write_tokenizer", monkeypatch)
    assert store.names() == ["lite"]
    (folder,) = (models / ".partial").glob("tiny-*")
    (folder / "leftover").mkdir()
    monkeypatch.setattr(assembly, "write_image", interrupted)
    told: list[str] = []
    package = prepare(order(source), lambda step, *_: told.append(step))
    assert told[0] == "image"
    assert store.names() == ["lite", "tiny"]
    assert {path.name for path in package.folder.iterdir()} == {"model.yaml", *package.card.files}
    assert not list((models / ".partial").glob("tiny-*"))


def test_a_step_whose_file_was_altered_is_done_again(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made before an interruption is used only where it is still the same."""
    source = tiny.make("vit", tmp_path / "vit")
    interrupt(source, "write_concepts", monkeypatch)
    (folder,) = (models / ".partial").glob("tiny-*")
    with (folder / "text.weights").open("ab") as file:
        file.write(b"x")
    package = prepare(order(source))
    for file in package.card.files:
        package.checked(file)


def test_a_package_that_is_there_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same source needs no work; other weights under the same name take its place."""
    source = tiny.make("vit", tmp_path / "vit")
    first = prepare(order(source)).card
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "load", None)
        assert prepare(order(source)).card == first
    other = tiny.make("vit", tmp_path / "other" / "vit", seed=1)
    assert prepare(order(other)).card.source_sha256 != first.source_sha256
    assert store.names() == ["lite", "tiny"]


def test_an_export_that_disagrees_is_refused(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package outside the limits is not kept, and the message says by how much."""
    source = tiny.make("vit", tmp_path / "vit")
    written = assembly.write_text

    def wrong(loaded: Any, *given: Any) -> Any:
        with torch.no_grad():
            loaded.model.text_projection.neg_()
        made = written(loaded, *given)
        with torch.no_grad():
            loaded.model.text_projection.neg_()
        return made

    monkeypatch.setattr(assembly, "write_text", wrong)
    with pytest.raises(UsageError) as caught:
        prepare(order(source))
    assert str(caught.value).startswith(
        "model 'tiny': the export disagrees with open_clip: least cosine of the text tower must "
        "be at least 0.985 (got "
    )
    assert str(caught.value).endswith("; try --precision float32")
    assert store.names() == ["lite"]
    assert not list((models / ".partial").glob("tiny-*"))


def test_products_that_suffer_in_int8_are_spared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where int8 alone is outside the limits, the products that narrow keep full precision."""
    source = tiny.make("vit", tmp_path / "vit")
    model = own(source)[0]
    with torch.no_grad():  # a few channels inside the MLPs that drown the others, as CLIP has them
        for block in model.visual.transformer.resblocks:
            block.mlp.c_fc.weight[:2] *= 3000
            block.mlp.c_proj.weight[:, :2] /= 3000
    tiny.save(model, tmp_path / "vit" / "open_clip_model.safetensors")
    spared: list[bool] = []
    written = assembly.write_image

    def noted(*given: Any, spare: bool = False) -> Any:
        spared.append(spare)
        return written(*given, spare=spare)

    monkeypatch.setattr(assembly, "write_image", noted)
    package = prepare(order(source))
    assert spared == [False, True]
    assert package.card.parity["image_least_cosine"] >= 0.985


def test_two_processes_make_one_package(tmp_path: Path, models: Path) -> None:
    """Two that prepare the same model at once both end well, and the package is whole."""
    source = tiny.make("vit", tmp_path / "vit")
    command = [sys.executable, "-m", "agent.cli", "models", "prepare", source, "--name", "tiny"]
    both = [
        subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        out, err = process.communicate()
        assert process.returncode == 0, err.decode()
        assert json.loads(out)["name"] == "tiny"
    package = store.open_package("tiny")
    for file in package.card.files:
        package.checked(file)


def test_prepare_says_beforehand_and_afterwards(tmp_path: Path, models: Path) -> None:
    """Size and memory come first, progress goes to standard error, the result says its parity."""
    source = tiny.make("vit", tmp_path / "vit")
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli", "models", "prepare", source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "vit: local-dir:vit as int8, licence: not known here: see the page of" in done.stderr
    assert "exporting the image tower …" in done.stderr
    assert f"{models / 'vit'}: " in done.stdout
    assert "least cosine to open_clip's embeddings: " in done.stdout
    assert "use it with --model vit" in done.stdout
    # It runs with torch and its kin out of reach.
    blocked = (
        "import sys\n"
        "for name in ('torch', 'open_clip', 'timm', 'onnx', 'transformers'):\n"
        "    sys.modules[name] = None\n"
        "from agent import load_scorer\n"
        "print(load_scorer('vit').embed_texts(['a rare word']).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "(1, 48)", done.stderr


UNKNOWN = [
    ("ViT-B-31:openai", UsageError, "open_clip knows no 'ViT-B-31'; did you mean ViT-B-32"),
    ("ViT-B-32:nothing", UsageError, "open_clip has no weights 'nothing' for ViT-B-32; it offers"),
]


@pytest.mark.parametrize(("source", "error", "message"), UNKNOWN)
def test_unknown_sources(source: str, error: type[Exception], message: str) -> None:
    """What open_clip does not know is answered with what it knows."""
    with pytest.raises(error, match=message):
        prepare(order(source))


def test_a_checkpoint_that_does_not_fit(tmp_path: Path) -> None:
    """Weights of another architecture, and files that are none, are told apart."""
    source = tiny.make("vit", tmp_path / "vit")
    other = tiny.make("hf_text", tmp_path / "hf_text")
    weights = "open_clip_model.safetensors"
    (tmp_path / "vit" / weights).write_bytes((tmp_path / "hf_text" / weights).read_bytes())
    with pytest.raises(UsageError, match="the weights don't fit the "):
        prepare(order(source))
    (tmp_path / "hf_text" / weights).write_bytes(b"\0" * 100)
    with pytest.raises((UsageError, MissingError), match=r"safetensors|don't fit"):
        prepare(order(other))


def test_a_card_of_siglip(tmp_path: Path) -> None:
    """Cleaning, padding and the loss's own scale and bias are on the card.

    The scorer's own bias is a softmax's prior over the contrast concepts, turned into even odds.
    """
    source = tiny.make("siglip", tmp_path / "siglip")
    card = prepare(order(source)).card
    assert card.text == TextInput(cleaning="canonicalize", pad_id=1, padded=True)
    assert card.trained is not None
    assert card.trained.logit_bias == -10
    assert np.exp(card.logit_bias) == pytest.approx(len(concepts.names()), rel=0.01)
    assert card.image.resize_mode == "squash"
    written = yaml.safe_load(
        (Path(os.environ[store.FOLDER_VARIABLE]) / "tiny/model.yaml").read_text()
    )
    assert set(written["files"]) == {
        "image.onnx", "image.weights", "cells.onnx", "text.onnx", "text.weights", "tokenizer.json",
        "concepts.npz",
    }  # fmt: skip
