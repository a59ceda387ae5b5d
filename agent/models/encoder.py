"""The two towers of a model package on ONNX Runtime: pictures and texts → unit embeddings."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from agent.errors import UsageError
from agent.models import anchors, objects
from agent.models.card import Detector, ImageInput
from agent.models.cleaning import cleaned
from agent.models.store import WEIGHTS, Package, open_package

Embeddings = NDArray[np.float32]
CONCEPTS = "concepts.npz"
_TEXTS = 32  # in one run: bounds the memory, costs no speed
_DETECTED = 9  # pictures, by the detector in one run: faster than in smaller ones
# Pictures in one run of the image tower: feature maps stay in the cache, and the first run is no
# slower; matrix products are the faster the larger they are.
_CONVOLUTIONS, _PRODUCTS = 3, 9


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
        at_once = _PRODUCTS if "image" in self.package.card.mapped else _CONVOLUTIONS
        parts = [
            self._run(self._image, ["embedding"], {"pixels": pixels[at : at + at_once]})[0]
            for at in range(0, len(pixels), at_once)
        ]
        return np.concatenate(parts)

    def embed_cells(self, picture: Image.Image) -> NDArray[np.float32]:
        """Shape (h, w, d): what each cell of a whole picture shows, not of unit length.

        Where pooling is an average, the mean over all cells, brought to unit length, is the
        picture's embedding (a class activation map: Zhou et al., 2016). Raises UsageError where
        the model has no cells.
        """
        (found,) = self._run(self._cells, ["cells"], {"pixels": self.whole(picture)})
        return np.asarray(found[0].transpose(1, 2, 0))

    def embed_objects(
        self, picture: Image.Image
    ) -> tuple[Embeddings, NDArray[np.float32], NDArray[np.float32]]:
        """The things in a picture: an embedding of each (k, d), and where each is (k, h, w).

        A thing's embedding is the mean of the cells that it covers; the third result are the
        cells, as `embed_cells` has them. Raises UsageError where the model tells no things apart.
        """
        cells = self.package.card.cells
        if cells is None or cells.objects is None:
            raise UsageError(f"model {self.package.name!r} tells no things of a picture apart")
        pixels = self.whole(picture)
        embedded, halfway = self._run(self._image, ["cells", "halfway"], {"pixels": pixels})
        (found,) = self._run(self._objects, ["objects"], {"halfway": halfway})
        masks = objects.grouped(1 / (1 + np.exp(-found[0, 0])), found[0, 1:])
        rows, cols = embedded.shape[2:]
        # Two by two cells half-way are one of the last feature map.
        coarse = masks.reshape(len(masks), rows, 2, cols, 2).mean(axis=(2, 4))
        summed = np.einsum("khw,dhw->kd", coarse, embedded[0])
        length = np.linalg.norm(summed, axis=1, keepdims=True)
        embeddings = np.asarray(summed / length, dtype=np.float32)
        return embeddings, masks, embedded[0].transpose(1, 2, 0)

    def whole(self, picture: Image.Image) -> NDArray[np.float32]:
        """Shape (1, 3, size, size): a whole picture as `embed_cells` takes it."""
        cells = self.package.card.cells
        if cells is None:
            raise UsageError(f"model {self.package.name!r} scores no cells of a picture")
        size = cells.size_px
        square = picture.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
        return _scaled(square, self.package.card.image)[None]

    def detect_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (n, k): the logit of each of the detector's things, wherever in a picture it is.

        From preprocessed pictures (n, 3, size, size). Raises UsageError where there is no detector.
        """
        self._card_of_detector()
        found = [
            self._run(self._detector, ["logits"], {"pixels": pixels[at : at + _DETECTED]})[0]
            for at in range(0, len(pixels), _DETECTED)
        ]
        return np.concatenate([logits.max(axis=1) for logits in found])

    def detect(self, picture: Image.Image) -> tuple[NDArray[np.float32], anchors.Boxes]:
        """What is where in a whole picture: logits (a, k) of the detector's things, boxes (a, 4).

        Raises UsageError where the model has no detector.
        """
        size = self._card_of_detector().picture_px
        feed = {"pixels": anchors.pixels([picture], size)}
        logits, offsets = self._run(self._detector, ["logits", "offsets"], feed)
        return logits[0], anchors.decoded(offsets[0], size)

    def _card_of_detector(self) -> Detector:
        detector = self.package.card.detector
        if detector is None:
            raise UsageError(f"model {self.package.name!r} has no detector")
        return detector

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """Shape (n, d): one unit embedding a text, taken as it is, without a template."""
        card = self.package.card
        if not texts:
            return np.zeros((0, card.embedding_size), dtype=np.float32)
        numbers = [self.tokens(text) for text in texts]
        # Short texts first: a batch is as long as its longest text.
        order = sorted(range(len(texts)), key=lambda index: len(numbers[index]))
        found = np.empty((len(texts), card.embedding_size), dtype=np.float32)
        for at in range(0, len(order), _TEXTS):
            some = order[at : at + _TEXTS]
            longest = card.context_length if card.text.padded else len(numbers[some[-1]])
            padding = [card.text.pad_id] * longest
            padded = [(numbers[index] + padding)[:longest] for index in some]
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
        """Token ids of a text with its start and end marks, cut to the context length."""
        card = self.package.card
        numbers: list[int] = self._tokenizer.encode(cleaned(text, card.text.cleaning)).ids
        length = card.context_length
        return numbers if len(numbers) <= length else [*numbers[: length - 1], numbers[-1]]

    def _run(
        self, session: Any, names: list[str], feed: dict[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        found: list[NDArray[np.float32]] = session.run(names, feed)
        return found

    @property
    def _image(self) -> Any:
        with self._lock:
            return self._image_session

    @property
    def _cells(self) -> Any:
        with self._lock:
            return self._cells_session

    @property
    def _text(self) -> Any:
        with self._lock:
            return self._text_session

    @property
    def _objects(self) -> Any:
        with self._lock:
            return self._objects_session

    @property
    def _detector(self) -> Any:
        with self._lock:
            return self._detector_session

    @cached_property
    def _detector_session(self) -> Any:
        return _session(self.package, "detector", self._threads)

    @cached_property
    def _objects_session(self) -> Any:
        return _session(self.package, "objects", self._threads)

    @cached_property
    def _image_session(self) -> Any:
        return _session(self.package, "image", self._threads)

    @cached_property
    def _cells_session(self) -> Any:
        if "cells.onnx" not in self.package.card.files:
            return self._image_session
        return _session(self.package, "cells", self._threads)

    @cached_property
    def _text_session(self) -> Any:
        return _session(self.package, "text", self._threads)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer  # only where a text is not known yet

        return Tokenizer.from_file(str(self.package.folder / "tokenizer.json"))


def load_encoder(model: str = "lite", *, threads: int | None = None) -> Encoder:
    """The encoder of a model package, by name or folder; see `open_package` for its errors.

    "torch:ARCH:PRETRAINED" and "torch:ARCH:CHECKPOINT" run the open_clip model itself, on CUDA
    where there is one.
    """
    if model.startswith("torch:"):
        from agent.models.torch_encoder import load_torch_encoder

        return load_torch_encoder(model.removeprefix("torch:"), threads=threads)
    return Encoder(open_package(model), threads=threads)


def _session(package: Package, graph: str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that wait for more work in vain take the processor from the session that runs next:
    # towers and detector, one after the other, take twice as long.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    weights = "image" if graph == "cells" else graph
    if weights in package.card.mapped:
        # The graph was optimised when it was made.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if weights + WEIGHTS in package.card.files:
        package.checked(weights + WEIGHTS)
    path = str(package.folder / f"{graph}.onnx")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


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
    scaled = np.empty((3, picture.height, picture.width), dtype=np.float32)
    pixels = np.asarray(picture)
    for channel, (mean, std) in enumerate(zip(image.mean, image.std, strict=True)):
        np.multiply(pixels[:, :, channel], np.float32(1 / (255 * std)), out=scaled[channel])
        scaled[channel] -= np.float32(mean / std)
    return scaled
