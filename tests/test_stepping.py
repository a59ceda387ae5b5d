"""Step by step: what is said before each click, and that waiting costs no time of the policy's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agent import flow, runner, stepping
from agent.data import (
    Box,
    Click,
    Decision,
    Element,
    Grid,
    Look,
    Observation,
    Picture,
    Press,
    Show,
    Snapshot,
)
from agent.overlay import scene
from agent.policy import Policy
from agent.stepping import Stepping, describe
from tests.conftest import FakePage, Fixed, run_async, unwrapped

BUTTON = Element(3, 0, "button", Box(0, 300, 80, 30), "Verify", clickable=True)
SEEN = Snapshot(
    "http://localhost/", "Form",
    (Element(1, 0, "text", Box(0, 0, 400, 400), "All of it"), BUTTON), (), 400, 400,
)  # fmt: skip
SHOWN = Show(
    Picture(np.zeros((200, 400, 3), dtype=np.uint8), Box(10, 20, 200, 100), 2.0),
    Grid(1, 2, (Box(0, 0, 200, 200), Box(200, 0, 200, 200))),
    Decision(np.array([0.934, 0.1], dtype=np.float32), (0,), 0.8, 0.5),
)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Click(60, 70), "click tile 1 (probability 0.93)"),
        (Click(160, 70, element=BUTTON), "click tile 2 itself (probability 0.10)"),
        (Click(40, 310), "click the button 'Verify'"),
        (Click(399, 500), "click at 399, 500"),
        (Press(BUTTON, "Enter"), "press Enter on the button 'Verify'"),
    ],
)
def test_what_comes_next(action: Any, said: str) -> None:
    """A click is told by what was decided on that place, else by what was seen there."""
    assert describe(action, SEEN, SHOWN) == said


def test_each_click_is_told() -> None:
    """Sync and async tell the same clicks, in the order in which they are done."""
    said: list[list[str]] = [[], []]
    chosen = Fixed(lambda target: {0: 0.99, 4: 0.98})
    moves = flow.solve(Policy(), model="m")
    runner.run(moves, unwrapped(FakePage()), chosen, stepping=Stepping(said[0].append))
    moves = flow.solve(Policy(), model="m")
    run_async(runner.run_async(moves, FakePage(), chosen, stepping=Stepping(said[1].append)))
    assert said[0] == said[1] == [
        "click tile 1 (probability 0.96)", "click tile 5 (probability 0.93)",
        "click the button 'Verify'",
    ]  # fmt: skip


def test_waiting_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a person thinks, the policy's clock stands still."""
    clock = SimpleNamespace(now_s=100.0)

    def think(what: str) -> None:
        clock.now_s += 1000

    monkeypatch.setattr(stepping, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
    steps = Stepping(think)
    for action in (Look(), Click(1, 1), Look(), Press(BUTTON, "Enter")):
        steps.before(action)
    assert steps.after(Observation(None, 2105.0, 5.0)) == Observation(None, 105.0, 5.0)


def test_the_scene_is_in_pixels_of_the_page() -> None:
    """The overlay has each tile where it lies on the page, with its number and probability."""
    drawn = scene(SHOWN)
    assert drawn == {
        "tiles": [
            {"box": [10, 20, 100, 100], "text": "1 · 0.93 ✓", "chosen": True},
            {"box": [110, 20, 100, 100], "text": "2 · 0.10", "chosen": False},
        ],
        "title": "as the sample: sure to 0.80",
    }
    assert scene(Show()) is None


def test_what_is_shown_follows_the_flow() -> None:
    """Each decision is shown until its answer is sent, and goes before a challenge is read."""
    shown: list[bool] = []

    class Watching(FakePage):
        def _perform(self, action: Any) -> Any:
            if isinstance(action, Show):
                shown.append(action.decision is not None)
            return super()._perform(action)

    page = Watching(says=["Wrong", "Verified"])
    chosen = Fixed(lambda target: {0: 0.99})
    assert runner.run(flow.solve(Policy(), model="m"), unwrapped(page), chosen).solved
    assert shown == [False, True, False] * 2
