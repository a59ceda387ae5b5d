"""Where packages are, what they are called, removing them, and what is known without torch."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock

from agent.errors import MissingError, UsageError
from agent.models import store
from agent.models.card import Card, read_card, write_card
from agent.models.cleaning import cleaned
from agent.models.costs import reckoned
from agent.models.presets import licence, presets
from agent.models.source import Source, parameters, read_source

LITE = Path(__file__).parents[2] / "agent" / "models" / "lite"


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(folder))
    return folder


def install(models: Path, name: str = "copy") -> Path:
    """A package of that name: the shipped one's files."""
    folder = models / name
    folder.mkdir(parents=True)
    for file in ("model.yaml", *read_card(LITE).files):
        shutil.copy(LITE / file, folder / file)
    return folder


def test_the_folder_is_the_platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages are kept in the user's data folder, or where CAPTCHA_AGENT_MODELS says."""
    assert store.models_folder() == tmp_path / "models"
    monkeypatch.delenv(store.FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = store.models_folder()
    assert folder.name == "models"
    assert folder.parent.name == "captcha-agent"


def test_a_prepared_package_opens_by_name(models: Path) -> None:
    """A name leads to the user's folder; a folder is opened as one."""
    folder = install(models)
    assert store.names() == ["lite", "copy"]
    assert store.open_package("copy").folder == folder
    assert store.open_package(str(folder)).folder == folder
    assert store.open_package("copy").size_bytes > 10_000_000


def test_what_is_no_package_is_not_listed(models: Path, tmp_path: Path) -> None:
    """Neither a link, nor a folder without a card, nor what is being made."""
    install(tmp_path, "elsewhere")
    models.mkdir()
    (models / "link").symlink_to(tmp_path / "elsewhere")
    (models / "empty").mkdir()
    (models / ".partial").mkdir()
    assert store.names() == ["lite"]
    with pytest.raises(UsageError, match="a model's folder must not be a link; remove the link"):
        store.open_package("link")
    with pytest.raises(MissingError, match=r"of a package, which holds a model\.yaml"):
        store.open_package("empty")


def test_remove(models: Path) -> None:
    """A package goes with what was left of its preparation; others stay."""
    install(models)
    install(models, "other")
    (models / ".partial" / ("copy-" + "0" * 16)).mkdir(parents=True)
    assert store.remove("copy") == models / "copy"
    assert store.names() == ["lite", "other"]
    assert [path.name for path in (models / ".partial").iterdir()] in ([], ["copy.lock"])
    with FileLock(store.lock_path("other")), pytest.raises(UsageError) as caught:
        store.remove("other")
    assert str(caught.value) == (
        "model 'other' is being prepared by another process; wait for that to end"
    )


@pytest.mark.parametrize("file", ["../lite/text.onnx", "/etc/hostname", "sub/text.onnx"])
def test_files_elsewhere_are_refused(models: Path, file: str) -> None:
    """A card that names a file outside its own folder is not followed there."""
    folder = install(models)
    card = read_card(folder)
    write_card(folder, msgspec.structs.replace(card, files={**card.files, file: "0" * 64}))
    with pytest.raises(UsageError, match="a package's files lie in its own folder"):
        store.open_package("copy")


def test_links_and_special_files_are_refused(models: Path) -> None:
    """A package's file that is a link, or a pipe that never ends, is not opened."""
    folder = install(models)
    (folder / "text.onnx").unlink()
    (folder / "text.onnx").symlink_to(LITE / "text.onnx")
    with pytest.raises(UsageError, match=r"text\.onnx: .* lie in its own folder \(got a link\)"):
        store.open_package("copy")
    (folder / "text.onnx").unlink()
    os.mkfifo(folder / "text.onnx")
    with pytest.raises(UsageError, match=r"text\.onnx: a package's files are plain files \("):
        store.open_package("copy")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("lite", UsageError, "model 'lite' comes with captcha-agent and is not removed"),
        ("../etc", UsageError, "model name '../etc': must be at most 100 of a-z, 0-9, '.', '_'"),
        ("other", MissingError, "model 'other': no prepared package of that name in "),
    ],
)
def test_remove_what_is_not_there(name: str, error: type[Exception], message: str) -> None:
    """Nothing outside the folder of models is ever removed, nor what was not prepared."""
    with pytest.raises(error) as caught:
        store.remove(name)
    assert str(caught.value).startswith(message)


def test_weights_are_checked_when_they_are_loaded(models: Path) -> None:
    """A file of weights that was altered is refused before it is used."""
    folder = install(models)
    (folder / "image.weights").write_bytes(b"weights")
    card = read_card(folder)
    files = {**card.files, "image.weights": store.sha256(folder / "image.weights")}
    write_card(folder, msgspec.structs.replace(card, files=files))
    package = store.open_package("copy")
    assert package.checked("image.weights") == folder / "image.weights"
    (folder / "image.weights").write_bytes(b"others")
    with pytest.raises(UsageError, match=r"image\.weights: the file is damaged or altered"):
        store.open_package("copy").checked("image.weights")


