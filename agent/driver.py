"""Performs actions on a Playwright page.

Playwright's two APIs differ only in that one returns values and the other awaitables. So each
action is one generator that yields what a Playwright call returned and receives the value of it:
`runner` sends it straight back (sync) or awaits it first (async). Nothing is written twice, as in
httpx's `Auth.auth_flow`. Playwright's errors are seen here and nowhere else.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
from importlib import resources
from typing import Any

import numpy as np
from PIL import Image
from playwright.async_api import Error as PlaywrightError

from agent import redaction, snapshot, vendors
from agent.data import (
    Action,
    Box,
    Capture,
    Click,
    Describe,
    Element,
    Enlarge,
    Frame,
    Look,
    Observation,
    Picture,
    Pixels,
    Press,
    Reveal,
    Show,
    Snapshot,
    Visit,
    Wait,
)
from agent.errors import SiteError
from agent.failures import Failures
from agent.gate import Gate
from agent.pending import Pending
from agent.pictures import MOST_PIXELS
from agent.scope import Scope
from agent.waiting import Steps
from agent.widget_file import WidgetFile

_LOOK, _REVEAL, _DESCRIBE = (
    resources.files("agent").joinpath(name).read_text(encoding="utf-8")
    for name in ("look.js", "reveal.js", "describe.js")
)
_NODE = "window[Symbol.for('captcha-agent')][id]"
_CLICK_NODE = f"(id) => {_NODE}.click()"
_FOCUS_NODE = f"(id) => {_NODE}.focus()"
# Where a frame's content lies, how much it is scaled there, and whether it lies over the page.
_FRAME_PLACE = """(frame) => {
  const box = frame.getBoundingClientRect(), scale = box.width / (frame.offsetWidth || 1);
  let over = false;
  for (let n = frame; n instanceof Element && !over; n = n.parentElement || n.getRootNode().host)
    over = ['fixed', 'sticky'].includes(getComputedStyle(n).position) || n.matches(':modal');
  const shown = getComputedStyle(frame).visibility === 'visible';
  return [box.x + frame.clientLeft * scale, box.y + frame.clientTop * scale,
    shown ? frame.clientWidth * scale : 0, frame.clientHeight * scale, scale, over];
}"""
# Scrolls as little as needed, and never where the box is in view already: a page must not jump.
# Bars that stay at the top or the foot of the window take away from the view; a modal is met there
# by its backdrop, far from its box. The last value: how far the page goes on to the left of where
# it starts, as one written from right to left may do.
_SCROLL = """([x, y, width, height]) => {
  const root = document.documentElement, view = root.clientHeight;
  const bar = (at) => {
    for (let n = document.elementFromPoint(root.clientWidth / 2, at); n; n = n.parentElement)
      if (['fixed', 'sticky'].includes(getComputedStyle(n).position)) {
        const box = n.getBoundingClientRect();
        return box.height < view / 2 && box.top <= at && at <= box.bottom ? box : null;
      }
    return null;
  };
  const head = bar(1)?.bottom ?? 0, foot = view - (bar(view - 2)?.top ?? view);
  const fits = (at, size, from, room, before, after) =>
    at >= from + before && at + size <= from + room - after ? from
      : at + size / 2 - (room + before - after) / 2;
  const rtl = [root, document.body].some((n) => n && getComputedStyle(n).direction === 'rtl');
  const leftward = rtl ? root.scrollWidth - root.clientWidth : 0;
  const left = fits(x - leftward, width, scrollX, root.clientWidth, 0, 0);
  window.scrollTo({ left: leftward ? Math.min(left, -1) : left, // see `_screenshot`
    top: fits(y, height, scrollY, view, head, foot), behavior: 'instant' });
  return [scrollX + leftward, scrollY, root.clientWidth, view - head - foot, leftward];
}"""


_TALLEST_CSS = 4000  # of a window


class Driver:
    """The hands and eyes: performs one action at a time on `page` (sync or async).

    Before and after each action every address in sight is checked against `scope`; a navigation
    that tried to leave it since, even for one hop of a redirect, is refused too (see `gate`).
    """

    def __init__(
        self,
        page: Any,
        scope: Scope,
        widget: WidgetFile | None = None,
        *,
        block_outside: bool = False,
    ) -> None:
        self._page = page
        self._widget = widget or WidgetFile()
        self._scope = scope
        self._gate = Gate(page, scope, block_all=block_outside)
        self._dialogs: list[str] = []
        self._size: Any = None
        self._failures = Failures(page)
        self._pending = Pending(page)
        page.on("dialog", self._note_dialog)

    def close(self) -> Steps:
        """Stop watching the page; the page itself stays as it is."""
        self._page.remove_listener("dialog", self._note_dialog)
        self._failures.close()
        self._pending.close()
        if self._size is not None:
            with contextlib.suppress(PlaywrightError):  # the page may be gone
                yield self._page.set_viewport_size(self._size)
        yield from self._gate.open()

    def _note_dialog(self, dialog: Any) -> Any:
        """Read and close a dialog: an open one stops the page. A question is answered with no."""
        self._dialogs.append(dialog.message)
        return dialog.accept() if dialog.type in ("alert", "beforeunload") else dialog.dismiss()

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

    def check(self) -> None:
        """Raise ScopeError where the page is outside the scope, or tried to get there."""
        self._gate.check()

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
            acts = isinstance(action, Click | Press)
            with self._pending.acting() if acts else contextlib.nullcontext():
                value = yield from self._steps(action)
            self._gate.check()
        except PlaywrightError as error:
            failure = error.message.splitlines()[0]  # a log of the browser may follow
            if self._page.is_closed() or "closed" in failure:
                raise SiteError(f"the page or the browser was closed: {failure}") from error
        now_s = time.monotonic()
        return Observation(value, now_s, now_s - start_s, failure)

    def _steps(self, action: Action) -> Steps:
        match action:
            case Look(selector):
                value = yield from self._look(selector)
            case Capture(box):
                value = yield from self._capture(box)
            case Click(element=Element() as element):
                value = yield self._frame_of(element).evaluate(_CLICK_NODE, element.id)
            case Click(x_css, y_css):
                value = yield from self._click(x_css, y_css)
            case Press(element, key):
                value = yield from self._press(element, key)
            case Reveal(elements):
                ids = [element.id for element in elements]
                value = yield self._frame_of(elements[0]).evaluate(_REVEAL, ids)
            case Enlarge(least_css, height_css):
                value = yield from self._enlarge(least_css, height_css)
            case Describe(elements):
                ids = [element.id for element in elements]
                value = yield self._frame_of(elements[0]).evaluate(_DESCRIBE, ids)
            case Visit(url):
                self._scope.check(url)
                yield self._page.goto(url, wait_until="domcontentloaded")
                value = None
            case Wait(seconds):
                value = yield self._page.wait_for_timeout(seconds * 1000)
            case Show():
                value = None  # nobody watches: see `overlay`
            case _:
                raise TypeError(f"no driver performs {action!r}")
        return value

    def _seen(self, frame: Any) -> Steps:
        """What one frame shows. As one text: Playwright takes a second for 3,000 elements."""
        text = yield frame.evaluate(_LOOK, self._widget.marks)
        return json.loads(text)

    def _look(self, selector: str) -> Steps:
        page = self._page
        matched = bool(selector) and (yield page.locator(selector).first.is_visible())
        top = yield from self._seen(page)
        scroll = (float(top["scroll"][0]), float(top["scroll"][1]))
        places = {page.main_frame: (scroll, 1.0, 0)}
        width, height = top["size"]
        frames = [_frame(page.url, Box(0, 0, width, height), 0, top)]
        elements = snapshot.elements(top["elements"], 0, scroll)
        for number, frame in enumerate(page.frames):
            if frame.parent_frame not in places:
                continue  # the main frame, or a frame inside one that is not shown
            handle = yield frame.frame_element()
            x, y, width, height, scale, over = yield handle.evaluate(_FRAME_PLACE)
            if not width or not height:
                continue
            (left, top_css), outer, layer = places[frame.parent_frame]
            origin, scale = (left + x * outer, top_css + y * outer), scale * outer
            layer = layer or (_FRAMED if over else 0)
            box = Box(*origin, width * outer, height * outer)
            if vendors.of(frame.url) and not vendors.has_test_key(frame.url, frames[0].keys):
                frames.append(Frame(frame.url, box, number))
                continue
            places[frame] = (origin, scale, layer)
            seen = yield from self._seen(frame)
            frames.append(_frame(frame.url, box, number, seen))
            elements += snapshot.elements(
                seen["elements"], number, origin, scale=scale, layer=layer
            )
        said, self._dialogs = tuple(self._dialogs), []
        return Snapshot(
            page.url,
            top["title"],
            tuple(elements),
            tuple(frames),
            float(top["size"][0]),
            float(top["size"][1]),
            scale=float(top["scale"]),
            matched=matched,
            dialogs=said,
            document=float(top["document"]),
            status=int(top["status"]),
            failures=self._failures.seen,
            pending=bool(self._pending),
            grid=(self._widget.rows, self._widget.cols),
        )

    def _frame_of(self, element: Element) -> Any:
        return self._page.frames[element.frame]

    def _click(self, x_css: float, y_css: float) -> Steps:
        left, top, *_ = yield self._page.evaluate(_SCROLL, [x_css, y_css, 0, 0])
        yield self._page.mouse.click(x_css - left, y_css - top)
        yield self._page.mouse.move(0, 0)  # what a mere pointer changes is no reaction

    def _press(self, element: Element, key: str) -> Steps:
        yield self._frame_of(element).evaluate(_FOCUS_NODE, element.id)
        yield self._page.keyboard.press(key)

    def _enlarge(self, least_css: float, height_css: float) -> Steps:
        size = self._page.viewport_size  # None where a window of somebody else's is used as it is
        if size is None or size["height"] >= min(least_css, _TALLEST_CSS):
            return False
        self._size = self._size or size
        height = min(math.ceil(height_css), _TALLEST_CSS)
        yield self._page.set_viewport_size({"width": size["width"], "height": height})
        return True

    def _capture(self, box: Box) -> Steps:
        """What is taller or wider than the window is put together from several screenshots.

        A screenshot of the whole page would miss frames of other origins.
        """
        if box.area > MOST_PIXELS:
            raise SiteError(
                f"the captcha takes {box.width:.0f}x{box.height:.0f} pixels of the page, at most "
                f"{MOST_PIXELS // 1_000_000} million are screenshotted"
            )
        area = [box.x, box.y, box.width, box.height]
        left, top, width, height, leftward = yield self._page.evaluate(_SCROLL, area)
        if box.width <= width and box.height <= height:
            pixels = yield from self._screenshot(box.moved(-left, -top), leftward > 0)
            return Picture(pixels, box, pixels.shape[1] / box.width)
        strips = []
        for y in _steps(box.height, height):
            part = Box(box.x, box.y + y, min(box.width, width), min(height, box.height - y))
            left, top, *_ = yield self._page.evaluate(
                _SCROLL, [part.x, part.y, part.width, part.height]
            )
            strips.append((yield from self._screenshot(part.moved(-left, -top), leftward > 0)))
        pixels = np.concatenate(strips)
        return Picture(pixels, box, pixels.shape[0] / box.height)

    def _screenshot(self, box: Box, leftward: bool) -> Steps:
        """A part of the window.

        Where the page goes on to the left of its start, Chromium cuts out another part than it is
        told, and shows the window as a whole only while it is not scrolled to that start.
        """
        clip = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
        png = yield self._page.screenshot(
            clip=None if leftward else clip,
            # A tile half-way through its transition is neither selected nor not.
            animations="disabled",
            caret="hide",
            scale="device",
        )
        image = Image.open(io.BytesIO(png)).convert("RGB")
        if leftward:
            ratio = image.width / (yield self._page.evaluate("innerWidth"))
            edges = (box.x, box.y, box.right, box.bottom)
            image = image.crop(tuple(round(edge * ratio) for edge in edges))
        pixels: Pixels = np.asarray(image)
        return pixels


_FRAMED = 1_000_000  # the layer of what a frame shows that itself lies over the page


def _frame(url: str, box: Box, number: int, seen: dict[str, Any]) -> Frame:
    return Frame(url, box, number, tuple(seen["keys"]), tuple(seen["scripts"]))


def _steps(length: float, view: float) -> list[float]:
    """Where strips of at most `view` start that cover `length`."""
    count = -(-length // view)
    return [number * view for number in range(int(count))]
