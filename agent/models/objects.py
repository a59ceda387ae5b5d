"""Where the things in a picture are, whatever they are: cells that vote for one centre are one
thing.

A small network says for each cell how likely it is foreground, and where the centre of the thing
that it belongs to lies (as Panoptic-DeepLab does it: Cheng et al., 2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LIKELY = 0.35  # less likely foreground votes for nothing
_BLUR, _REACH = 0.05, 0.11  # of the votes around a centre, in shares of the picture's width
_LEAST_CELLS = 4  # a thing with fewer is none


def grouped(foreground: NDArray[np.float32], offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Masks (k, h, w) of things: how likely each cell belongs to each, the largest cluster first.

    `foreground` (h, w) are probabilities; `offsets` (2, h, w) lead from each cell to the centre of
    its thing, across and down, in shares of the picture's width and height.
    """
    height, width = foreground.shape
    across = (np.arange(width) + 0.5) / width + offsets[0]
    down = ((np.arange(height) + 0.5) / height)[:, None] + offsets[1]
    votes = np.stack([across, down], axis=-1).reshape(-1, 2)
    weights = np.where(foreground > _LIKELY, foreground, 0).ravel()
    near = np.exp(-((votes[:, None] - votes) ** 2).sum(axis=2) / 2 / _BLUR**2)
    left = weights > 0
    masks = []
    while left.any():
        peak = int(np.argmax(np.where(left, near @ (weights * left), -1)))
        pull = near[peak] * weights * left
        center = (votes * pull[:, None]).sum(axis=0) / pull.sum()
        own = left & (((votes - center) ** 2).sum(axis=1) < _REACH**2)
        own[peak] = True
        mask = np.where(own, weights, 0)
        if mask.sum() >= _LEAST_CELLS:
            masks.append(mask.reshape(height, width))
        left &= ~own
    return np.asarray(masks, dtype=np.float32).reshape(-1, height, width)
