"""The pool of training pictures: drawn once, kept in files, read by memory map."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.data import Pixels
from agent.models.lite import compose
from agent.models.lite.cutouts import Cutout

TILE_PX, MOST_DRAWINGS = 192, 8
_CHUNK = 250


@dataclass(frozen=True, slots=True)
class Pool:
    """Tiles (n, 192, 192, 3) with the drawing each shows (n,); parts of photographs (p, 192, 192, 3)
    that show nothing known; scenes (m, size, size, 3) with the
    drawings in each (m, 8), -1 where there are fewer, and their shares of each cell of 16 x 16
    pixels (m, 8, size / 16, size / 16), in 255ths.
    """

    tiles: Pixels
    shown: NDArray[np.int64]
    photos: Pixels
    scenes: Pixels
    present: NDArray[np.int64]
    shares: NDArray[np.uint8]


def make(
    cutouts: Sequence[Cutout],
    folder: Path,
    *,
    photographs: Sequence[Pixels] = (),
    tiles: int = 0,
    photos: int = 0,
    scenes: int,
    scene_px: int,
    workers: int,
) -> Pool:
    """Draw the pool, each picture from a seed of its own, so that any number of workers agree.

    One that lies whole in `folder` is taken as it is.
    """
    whole = folder / "whole"
    if whole.exists():
        return load(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cells = scene_px // compose.CELL_PX
    shapes = {
        "tiles": ((tiles, TILE_PX, TILE_PX, 3), np.uint8),
        "shown": ((tiles,), np.int64),
        "photos": ((photos, TILE_PX, TILE_PX, 3), np.uint8),
        "scenes": ((scenes, scene_px, scene_px, 3), np.uint8),
        "present": ((scenes, MOST_DRAWINGS), np.int64),
        "shares": ((scenes, MOST_DRAWINGS, cells, cells), np.uint8),
    }
    for name, (shape, kind) in shapes.items():
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)
    jobs = [
        (what, at, min(at + _CHUNK, count))
        for what, count in (("tiles", tiles), ("photos", photos), ("scenes", scenes))
        for at in range(0, count, _CHUNK)
    ]
    given = (list(cutouts), list(photographs), folder)
    # A fork of a process that has threads (a model's, a browser's) may hang for ever.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=_start, initargs=given) as pool:
        for _ in pool.map(_draw, jobs):
            pass
    whole.touch()
    return load(folder)


def load(folder: Path) -> Pool:
    """A pool that was made before."""
    names = ("tiles", "shown", "photos", "scenes", "present", "shares")
    return Pool(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in names))


_state: tuple[list[Cutout], list[Pixels], Path]


def _start(cutouts: list[Cutout], photographs: list[Pixels], folder: Path) -> None:
    global _state  # noqa: PLW0603 - a worker process has no other place for what it is given once
    _state = (cutouts, photographs, folder)


def _draw(job: tuple[str, int, int]) -> None:
    cutouts, photographs, folder = _state
    what, start, stop = job
    files = {path.stem: np.load(path, mmap_mode="r+") for path in folder.glob("*.npy")}
    for number in range(start, stop):
        random = np.random.default_rng([("tiles", "scenes", "photos").index(what), number])
        if what == "tiles":
            shown = int(random.integers(len(cutouts)))
            picture = compose.tile(TILE_PX, cutouts[shown], random)
            files["tiles"][number], files["shown"][number] = np.asarray(picture), shown
        elif what == "photos":
            photograph = photographs[int(random.integers(len(photographs)))]
            files["photos"][number] = np.asarray(compose.crop(TILE_PX, photograph, random))
        else:
            _draw_scene(cutouts, files, number, random)


def _draw_scene(
    cutouts: Sequence[Cutout], files: dict[str, Any], number: int, random: compose.Random
) -> None:
    chosen = random.choice(len(cutouts), int(random.integers(2, MOST_DRAWINGS + 1)), replace=False)
    size = files["scenes"].shape[1]
    picture, shares = compose.scene(size, [cutouts[i] for i in chosen], random)
    files["scenes"][number] = np.asarray(picture)
    files["present"][number] = np.pad(chosen, (0, MOST_DRAWINGS - len(chosen)), constant_values=-1)
    files["shares"][number, : len(chosen)] = np.round(shares * 255)
