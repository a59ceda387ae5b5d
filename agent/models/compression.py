"""From an exported graph to a package's: optimised once, its weights small, in a file of their own.

int8: the weights of matrix products become 7-bit numbers with a scale for each output, and the
products are integer arithmetic (activations are scaled as they come). Seven bits, because two
products of eight would overflow the 16-bit sums of processors without VNNI; that costs no speed.
Other weights stay as they are, looked-up tables take half precision. The file of weights is
mapped into memory; the weights of products are packed for the processor from there, page by page,
so that they are in memory once.

float32: the weights take half precision in the file and are widened while the graph loads.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from agent.models.export import widened
from agent.models.store import WEIGHTS

Precision = Literal["int8", "float32"]
_PRODUCTS = ("MatMul", "Gemm")
_PAGE, _LINE = 4096, 64  # bytes; large weights start on a page, small ones on a cache line
_SMALL = 1024  # bytes; smaller weights stay in the graph
_MANY_CONVOLUTIONS = 4  # a graph with more gains from the layout that ONNX Runtime loads them to


def compress(
    raw: Path,
    folder: Path,
    precision: Precision,
    graphs: Mapping[str, str],
    *,
    spare: bool = False,
) -> bool:
    """Write the graph `raw` to `folder` as one or more, each with one output, and their weights.

    `graphs` names the output of each graph; all use one file of weights, named after `raw`: what
    is not asked for is not computed. With `spare` the products that narrow (the second of each
    MLP, whose inputs vary most) keep full precision. Returns whether the weights are of a kind
    that is taken from the mapped file ("mapped").
    """
    with tempfile.TemporaryDirectory(dir=raw.parent) as scratch, _silence():
        graph = Path(scratch) / "graph.onnx"
        if precision == "int8":
            quantize_dynamic(
                raw,
                graph,
                op_types_to_quantize=list(_PRODUCTS),
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=_sensitive(raw, spare=spare),
                use_external_data_format=raw.stat().st_size > 2**30,
                extra_options={"MatMulConstBOnly": True},
            )
        else:
            graph = raw
        optimised = _optimised(graph, Path(scratch) / "optimised.onnx")
    convolutions = sum(node.op_type in ("Conv", "FusedConv") for node in optimised.graph.node)
    mapped = precision == "int8" and convolutions <= _MANY_CONVOLUTIONS
    _halve(optimised, tables_only=mapped)
    _part(optimised, folder / raw.with_suffix(WEIGHTS).name)
    for name, output in graphs.items():
        (folder / f"{name}.onnx").write_bytes(_pruned(optimised, output).SerializeToString())
    return mapped


@contextmanager
def _silence() -> Iterator[None]:
    """ONNX Runtime's quantiser tells the root logger about each node."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _sensitive(path: Path, *, spare: bool) -> list[str]:
    """The products that keep full precision: the last before each output, and those to spare."""
    graph = onnx.load(str(path), load_external_data=False).graph
    made_by = {output: node for node in graph.node for output in node.output}
    shapes = {weight.name: list(weight.dims) for weight in graph.initializer}
    kept = set()
    for output in graph.output:
        at = made_by.get(output.name)
        while at is not None and at.op_type not in _PRODUCTS:
            at = made_by.get(at.input[0]) if at.input else None
        if at is not None:
            kept.add(at.name)
    if spare:
        for node in graph.node:
            shape = shapes.get(node.input[1]) if node.op_type in _PRODUCTS else None
            if shape is not None and len(shape) == 2:
                turned = any(attribute.name == "transB" for attribute in node.attribute)
                inputs, outputs = reversed(shape) if turned else shape
                if inputs >= 2 * outputs:
                    kept.add(node.name)
    return sorted(kept)


def _optimised(graph: Path, result: Path) -> Any:
    """The graph with ONNX Runtime's fusions that hold on every processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(result)
    for key, value in (("file_name", f"{result.name}{WEIGHTS}"), ("min_size_in_bytes", "1024")):
        options.add_session_config_entry(
            f"session.optimized_model_external_initializers_{key}", value
        )
    onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    return onnx.load(str(result))


def _halve(model: Any, *, tables_only: bool) -> None:
    """Large float weights in half precision, cast before use; of tables what was looked up."""
    graph = model.graph
    tables = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    casts = []
    for weight in graph.initializer:
        large = weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) * 4 >= _SMALL
        if not large or (tables_only and weight.name not in tables):
            continue
        values = numpy_helper.to_array(weight)
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        full, half = weight.name, f"{weight.name}.half"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts += widened(model, full, half)
    for number, cast in enumerate(casts):
        graph.node.insert(number, cast)


def _part(model: Any, path: Path) -> None:
    """Move the weights from the graph to a file of their own."""
    with path.open("wb") as file:
        for weight in model.graph.initializer:
            content = numpy_helper.to_array(weight).tobytes()
            if len(content) < _SMALL:
                continue
            start = _PAGE if len(content) >= 2**20 else _LINE
            file.write(b"\0" * (-file.tell() % start))
            place = {"location": path.name, "offset": file.tell(), "length": len(content)}
            file.write(content)
            for field in ("raw_data", "float_data", "int32_data", "int64_data"):
                weight.ClearField(field)
            weight.data_location = TensorProto.EXTERNAL
            del weight.external_data[:]
            for key, value in place.items():
                weight.external_data.add(key=key, value=str(value))


def _pruned(model: Any, output: str) -> Any:
    """The model with one of its outputs alone, and no more than that needs."""
    pruned = type(model)()
    pruned.CopyFrom(model)
    graph = pruned.graph
    needed, nodes = {output}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            nodes.append(node)
    for field, kept in (
        (graph.node, nodes[::-1]),
        (graph.initializer, [weight for weight in graph.initializer if weight.name in needed]),
        (graph.output, [one for one in graph.output if one.name == output]),
        (graph.value_info, []),
    ):
        copies = [type(one).FromString(one.SerializeToString()) for one in kept]
        del field[:]
        field.extend(copies)
    return pruned
