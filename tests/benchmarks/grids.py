"""How often the segmenter finds every tile of a grid, with intervals, by what the pictures show.

    python -m tests.benchmarks.grids [--pictures N] [--first SEED] [--photos FOLDER]

The pictures are those of `tests/grid_pictures/`; with `--photos`, made of photographs (JPEG)
instead of the project's drawings. A grid is right where every tile has an IoU of 0.95 or more.
Seeds 0 to 5999 and 30000 to 30999 are those that the segmenter's numbers were chosen on; of
40000 to 41199 the missed ones were looked at since.

Counted apart: pictures that show no grid at all, and photographs that are cut where nothing shows
it. Of these the confidence has to be low; with rows and columns given, all parts are right still.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from agent.segmenter import split
from tests import grid_pictures
from tests.benchmarks.measures import calibration_error, rate, reliability
from tests.grid_pictures.photographs import use_photographs

LEAST_IOU = 0.95
PLAIN = 300  # pictures without a grid
TIMED, SIDE_PX, RUNS = 40, 800, 5


def main() -> None:
    """Split all pictures, print shares by feature, confidence and time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2400)
    parser.add_argument("--first", type=int, default=10_000, help="seed of the first picture")
    parser.add_argument("--photos", type=Path, help="a folder of photographs to make grids of")
    given = parser.parse_args()
    if given.photos:
        use_photographs(given.photos)
    seeds = range(given.first, given.first + given.pictures)
    confidences, right = _grids(seeds)
    plain = [split(grid_pictures.without_grid(seed)).confidence for seed in seeds[:PLAIN]]
    print("\nconfidence, share right, pictures (those without a grid are never right)")
    everything = [*confidences, *plain], [*right, *[False] * len(plain)]
    for sure, share, n in reliability(*everything):
        print(f"  {sure:.2f}  {share:.3f}  {n:5}")
    print(f"calibration error {calibration_error(*everything):.3f}")
    print(f"without a grid, confidence below 0.5: {rate([sure < 0.5 for sure in plain])}")
    _continuous(seeds[:PLAIN])
    _times(seeds[:TIMED])


def _grids(seeds: Sequence[int]) -> tuple[list[float], list[bool]]:
    """The confidence in each grid and whether it is right; prints shares and the seeds missed."""
    confidences, right, wrong = list[float](), list[bool](), list[int]()
    by_feature: dict[str, list[bool]] = defaultdict(list)
    for seed in seeds:
        example = grid_pictures.example(seed)
        grid = split(example.picture)
        found = grid_pictures.least_iou(grid, example.boxes) >= LEAST_IOU
        confidences.append(grid.confidence)
        right.append(found)
        wrong += [] if found else [seed]
        for feature in ("all", *example.features):
            by_feature[feature].append(found)
    for feature, each in sorted(by_feature.items()):
        print(f"{feature:<30} {rate(each)}")
    print(f"seeds missed: {wrong}")
    return confidences, right


def _continuous(seeds: Sequence[int]) -> None:
    """One photograph in parts that touch: what is said of it without and with their number."""
    unsure, told = [], []
    for seed in seeds:
        example = grid_pictures.continuous(seed)
        unsure.append(split(example.picture).confidence < 0.5)
        grid = split(example.picture, rows=example.look.rows, cols=example.look.cols)
        told.append(grid_pictures.least_iou(grid, example.boxes) >= LEAST_IOU)
    print(f"one photograph without lines, confidence below 0.5: {rate(unsure)}")
    print(f"  with its rows and columns given, every tile right: {rate(told)}")


def _times(seeds: Sequence[int]) -> None:
    """Processor time of a split at 800 x 800 pixels: of each picture the fastest of some runs."""
    fastest = []
    for seed in seeds:
        picture = grid_pictures.example(seed).picture.resize(
            (SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR
        )
        runs = []
        for _ in range(RUNS):
            start = time.process_time()
            split(picture)
            runs.append(time.process_time() - start)
        fastest.append(min(runs) * 1000)
    middle, late = np.quantile(fastest, (0.5, 0.95))
    print(
        f"{SIDE_PX} x {SIDE_PX}: median {middle:.1f} ms, 95 % below {late:.1f} ms, n={len(seeds)}"
    )


if __name__ == "__main__":
    main()
