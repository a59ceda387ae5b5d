"""How far a package lies from the open_clip model that it was made from, and how far it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException
from PIL import Image
from torch.nn import functional as F

from agent.errors import UsageError
from agent.models.compression import Precision
from agent.models.encoder import Encoder
from agent.models.source import Loaded
from agent.models.towers import image_tower
from agent.pictures import open_picture

PICTURES = 96
# Least and mean cosine between a package's embeddings and open_clip's own.
LIMITS: dict[Precision, tuple[float, float]] = {"int8": (0.985, 0.995), "float32": (0.999, 0.9999)}
CELLS_LIMITS: dict[Precision, float] = {"int8": 0.98, "float32": 0.999}
_BATCH = 16
_LONG = "a very long sentence that goes on and on, " * 40
ODD_TEXTS = (
    "It\u2019s \u201cfine\u201d &amp; good",
    "  two   TRAFFIC lights!  ",
    "a_bus (red), 24/7",
    "été, naïve café",
    _LONG,
)

Told = Callable[[int, int], None]
Measured = dict[str, float | int]


def sample(folder: Path, count: int = PICTURES) -> list[Path]:
    """`count` pictures out of a folder, spread evenly over all that lie in it."""
    found = sorted(
        path for path in folder.rglob("*") if path.suffix in (".webp", ".jpg", ".jpeg", ".png")
    )
    step = max(1, len(found) // count)
    return found[::step][:count]


def pictures(paths: Sequence[Path]) -> Iterator[list[Image.Image]]:
    """The pictures in batches."""
    for at in range(0, len(paths), _BATCH):
        yield [open_picture(path) for path in paths[at : at + _BATCH]]


@torch.inference_mode()
def expected_images(loaded: Loaded, paths: Sequence[Path], told: Told) -> NDArray[np.float32]:
    """open_clip's own unit embeddings (n, d) of pictures, by its own preprocessing."""
    parts = []
    for batch in pictures(paths):
        pixels = torch.stack([loaded.transform(picture) for picture in batch])
        parts.append(F.normalize(loaded.model.encode_image(pixels), dim=1).numpy())
        told(sum(map(len, parts)), len(paths))
    return np.concatenate(parts)


def measure_images(
    encoder: Encoder, paths: Sequence[Path], expected: NDArray[np.float32]
) -> Measured:
    """Least and mean cosine of the package's embeddings of pictures to those expected (n, d)."""
    found = np.concatenate([encoder.embed_images(batch) for batch in pictures(paths)])
    return {"pictures": len(paths), **_cosines("image", found, expected)}


@torch.inference_mode()
def measure_texts(loaded: Loaded, encoder: Encoder, texts: Sequence[str]) -> Measured:
    """The same for texts, odd ones added, and how many of them become the very same tokens."""
    texts = [*texts, *ODD_TEXTS]
    numbers = loaded.tokenizer(texts)
    length = encoder.package.card.context_length
    pad = encoder.package.card.text.pad_id
    same = [
        row == (mine + [pad] * length)[:length]
        for row, mine in zip(numbers.tolist(), map(encoder.tokens, texts), strict=True)
    ]
    own = torch.cat([loaded.model.encode_text(some) for some in numbers.split(_BATCH)])
    return {
        "texts": len(texts),
        **_cosines("text", encoder.embed_texts(texts), own.numpy()),
        "texts_tokenized_alike": sum(same),
    }


@torch.inference_mode()
def measure_cells(loaded: Loaded, encoder: Encoder, paths: Sequence[Path]) -> Measured:
    """The same for the cells of pictures, against those of the tower before its export.

    Nothing where there are none, or none that run.
    """
    if encoder.package.card.cells is None:
        return {}
    tower = image_tower(loaded.model.visual).eval()
    found, expected = [], []
    for picture in (open_picture(path) for path in paths):
        try:
            cells = encoder.embed_cells(picture)
        except (Fail, InvalidArgument, RuntimeException):
            return {}  # not every tower can be traced for another size than its own
        found.append(cells.reshape(-1, cells.shape[2]))
        own = tower.cells(torch.from_numpy(encoder.whole(picture)))
        expected.append(own[0].flatten(1).T.numpy())
    return _cosines("cells", np.concatenate(found), np.concatenate(expected))


def _cosines(name: str, found: NDArray[Any], expected: NDArray[Any]) -> Measured:
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(axis=1) / lengths
    return {
        f"{name}_least_cosine": round(float(cosines.min()), 6),
        f"{name}_mean_cosine": round(float(cosines.mean()), 6),
    }


def fault(measured: Measured, precision: Precision) -> str:
    """What of a measured package is outside the limits; "" where nothing is."""
    for tower in ("image", "text"):
        for kind, limit in zip(("least", "mean"), LIMITS[precision], strict=True):
            value = measured.get(f"{tower}_{kind}_cosine", 1.0)
            if not value >= limit:
                return f"{kind} cosine of the {tower} tower must be at least {limit} (got {value})"
    texts = measured.get("texts", 0)
    if (alike := measured.get("texts_tokenized_alike", 0)) != texts:
        return f"all {texts} texts must become the source's own tokens (got {alike})"
    return ""


def cells_hold(measured: Measured, precision: Precision) -> bool:
    """Whether the cells are good enough to be offered."""
    return measured.get("cells_mean_cosine", 0.0) >= CELLS_LIMITS[precision]


def refuse(name: str, found: str, precision: Precision) -> UsageError:
    """The error for an export that disagrees with its source."""
    other = "; try --precision float32" if precision == "int8" else ""
    return UsageError(f"model {name!r}: the export disagrees with open_clip: {found}{other}")
