"""Picture → lines of text, for instructions that a page paints instead of writing them.

Needs the extra `ocr`: RapidOCR, whose models lie inside its package and run on ONNX Runtime. They
read Latin letters with their accents, Chinese and Japanese; neither Cyrillic nor Korean.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from agent.data import Box, Line
from agent.errors import MissingError

_LONGEST_SIDE_PX = 960  # of the picture in which lines are looked for; larger ones are reduced


def read_lines(picture: Image.Image) -> tuple[Line, ...]:
    """The lines of text in a picture, top to bottom, and from left to right within a row.

    Raises MissingError where the extra `ocr` is not installed.
    """
    pixels = np.asarray(picture.convert("RGB"))[:, :, ::-1]  # RapidOCR takes blue first
    found = _engine()(np.ascontiguousarray(pixels), use_cls=False)
    if found.boxes is None:
        return ()
    lines = [
        Line(text, _around(corners), float(score))
        for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
    ]
    return tuple(line for row in _rows(lines) for line in row)


@cache
def _engine() -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise MissingError(
            "reading text in pictures needs the extra ocr: pip install 'captcha-agent[ocr]'"
        ) from error
    return RapidOCR(
        params={
            "Global.log_level": "error",
            # Lines are wide and low: by default they are enlarged until they are 736 px high,
            # which took 33 s where this takes 1.5 s, and split lines between words.
            "Det.limit_type": "max",
            "Det.limit_side_len": _LONGEST_SIDE_PX,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )


def _around(corners: Any) -> Box:
    """The upright box around four corners, shape (4, 2)."""
    (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
    return Box(float(left), float(top), float(right - left), float(bottom - top))


def _rows(lines: list[Line]) -> list[list[Line]]:
    """Lines whose middles are at one height make a row: the gap between words may split them."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box.center[1]):
        if rows and line.box.center[1] - rows[-1][0].box.center[1] < line.box.height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.box.x) for row in rows]
