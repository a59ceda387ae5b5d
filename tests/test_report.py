"""Reports: what is written, and that nothing of a page gets out of its place."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from agent import report
from agent.data import STAGES, Attempt, Box, Outcome, Picture
from agent.errors import UsageError
from agent.report.drawing import annotate

HOSTILE = "<script>alert(1)</script>[red]\x1b[31m\u202e"


def outcome(instruction: str = "Select all images with a bus") -> Outcome:
    pixels = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    picture = Picture(pixels, Box(10, 20, 300, 300), 1.0)
    boxes = tuple(Box(col * 100, row * 100, 98, 98) for row in range(3) for col in range(3))
    attempt = Attempt(
        instruction, "tiles", (3, 3), boxes, tuple(i / 10 for i in range(9)), (7, 8), 0.65, 0.4,
        "accepted", "the page says 'Verified'", dict.fromkeys(STAGES, 0.1), picture, picture,
    )  # fmt: skip
    url = "http://u:secret@localhost:8000/form?token=abc&seed=1"
    return Outcome("solved", "the page says 'Verified'", url, 1.25, "lite", "default", (attempt,))


def test_json_has_the_promised_keys() -> None:
    """`solve --json` gives at least these keys."""
    content = report.to_json(outcome())
    assert list(content) == ["status", "reason", "url", "seconds", "model", "policy", "attempts"]
    (attempt,) = content["attempts"]
    for key in ("instruction", "kind", "grid", "probabilities", "selected", "result", "seconds"):
        assert key in attempt
    assert list(attempt["seconds"]) == list(STAGES)
    assert attempt["grid"] == [3, 3]
    json.dumps(content, allow_nan=False)


def test_addresses_lose_their_secrets() -> None:
    """Passwords and the values of a query are not written down."""
    assert report.to_json(outcome())["url"] == (
        "http://localhost:8000/form?token=redacted&seed=redacted"
    )


def test_save_writes_everything(tmp_path: Path) -> None:
    """JSON, the pictures, and one page that asks for nothing else."""
    page = Path(outcome().save(str(tmp_path / "deep" / "report")))
    assert sorted(path.name for path in page.parent.iterdir()) == [
        "attempt-1-after.png", "attempt-1-picture.png", "attempt-1.png", "index.html",
        "outcome.json",
    ]  # fmt: skip
    html = page.read_text(encoding="utf-8")
    assert "http://localhost:8000/form?token=redacted" in html
    assert html.count("data:image/png;base64,") == 2
    assert 'src="http' not in html
    assert "secret" not in html


def test_hostile_text_is_escaped(tmp_path: Path) -> None:
    """A page's text is neither markup in the report nor a command to the terminal."""
    hostile = outcome(HOSTILE)
    html = Path(hostile.save(str(tmp_path))).read_text(encoding="utf-8")
    assert "<script" not in html
    console = Console(file=io.StringIO(), width=80)
    console.print(report.table(hostile))
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[31m" not in printed
    assert "\u202e" not in printed
    assert "[red]" in printed.replace("\n", "")


def test_the_table_fits_80_columns() -> None:
    """No line of the terminal's table is longer than 80 columns."""
    console = Console(file=io.StringIO(), width=80)
    console.print(report.table(outcome("Select all images with " + "very " * 20 + "old bus")))
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, printed.splitlines())) <= 80


def test_unwritable_folder(tmp_path: Path) -> None:
    """Where the report can't be written, the message says where and what to do."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError, match=r"the report can't be written to .*name another folder"):
        outcome().save(str(blocked / "report"))


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_annotated_pictures_mark_the_choice(scale: int) -> None:
    """Chosen tiles get the frame of their colour, others not, at any scale."""
    pixels = np.full((200 * scale, 400 * scale, 3), 200, dtype=np.uint8)
    boxes = [Box(0, 0, 200 * scale, 200 * scale), Box(200 * scale, 0, 200 * scale, 200 * scale)]
    drawn = annotate(Picture(pixels, Box(0, 0, 400, 200), scale), boxes, [0.9, 0.1], {0})
    assert isinstance(drawn, Image.Image)
    assert drawn.getpixel((1, 50)) == (0, 114, 178)
    assert drawn.getpixel((200 * scale + 1, 50)) == (230, 159, 0)
