"""Pixels → how plainly a line runs at each position: the evidence that tiles begin or end there.

A line between tiles is a step of colour that is straight along the whole grid. Pixels are averaged
in short strips along the line, which removes noise and texture but no line; then each step is
compared with those around it, so that a faint line in a smooth picture counts as much as a strong
one in a busy picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent.data import Pixels

Profile = NDArray[np.float32]
"""Evidence in [0, 1] at each boundary between two lines of pixels, shape (length + 1,)."""

Spans = tuple[tuple[int, int], ...]
"""(start, stop) of each tile of a row or column, in pixels."""

_STRIPS = 100  # at least so many across the picture where it has the pixels
_LONGEST_STRIP_PX = 8
_AROUND_PX = 12  # how far a step's surroundings reach to either side
_FAINTEST = 1.5  # grey levels: what rounding and JPEG make of a plain surface
_PLAIN = 3.0  # times its surroundings: a step that could not be plainer
_LEAST_USUAL = 0.2  # evidence at lines: below it, where they run is anybody's guess
_ABSENT, _PRESENT = 0.1, 0.3  # shares of the usual evidence


@dataclass(frozen=True, slots=True)
class Edges:
    """Evidence of lines across one axis of a picture.

    `steps` (strips, length + 1) are the differences at each boundary in grey levels, `sums`
    (strips + 1, length + 1) the evidence added up over the strips, each `strip_px` wide.
    """

    steps: NDArray[np.float32]
    sums: NDArray[np.float32]
    strip_px: int

    @property
    def length_px(self) -> int:
        """The length of the axis."""
        return int(self.sums.shape[1]) - 1

    def profile(self, start_px: float, stop_px: float) -> Profile:
        """The mean evidence over the strips from `start_px` to `stop_px` of the other axis."""
        first, last = self._strips(start_px, stop_px)
        return np.asarray((self.sums[last] - self.sums[first]) / np.float32(last - first))

    def crests(self, start_px: float, stop_px: float) -> Profile:
        """As `profile`, but 0 next to a larger step: a blurred line counts where it is steepest."""
        first, last = self._strips(start_px, stop_px)
        step = self.steps[first:last].mean(axis=0)
        crest = np.zeros(len(step), dtype=np.bool_)
        crest[1:-1] = (step[1:-1] >= step[:-2]) & (step[1:-1] >= step[2:])
        return np.where(crest, self.profile(start_px, stop_px), np.float32(0))

    def inside(self, spans: Spans, size_px: int) -> NDArray[np.float32]:
        """Where the lines at the edges of `spans` run, added up: beside tiles, but not in gaps.

        Shape (size_px + 1,), `size_px` being the length of the other axis.
        """
        inner = [edge for span in spans for edge in span if 1 < edge < self.length_px - 1]
        if not inner:
            return np.arange(size_px + 1, dtype=np.float32)
        evidence = widened(np.diff(self.sums, axis=0), inner).mean(axis=1)
        usual = max(float(np.quantile(evidence, 0.75)), _LEAST_USUAL)
        present = np.clip((evidence / usual - _ABSENT) / (_PRESENT - _ABSENT), 0, 1)
        each = np.repeat(present, self.strip_px)[:size_px]
        each = np.pad(each, (0, size_px - len(each)), mode="edge")
        return np.concatenate([[0], np.cumsum(each)]).astype(np.float32)

    def sides(self, spans: Spans, others: Spans) -> NDArray[np.float32]:
        """The evidence at the edges of `spans` beside each tile of the other axis.

        Shape (edges that are not the picture's own, tiles of the other axis).
        """
        inner = [edge for span in spans for edge in span if 1 < edge < self.length_px - 1]
        strips = [self._strips(start, stop) for start, stop in others]
        return np.stack(
            [widened(self.sums[b] - self.sums[a], inner) / (b - a) for a, b in strips], axis=1
        )

    def near(
        self, places: Sequence[float], reach_px: int, stretch: tuple[int, int]
    ) -> NDArray[np.float32]:
        """The plainest line within `reach_px` of each of `places`, along this stretch."""
        profile = self.profile(*stretch)
        windows = np.round(places).astype(np.int64)[:, None] + np.arange(-reach_px, reach_px + 1)
        return np.asarray(profile[np.clip(windows, 0, self.length_px)].max(axis=1))

    def _strips(self, start_px: float, stop_px: float) -> tuple[int, int]:
        last = len(self.sums) - 1
        first = min(max(int(start_px / self.strip_px + 0.5), 0), last - 1)
        return first, min(max(int(stop_px / self.strip_px + 0.5), first + 1), last)


def widened(evidence: NDArray[np.float32], edges: Sequence[int]) -> NDArray[np.float32]:
    """The evidence at `edges` or next to them, along the last axis: sides may be odd by a pixel."""
    near = np.asarray(edges, dtype=np.int64)[:, None] + np.arange(-1, 2)
    near = np.clip(near, 0, evidence.shape[-1] - 1)
    return np.asarray(evidence[..., near].max(axis=-1))


def edges(picture: Image.Image) -> tuple[Edges, Edges]:
    """Evidence of lines between columns, and of lines between rows, of an RGB picture."""
    strip = min(max(min(picture.size) // _STRIPS, 1), _LONGEST_STRIP_PX)
    upright = np.asarray(picture.reduce((1, strip)))
    level = np.asarray(picture.reduce((strip, 1))).transpose(1, 0, 2)
    return _edges(upright, strip), _edges(level, strip)


def _edges(strips: Pixels, strip_px: int) -> Edges:
    count, length = strips.shape[:2]
    steps = np.zeros((count, length + 1), dtype=np.float32)
    inner = steps[:, 1:-1]
    for channel in range(3):
        plane = np.ascontiguousarray(strips[:, :, channel], dtype=np.float32)
        np.maximum(inner, np.abs(plane[:, 1:] - plane[:, :-1]), out=inner)
    around = _window(steps, _AROUND_PX) - _window(steps, 1)
    around /= 2 * _AROUND_PX - 2
    around += _FAINTEST
    evidence = np.clip((steps / around - 1) / (_PLAIN - 1), 0, 1)
    sums = np.zeros((count + 1, length + 1), dtype=np.float32)
    np.cumsum(evidence, axis=0, out=sums[1:])
    return Edges(steps, sums, strip_px)


def _window(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The sum from `reach` before to `reach` after each value of a row."""
    padded = np.pad(values, ((0, 0), (reach + 1, reach)))
    summed = np.cumsum(padded, axis=1)
    return np.asarray(summed[:, 2 * reach + 1 :] - summed[:, : -2 * reach - 1])
