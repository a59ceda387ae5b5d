"""What `calibrate` adds to a model package: how one's own tiles look, label by label.

`calibration.npz` holds a row for each label: what to add to the logit that its words give a tile.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.errors import UsageError
from agent.models.card import CARD, Calibration, read_card, write_card
from agent.models.store import (
    CALIBRATION,
    PARTIAL,
    SHIPPED,
    Package,
    check_name,
    lock_path,
    models_folder,
    open_package,
    replace,
    sha256,
)


@dataclass(frozen=True, slots=True)
class Learnt:
    """How the tiles of one label are scored: margin(`scale`) + tile · `weights` (d,) + `bias`."""

    scale: float
    weights: NDArray[np.float32]
    bias: float


def load(package: Package) -> dict[str, Learnt]:
    """What a package has learnt, by concept; nothing where it was not calibrated."""
    if CALIBRATION not in package.card.files:
        return {}
    with np.load(package.folder / CALIBRATION, allow_pickle=False) as stored:
        rows = zip(*(stored[key] for key in ("names", "scales", "weights", "biases")), strict=True)
        return {
            str(name): Learnt(float(scale), weights, float(bias))
            for name, scale, weights, bias in rows
        }


def check_target(name: str) -> None:
    """Raise UsageError where a calibrated package can't be called `name`."""
    if check_name(name) == SHIPPED:
        raise UsageError(f"--name {name}: that one comes with captcha-agent; take another name")
    folder = models_folder() / name
    if (folder / CARD).is_file() and read_card(folder).calibration is None:
        raise UsageError(
            f"--name {name}: a prepared package has that name; take another one, or remove it with "
            f"`captcha-agent models remove {name}`"
        )


def write(base: Package, name: str, learnt: dict[str, Learnt], card: Calibration) -> Package:
    """Make the package `name` of `base` and what was learnt; one of that name is replaced.

    Labels that `base` was calibrated for and that were not learnt anew are kept.
    """
    from filelock import FileLock  # a score needs none

    check_target(name)
    partial = models_folder() / PARTIAL
    partial.mkdir(parents=True, exist_ok=True)
    with FileLock(lock_path(name)):
        made = partial / f"{name}.calibrated-{os.getpid()}"
        try:
            _fill(made, base, name, load(base) | learnt, card)
            replace(made, models_folder() / name)
        finally:
            shutil.rmtree(made, ignore_errors=True)  # where that was interrupted
    return open_package(name)


def _fill(
    made: Path, base: Package, name: str, learnt: dict[str, Learnt], calibration: Calibration
) -> None:
    made.mkdir()
    if former := base.card.calibration:
        pictures = former.pictures | calibration.pictures
        calibration = msgspec.structs.replace(calibration, pictures=pictures)
    for file in base.card.files:
        shutil.copy2(base.folder / file, made / file)
    _save(made / CALIBRATION, learnt)
    files = {**base.card.files, CALIBRATION: sha256(made / CALIBRATION)}
    changes = {"name": name, "files": files, "calibration": calibration}
    write_card(made, msgspec.structs.replace(base.card, **changes))


def _save(path: Path, learnt: dict[str, Learnt]) -> None:
    np.savez(
        path,
        names=np.array(list(learnt)),
        scales=np.array([one.scale for one in learnt.values()]),
        weights=np.stack([one.weights for one in learnt.values()]).astype(np.float32),
        biases=np.array([one.bias for one in learnt.values()]),
    )
