"""Exports the towers of an open_clip model to ONNX graphs.

`graph` writes one tower. `export` writes a package that is an open_clip checkpoint as well: its
graphs hold no weights of their own, each initialiser is external data, an offset into the
checkpoint that lies beside them, in half precision; the table of tokens, more than all else, takes
eight bits a number. So checkpoint and graphs are one copy of the weights, and can't drift apart.
"""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import open_clip
import torch
from onnx import TensorProto, helper, numpy_helper
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from agent.models import tokenization
from agent.models.lite import fusion
from agent.models.towers import CausalTexts

CHECKPOINT = "open_clip_model.safetensors"
HALFWAY = 4  # stages of the trunk before the last halving of its feature map
_OPSET = 17
_TABLE = "token_embedding.weight"
_EIGHTH = torch.float8_e4m3fn  # "FP8 Formats for Deep Learning", Micikevicius et al., 2022


class ImageTower(nn.Module):
    """A convolutional timm trunk with average pooling and a linear projection (d, c).

    Three outputs: the unit embedding (n, d); the projection of every cell of the last feature map
    (n, d, h, w), whose mean is the embedding before it is brought to unit length; and the features
    half-way (n, c, 2h, 2w), from which `lite/objects.py` tells where things are.
    """

    def __init__(self, trunk: nn.Module, project: nn.Linear) -> None:
        super().__init__()
        self.trunk, self.project = trunk, project

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        trunk, project = self.trunk, self.project
        halfway = trunk.bn1(trunk.conv_stem(pixels))
        for block in trunk.blocks[:HALFWAY]:
            halfway = block(halfway)
        features = halfway
        for block in trunk.blocks[HALFWAY:]:
            features = block(features)
        features = trunk.bn2(trunk.conv_head(features))
        cells = F.conv2d(features, project.weight[:, :, None, None], project.bias)
        return F.normalize(cells.mean(dim=(2, 3)), dim=1), cells, halfway


def export(model: nn.Module, folder: Path) -> None:
    """Write checkpoint, `image.onnx`, `text.onnx` and `tokenizer.json` to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    fusion.absorb(model.visual.trunk)
    stored = {name: _stored(name, tensor) for name, tensor in model.state_dict().items()}
    save_file(stored, folder / CHECKPOINT)
    # What is exported and measured is what the file holds: the weights as they are rounded.
    model.load_state_dict(stored)
    model.eval()
    picture, tokens = torch.zeros(2, 3, 192, 192), torch.ones(2, 7, dtype=torch.long)
    image, text = folder / "image.onnx", folder / "text.onnx"
    trunk, biases = fusion.fused(model.visual.trunk)
    graph(
        ImageTower(trunk, model.visual.head.proj), picture, image, ["pixels"],
        ["embedding", "cells", "halfway"],
        {"pixels": {0: "n", 2: "height", 3: "width"}, "embedding": {0: "n"},
         "cells": {0: "n", 2: "rows", 3: "cols"},
         "halfway": {0: "n", 2: "rows2", 3: "cols2"}},
        fold=False,
    )  # fmt: skip
    graph(
        CausalTexts(model.text), tokens, text, ["tokens"], ["embedding"],
        {"tokens": {0: "n", 1: "length"}, "embedding": {0: "n"}},
        fold=False,
    )  # fmt: skip
    names = {f"trunk.{conv}": f"visual.trunk.{norm}" for conv, norm in biases.items()}
    for path in (image, text):
        shared = onnx.load(str(path))
        fusion.pad_within(shared.graph)
        _share_weights(shared, folder / CHECKPOINT, names)
        onnx.save(shared, str(path))
    tokenization.clip_tokenizer().save(str(folder / "tokenizer.json"), pretty=False)


def _stored(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.contiguous()
    return tensor.to(_EIGHTH if name.endswith(_TABLE) else torch.float16).contiguous()


def graph(
    tower: nn.Module,
    example: Tensor,
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
    *,
    fold: bool = True,
) -> None:
    """Write `tower` as an ONNX graph, traced with `example`; `axes` names those of any length.

    Where `fold` is false the weights keep their names and values: nothing is folded or fused.
    """
    kept = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer: parity is measured on the result
        torch.onnx.export(
            tower.eval(),
            (example,),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(named) for name, named in axes.items()},
            opset_version=_OPSET,
            custom_opsets={"com.microsoft": 1},
            do_constant_folding=fold,
            training=kept,
            dynamo=False,
        )


def _share_weights(graph: Any, checkpoint: Path, names: Mapping[str, str]) -> None:
    """Let each weight of the graph point into the checkpoint, followed by a cast to float.

    `names` are the checkpoint's where they differ from the graph's.
    """
    places = _places(checkpoint)
    casts, widths = [], {"F16": TensorProto.FLOAT16, "F8_E4M3": TensorProto.UINT8}
    for weight in list(graph.graph.initializer):
        place = places.get(names.get(weight.name, _name_in_model(weight.name)))
        if place is None or weight.data_type != TensorProto.FLOAT:
            continue
        shape, kind, offset, length = place
        if list(weight.dims) != shape:
            raise ValueError(f"{weight.name}: shape {list(weight.dims)}, in the checkpoint {shape}")
        full, narrow = weight.name, f"{weight.name}.narrow"
        weight.Clear()
        weight.name, weight.data_type = narrow, widths[kind]
        weight.dims.extend(shape)
        weight.data_location = TensorProto.EXTERNAL
        for key, value in (("location", checkpoint.name), ("offset", offset), ("length", length)):
            weight.external_data.add(key=key, value=str(value))
        if kind == "F16":
            casts += widened(graph, full, narrow)
        else:
            _read_out(graph, full, narrow)
    for number, cast in enumerate(casts):
        graph.graph.node.insert(number, cast)


def _name_in_model(name: str) -> str:
    """What open_clip calls a weight of `ImageTower`; a text tower's keeps its name."""
    for mine, theirs in (("trunk.", "visual.trunk."), ("project.", "visual.head.proj.")):
        if name.startswith(mine):
            return theirs + name.removeprefix(mine)
    return name


