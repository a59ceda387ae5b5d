"""Writes the package of "lite": checkpoint, graphs, tokenizer, and the card with its parity."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
import yaml
from torch import nn

from agent import concepts
from agent.models import export
from agent.models.encoder import CONCEPTS, load_encoder
from agent.models.lite import detector, objects
from agent.models.lite.image_tower import MEAN, STD, Tower
from agent.scorer import Scorer

HERE = Path(__file__).parent
CONFIG = "open_clip_config.json"
FILES = (
    export.CHECKPOINT, "image.onnx", "text.onnx", "objects.onnx", "detector.onnx",
    "tokenizer.json", CONCEPTS,
)  # fmt: skip
LEAST_COSINE = 0.9999
IMAGE_PX = 192  # as in training: 224 px take a third longer and know drawings worse
# Fitted by `calibration.py` outside training; the bias of things is the one with which most made-up
# pictures of such drawings are answered exactly.
LOGIT_SCALE, LOGIT_BIAS = 15.0, 5.5
REFERENCE = {"logit_scale": 9.0, "logit_bias": 4.75}
LEAST_SHARE = 0.08  # of a square, that a thing must cover
CELLS = {
    "size_px": 384, "logit_scale": 20.0, "logit_bias": 5.75,
    "objects": {"least_share": LEAST_SHARE, "logit_scale": 19.0, "logit_bias": 4.75},
}  # fmt: skip
# Sums and gates by which the detector counts, fitted by `counting.py`.
DETECTOR = {
    "names": list(detector.THINGS), "picture_px": detector.PICTURE_PX,
    "tiles": {"tower_scale": 0.57, "detector_scale": 1.04, "bias": 4.12,
              "photograph_scale": 45.62, "photograph_bias": -67.27},
    "squares": {"tower_scale": 0.38, "detector_scale": 0.61, "bias": 2.4,
                "photograph_scale": 13.28, "photograph_bias": -20.07},
}  # fmt: skip
TEMPLATES = ("a photo of a {}",)


def new_model() -> nn.Module:
    """An untrained open_clip model of lite's architecture."""
    config = json.loads((HERE / CONFIG).read_text(encoding="utf-8"))["model_cfg"]
    return open_clip.CustomTextCLIP(
        **{key: value for key, value in config.items() if key != "custom_text"}
    )


def write(
    tower: Tower, text: nn.Module, network: objects.Objects, detector_graph: Path, folder: Path
) -> None:
    """Assemble the open_clip model from its towers and write the package to `folder`.

    `detector_graph` is the file that `detector.write` made. Raises ValueError where the exported towers disagree with open_clip's.
    """
    model = new_model()
    trunk = {k: v for k, v in tower.trunk.state_dict().items() if not k.startswith("classifier.")}
    model.visual.trunk.load_state_dict(trunk)
    model.visual.head.proj.load_state_dict(tower.project.state_dict())
    model.text.load_state_dict(text.state_dict())
    folder.mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE:
        shutil.copy(HERE / CONFIG, folder / CONFIG)
    export.export(model, folder)
    objects.export(network, folder / "objects.onnx")
    shutil.copy(detector_graph, folder / "detector.onnx")
    write_concepts(folder)
    write_card(folder, {})
    measured = measure(folder)
    if min(measured["image_least_cosine"], measured["text_least_cosine"]) < LEAST_COSINE:
        raise ValueError(f"the exported towers disagree with open_clip's: {measured}")
    write_card(folder, measured)


def write_concepts(folder: Path) -> None:
    """Embed all concepts' names once: at run time the text tower is for other words alone."""
    (folder / CONCEPTS).unlink(missing_ok=True)
    write_card(folder, {})
    embeddings = Scorer(load_encoder(str(folder))).concept_embeddings(concepts.names())
    names = np.array(concepts.names())
    np.savez_compressed(folder / CONCEPTS, names=names, embeddings=embeddings)


def measure(folder: Path) -> dict[str, float]:
    """The package against open_clip, on 64 made-up pictures and all concepts' names."""
    random = np.random.default_rng(0)
    pictures = random.normal(0, 1, (64, 3, IMAGE_PX, IMAGE_PX)).astype(np.float32)
    texts = [f"a photo of a {name}" for name in concepts.names()]
    encoder = load_encoder(str(folder))
    found = [encoder.embed_pixels(pictures), encoder.embed_texts(texts)]
    with torch.inference_mode():
        measured = export.parity(folder, pictures, texts, found)
    return {name: float(f"{value:.3g}") if value < 0.5 else round(value, 7)
            for name, value in measured.items()}  # fmt: skip


def write_card(folder: Path, parity: dict[str, float]) -> None:
    """Write `model.yaml`, with the SHA-256 of every file."""
    card: dict[str, Any] = {
        "name": "lite",
        "source": "captcha-agent, agent/models/lite/train.py; MODEL_CARD.md says from what",
        "licence": "MIT, the detector Apache-2.0; MODEL_CARD.md says what both were trained on",
        "image": {
            "size_px": IMAGE_PX,
            "mean": [MEAN] * 3,
            "std": [STD] * 3,
            "resize_mode": "shortest",
            "interpolation": "bicubic",
        },
        "cells": CELLS,
        "detector": DETECTOR,
        "context_length": 32,
        "embedding_size": 256,
        "logit_scale": LOGIT_SCALE,
        "logit_bias": LOGIT_BIAS,
        "reference": REFERENCE,
        "templates": list(TEMPLATES),
        "precision": "float16 weights, tokens float8, float32 arithmetic; detector int8",
        "parity": parity,
        "files": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in FILES
            if (folder / name).exists()
        },
    }
    content = yaml.safe_dump(card, sort_keys=False, allow_unicode=True)
    (folder / "model.yaml").write_text(content, encoding="utf-8")