def test_a_card_is_written_and_read(models: Path) -> None:
    """What is written is what is read."""
    folder = install(models)
    card = read_card(folder)
    write_card(folder, card)
    assert read_card(folder) == card
    assert isinstance(card, Card)


@pytest.mark.parametrize(
    ("cleaning", "expected"),
    [
        ("clip", 'It\'s  a "Red_bus" & more!'),
        ("whitespace", 'It\'s a "Red_bus" & more!'),
        ("lower", 'it\'s a "red_bus" & more!'),
        ("canonicalize", "its a red bus more"),
    ],
)
def test_cleaning(cleaning: str, expected: str) -> None:
    """Each way to clean a text does what open_clip's does."""
    text = " It\u2019s  a \u201cRed_bus\u201d &amp;amp; more! "
    assert cleaned(text, cleaning) == expected  # type: ignore[arg-type]


def test_sources(tmp_path: Path) -> None:
    """A preset's name, a tag of open_clip's, a checkpoint: each is named after what it is."""
    name, source = read_source("siglip-b")
    assert (name, source) == ("siglip-b", Source("ViT-B-16-SigLIP", "webli"))
    name, source = read_source("ViT-B-32:laion2b_s34b_b79k")
    assert name == "vit-b-32-laion2b_s34b_b79k"
    assert source.digest() == ""
    checkpoint = tmp_path / "Mine.safetensors"
    header = json.dumps({"visual.a": {"shape": [1000, 2000]}, "b": {"shape": [500_000]}}).encode()
    checkpoint.write_bytes(struct.pack("<Q", len(header)) + header)
    name, source = read_source(f"ViT-B-32:{checkpoint}")
    assert (name, source.text) == ("vit-b-32-mine", "ViT-B-32:Mine.safetensors")
    assert source.digest() == store.sha256(checkpoint)
    assert parameters(source) == (2.0, 0.5)


WRONG = [
    ("vit-b-23", UsageError, "did you mean 'vit-b-32'?"),
    ("ViT-B-32", UsageError, "model 'ViT-B-32': must be a preset (vit-b-32, "),
    ("ViT-B-32:model.pt", UsageError,
     "model.pt: must be a .safetensors file: others may hold pickles, which run code when they are "
     "loaded; convert it with safetensors.torch.save_file"),
    ("ViT-B-32:/no/model.safetensors", MissingError, "/no/model.safetensors: no such checkpoint"),
    ("local-dir:/no/model", MissingError,
     "/no/model: must hold open_clip_config.json and one .safetensors file (got 0 of the latter)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "message"), WRONG)
def test_wrong_sources(text: str, error: type[Exception], message: str) -> None:
    """What is no source is answered with what one looks like."""
    with pytest.raises(error) as caught:
        read_source(text)
    assert message in str(caught.value)


def test_a_checkpoint_that_is_none(tmp_path: Path) -> None:
    """A file that only has the name of a checkpoint is told by its header."""
    for content in (b"", b"\xff" * 100, b"\2\0\0\0\0\0\0\0[]", b'\x08\0\0\0\0\0\0\0{"a": 1}'):
        path = tmp_path / "x.safetensors"
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"x\.safetensors: is no safetensors file"):
            parameters(Source("ViT-B-32", checkpoint=path))


def test_presets() -> None:
    """Each has a source, a licence and its costs; those for research are marked as that."""
    assert [name for name, one in presets().items() if one.research_only] == [
        "mobileclip2-s0",
        "mobileclip2-s2",
    ]
    for name, preset in presets().items():
        assert read_source(name)[1].text == preset.source
        assert preset.download_mb == pytest.approx(4 * sum(preset.parameters), rel=0.02)
        assert licence(preset.source) == (preset.licence, preset.research_only)
    assert licence("MobileCLIP-S1:datacompdr")[1]
    assert licence("ViT-B-32:openai") == ("not known here: see the page of the weights", False)


def test_costs() -> None:
    """int8 takes less than float32 of everything but the download."""
    small, large = reckoned(88, 63, "int8", 605), reckoned(88, 63, "float32", 605)
    assert small.download_mb == large.download_mb == 605
    assert small.package_mb < large.package_mb
    assert small.memory_mb < large.memory_mb / 2


def test_json_of_a_listing_is_plain(models: Path) -> None:
    """A damaged package is listed as that, and does not hide the others."""
    from agent.commands import models as command

    folder = install(models)
    (folder / "text.onnx").write_bytes(b"")
    listed = [command._listed(name) for name in store.names()]
    assert [model["name"] for model in listed] == ["lite", "copy"]
    assert "text.onnx: the file is damaged or altered" in listed[1]["damaged"]
    json.dumps(listed)
