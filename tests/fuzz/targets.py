"""What reads what others wrote, each as a function of bytes.

Each returns, or raises a CaptchaAgentError; whatever else it raises is a finding.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from agent import instruction, lexicon, pictures, policy, widget_file
from agent.models import card
from agent.segmenter import split

Target = Callable[[bytes], None]


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def _file(name: str, data: bytes) -> Path:
    path = Path(_folder().name) / name
    path.write_bytes(data)
    return path


def read_picture(data: bytes) -> None:
    """A file that someone names as a picture."""
    picture = pictures.open_picture(_file("picture", data))
    assert picture.mode == "RGB"
    assert picture.width * picture.height <= pictures.MOST_PIXELS


def split_picture(data: bytes) -> None:
    """Pixels: a small picture, repeated and enlarged as the first bytes say."""
    head, body = np.frombuffer(data[:6].ljust(6, b"\0"), np.uint8).astype(int), data[6:]
    height, width = 1 + head[0] % 24, 1 + head[1] % 24
    pixels = np.resize(np.frombuffer(body or b"\0", np.uint8), (height, width, 3))
    pixels = np.tile(pixels, (1 + head[2] % 5, 1 + head[3] % 5, 1))
    pixels = pixels.repeat(1 + head[4] % 6, axis=0).repeat(1 + head[4] // 6 % 6, axis=1)
    rows, cols = (n or None for n in (head[5] % 8, head[5] // 8 % 8))
    grid = split(np.ascontiguousarray(pixels), rows=rows, cols=cols)
    assert len(grid.boxes) == grid.rows * grid.cols
    assert 0 <= grid.confidence <= 1
    for box in grid.boxes:
        assert 0 <= box.x <= box.right <= pixels.shape[1]
        assert 0 <= box.y <= box.bottom <= pixels.shape[0]


def read_instruction(data: bytes) -> None:
    """What a page says, and in its second line what it shows in bold."""
    text, *bold = data.decode("utf-8", "surrogateescape").split("\n", 1)
    assert 0 <= instruction.is_instruction(text) <= 1
    assert instruction.read(text, emphasis=bold).instruction == text


def load_policy(data: bytes) -> None:
    """A policy's file."""
    policy.load(str(_file("policy.yaml", data)))


def load_widget(data: bytes) -> None:
    """A widget file."""
    widget_file.load(str(_file("widget.yaml", data)))


def load_nouns(data: bytes) -> None:
    """A user's own nouns."""
    os.environ[lexicon.VARIABLE] = str(_file("nouns.yaml", data))
    try:
        for code in lexicon.own():
            lexicon.forms.cache_clear()
            lexicon.forms(code)
    finally:
        del os.environ[lexicon.VARIABLE]
        lexicon.forms.cache_clear()


def read_card(data: bytes) -> None:
    """A model package's card."""
    card.read_card(_file(card.CARD, data).parent)


TARGETS: dict[str, Target] = {
    "picture": read_picture,
    "segmenter": split_picture,
    "instruction": read_instruction,
    "policy": load_policy,
    "widget": load_widget,
    "nouns": load_nouns,
    "card": read_card,
}
