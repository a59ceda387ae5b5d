"""What `model.yaml` says about a model package, validated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import UsageError

CARD = "model.yaml"
Triple = tuple[float, float, float]
Cleaning = Literal["clip", "whitespace", "lower", "canonicalize"]


class ImageInput(BaseModel):
    """How a picture becomes the image tower's input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size_px: int = Field(gt=0, le=4096)
    mean: Triple
    std: Triple
    resize_mode: Literal["shortest", "squash"]
    interpolation: Literal["bicubic", "bilinear"]


class TextInput(BaseModel):
    """How a text becomes the text tower's input, beside what `tokenizer.json` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cleaning: Cleaning = "clip"
    pad_id: int = Field(default=0, ge=0)
    padded: bool = Field(
        default=False, description="to the context length: the tower sees the padding, too"
    )


class Objects(BaseModel):
    """A third graph, `objects.onnx`: which cells of a picture are one thing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least_share: float = Field(gt=0, lt=1, description="of a square, that a thing must cover")
    logit_scale: float = Field(gt=0, description="as the tiles' own, calibrated on things")
    logit_bias: float = 0.0


class Cells(BaseModel):
    """The image tower's second output: an embedding for each cell of the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size_px: int = Field(gt=0, le=4096, description="a whole picture is resized to it, squared")
    logit_scale: float = Field(gt=0, description="as the tiles' own, calibrated on squares")
    logit_bias: float = 0.0
    objects: Objects | None = None


class Trained(BaseModel):
    """Scale and bias of the logits in the loss that the source was trained with.

    SigLIP's bias belongs to a sigmoid over pairs; the scorer contrasts concepts and does without.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    logit_scale: float = Field(gt=0)
    logit_bias: float = 0.0


class Card(BaseModel):
    """What `model.yaml` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    source: str
    source_sha256: str = Field(default="", description="of the checkpoint, where it was a file")
    licence: str
    image: ImageInput
    text: TextInput = TextInput()
    cells: Cells | None = None
    context_length: int = Field(gt=0)
    embedding_size: int = Field(gt=0)
    logit_scale: float = Field(gt=0)
    logit_bias: float = 0.0
    trained: Trained | None = None
    templates: tuple[Annotated[str, Field(pattern=r"\{\}")], ...] = Field(min_length=1)
    precision: str
    mapped: tuple[Literal["image", "text"], ...] = Field(
        default=(),
        description="graphs that were optimised when they were made, and whose weights are used "
        "where they lie in the file",
    )
    parity: Mapping[str, Any] = Field(default_factory=dict)
    files: Mapping[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


def read_card(folder: Path) -> Card:
    """The card of the package in `folder`; UsageError, by file and key, where it is wrong."""
    path = folder / CARD
    try:
        return Card.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read as a model's card: {error}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise UsageError(
            f"{path}: {key}: {problem['msg']} (got {problem['input']!r:.80})"
        ) from error


def write_card(folder: Path, card: Card) -> None:
    """Write `model.yaml`; what has its default is left out."""
    content = yaml.safe_dump(
        card.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True
    )
    (folder / CARD).write_text(content, encoding="utf-8")
