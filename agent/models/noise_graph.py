"""Makes `noise.onnx`: what `noise.py` does to the blocks of a picture, for ONNX Runtime, which
takes a third of numpy's time.

    python -m agent.models.noise_graph

Only needed anew where a number of it changes; onnx comes with the extra `clip`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from agent.models.noise import GRAPH, OPPONENT, SIDE, STEP, WAVES


def model() -> Any:
    """Pixels (n, h, w, 3) and limits (64,) of each frequency → cleaned pixels (n, h, w, 3).

    A frequency of a block goes where it is no larger than its limit. Height and width are
    multiples of STEP.
    """
    waves, square = WAVES.reshape(-1, 1, SIDE, SIDE), (1, 1, SIDE, SIDE)
    weights = {
        "waves": waves,
        "ones": np.ones(square, np.float32),
        "opponent": OPPONENT.reshape(3, 3, 1, 1),
        "colours": OPPONENT.T.reshape(3, 3, 1, 1),
        "one": np.ones((), np.float32),
        "least": np.zeros((), np.float32),
        "most": np.full((), 255, np.float32),
        "frequencies": np.array([1], np.int64),
        "as limits": np.array([1, -1, 1, 1], np.int64),
        # Zeros keep height and width.
        "each channel": np.array([-1, 1, 0, 0], np.int64),
        "each picture": np.array([-1, 3, 0, 0], np.int64),
    }
    strides = {"strides": [STEP, STEP]}
    nodes = [
        _node("Cast", "pixels", "float", to=TensorProto.FLOAT),
        _node("Transpose", "float", "channels first", perm=[0, 3, 1, 2]),
        _node("Conv", "channels first, opponent", "opponents"),
        _node("Reshape", "opponents, each channel", "channels"),
        _node("Conv", "channels, waves", "transformed", **strides),
        _node("Abs", "transformed", "loudness"),
        _node("Reshape", "limits, as limits", "limit"),
        _node("Greater", "loudness, limit", "loud"),
        _node("Cast", "loud", "kept", to=TensorProto.FLOAT),
        _node("ReduceSum", "kept, frequencies", "left", keepdims=1),
        _node("Div", "one, left", "weight"),
        _node("Mul", "transformed, kept", "clean"),
        _node("Mul", "clean, weight", "weighted"),
        _node("ConvTranspose", "weighted, waves", "summed", **strides),
        _node("ConvTranspose", "weight, ones", "total", **strides),
        _node("Div", "summed, total", "mean"),
        _node("Reshape", "mean, each picture", "means"),
        _node("Conv", "means, colours", "coloured"),
        _node("Clip", "coloured, least, most", "clipped"),
        _node("Round", "clipped", "rounded"),
        _node("Transpose", "rounded", "channels last", perm=[0, 2, 3, 1]),
        _node("Cast", "channels last", "cleaned", to=TensorProto.UINT8),
    ]
    picture = ["n", "h", "w", 3]
    graph = helper.make_graph(
        nodes,
        "noise",
        [
            helper.make_tensor_value_info("pixels", TensorProto.UINT8, picture),
            helper.make_tensor_value_info("limits", TensorProto.FLOAT, [SIDE**2]),
        ],
        [helper.make_tensor_value_info("cleaned", TensorProto.UINT8, picture)],
        [
            numpy_helper.from_array(np.ascontiguousarray(values), name)
            for name, values in weights.items()
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def _node(operator: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(operator, inputs.split(", "), [output], **attributes)


if __name__ == "__main__":
    onnx.save(model(), GRAPH)
