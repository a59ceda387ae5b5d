"""open_clip itself as a backend, on CPU or CUDA, behind the same interface as a package."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import UsageError
from agent.models.encoder import Encoder
from agent.models.presets import licence
from agent.models.source import Loaded, load, read_source
from agent.models.store import Package

DEVICE_VARIABLE = "CAPTCHA_AGENT_TORCH_DEVICE"


def load_torch_encoder(source: str, *, threads: int | None = None) -> Encoder:
    """The encoder on the open_clip model `source`: "ARCH:PRETRAINED", or "ARCH:CHECKPOINT".

    On CUDA where there is one, else on the CPU; CAPTCHA_AGENT_TORCH_DEVICE names another device.
    Raises what `agent.models.source.load` raises.
    """
    _, read = read_source(source)
    loaded = load(read)

    import torch

    from agent.models import assembly
    from agent.models.towers import image_tower, text_tower

    device = _device(torch)
    if threads:
        torch.set_num_threads(threads)
    image, text = image_tower(loaded.model.visual).eval(), text_tower(loaded.model).eval()
    card = assembly.described(
        loaded,
        image,
        text,
        name=f"torch:{source}",
        source=read.text,
        licence=licence(read.text)[0],
        precision=f"float32 on {device}",
        files={},
    )
    towers = (image.to(device), text.to(device))
    return TorchEncoder(Package(Path(), card), loaded, towers, device)


def _device(torch: Any) -> str:
    device = os.environ.get(DEVICE_VARIABLE) or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"{DEVICE_VARIABLE}={device}: torch can't use that device ({error}); use cpu, or cuda "
            "where there is a GPU"
        ) from error
    return device


class TorchEncoder(Encoder):
    """As `Encoder`, with torch in the place of ONNX Runtime's sessions."""

    def __init__(
        self, package: Package, loaded: Loaded, towers: tuple[Any, Any], device: str
    ) -> None:
        super().__init__(package)
        self._loaded, self._towers, self._device = loaded, towers, device

    @cached_property
    def _image_session(self) -> Any:
        tower = self._towers[0]
        return _Session({"embedding": tower.embedding, "cells": tower.cells}, self._device)

    @cached_property
    def _text_session(self) -> Any:
        return _Session({"embedding": self._towers[1]}, self._device)

    @cached_property
    def _tokenizer(self) -> Any:
        from agent.models.tokenization import converted

        card = self.package.card
        return converted(self._loaded.tokenizer, card.context_length, padded=card.text.padded)[0]


class _Session:
    """What ONNX Runtime's session is to an encoder: named results of one named input."""

    def __init__(self, results: dict[str, Any], device: str) -> None:
        self._results, self._device = results, device

    def run(self, names: list[str], feed: dict[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        import torch

        (value,) = feed.values()
        with torch.inference_mode():
            given = torch.from_numpy(value).to(self._device)
            return [self._results[name](given).float().cpu().numpy() for name in names]
