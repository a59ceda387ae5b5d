"""Step by step: says what comes next before each click or key, and waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from agent.data import Action, Box, Click, Element, Observation, Press, Show, Snapshot

BeforeEach = Callable[[str], None]


class Stepping:
    """Calls `before_each` with what comes next; the time that it takes counts for nothing."""

    def __init__(self, before_each: BeforeEach) -> None:
        self._before_each = before_each
        self._seen: Snapshot | None = None
        self._shown = Show()
        self._waited_s = 0.0

    def before(self, action: Action) -> None:
        """Wait before what acts on the page; all else is only noted."""
        if isinstance(action, Show):
            self._shown = action
        elif isinstance(action, Click | Press):
            start_s = time.monotonic()
            self._before_each(describe(action, self._seen, self._shown))
            self._waited_s += time.monotonic() - start_s

    def after(self, observation: Observation) -> Observation:
        """The observation on a clock that stood still while it was waited."""
        if isinstance(observation.value, Snapshot):
            self._seen = observation.value
        return replace(observation, now_s=observation.now_s - self._waited_s)


def describe(action: Click | Press, seen: Snapshot | None, shown: Show) -> str:
    """What a click or key is for, by what was decided and by what the last look saw."""
    if isinstance(action, Press):
        return f"press {action.key} on {_named(action.element)}"
    tile = _tile_at(action.x_css, action.y_css, shown)
    if tile is not None and shown.decision is not None:
        itself = " itself" if action.element is not None else ""
        probability = shown.decision.probabilities[tile]
        return f"click tile {tile + 1}{itself} (probability {probability:.2f})"
    elements = seen.elements if seen else ()
    under = [
        element
        for element in elements
        if _holds(element.box, action.x_css, action.y_css) and (element.text or element.clickable)
    ]
    if under:
        return f"click {_named(min(under, key=lambda element: element.box.area))}"
    return f"click at {action.x_css:.0f}, {action.y_css:.0f}"


def _tile_at(x_css: float, y_css: float, shown: Show) -> int | None:
    if shown.picture is None or shown.grid is None:
        return None
    boxes = map(shown.picture.to_css, shown.grid.boxes)
    return next((index for index, box in enumerate(boxes) if _holds(box, x_css, y_css)), None)


def _holds(box: Box, x_css: float, y_css: float) -> bool:
    return box.x <= x_css <= box.right and box.y <= y_css <= box.bottom


def _named(element: Element) -> str:
    return f"the {element.role} {element.text!r}" if element.text else f"the {element.role}"
