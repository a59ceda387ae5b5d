"""Text that is painted into a picture."""

from __future__ import annotations

import sys

import pytest
from PIL import Image, ImageDraw, ImageFont

from agent import ocr
from agent.errors import MissingError
from agent.instruction import is_instruction, read
from agent.ocr import read_lines


def painted(*lines: str, size_px: int = 24) -> Image.Image:
    """Lines one below the other, left edges at 20 px, 60 px apart."""
    picture = Image.new("RGB", (640, 60 * len(lines) + 20), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size_px)
    for number, line in enumerate(lines):
        pen.text((20, 60 * number + 20), line, font=font, fill="black")
    return picture


@pytest.fixture
def engine() -> None:
    pytest.importorskip("rapidocr", reason="reads with the extra ocr: pip install '.[ocr]'")


@pytest.mark.usefixtures("engine")
def test_lines_and_where_they_are() -> None:
    """Each line is read, in order, in a box around what was painted."""
    painted_lines = ["Select all images with a bus", "Klicken Sie auf alle Hunde"]
    lines = read_lines(painted(*painted_lines))
    assert [line.text for line in lines] == painted_lines
    assert all(line.confidence > 0.8 for line in lines)
    first, last = lines[0].box, lines[-1].box
    assert abs(first.x - 20) < 12
    assert 10 < first.center[1] < 60 < last.center[1] < 120


@pytest.mark.usefixtures("engine")
def test_a_painted_instruction_is_one() -> None:
    """What is read from a picture goes the same way as what is written on the page."""
    lines = read_lines(painted("Select all images", "with traffic lights"))
    text = " ".join(line.text for line in lines)
    assert is_instruction(text) >= 0.5
    assert read(text).concept == "traffic light"


@pytest.mark.usefixtures("engine")
def test_a_picture_without_text() -> None:
    """An empty picture has no lines."""
    assert read_lines(Image.new("RGB", (200, 100), "white")) == ()


def test_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the message says the command that gets it."""
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    ocr._engine.cache_clear()
    with pytest.raises(MissingError) as caught:
        read_lines(Image.new("RGB", (20, 20)))
    assert str(caught.value) == (
        "reading text in pictures needs the extra ocr: pip install 'captcha-agent[ocr]'"
    )
