"""The parts of a package, each made from an open_clip model and written to a folder."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from agent import concepts
from agent.errors import UsageError
from agent.models import export
from agent.models.card import Card, Cells, ImageInput, Mapped, TextInput, Trained
from agent.models.compression import Precision, compress
from agent.models.encoder import CONCEPTS, Encoder
from agent.models.source import Loaded
from agent.models.tokenization import converted
from agent.models.towers import EmbeddingAlone, Images, Texts, image_tower, text_tower

_FEWEST_CELLS, _ENOUGH_CELLS = 6, 14  # on a side; of fewer, squares are no better told apart
# Averaged as open_clip's zero-shot classifier does it: seven that beat all eighty (CLIP's
# own notebook). Towers that see their padding take ten times as long a text: one has to do.
SEVEN = (
    "itap of a {}.", "a bad photo of the {}.", "a origami {}.", "a photo of the large {}.",
    "a {} in a video game.", "art of the {}.", "a photo of the small {}.",
)  # fmt: skip
ONE = ("a photo of a {}.",)


@dataclass(frozen=True, slots=True)
class Graph:
    """What is to be known about a graph that was written."""

    files: tuple[str, ...]
    mapped: bool
    embedding_size: int
    cells_px: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says about a package's graphs and texts."""

    image: Graph
    text: Graph
    settings: TextInput


def write_image(
    loaded: Loaded, folder: Path, precision: Precision, *, spare: bool = False
) -> Graph:
    """Write `image.onnx` and, where the architecture allows, `cells.onnx` on the same weights."""
    tower = image_tower(_reparameterised(loaded.model.visual)).eval()
    size = image_input(loaded.preprocess).size_px
    pixels = torch.zeros(2, 3, size, size)
    with torch.inference_mode():
        width = tower.embedding(pixels).shape[1]
    cells_px = _cells_size(tower, size)
    graphs = {"image": "embedding", "cells": "cells"} if cells_px else {"image": "embedding"}
    axes = {"pixels": {0: "n"}, "embedding": {0: "n"}, "cells": {0: "n"}}
    if cells_px and tower.any_size:
        axes["pixels"] |= {2: "height", 3: "width"}
        axes["cells"] |= {2: "rows", 3: "cols"}
    exported = tower if cells_px else EmbeddingAlone(tower)
    outputs = list(graphs.values())
    axes = {name: named for name, named in axes.items() if name in ("pixels", *outputs)}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        raw = Path(scratch) / "image.onnx"
        export.graph(exported, pixels, raw, ["pixels"], outputs, axes)
        mapped = compress(raw, folder, precision, graphs, spare=spare)
    files = (*(f"{name}.onnx" for name in graphs), "image.weights")
    return Graph(files, mapped, width, cells_px)


def _reparameterised(visual: nn.Module) -> Any:
    """Branches that were only for training are added up (MobileCLIP)."""
    if not any(hasattr(part, "reparameterize") for part in visual.modules()):
        return visual
    from timm.utils.model import reparameterize_model

    return reparameterize_model(visual, inplace=False)


@torch.inference_mode()
def _cells_size(tower: Images, size: int) -> int:
    """The size in pixels at which a whole picture has cells enough, 0 where it has too few."""
    if not tower.has_cells:
        return 0
    side = tower.cells(torch.zeros(1, 3, size, size)).shape[3]
    if side < _ENOUGH_CELLS and tower.any_size:
        side, size = side * 2, size * 2
    return size if side >= _FEWEST_CELLS else 0


def write_text(loaded: Loaded, folder: Path, precision: Precision) -> Graph:
    """Write `text.onnx` with output "embedding"."""
    tower = text_tower(loaded.model).eval()
    length = loaded.tokenizer.context_length
    axes = {"tokens": {0: "n"}, "embedding": {0: "n"}}
    if not tower.padded:
        axes["tokens"][1] = "length"
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        raw = Path(scratch) / "text.onnx"
        tokens = loaded.tokenizer(["a photo of a bus", "two"])
        example = tokens if tower.padded else tokens[:, : min(7, length)]
        export.graph(tower, example, raw, ["tokens"], ["embedding"], axes)
        mapped = compress(raw, folder, precision, {"text": "embedding"})
    with torch.inference_mode():
        width = tower(tokens).shape[1]
    return Graph(("text.onnx", "text.weights"), mapped, width)


def write_tokenizer(loaded: Loaded, folder: Path) -> TextInput:
    """Write `tokenizer.json`."""
    padded = text_tower(loaded.model).padded
    length = loaded.tokenizer.context_length
    built, settings = converted(loaded.tokenizer, length, padded=padded)
    built.save(str(folder / "tokenizer.json"), pretty=False)
    return settings


def write_concepts(encoder: Encoder, folder: Path) -> None:
    """Embed all concepts' names once: at run time the text tower is for other words alone."""
    from agent.scorer import Scorer

    names = concepts.names()
    embeddings = Scorer(encoder).concept_embeddings(names)
    np.savez_compressed(
        folder / CONCEPTS, names=np.array(names), embeddings=embeddings.astype(np.float16)
    )


def image_input(preprocess: dict[str, Any]) -> ImageInput:
    """open_clip's preprocessing on a card. Raises UsageError for what a package can't do."""
    size = preprocess["size"]
    height, width = (size, size) if isinstance(size, int) else size
    if height != width or preprocess["resize_mode"] not in ("shortest", "squash"):
        raise UsageError(
            f"preprocessing: must be square, resized by the shortest side or squashed "
            f"(got {height}x{width}, {preprocess['resize_mode']})"
        )
    return ImageInput(
        size_px=height,
        mean=tuple(preprocess["mean"]),
        std=tuple(preprocess["std"]),
        resize_mode=preprocess["resize_mode"],
        interpolation=preprocess["interpolation"],
    )


def card(loaded: Loaded, facts: Facts, **given: Any) -> Card:
    """The card of a package made from `loaded`; `given` are its name, source, files and so on."""
    model = loaded.model
    scale = float(model.logit_scale.detach().exp())
    bias = float(model.logit_bias.detach()) if model.logit_bias is not None else 0.0
    cells = facts.image.cells_px
    graphs: dict[Mapped, Graph] = {"image": facts.image, "text": facts.text}
    # The softmax holds the concept for as likely as each of the contrast concepts, the scorer for
    # as likely as all of them together: Bayes' rule turns the one into the other.
    prior = round(math.log(len(concepts.names())), 2)
    return Card(
        image=image_input(loaded.preprocess),
        text=facts.settings,
        # Scaled as the tiles, until calibrated.
        cells=Cells(size_px=cells, logit_scale=scale, logit_bias=prior) if cells else None,
        context_length=loaded.tokenizer.context_length,
        embedding_size=facts.image.embedding_size,
        logit_scale=scale,
        logit_bias=prior,
        trained=Trained(logit_scale=scale, logit_bias=bias),
        templates=ONE if facts.settings.padded else SEVEN,
        mapped=tuple(name for name, graph in graphs.items() if graph.mapped),
        **given,
    )


@torch.inference_mode()
def described(loaded: Loaded, images: Images, texts: Texts, **given: Any) -> Card:
    """The card of a model that runs as it is, without graphs."""
    size = image_input(loaded.preprocess).size_px
    width = images.embedding(torch.zeros(1, 3, size, size)).shape[1]
    length = loaded.tokenizer.context_length
    _, settings = converted(loaded.tokenizer, length, padded=texts.padded)
    image = Graph((), False, width, _cells_size(images, size))
    return card(loaded, Facts(image, image, settings), **given)
