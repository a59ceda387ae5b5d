"""Which open_clip model a package is made from: "ARCH:PRETRAINED", "ARCH:FILE.safetensors"."""

from __future__ import annotations

import difflib
import json
import math
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import MissingError, UsageError
from agent.models.presets import presets
from agent.models.store import sha256

LOCAL = "local-dir:"
_LARGEST_HEADER = 100_000_000  # bytes, as safetensors itself has it
_PICKLES = {".pt", ".pth", ".bin", ".ckpt", ".npz"}


@dataclass(frozen=True, slots=True)
class Source:
    """An open_clip architecture and its weights: a tag of open_clip's, or a checkpoint."""

    arch: str
    tag: str = ""
    checkpoint: Path | None = None

    @property
    def text(self) -> str:
        """As it is written on a card: of a checkpoint only the file's name."""
        if self.arch.startswith(LOCAL):
            return LOCAL + Path(self.arch.removeprefix(LOCAL)).resolve().name
        weights = self.checkpoint.name if self.checkpoint else self.tag
        return f"{self.arch}:{weights}"

    @property
    def default_name(self) -> str:
        """What the package is called where nobody says: the source's letters and digits."""
        words = self.text.removeprefix(LOCAL).removesuffix(".safetensors")
        return re.sub(r"[^a-z0-9._]+", "-", words.lower()).strip("-.")[:100]

    def digest(self) -> str:
        """The SHA-256 of a local checkpoint; "" for a tag, which open_clip checks itself."""
        return sha256(self.checkpoint) if self.checkpoint else ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model of open_clip with its own preprocessing and tokenizer."""

    model: Any
    transform: Any
    tokenizer: Any
    preprocess: dict[str, Any]


def read_source(text: str) -> tuple[str, Source]:
    """(name of the package, source) from a preset's name or "ARCH:PRETRAINED|CHECKPOINT".

    Raises UsageError for what is neither, MissingError where the checkpoint is not there.
    """
    if text in presets():
        return text, read_source(presets()[text].source)[1]
    if text.startswith(LOCAL):
        source = _local(text)
    else:
        arch, colon, weights = text.partition(":")
        if not (arch and weights):
            raise UsageError(_wanted(text, colon))
        if "/" in weights or "\\" in weights or Path(weights).suffix in _PICKLES | {".safetensors"}:
            source = Source(arch, checkpoint=_checkpoint(Path(weights)))
        else:
            source = Source(arch, tag=weights)
    return source.default_name, source


def _wanted(text: str, colon: str) -> str:
    near = difflib.get_close_matches(text, presets(), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near and not colon else ""
    return (
        f"model {text!r}: must be a preset ({', '.join(presets())}), ARCH:PRETRAINED such as "
        f"ViT-B-32:laion2b_s34b_b79k, or ARCH:FILE.safetensors{hint}"
    )


def _checkpoint(path: Path) -> Path:
    if path.suffix != ".safetensors":
        raise UsageError(
            f"{path}: must be a .safetensors file: others may hold pickles, which run code when "
            "they are loaded; convert it with safetensors.torch.save_file"
        )
    if not path.is_file():
        raise MissingError(f"{path}: no such checkpoint")
    return path


def _local(text: str) -> Source:
    folder = Path(text.removeprefix(LOCAL))
    found = sorted(folder.glob("*.safetensors"))
    if not (folder / "open_clip_config.json").is_file() or len(found) != 1:
        raise MissingError(
            f"{folder}: must hold open_clip_config.json and one .safetensors file "
            f"(got {len(found)} of the latter)"
        )
    return Source(text, checkpoint=found[0])


def load(source: Source, device: str = "cpu") -> Loaded:
    """The open_clip model, its weights downloaded by open_clip where they are not there yet.

    Raises MissingError without open_clip or the weights, UsageError where they don't fit.
    """
    open_clip = need_open_clip()
    from open_clip.transform import PreprocessCfg, image_transform_v2

    local = source.arch.startswith(LOCAL)
    if not local:
        _check_known(open_clip, source)
    with _explained(source):
        model = open_clip.create_model(
            source.arch,
            pretrained=None if local else str(source.checkpoint or source.tag),
            require_pretrained=True,
            pretrained_text=False,
            weights_only=True,
            force_preprocess_cfg=_preprocessing(open_clip, source),
            device=device,
        )
        tokenizer = open_clip.get_tokenizer(source.arch)
    preprocess = dict(model.visual.preprocess_cfg)
    transform = image_transform_v2(PreprocessCfg(**preprocess), is_train=False)
    return Loaded(model.eval(), transform, tokenizer, preprocess)


def parameters(source: Source) -> tuple[float, float]:
    """Millions of parameters of the picture's and the text's tower, before weights are loaded."""
    for preset in presets().values():
        if preset.source == source.text:
            return preset.parameters
    if source.checkpoint:
        counts = _counted(source.checkpoint)
    else:
        open_clip = need_open_clip()
        _check_known(open_clip, source)
        import torch

        with torch.device("meta"):
            model = open_clip.create_model(source.arch, pretrained_text=False, load_weights=False)
        counts = {name: value.numel() for name, value in model.named_parameters()}
    image = sum(count for name, count in counts.items() if name.startswith("visual."))
    return image / 1e6, (sum(counts.values()) - image) / 1e6


def _counted(checkpoint: Path) -> dict[str, int]:
    """The size of each tensor in a safetensors file, from its header alone."""
    try:
        with checkpoint.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(size, _LARGEST_HEADER)))
        return {
            name: math.prod(entry["shape"])
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{checkpoint}: is no safetensors file that can be read: {error}"
        ) from error


def need_open_clip() -> Any:
    """The module open_clip. Raises MissingError where it is not installed."""
    try:
        import onnx  # noqa: F401  # comes with the same extra
        import open_clip
    except ImportError as error:
        raise MissingError(
            f"{error.name} is not installed; open_clip models need it: run "
            "pip install 'captcha-agent[clip]'"
        ) from error
    return open_clip


def _check_known(open_clip: Any, source: Source) -> None:
    known = open_clip.list_models()
    if source.arch not in known:
        near = difflib.get_close_matches(source.arch, known, n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError(f"model {source.text!r}: open_clip knows no {source.arch!r}{hint}")
    tags = open_clip.list_pretrained_tags_by_model(source.arch)
    if source.tag and source.tag not in tags:
        offers = f"offers {', '.join(tags)}" if tags else "offers none, name a .safetensors file"
        raise UsageError(
            f"model {source.text!r}: open_clip has no weights {source.tag!r} for {source.arch}; "
            f"it {offers}"
        )


def _preprocessing(open_clip: Any, source: Source) -> dict[str, Any] | None:
    """A checkpoint says nothing of its preprocessing: take that of the weights open_clip offers."""
    if source.tag or source.arch.startswith(LOCAL):
        return None
    keys = ("mean", "std", "interpolation", "resize_mode")
    offered = []
    for tag in open_clip.list_pretrained_tags_by_model(source.arch):
        config = open_clip.get_pretrained_cfg(source.arch, tag)
        offered.append({key: config[key] for key in keys if config.get(key)})
    return offered[0] if offered and all(one == offered[0] for one in offered) else None


@contextmanager
def _explained(source: Source) -> Iterator[None]:
    """open_clip's and torch's errors in words that say what to do."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        words = " ".join(str(error).split())
        if "download" in words:
            raise MissingError(
                f"model {source.text!r}: the weights could not be downloaded ({words:.200}); try "
                "again, or get the checkpoint elsewhere and name it: ARCH:FILE.safetensors"
            ) from error
        raise UsageError(
            f"model {source.text!r}: open_clip can't make it; mostly the weights don't fit the "
            f"architecture: {words:.300}"
        ) from error
    except OSError as error:
        words = " ".join(str(error).split())
        raise MissingError(
            f"model {source.text!r}: a file that open_clip needs is missing: {words:.300}"
        ) from error
    except Exception as error:
        if type(error).__name__ != "SafetensorError":
            raise
        raise UsageError(
            f"{source.checkpoint}: is no safetensors file that can be read: {error}"
        ) from error
