"""Looks at tiles that are remembered: one that was seen before is not looked at again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent.models.card import ImageInput
from agent.models.encoder import preprocessed
from agent.models.noise import denoised

_MOST = 1024  # tiles, a kilobyte each


class Tile:
    """A picture that several looks are taken at: it is made ready for them once."""

    def __init__(self, picture: Image.Image, image: ImageInput) -> None:
        self._picture, self._image = picture, image

    @cached_property
    def fingerprint(self) -> bytes:
        """The same for pictures that are the same, pixel by pixel."""
        size = f"{self._picture.mode}{self._picture.size}".encode()
        return hashlib.blake2b(self._picture.tobytes(), digest_size=16, key=size[:64]).digest()

    @cached_property
    def pixels(self) -> NDArray[np.float32]:
        """Shape (3, size, size): without noise, as the image tower takes it."""
        return preprocessed(denoised(self._picture), self._image)


Look = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Of the pixels of n tiles (n, 3, size, size) what each shows: shape (n, d)."""


class Remembered:
    """A look that remembers the tiles that it saw last. Safe to share by threads."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._seen: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()

    def __call__(self, tiles: Sequence[Tile]) -> NDArray[np.float32]:
        """Shape (n, d): what each of the tiles, at least one, shows."""
        keys = [tile.fingerprint for tile in tiles]
        with self._lock:
            known = {key: self._seen[key] for key in keys if key in self._seen}
        new = {key: tile for key, tile in zip(keys, tiles, strict=True) if key not in known}
        if new:
            found = self._look(np.stack([tile.pixels for tile in new.values()]))
            known |= dict(zip(new, found, strict=True))
        with self._lock:
            for key in keys:
                self._seen[key] = known[key]
                self._seen.move_to_end(key)
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)
        return np.stack([known[key] for key in keys])
