"""Performs actions on a Playwright page.

Playwright's two APIs differ only in that one returns values and the other awaitables. So each
action is one generator that yields what a Playwright call returned and receives the value of it:
`runner` sends it straight back (sync) or awaits it first (async). Nothing is written twice, as in
httpx's `Auth.auth_flow`. Playwright's errors are seen here and nowhere else.
"""

from __future__ import annotations

import io
import time
from importlib import resources
from typing import Any

import numpy as np
from PIL import Image
from playwright.async_api import Error as PlaywrightError

from agent import redaction
from agent.data import (
    Action,
    Box,
    Capture,
    Click,
    Element,
    Frame,
    Look,
    Observation,
    Picture,
    Snapshot,
    Wait,
)
from agent.errors import SiteError
from agent.gate import Gate, Steps
from agent.pictures import MOST_PIXELS
from agent.scope import Scope

_LOOK = resources.files("agent").joinpath("look.js").read_text(encoding="utf-8")
_CLICK_NODE = "(id) => window[Symbol.for('captcha-agent')][id].click()"
_FRAME_ORIGIN = """(frame) => {
  const box = frame.getBoundingClientRect();
  return [box.x + frame.clientLeft, box.y + frame.clientTop, frame.clientWidth, frame.clientHeight];
}"""
# Scrolls as little as needed, and never where the box is in view already: a page must not jump.
_REVEAL = """([x, y, width, height]) => {
  const root = document.documentElement, fits = (at, size, from, view) =>
    at >= from && at + size <= from + view ? from : Math.max(0, at + size / 2 - view / 2);
  window.scrollTo({ left: fits(x, width, scrollX, root.clientWidth),
    top: fits(y, height, scrollY, root.clientHeight), behavior: 'instant' });
  return [scrollX, scrollY, root.clientWidth, root.clientHeight];
}"""


class Driver:
    """The hands and eyes: performs one action at a time on `page` (sync or async).

    Before and after each action every address in sight is checked against `scope`; a navigation
    that tried to leave it since, even for one hop of a redirect, is refused too (see `gate`).
    """

    def __init__(self, page: Any, scope: Scope, *, block_outside: bool = False) -> None:
        self._page = page
        self._scope = scope
        self._gate = Gate(page, scope, block_all=block_outside)

    def close(self) -> Steps:
        """Stop watching the page; the page itself stays as it is."""
        yield from self._gate.open()

    def open(self, url: str, *, timeout_s: float) -> Steps:
        """Go to `url`. Raises ScopeError, or SiteError where the page can't be reached."""
        self._scope.check(url)
        yield from self._gate.shut()
        try:
            response = yield self._page.goto(
                url, wait_until="domcontentloaded", timeout=timeout_s * 1000
            )
        except PlaywrightError as error:
            self._gate.check()
            reason = error.message.splitlines()[0].removeprefix("Page.goto: ")
            message = f"{url}: the page could not be opened: {reason}"
            raise SiteError(redaction.text(message)) from error
        self._gate.check()
        if response is not None and response.status >= 400:
            raise SiteError(
                f"{redaction.address(url)}: the site answered with HTTP status {response.status}; "
                "expected a page with a captcha"
            )

    def perform(self, action: Action) -> Steps:
        """Carry out one action; returns an Observation.

        Raises ScopeError, and SiteError where page or browser are gone. What the page merely did
        not let happen (an element or a frame went away meanwhile) is the observation's `error`.
        """
        start_s = time.monotonic()
        value, failure = None, ""
        try:
            self._gate.check()
            yield from self._gate.shut()
            value = yield from self._steps(action)
            self._gate.check()
        except PlaywrightError as error:
            if self._page.is_closed() or "closed" in error.message:
                raise SiteError(f"the page or the browser was closed: {error.message}") from error
            failure = error.message.splitlines()[0]
        now_s = time.monotonic()
        return Observation(value, now_s, now_s - start_s, failure)

    def _steps(self, action: Action) -> Steps:
        match action:
            case Look(selector):
                return (yield from self._look(selector))
            case Capture(box):
                return (yield from self._capture(box))
            case Click(element=Element() as element):
                frame = self._page.frames[element.frame]
                return (yield frame.evaluate(_CLICK_NODE, element.id))
            case Click(x_css, y_css):
                left, top, *_ = yield self._page.evaluate(_REVEAL, [x_css, y_css, 0, 0])
                return (yield self._page.mouse.click(x_css - left, y_css - top))
            case Wait(seconds):
                return (yield self._page.wait_for_timeout(seconds * 1000))
        raise TypeError(f"no driver performs {action!r}")

    def _look(self, selector: str) -> Steps:
        page = self._page
        matched = bool(selector) and (yield page.locator(selector).first.is_visible())
        top = yield page.evaluate(_LOOK)
        origins = {page.main_frame: (float(top["scroll"][0]), float(top["scroll"][1]))}
        width, height = top["size"]
        frames = [Frame(page.url, Box(0, 0, width, height))]
        elements = _elements(top["elements"], 0, origins[page.main_frame])
        for number, frame in enumerate(page.frames):
            if frame.parent_frame not in origins:
                continue  # the main frame, or a frame inside one that is not shown
            handle = yield frame.frame_element()
            x, y, width, height = yield handle.evaluate(_FRAME_ORIGIN)
            if not width or not height:
                continue
            left, top_css = origins[frame.parent_frame]
            origins[frame] = (left + x, top_css + y)
            seen = yield frame.evaluate(_LOOK)
            frames.append(Frame(frame.url, Box(*origins[frame], width, height)))
            elements += _elements(seen["elements"], number, origins[frame])
        return Snapshot(
            page.url,
            top["title"],
            tuple(elements),
            tuple(frames),
            float(top["size"][0]),
            float(top["size"][1]),
            scale=float(top["scale"]),
            matched=matched,
        )

    def _capture(self, box: Box) -> Steps:
        if box.area > MOST_PIXELS:
            raise SiteError(
                f"the captcha takes {box.width:.0f}x{box.height:.0f} pixels of the page, at most "
                f"{MOST_PIXELS // 1_000_000} million are screenshotted"
            )
        page = self._page
        area = [box.x, box.y, box.width, box.height]
        left, top, width, height = yield page.evaluate(_REVEAL, area)
        fits = box.width <= width and box.height <= height
        corner = (left, top) if fits else (0.0, 0.0)
        png = yield page.screenshot(
            clip={
                "x": box.x - corner[0],
                "y": box.y - corner[1],
                "width": box.width,
                "height": box.height,
            },
            # Taller than the window: the whole page is drawn, in its own coordinates.
            full_page=not fits,
            # A tile half-way through its transition is neither selected nor not.
            animations="disabled",
            caret="hide",
            scale="device",
        )
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        return Picture(pixels, box, pixels.shape[1] / box.width)


def _elements(raw: list[dict[str, Any]], frame: int, origin: tuple[float, float]) -> list[Element]:
    return [
        Element(
            id=item["id"],
            frame=frame,
            role=item["role"],
            box=Box(item["x"], item["y"], item["width"], item["height"]).moved(*origin),
            text=item.get("text", ""),
            parent=item["parent"],
            checked=item.get("checked"),
            disabled=item.get("disabled", False),
            loaded=item.get("loaded", True),
            source=item.get("source", ""),
            font_px=item.get("font_px", 0.0),
            bold=tuple(item.get("bold", ())),
        )
        for item in raw
    ]
