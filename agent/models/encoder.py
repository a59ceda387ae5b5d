"""The two towers of a model package on ONNX Runtime: pictures and texts → unit embeddings."""

from __future__ import annotations

import html
import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from agent.errors import UsageError
from agent.models import objects
from agent.models.store import ImageInput, Package, open_package

Embeddings = NDArray[np.float32]
CONCEPTS = "concepts.npz"
_BATCH = 32  # pictures or texts in one run: bounds the memory, costs no speed

# What open_clip's clean-up (ftfy) does to the punctuation that pages use.
_PLAIN_PUNCTUATION = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"',
})  # fmt: skip


class Encoder:
    """Embeds pictures and texts. The towers load on first use; threads may share it."""

    def __init__(self, package: Package, *, threads: int | None = None) -> None:
        self.package = package
        self._threads = threads or len(_own_cores())
        self._lock = threading.Lock()

    def embed_images(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """Shape (n, d): one unit embedding a picture."""
        if not pictures:
            return np.zeros((0, self.package.card.embedding_size), dtype=np.float32)
        image = self.package.card.image
        return self.embed_pixels(np.stack([preprocessed(picture, image) for picture in pictures]))

    def embed_pixels(self, pixels: NDArray[np.float32]) -> Embeddings:
        """Shape (n, d), from preprocessed pictures (n, 3, size, size)."""
        parts = [
            self._run(self._image, ["embedding"], {"pixels": pixels[at : at + _BATCH]})[0]
            for at in range(0, len(pixels), _BATCH)
        ]
        return np.concatenate(parts)

    def embed_cells(self, picture: Image.Image) -> NDArray[np.float32]:
        """Shape (h, w, d): what each cell of a whole picture shows, not of unit length.

        The mean over all cells, brought to unit length, is the picture's embedding (a class
        activation map: Zhou et al., 2016). Raises UsageError where the model has no cells.
        """
        cells = self.package.card.cells
        if cells is None:
            raise UsageError(f"model {self.package.name!r} scores no cells of a picture")
        pixels = self._whole(picture, cells.size_px)
        (found,) = self._run(self._image, ["cells"], {"pixels": pixels})
        return np.asarray(found[0].transpose(1, 2, 0))

    def embed_objects(self, picture: Image.Image) -> tuple[Embeddings, NDArray[np.float32]]:
        """The things in a picture: an embedding of each (k, d), and where each is (k, h, w).

        A thing's embedding is the mean of the cells that it covers. Raises UsageError where the
        model tells no things apart.
        """
        cells = self.package.card.cells
        if cells is None or cells.objects is None:
            raise UsageError(f"model {self.package.name!r} tells no things of a picture apart")
        pixels = self._whole(picture, cells.size_px)
        embedded, halfway = self._run(self._image, ["cells", "halfway"], {"pixels": pixels})
        (found,) = self._run(self._objects, ["objects"], {"halfway": halfway})
        masks = objects.grouped(1 / (1 + np.exp(-found[0, 0])), found[0, 1:])
        rows, cols = embedded.shape[2:]
        # Two by two cells half-way are one of the last feature map.
        coarse = masks.reshape(len(masks), rows, 2, cols, 2).mean(axis=(2, 4))
        summed = np.einsum("khw,dhw->kd", coarse, embedded[0])
        length = np.linalg.norm(summed, axis=1, keepdims=True)
        return np.asarray(summed / length, dtype=np.float32), masks

    def _whole(self, picture: Image.Image, size: int) -> NDArray[np.float32]:
        square = picture.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
        return _scaled(square, self.package.card.image)[None]

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """Shape (n, d): one unit embedding a text, taken as it is, without a template."""
        if not texts:
            return np.zeros((0, self.package.card.embedding_size), dtype=np.float32)
        numbers = [self.tokens(text) for text in texts]
        # Short texts first: a batch is as long as its longest text.
        order = sorted(range(len(texts)), key=lambda index: len(numbers[index]))
        found = np.empty((len(texts), self.package.card.embedding_size), dtype=np.float32)
        for at in range(0, len(order), _BATCH):
            some = order[at : at + _BATCH]
            longest = len(numbers[some[-1]])
            padded = [numbers[index] + [0] * (longest - len(numbers[index])) for index in some]
            feed = {"tokens": np.array(padded, dtype=np.int64)}
            found[some] = self._run(self._text, ["embedding"], feed)[0]
        return found

    def known_concepts(self) -> dict[str, NDArray[np.float32]]:
        """Embeddings (d,) of concepts' names in the package's templates, made with the package.

        With them the text tower need not even be loaded for everyday words.
        """
        path = self.package.folder / CONCEPTS
        if CONCEPTS not in self.package.card.files:
            return {}
        with np.load(path, allow_pickle=False) as stored:
            embeddings = stored["embeddings"].astype(np.float32)
            return dict(zip(stored["names"].tolist(), embeddings, strict=True))

    def tokens(self, text: str) -> list[int]:
        """CLIP's token ids of a text with its start and end marks, cut to the context length."""
        plain = html.unescape(html.unescape(text)).translate(_PLAIN_PUNCTUATION).strip()
        numbers: list[int] = self._tokenizer.encode(plain).ids
        length = self.package.card.context_length
        return numbers if len(numbers) <= length else [*numbers[: length - 1], numbers[-1]]

    def _run(
        self, session: onnxruntime.InferenceSession, names: list[str], feed: dict[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        found: list[NDArray[np.float32]] = session.run(names, feed)
        return found

    @property
    def _image(self) -> onnxruntime.InferenceSession:
        with self._lock:
            return self._image_session

    @property
    def _text(self) -> onnxruntime.InferenceSession:
        with self._lock:
            return self._text_session

    @property
    def _objects(self) -> onnxruntime.InferenceSession:
        with self._lock:
            return self._objects_session

    @cached_property
    def _objects_session(self) -> onnxruntime.InferenceSession:
        return _session(self.package.folder / "objects.onnx", self._threads)

    @cached_property
    def _image_session(self) -> onnxruntime.InferenceSession:
        return _session(self.package.folder / "image.onnx", self._threads)

    @cached_property
    def _text_session(self) -> onnxruntime.InferenceSession:
        return _session(self.package.folder / "text.onnx", self._threads)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer  # only where a text is not known yet

        return Tokenizer.from_file(str(self.package.folder / "tokenizer.json"))


def load_encoder(model: str = "lite", *, threads: int | None = None) -> Encoder:
    """The encoder of a model package, by name or folder; see `open_package` for its errors."""
    return Encoder(open_package(model), threads=threads)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _own_cores() -> Sequence[int]:
    """The cores that this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return range(os.cpu_count() or 1)


def preprocessed(picture: Image.Image, image: ImageInput) -> NDArray[np.float32]:
    """Shape (3, size, size): resized, cropped and normalised as open_clip's transform does it."""
    filters = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
    picture, size = picture.convert("RGB"), image.size_px
    if image.resize_mode == "squash":
        return _scaled(picture.resize((size, size), filters[image.interpolation]), image)
    width, height = picture.size
    short = min(width, height)
    scaled = (int(size * width / short), int(size * height / short))
    picture = picture.resize(scaled, filters[image.interpolation])
    left, top = round((scaled[0] - size) / 2), round((scaled[1] - size) / 2)
    return _scaled(picture.crop((left, top, left + size, top + size)), image)


def _scaled(picture: Image.Image, image: ImageInput) -> NDArray[np.float32]:
    pixels = np.asarray(picture, dtype=np.float32) / 255
    normalised = (pixels - np.array(image.mean)) / np.array(image.std)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1), dtype=np.float32)
