"""How "lite" comes by its detector: a TensorFlow.js graph, translated and made whole numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

import onnxruntime  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from agent.models.lite import detector  # noqa: E402

CHANNELS = 8


def package(folder: Path) -> dict[str, NDArray[np.float32]]:
    """A small graph with all that the real one has, as its package stores it."""
    random = np.random.default_rng(0)
    weights: dict[str, NDArray[np.float32]] = {}
    nodes: list[dict[str, Any]] = [{"name": "Preprocessor/sub", "op": "Sub"}]

    def weight(name: str, *shape: int) -> str:
        weights[name] = random.uniform(0.2, 1, shape).astype(np.float32) - 0.4
        nodes.append({"name": name, "op": "Const"})
        return name

    def node(name: str, op: str, *inputs: str, **attributes: Any) -> str:
        nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attributes})
        return name

    def conv(name: str, source: str, kernel: str, op: str = "Conv2D") -> str:
        return node(name, op, source, kernel, strides={"list": {"i": ["1", "1", "1", "1"]}})

    wide = conv("expand", "Preprocessor/sub", weight("expand/w", 1, 1, 3, CHANNELS))
    statistics = [weight(f"norm/{part}", CHANNELS) for part in ("gain", "shift", "mean")]
    weights["norm/variance"] = np.full(CHANNELS, 0.5, dtype=np.float32)
    nodes.append({"name": "norm/variance", "op": "Const"})
    normed = node(
        "norm", "FusedBatchNorm", wide, *statistics, "norm/variance", epsilon={"f": 0.001}
    )
    clipped = node("clip", "Relu6", normed)
    kernel = weight("depthwise/w", 3, 3, CHANNELS, 1)
    apart = conv("depthwise", clipped, kernel, "DepthwiseConv2dNative")
    scaled = node("scaled", "Mul", apart, weight("scale", CHANNELS))
    shifted = node("shifted", "Add", weight("shift", CHANNELS), scaled)  # the weight comes first
    joined = node("joined", "AddN", shifted, clipped)
    moved = node("moved", "Add", joined, weight("move", CHANNELS))  # of a sum, no convolution's
    for scale in range(6):
        for part, count in (("ClassPredictor", 91), ("BoxEncodingPredictor", 4)):
            name = f"BoxPredictor_{scale}/{part}"
            found = conv(f"{name}/Conv2D", moved, weight(f"{name}/w", 1, 1, CHANNELS, count))
            node(f"{name}/BiasAdd", "BiasAdd", found, weight(f"{name}/b", count))
    weights["Postprocessor/ExpandDims"] = np.zeros((1, 1917, 4), dtype=np.float32)
    folder.mkdir(parents=True)
    (folder / "shard").write_bytes(b"".join(values.tobytes() for values in weights.values()))
    entries = [
        {"name": name, "shape": list(values.shape), "dtype": "float32"}
        for name, values in weights.items()
    ]
    manifest = [{"paths": ["shard"], "weights": entries}]
    content = {"modelTopology": {"node": nodes}, "weightsManifest": manifest}
    (folder / "model.json").write_text(json.dumps(content))
    return weights


def expected(
    weights: dict[str, NDArray[np.float32]], pixels: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same by torch: logits of the known things, offsets of boxes."""
    w = {name: torch.from_numpy(values) for name, values in weights.items()}
    x = F.conv2d(torch.from_numpy(pixels), w["expand/w"].permute(3, 2, 0, 1))
    gain, shift, mean, variance = (
        w[f"norm/{part}"] for part in ("gain", "shift", "mean", "variance")
    )
    clipped = F.batch_norm(x, mean, variance, gain, shift, eps=0.001).clip(0, 6)
    kernel = w["depthwise/w"].permute(2, 3, 0, 1)
    x = F.conv2d(clipped, kernel, padding=1, groups=CHANNELS)
    x = x * w["scale"][:, None, None] + w["shift"][:, None, None] + clipped
    x = x + w["move"][:, None, None]
    heads = []
    for part in ("ClassPredictor", "BoxEncodingPredictor"):
        found = []
        for scale in range(6):
            name = f"BoxPredictor_{scale}/{part}"
            head = F.conv2d(x, w[f"{name}/w"].permute(3, 2, 0, 1), w[f"{name}/b"])
            found.append(head.permute(0, 2, 3, 1).reshape(len(head), -1, head.shape[1]))
        heads.append(torch.cat(found, dim=1).numpy())
    return heads[0][:, :, list(detector.THINGS.values())], heads[1]


def test_the_graph_is_translated(tmp_path: Path) -> None:
    """Logits and offsets are those of the source; in whole numbers nearly so."""
    weights = package(tmp_path / "source")
    random = np.random.default_rng(1)
    pixels = random.uniform(-1, 1, (2, 3, 5, 6)).astype(np.float32)
    wanted = expected(weights, pixels)
    model = detector.Graph(*detector.read(tmp_path / "source")).model()
    found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"pixels": pixels})
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, atol=1e-4)
    noise = [
        Image.fromarray(random.integers(0, 255, (40, 40, 3), dtype=np.uint8)) for _ in range(4)
    ]
    detector.quantised(model, noise, tmp_path / "whole.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "whole.onnx"))
    for mine, theirs in zip(session.run(None, {"pixels": pixels}), wanted, strict=True):
        assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.99


def test_another_graph_is_refused(tmp_path: Path) -> None:
    """An operation that is not known, and anchors that are not the runtime's."""
    package(tmp_path / "package" / "models" / "coco-ssd")
    nodes, weights = detector.read(tmp_path / "package" / "models" / "coco-ssd")
    with pytest.raises(ValueError, match="the anchors are not those of"):
        detector.write(tmp_path, [], tmp_path / "x.onnx")
    nodes["clip"]["op"] = "Elu"
    with pytest.raises(ValueError, match=r"clip: expected a known operation \(got Elu\)"):
        detector.Graph(nodes, weights).model()
