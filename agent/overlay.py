"""Shows in the browser what was decided: boxes, numbers and probabilities over the live page.

It lies in a closed shadow root, lets clicks through, and is taken away while the page is looked at
or screenshotted, so that it is never part of what is seen.
"""

from __future__ import annotations

import contextlib
from importlib import resources
from typing import Any

from playwright.async_api import Error as PlaywrightError

from agent.data import Action, Capture, Look, Show
from agent.driver import Driver
from agent.errors import ScopeError
from agent.waiting import Steps

_DRAW = resources.files("agent").joinpath("overlay.js").read_text(encoding="utf-8")


class Overlaid:
    """A driver that shows what was decided, as long as the flow wants it shown."""

    def __init__(self, driver: Driver, page: Any) -> None:
        self._driver = driver
        self._page = page
        self._scene: dict[str, Any] | None = None
        self._is_drawn = False

    def open(self, url: str, *, timeout_s: float) -> Steps:
        """As `Driver.open`."""
        return self._driver.open(url, timeout_s=timeout_s)

    def close(self) -> Steps:
        """Take away what is shown, where the page is in scope still; stop watching the page."""
        with contextlib.suppress(ScopeError):
            yield from self._draw(None)
        yield from self._driver.close()

    def perform(self, action: Action) -> Steps:
        """As `Driver.perform`."""
        if isinstance(action, Look | Capture):
            yield from self._draw(None)
        observation = yield from self._driver.perform(action)
        if isinstance(action, Show):
            self._scene = scene(action)
            yield from self._draw(self._scene)
        elif isinstance(action, Look | Capture):
            yield from self._draw(self._scene)
        return observation

    def _draw(self, drawn: dict[str, Any] | None) -> Steps:
        if drawn is None and not self._is_drawn:
            return
        self._driver.check()
        with contextlib.suppress(PlaywrightError):  # the page may be on its way to another one
            yield self._page.evaluate(_DRAW, drawn)
        self._is_drawn = drawn is not None


def scene(show: Show) -> dict[str, Any] | None:
    """What `overlay.js` draws: the tiles' boxes with their texts, and one line below."""
    if show.picture is None or show.grid is None or show.decision is None:
        return None
    picture, decision = show.picture, show.decision
    tiles = []
    for index, box_px in enumerate(show.grid.boxes):
        box, chosen = picture.to_css(box_px), index in decision.selected
        text = f"{index + 1} · {decision.probabilities[index]:.2f}{' ✓' if chosen else ''}"
        tiles.append({"box": [box.x, box.y, box.width, box.height], "text": text, "chosen": chosen})
    concept = decision.target.concept if decision.target else ""
    title = f"{concept or 'as the sample'}: sure to {decision.confidence:.2f}"
    return {"tiles": tiles, "title": title}
