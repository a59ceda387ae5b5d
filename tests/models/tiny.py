"""Tiny open_clip models with random weights, one of each kind of architecture.

Each is a folder as open_clip has it ("local-dir:FOLDER"): configuration, weights, tokenizer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CLIP_TEXT = {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
SIGLIP_TEXT = {
    "context_length": 16, "vocab_size": 400, "width": 32, "heads": 2, "layers": 2,
    "no_causal_mask": True, "proj_bias": True, "pool_type": "last", "hf_tokenizer_name": "here",
    "tokenizer_kwargs": {"clean": "canonicalize"}, "norm_kwargs": {"eps": 1e-6},
}  # fmt: skip
OPENAI = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]}
HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}


def _timm(name: str, size: int, pool: str, proj: str | None) -> dict[str, Any]:
    return {
        "timm_model_name": name, "timm_model_pretrained": False, "timm_pool": pool,
        "timm_proj": proj, "image_size": size,
    }  # fmt: skip


MODELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vit": (
        {
            "embed_dim": 48, "quick_gelu": True, "text_cfg": CLIP_TEXT,
            "vision_cfg": {"image_size": 64, "patch_size": 8, "width": 64, "layers": 3,
                           "head_width": 32},
        },
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
    "resnet": (
        {
            "embed_dim": 48, "text_cfg": CLIP_TEXT,
            "vision_cfg": {"image_size": 224, "layers": [1, 1, 1, 1], "width": 8},
        },
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
    "convnext": (
        {
            "embed_dim": 48, "text_cfg": CLIP_TEXT,
            "vision_cfg": _timm("test_convnext", 160, "", "linear"),
        },
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
    "mobileclip": (
        {
            "embed_dim": 48, "custom_text": True,
            "text_cfg": {**CLIP_TEXT, "no_causal_mask": True},
            "vision_cfg": _timm("fastvit_mci0", 96, "avg", None),
        },
        {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0], "interpolation": "bilinear",
         "resize_mode": "shortest"},
    ),
    "siglip": (
        {
            "embed_dim": 96, "init_logit_bias": -10, "custom_text": True, "text_cfg": SIGLIP_TEXT,
            "vision_cfg": _timm("test_vit3", 160, "map", "none"),
        },
        {**HALF, "interpolation": "bicubic", "resize_mode": "squash"},
    ),
    "hf_text": (
        {
            "embed_dim": 48,
            "text_cfg": {"hf_model_name": "here", "hf_tokenizer_name": "here",
                         "hf_pooler_type": "mean_pooler", "hf_proj_type": "mlp",
                         "context_length": 16},
            "vision_cfg": {"image_size": 64, "patch_size": 16, "width": 64, "layers": 2,
                           "head_width": 32},
        },
        {**OPENAI, "interpolation": "bicubic", "resize_mode": "shortest"},
    ),
}  # fmt: skip


def make(kind: str, folder: Path, seed: int = 0) -> str:
    """Write the model `kind` to `folder`; returns its name for open_clip."""
    import torch

    config, preprocess = json.loads(json.dumps(MODELS[kind]))
    folder.mkdir(parents=True)
    text = config["text_cfg"]
    for key in ("hf_model_name", "hf_tokenizer_name"):
        if key in text:
            text[key] = str(folder)
    if "hf_tokenizer_name" in text:
        _write_tokenizer(folder, eos_only="hf_model_name" not in text)
    if "hf_model_name" in text:
        _write_text_config(folder)
    content = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    torch.manual_seed(seed)
    save(new(config), folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def new(config: dict[str, Any]) -> Any:
    """An untrained model, livelier than fresh weights make it: pictures differ, and so do texts."""
    import torch
    from open_clip import CLIP, CustomTextCLIP

    config = json.loads(json.dumps(config))
    custom = config.pop("custom_text", False) or "hf_model_name" in config["text_cfg"]
    if "hf_model_name" in config["text_cfg"]:
        config["text_cfg"]["hf_model_pretrained"] = False
    model = (CustomTextCLIP if custom else CLIP)(**config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("positional_embedding") or "token_embedding" in name:
                value.normal_(0, 0.3)
    return model


def save(model: Any, path: Path) -> None:
    """Write the weights as a checkpoint."""
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)


def _write_tokenizer(folder: Path, *, eos_only: bool) -> None:
    """A tokenizer of a few hundred pieces, learnt from this file."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=380, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False
    )
    tokenizer.train_from_iterator([Path(__file__).read_text()] * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>" if eos_only else "<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "</s>",
        "unk_token": "<unk>", "bos_token": "<s>", "model_max_length": 16,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _write_text_config(folder: Path) -> None:
    config = {
        "model_type": "roberta", "vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 40,
        "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