def widened(graph: Any, full: str, half: str) -> list[Any]:
    """The cast of one weight; of a looked-up table only what was looked up is cast.

    Returns the nodes that are to be put before all others.
    """
    lookups = [
        node for node in graph.graph.node if node.op_type == "Gather" and node.input[0] == full
    ]
    if not lookups:
        return [helper.make_node("Cast", [half], [full], name=f"{full}.cast", to=TensorProto.FLOAT)]
    for node in lookups:
        result = node.output[0]
        node.input[0], node.output[0] = half, f"{result}.half"
        at = list(graph.graph.node).index(node)
        cast = helper.make_node("Cast", [node.output[0]], [result], to=TensorProto.FLOAT)
        graph.graph.node.insert(at + 1, cast)
    return []


def _read_out(graph: Any, full: str, narrow: str) -> None:
    """What is looked up in a table of eight bits a number is looked up once more, in the list of
    the 256 numbers that there are: of these floats ONNX's look-ups know nothing."""
    values = torch.arange(256, dtype=torch.uint8).view(_EIGHTH).float().numpy()
    graph.graph.initializer.append(numpy_helper.from_array(values, f"{full}.values"))
    for node in [node for node in graph.graph.node if full in node.input]:
        if node.op_type != "Gather":
            raise ValueError(f"{full}: expected to be looked up only (got {node.op_type})")
        result = node.output[0]
        node.input[0], node.output[0] = narrow, f"{result}.narrow"
        at = list(graph.graph.node).index(node)
        for step in (
            helper.make_node("Gather", [f"{full}.values", f"{result}.place"], [result]),
            helper.make_node("Cast", [node.output[0]], [f"{result}.place"], to=TensorProto.INT32),
        ):
            graph.graph.node.insert(at + 1, step)


def _places(checkpoint: Path) -> dict[str, tuple[list[int], str, int, int]]:
    """(shape, type, offset, length) of each tensor in a safetensors file, in bytes."""
    with checkpoint.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    return {
        name: (entry["shape"], entry["dtype"], 8 + size + entry["data_offsets"][0],
               entry["data_offsets"][1] - entry["data_offsets"][0])
        for name, entry in header.items()
        if name != "__metadata__"
    }  # fmt: skip


@torch.inference_mode()
def parity(
    folder: Path, pictures: np.ndarray, texts: Sequence[str], found: Sequence[np.ndarray]
) -> dict[str, float]:
    """How far the package's embeddings (`found`: pictures', texts') lie from open_clip's own.

    `pictures` (n, 3, size, size) are inputs of the image tower. Returns the largest difference
    and the least cosine of each tower.
    """
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    length = model.context_length
    expected = (
        F.normalize(model.encode_image(torch.from_numpy(pictures)), dim=1).numpy(),
        F.normalize(
            model.encode_text(SimpleTokenizer(context_length=length)(list(texts))), dim=1
        ).numpy(),
    )
    measured: dict[str, float] = {"pictures": len(pictures), "texts": len(texts)}
    for name, mine, theirs in zip(("image", "text"), found, expected, strict=True):
        measured[f"{name}_largest_difference"] = float(np.abs(mine - theirs).max())
        measured[f"{name}_least_cosine"] = float((mine * theirs).sum(axis=1).min())
    return measured
