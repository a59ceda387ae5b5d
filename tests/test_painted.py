"""Instructions that are painted into pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from agent import painted, runner
from agent.data import Box, Element, Line, Observation, Picture, Read, Snapshot
from agent.policy import check
from tests.conftest import FakePage, Fixed, unwrapped
from tests.test_finder import snapshot, tiles

BANNER = Element(1, 0, "image", Box(20, 20, 300, 30), source="banner")
LINE = Line("Select all images with a bus", Box(4, 4, 280, 20), 0.97)
POLICY = check({"waits": {"find_s": 3}}, where="test")


def test_what_may_hold_an_instruction() -> None:
    """A banner beside a grid and a large picture are read; tiles, logos and far banners are not."""
    far = Element(2, 0, "image", Box(20, 3000, 300, 30))
    logo = Element(3, 0, "image", Box(400, 20, 40, 40))
    assert painted.suspects(snapshot(BANNER, far, logo, *tiles(3, 3))) == (BANNER,)
    canvas = Element(4, 0, "canvas", Box(20, 20, 360, 420), clickable=True)
    assert painted.suspects(snapshot(canvas)) == (canvas,)


def test_what_was_read_is_text_of_the_page() -> None:
    """Lines lie where they are painted, doubtful ones are left out, all go with it."""
    picture = Picture(np.zeros((60, 600, 3), np.uint8), BANNER.box, 2.0)
    read = painted.painted(BANNER, picture, [LINE, replace(LINE, text="~~", confidence=0.3)])
    seen = painted.with_texts(snapshot(BANNER), [read])
    assert [(e.role, e.text) for e in seen.elements[1:]] == [("text", LINE.text)]
    assert seen.elements[1].box == Box(22, 22, 140, 10)
    assert painted.with_texts(snapshot(), [read]) == snapshot()


class BannerPage(FakePage):
    """A page that shows its instruction as a picture only."""

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        rest = tuple(e for e in seen.elements if e.text != self.instruction)
        return replace(seen, elements=(*rest, replace(BANNER, id=40)))


def reads(monkeypatch: pytest.MonkeyPatch, answer: Any, problem: str = "") -> list[Read]:
    """Have `answer` stand for what the OCR reads."""
    asked: list[Read] = []
    think = runner._thought

    def instead(action: Any, scorer: Any, tell: Any) -> Observation:
        if not isinstance(action, Read):
            return think(action, scorer, tell)
        asked.append(action)
        return replace(think(runner.Tell(""), scorer, None), value=answer, error=problem)

    monkeypatch.setattr(runner, "_thought", instead)
    return asked


def solve(page: FakePage) -> Any:
    from agent import flow

    scorer = Fixed(lambda target: {0: 0.9, 4: 0.9} if target.concept == "bus" else {})
    return runner.run(flow.solve(POLICY, model="m"), unwrapped(page), scorer)


def test_a_painted_instruction_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no text asks for pictures the banner above them is read, once, and answered."""
    asked = reads(monkeypatch, (LINE,))
    page = BannerPage()
    outcome = solve(page)
    assert outcome.solved, outcome.reason
    assert page.answers == [(0, 4)]
    assert len(asked) == 1


def test_without_the_extra_the_reason_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is missing the outcome says which."""
    reads(monkeypatch, None, "reading text in pictures needs the extra ocr: pip install x")
    outcome = solve(BannerPage())
    assert outcome.status == "unsolved"
    assert outcome.reason == (
        "no captcha found on the page 'Form' within 3 s: expected an instruction such as 'Select "
        "all images with a bus' near a grid of pictures; it may be painted into a picture: reading "
        "text in pictures needs the extra ocr: pip install x"
    )


@pytest.mark.e2e
def test_a_canvas_with_its_question(page: Page) -> None:
    """The question in a canvas is read and its tiles are chosen, with the real OCR."""
    pytest.importorskip("rapidocr", reason="reads with the extra ocr: pip install '.[ocr]'")
    from tests.benchmarks.strangers import tried
    from tests.strangers.written import PAINTED, serve

    with serve() as url:
        for path in PAINTED.values():
            got = tried(page, url, path, wrong=False)
            assert got.judged, got.reason
