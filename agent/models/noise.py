"""Takes noise and JPEG's blocks off pictures: models that tell clean photographs well lose most by
them.

Sliding blocks lose what is below the noise in their cosine transforms (Yu and Sapiro, "DCT image
denoising", IPOL 2011), each weighted by how little of it is left, in opponent colours (both as in
BM3D: Dabov et al., 2007). How strong the noise is tells the median of the highest frequencies
(Donoho and Johnstone, 1994).
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[np.float32]

GRAPH = Path(__file__).with_name("noise.onnx")

SIDE, STEP = 8, 4  # pixels: of a block, from one block to the next
_LEAST = 3.0  # grey levels: photographs that are called clean have up to 2.3
_LEAST_COARSE = 13.0  # the same of noise that was smoothed since: one clean photograph in a hundred
_QUIETEST = 12  # per cent of the blocks
_ENOUGH = 100  # blocks, to tell by
_FEW = 64  # blocks in one product
_BELOW = 2.7  # deviations of the noise: what is smaller in a block's transform is taken for noise
_BLOCKY = 0.3  # clean photographs reach that; of JPEG's quality 18 nine in ten exceed it
_OF_BLOCKS = 8.0  # grey levels: the noise that their edges are
_FLAT = 0.05  # grey levels: so little changes in a drawing from pixel to pixel
_MOST_PX = 480  # shorter side: larger pictures lose what models do not see of them anyway


def _transform() -> Values:
    """The cosine transform (64, 64) of a block, row by row."""
    place = np.arange(SIDE)
    waves = np.cos(np.pi * (2 * place + 1) * place[:, None] / (2 * SIDE)) * np.sqrt(2 / SIDE)
    waves[0] /= np.sqrt(2)
    return np.kron(waves, waves).astype(np.float32)


WAVES = _transform()
_HIGHEST = [row * SIDE + col for row in range(5, SIDE) for col in range(5, SIDE)]
_MIDDLE = [row * SIDE + col for row in range(5) for col in range(5) if max(row, col) >= 3]
_TELLING = [*_HIGHEST, *_MIDDLE]
# Brightness and two differences of colours, each of unit length: noise stays as strong.
OPPONENT = np.array(
    [[1 / 3**0.5] * 3, [1 / 2**0.5, 0, -1 / 2**0.5], [1 / 6**0.5, -2 / 6**0.5, 1 / 6**0.5]],
    dtype=np.float32,
)


def deviation(pixels: Values) -> float:
    """The standard deviation of the noise in a picture (h, w, 3), in grey levels.

    0 for one that is smaller than a block. Noise that was smoothed since is not seen.
    """
    return _deviation(_waves(_apart(pixels), _HIGHEST))


def _deviation(highest: Values) -> float:
    return float(np.median(np.abs(highest)) / 0.6745) if len(highest) else 0.0


def spectrum(pixels: Values) -> Values:
    """The standard deviation of the noise in each frequency (64,), as the quietest blocks show it.

    Of noise that was smoothed since, too: by a picture's scaling, or by JPEG. Too much where a
    picture has no quiet part, 0 for one that is smaller than a block.
    """
    blocks = _apart(pixels)
    return _spectrum(blocks, _waves(blocks, _MIDDLE))


def _spectrum(blocks: Values, middle: Values) -> Values:
    if not len(blocks):
        return np.zeros(SIDE**2, dtype=np.float32)
    loud = np.square(middle).reshape(len(blocks) // 3, -1).mean(axis=1)
    quiet = np.repeat(loud <= np.percentile(loud, _QUIETEST), 3)
    found = np.square(_waves(blocks[quiet], list(range(SIDE**2)))).mean(axis=0)
    return np.asarray(np.sqrt(found), dtype=np.float32)


def _apart(pixels: Values) -> Values:
    """Blocks of a picture that do not overlap, of each colour (n * 3, 64): all or enough."""
    height, width = (length // SIDE for length in pixels.shape[:2])
    blocks = pixels[: height * SIDE, : width * SIDE].reshape(height, SIDE, width, SIDE, 3)
    each = blocks.transpose(0, 2, 4, 1, 3).reshape(-1, 3, SIDE**2)
    return each[:: max(1, len(each) // _ENOUGH)].reshape(-1, SIDE**2)


def _waves(blocks: Values, wanted: list[int]) -> Values:
    """The wanted ones of the 64 frequencies of blocks (n, 64): shape (n, wanted).

    Few blocks at a time: a larger product would start threads that are still in the way when the
    model runs.
    """
    waves = WAVES[wanted].T
    found = np.empty((len(blocks), len(wanted)), dtype=np.float32)
    for at in range(0, len(blocks), _FEW):
        np.matmul(blocks[at : at + _FEW], waves, out=found[at : at + _FEW])
    return found


def blockiness(pixels: Values) -> float:
    """How much a picture (h, w, 3) changes more from block to block than within blocks.

    Blocks of eight pixels, as JPEG has them, wherever the first begins; across or down, whichever
    shows it less. 0 for a small picture.
    """
    green = np.ascontiguousarray(pixels[:, :, 1])
    found = []
    for steps in (
        np.abs(np.diff(green, axis=1)).mean(axis=0),
        np.abs(np.diff(green, axis=0)).mean(axis=1),
    ):
        rows = len(steps) // SIDE
        if rows < 2:
            return 0.0
        *within, second, most = np.sort(np.median(steps[: rows * SIDE].reshape(rows, -1), axis=0))
        found.append((most - second) / (np.mean([*within, second]) + _FLAT))
    return float(min(found))


def denoised(picture: Image.Image) -> Image.Image:
    """The picture without its noise and blocks, in RGB; the same picture where they hardly show."""
    colours = picture.convert("RGB")
    smaller = min(colours.size) // _MOST_PX + 1
    pixels = np.asarray(colours.reduce(smaller) if smaller > 1 else colours)
    noise = _noise(pixels.astype(np.float32))
    if noise is None:
        return picture
    clean = Image.fromarray(_smoothed(pixels, noise))
    return clean if smaller == 1 else clean.resize(colours.size, Image.Resampling.BICUBIC)


def _noise(pixels: Values) -> Values | None:
    """What is taken for noise: its deviation in each frequency (64,); None where there is hardly
    any.
    """
    blocks = _apart(pixels)
    waves = _waves(blocks, _TELLING)
    highest, middle = waves[:, : len(_HIGHEST)], waves[:, len(_HIGHEST) :]
    white = _deviation(highest)
    if blockiness(pixels) > _BLOCKY:
        white = max(white, _OF_BLOCKS)
    coarse = _spectrum(blocks, middle)
    loudness = float(np.sqrt(np.square(coarse[_MIDDLE]).mean()))
    if loudness >= _LEAST_COARSE and white < loudness / 2:
        return coarse
    return np.full(SIDE**2, white, dtype=np.float32) if white >= _LEAST else None


def _smoothed(pixels: NDArray[np.uint8], noise: Values) -> NDArray[np.uint8]:
    """A picture (h, w, 3) without what is below the noise (64,) in blocks that overlap by half."""
    height, width = pixels.shape[:2]
    down, across = (-(-length // SIDE) * SIDE + SIDE - length for length in (height, width))
    wide = np.pad(pixels, ((STEP, down), (STEP, across), (0, 0)), mode="symmetric")
    limits = _BELOW * noise
    limits[0] = -1  # the mean of a block stays
    (found,) = _graph().run(None, {"pixels": wide[None], "limits": limits})
    return np.asarray(found[0, STEP : STEP + height, STEP : STEP + width])


@functools.cache
def _graph() -> onnxruntime.InferenceSession:
    """What `noise_graph.py` has made. One thread: its others would be in the model's way."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])
