"""Model packages: where they are, what `model.yaml` says, whether their files are whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import MissingError, UsageError

_HERE = Path(__file__).parent
Triple = tuple[float, float, float]


class ImageInput(BaseModel):
    """How a picture becomes the image tower's input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size_px: int = Field(gt=0, le=4096)
    mean: Triple
    std: Triple
    resize_mode: Literal["shortest", "squash"]
    interpolation: Literal["bicubic", "bilinear"]


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


class Card(BaseModel):
    """What `model.yaml` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    source: str
    licence: str
    image: ImageInput
    cells: Cells | None = None
    context_length: int = Field(gt=0)
    embedding_size: int = Field(gt=0)
    logit_scale: float = Field(gt=0)
    logit_bias: float = 0.0
    templates: tuple[Annotated[str, Field(pattern=r"\{\}")], ...] = Field(min_length=1)
    precision: str
    parity: Mapping[str, Any] = Field(default_factory=dict)
    files: Mapping[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


@dataclass(frozen=True, slots=True)
class Package:
    """A model package: its folder and its card."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        return self.card.name


def open_package(name_or_folder: str) -> Package:
    """The package of a name ("lite") or folder, its files checked against their SHA-256.

    Raises MissingError where it is not there, UsageError where a file is wrong or altered.
    """
    folder = _HERE / name_or_folder if name_or_folder.isidentifier() else Path(name_or_folder)
    described = folder / "model.yaml"
    if not described.is_file():
        raise MissingError(
            f"model {name_or_folder!r}: no model package there; "
            "use 'lite', which comes with captcha-agent, or the folder of a package"
        )
    card = _card(described)
    for file, expected in card.files.items():
        _check_file(folder / file, expected)
    return Package(folder, card)


def _card(path: Path) -> Card:
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


def _check_file(path: Path, expected: str) -> None:
    if path.parent != path.parent.parent / path.parent.name or path.is_symlink():
        raise UsageError(f"{path}: a package's files lie in its own folder")
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MissingError(f"{path}: cannot be read: {error.strerror}; install it again") from error
    if digest != expected:
        raise UsageError(
            f"{path}: the file is damaged or altered: SHA-256 must be {expected} (got {digest}); "
            "install it again"
        )
