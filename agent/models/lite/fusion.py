"""Batch normalisation made part of the convolution before it, so that the graph need not hold it.

A session then loads in half the time: nothing is left to fold, and no padding to be computed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F


@torch.no_grad()
def absorb(trunk: nn.Module) -> None:
    """Move all but the bias of each normalisation into its convolution, in place.

    What `trunk` computes in eval mode stays the same; it still is the model that timm knows.
    """
    for _, conv, _, norm in _pairs(trunk):
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        conv.weight.mul_(scale[:, None, None, None])
        norm.bias.sub_(norm.running_mean * scale)
        norm.weight.fill_(1)
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)


def fused(trunk: nn.Module) -> tuple[nn.Module, dict[str, str]]:
    """A copy of an absorbed trunk without normalisations, for sizes that are multiples of 32.

    Also says, for each bias that it has now, which of the trunk's tensors that is.
    """
    plain, aliases = copy.deepcopy(trunk), {}
    for conv_name, conv, norm_name, norm in list(_pairs(plain)):
        replaced = _Padded(conv, norm.bias) if isinstance(conv, Conv2dSame) else conv
        replaced.bias = norm.bias
        _put(plain, conv_name, replaced)
        _put(plain, norm_name, norm.act)
        aliases[f"{conv_name}.bias"] = f"{norm_name}.bias"
    return plain, aliases


class _Padded(nn.Conv2d):
    """TensorFlow's "same" padding where every input is of even width and height: always the same."""

    def __init__(self, conv: nn.Conv2d, bias: nn.Parameter) -> None:
        nn.Module.__init__(self)
        self.weight, self.bias = conv.weight, bias
        self.stride, self.groups = conv.stride, conv.groups
        self.around = _around(conv.kernel_size[0], conv.stride[0]) * 2

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, self.around)
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)


def pad_within(graph: Any) -> None:
    """Let the ONNX graph's convolutions pad on their own, in place.

    A node of its own for it makes ONNX Runtime leave the blocked layout and come back to it: a
    third of all its time.
    """
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad"}
    for node in graph.node:
        if node.op_type == "Conv" and node.input[0] in pads:
            given = {attribute.name: attribute for attribute in node.attribute}
            before, after = _around(given["kernel_shape"].ints[0], given["strides"].ints[0])
            given["pads"].ints[:] = [before, before, after, after]
            node.input[0] = pads[node.input[0]].input[0]
    _prune(graph)


def _prune(graph: Any) -> None:
    """Remove nodes whose results nobody takes."""
    while True:
        taken = {name for node in graph.node for name in node.input}
        taken |= {output.name for output in graph.output}
        unused = [node for node in graph.node if not taken & set(node.output)]
        if not unused:
            return
        for node in unused:
            graph.node.remove(node)


def _around(kernel: int, stride: int) -> tuple[int, int]:
    """Pixels to pad before and after a row of even length."""
    return (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2


def _pairs(trunk: nn.Module) -> Iterator[tuple[str, nn.Conv2d, str, nn.BatchNorm2d]]:
    """Each convolution with the normalisation that follows it, in the order of their use."""
    found = [
        (name, part)
        for name, part in trunk.named_modules()
        if isinstance(part, nn.Conv2d | nn.BatchNorm2d)
    ]
    for (conv_name, conv), (norm_name, norm) in zip(found[::2], found[1::2], strict=True):
        if not isinstance(conv, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise TypeError(f"{norm_name}: expected a normalisation after {conv_name}")
        yield conv_name, conv, norm_name, norm


def _put(trunk: nn.Module, name: str, part: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(trunk.get_submodule(parent), last, part)
