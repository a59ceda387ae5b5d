"""Takes noise and JPEG's blocks off pictures: models that tell clean photographs well lose most by
them.

Sliding blocks lose what is below the noise in their cosine transforms (Yu and Sapiro, "DCT image
denoising", IPOL 2011), each weighted by how little of it is left, in opponent colours (both as in
BM3D: Dabov et al., 2007). How strong the noise is tells the median of the highest frequencies
(Donoho and Johnstone, 1994).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[np.float32]

_SIDE, _STEP = 8, 4  # pixels: of a block, from one block to the next
_LEAST = 3.0  # grey levels: photographs that are called clean have up to 2.3
_BELOW = 2.7  # deviations of the noise: what is smaller in a block's transform is taken for noise
_BLOCKY = (
    0.3  # clean photographs reach that, those of JPEG's quality 18 exceed it nine times in ten
)
_OF_BLOCKS = 8.0  # grey levels: the noise that their edges are
_FLAT = 0.05  # grey levels: so little changes in a drawing from pixel to pixel
_MOST_PX = 480  # shorter side: larger pictures lose what models do not see of them anyway


def _transform() -> Values:
    """The cosine transform (64, 64) of a block, row by row."""
    place = np.arange(_SIDE)
    waves = np.cos(np.pi * (2 * place + 1) * place[:, None] / (2 * _SIDE)) * np.sqrt(2 / _SIDE)
    waves[0] /= np.sqrt(2)
    return np.kron(waves, waves).astype(np.float32)


_WAVES = _transform()
_HIGHEST = [row * _SIDE + col for row in range(5, _SIDE) for col in range(5, _SIDE)]
# Brightness and two differences of colours, each of unit length: noise stays as strong.
_OPPONENT = np.array(
    [[1 / 3**0.5] * 3, [1 / 2**0.5, 0, -1 / 2**0.5], [1 / 6**0.5, -2 / 6**0.5, 1 / 6**0.5]],
    dtype=np.float32,
)


def deviation(pixels: Values) -> float:
    """The standard deviation of the noise in a picture (h, w, 3), in grey levels.

    0 for one that is smaller than a block. Noise that was smoothed since is not seen.
    """
    height, width = (length // _SIDE for length in pixels.shape[:2])
    if not height or not width:
        return 0.0
    blocks = pixels[: height * _SIDE, : width * _SIDE].reshape(height, _SIDE, width, _SIDE, 3)
    # Not as a product of matrices: the threads of that would be in the way of the model's.
    each = blocks.transpose(0, 2, 4, 1, 3).reshape(-1, _SIDE**2)
    highest = np.einsum("bp,wp->bw", each, _WAVES[_HIGHEST])
    return float(np.median(np.abs(highest)) / 0.6745)


def blockiness(pixels: Values) -> float:
    """How much a picture (h, w, 3) changes more from block to block than within blocks.

    Blocks of eight pixels, as JPEG has them, wherever the first begins; across or down, whichever
    shows it less. 0 for a small picture.
    """
    grey = pixels.mean(axis=2)
    found = []
    for steps in (
        np.abs(np.diff(grey, axis=1)).mean(axis=0),
        np.abs(np.diff(grey, axis=0)).mean(axis=1),
    ):
        rows = len(steps) // _SIDE
        if rows < 2:
            return 0.0
        *within, second, most = np.sort(np.median(steps[: rows * _SIDE].reshape(rows, -1), axis=0))
        found.append((most - second) / (np.mean([*within, second]) + _FLAT))
    return float(min(found))


def denoised(picture: Image.Image) -> Image.Image:
    """The picture without its noise and blocks, in RGB; the same picture where they hardly show."""
    colours = picture.convert("RGB")
    pixels = np.asarray(colours, dtype=np.float32)
    blocky = blockiness(pixels) > _BLOCKY
    if not blocky and deviation(pixels) < _LEAST:
        return picture
    smaller = min(colours.size) // _MOST_PX + 1
    if smaller > 1:
        pixels = np.asarray(colours.reduce(smaller), dtype=np.float32)
    found = deviation(pixels)
    clean = Image.fromarray(_smoothed(pixels, max(found, _OF_BLOCKS) if blocky else found))
    return clean if smaller == 1 else clean.resize(colours.size, Image.Resampling.BICUBIC)


def _smoothed(pixels: Values, noise: float) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    edge = _SIDE - 1
    around = ((edge, edge + _SIDE), (edge, edge + _SIDE), (0, 0))
    wide = np.pad(pixels @ _OPPONENT.T, around, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(wide, (_SIDE, _SIDE), axis=(0, 1))
    windows = windows[::_STEP, ::_STEP]
    rows, cols = windows.shape[:2]
    waves = windows.reshape(-1, _SIDE**2) @ _WAVES.T
    kept = np.abs(waves) > _BELOW * noise
    kept[:, 0] = True  # the mean of a block
    weights = 1 / kept.sum(axis=1, keepdims=True, dtype=np.float32)
    blocks = (waves * kept @ _WAVES * weights).reshape(rows, cols, 3, _SIDE, _SIDE)
    weights = weights.reshape(rows, cols, 3)
    summed = np.zeros((rows * _STEP + _SIDE, cols * _STEP + _SIDE, 3), dtype=np.float32)
    total = np.zeros_like(summed)
    for row in range(_SIDE):
        for col in range(_SIDE):
            place = np.s_[row : row + rows * _STEP : _STEP, col : col + cols * _STEP : _STEP]
            summed[place] += blocks[:, :, :, row, col]
            total[place] += weights
    inner = np.s_[edge : edge + height, edge : edge + width]
    clean = summed[inner] / total[inner] @ _OPPONENT
    return np.clip(np.round(clean), 0, 255).astype(np.uint8)
