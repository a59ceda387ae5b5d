"""A few photographs, free to use, from packages that carry them as sample data.

Small parts of them stand for what photographs look like, see `image_tower.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from agent.data import Pixels

# CC0 or in the public domain, as scikit-image's docstrings say; CC-BY 2.0 (danielbuechele, vultilion).
FILES = {
    "scikit-image": [
        "skimage/data/" + name
        for name in ("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png",
                     "grass.png", "gravel.png", "rocket.jpg")
    ],
    "scikit-learn": ["sklearn/datasets/images/" + name for name in ("china.jpg", "flower.jpg")],
}  # fmt: skip


def load(folders: dict[str, Path]) -> list[Pixels]:
    """The photographs, each (h, w, 3), in a fixed order."""
    paths = [folders[package] / name for package, names in FILES.items() for name in names]
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]
