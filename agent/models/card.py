"""What `model.yaml` says about a model package, validated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec  # pydantic takes as long to import as lite takes to load
import yaml
from msgspec import Meta

from agent import yaml_file
from agent.errors import UsageError

CARD = "model.yaml"
_FILE = re.compile(r"[\w-][\w.-]{0,99}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
Cleaning = Literal["clip", "whitespace", "lower", "canonicalize"]
Mapped = Literal["image", "text"]
Side = Annotated[int, Meta(gt=0, le=4096)]
Count = Annotated[int, Meta(gt=0, le=1_000_000)]
# Bounds keep out infinity and what is no number, too.
Scale = Annotated[float, Meta(gt=0, le=10_000)]
Bias = Annotated[float, Meta(ge=-10_000, le=10_000)]
Mean = Annotated[float, Meta(ge=-10, le=10)]
Deviation = Annotated[float, Meta(ge=0.001, le=10)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Template = Annotated[str, Meta(pattern=r"^[^{}]*\{\}[^{}]*$")]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a card is made of: an unknown key is an error."""


class ImageInput(_Part, frozen=True):
    """How a picture becomes the image tower's input."""

    size_px: Side
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Deviation, Deviation, Deviation]
    resize_mode: Literal["shortest", "squash"]
    interpolation: Literal["bicubic", "bilinear"]


class TextInput(_Part, frozen=True):
    """How a text becomes the text tower's input, beside what `tokenizer.json` says.

    `padded`: to the context length, as the tower sees the padding, too.
    """

    cleaning: Cleaning = "clip"
    pad_id: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    padded: bool = False


class Objects(_Part, frozen=True):
    """A third graph, `objects.onnx`: which cells of a picture are one thing.

    A thing counts for the squares of which it covers at least `least_share`; scale and bias are as
    the tiles' own, calibrated on things.
    """

    least_share: Annotated[float, Meta(gt=0, lt=1)]
    logit_scale: Scale
    logit_bias: Bias = 0.0


class Cells(_Part, frozen=True):
    """The image tower's second output: an embedding for each cell of the picture.

    A whole picture is resized to `size_px`, squared; scale and bias are calibrated on squares.
    """

    size_px: Side
    logit_scale: Scale
    logit_bias: Bias = 0.0
    objects: Objects | None = None


class Detected(_Part, frozen=True):
    """How what a detector sees and what the towers say become one logit, calibrated on photographs.

    Their sum, each by its scale, and a bias. It counts as far as pictures are photographs: a
    logistic function, by `photograph_scale` and `photograph_bias`, of how much the detector's
    logits of all things differ.
    """

    tower_scale: Scale
    detector_scale: Scale
    bias: Bias
    photograph_scale: Scale
    photograph_bias: Bias


class Detector(_Part, frozen=True):
    """A graph, `detector.onnx`: which of the things in `names` a photograph shows, and where.

    It sees a tile as the image tower does, a whole picture resized to `picture_px`, squared.
    """

    names: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=10_000)]
    picture_px: Side
    tiles: Detected
    squares: Detected


class Reference(_Part, frozen=True):
    """Scale and bias where tiles are compared with a sample picture, calibrated on such pairs."""

    logit_scale: Scale
    logit_bias: Bias = 0.0


class Trained(_Part, frozen=True):
    """Scale and bias of the logits in the loss that the source was trained with.

    SigLIP's bias belongs to a sigmoid over pairs; the scorer contrasts concepts and does without.
    """

    logit_scale: Scale
    logit_bias: Bias = 0.0


class Calibration(_Part, frozen=True):
    """What labels a package was calibrated for, and with what success.

    `base` is the package that it was made of, `date` the day (ISO 8601), `pictures` how many
    there were of each label. `before` and `after` were measured on held-out pictures.
    """

    base: str
    date: str
    pictures: dict[str, int]
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}


class Card(_Part, frozen=True, kw_only=True):
    """What `model.yaml` holds.

    `source_sha256` is the checkpoint's, where it was a file. The graphs in `mapped` were optimised
    when they were made, and their weights are taken from the mapped file.
    """

    name: str
    source: str
    source_sha256: str = ""
    licence: str
    image: ImageInput
    text: TextInput = TextInput()
    cells: Cells | None = None
    detector: Detector | None = None
    context_length: Count
    embedding_size: Count
    logit_scale: Scale
    logit_bias: Bias = 0.0
    reference: Reference | None = None
    trained: Trained | None = None
    templates: Annotated[tuple[Template, ...], Meta(min_length=1)]
    precision: str
    mapped: tuple[Mapped, ...] = ()
    parity: dict[str, Any] = {}
    calibration: Calibration | None = None
    files: dict[str, str]


def read_card(folder: Path) -> Card:
    """The card of the package in `folder`; UsageError, by file and key, where it is wrong."""
    path = folder / CARD
    if path.is_symlink():
        raise UsageError(f"{path}: a package's files lie in its own folder (got a link)")
    content = yaml_file.read(path)
    try:
        card = msgspec.convert(content, Card)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {_problem(str(error), content)}") from error
    _check_files(path, card)
    return card


def _check_files(path: Path, card: Card) -> None:
    for file, digest in card.files.items():
        if not _FILE.fullmatch(file):
            raise UsageError(
                f"{path}: files: a package's files lie in its own folder (got {file!r:.80})"
            )
        if not _DIGEST.fullmatch(digest):
            raise UsageError(
                f"{path}: files.{file}: expected a SHA-256, 64 hexadecimal digits "
                f"(got {yaml_file.shown(digest)})"
            )
    tells_things_apart = card.cells is not None and card.cells.objects is not None
    needed = (
        "image.onnx", "text.onnx", "tokenizer.json", *["objects.onnx"] * tells_things_apart,
        *["detector.onnx"] * (card.detector is not None),
    )  # fmt: skip
    if missing := [file for file in needed if file not in card.files]:
        raise UsageError(f"{path}: files: the SHA-256 of {' and '.join(missing)} is missing")


def _problem(message: str, content: Any) -> str:
    """msgspec's "Expected `int` >= 1 - at `$.image.size_px`" with the key first, and what came."""
    what, _, place = message.partition(" - at ")
    what = what[:1].lower() + what[1:]
    keys = re.findall(r"\w+", place.rpartition("$")[2])  # of `files[...]`, only "files"
    if named := re.search(r"field `(.+?)`", what):
        return f"{'.'.join([*keys, named[1]])}: {what}"
    for key in keys:
        content = content[int(key)] if isinstance(content, list) else content[key]
    return f"{'.'.join(keys) or 'the card'}: {what} (got {yaml_file.shown(content)})"


def write_card(folder: Path, card: Card) -> None:
    """Write `model.yaml`; what has its default is left out."""
    content = yaml.safe_dump(msgspec.to_builtins(card), sort_keys=False, allow_unicode=True)
    (folder / CARD).write_text(content, encoding="utf-8")
