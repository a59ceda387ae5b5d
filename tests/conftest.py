"""What many tests share: the fixture site, a browser page, and a script that stands in for both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from agent.browser import BrowserChoice, open_page
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
    Scores,
    Snapshot,
    Wait,
)
from agent.policy import BrowserSettings
from fixtures.site import Server, serve


@pytest.fixture(scope="session")
def site() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def browser_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where the shared browser has its temporary files."""
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="session")
def _page(browser_files: Path) -> Iterator[Page]:
    opened = open_page(BrowserChoice(), BrowserSettings())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(browser_files))
        page = opened.__enter__()
    yield page
    opened.__exit__(None, None, None)


@pytest.fixture
def page(_page: Page) -> Iterator[Page]:
    """A page of its own in a browser that all tests share."""
    browser = _page.context.browser
    assert browser is not None
    context = browser.new_context()
    yield context.new_page()
    context.close()


def run_async(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a thread of its own: Playwright's sync API keeps a loop on this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, main).result()


class Fixed:
    """A scorer that gives the probabilities that a function names."""

    name = "fixed"

    def __init__(self, choose: Callable[[Any], dict[int, float]]) -> None:
        self._choose = choose

    def warm(self) -> None:
        """Nothing to load."""

    def scores_on(self, picture: Picture, grid: Any, target: Any, sample: Any = None) -> Any:
        chosen = self._choose(target)
        likely = [chosen.get(i, 0.02) for i in range(len(grid.boxes))]
        return Scores.apart(np.array(likely, dtype=np.float32))


@dataclass
class FakePage:
    """A page in memory that performs actions: nine tiles that toggle, a button, a verdict.

    `says` are the messages that it gives to answers, one after the other; each but an accepted
    one is followed by new pictures. `deaf` tiles do not react to a click on their
    place, a `deaf_button` only to a click on itself; that of a page that opens later is disabled
    until then. A page that does not renew keeps its challenge after a wrong answer.
    """

    says: list[str] = field(default_factory=lambda: ["Verified"])
    instruction: str = "Select all images with a bus"
    deaf: set[int] = field(default_factory=set)
    deaf_button: bool = False
    opens_s: float = 0.0
    renews: bool = True
    look_s: float = 0.01
    ahead_s: float = 0.0
    challenge: int = 0
    message: str = ""
    chosen: set[int] = field(default_factory=set)
    answers: list[tuple[int, ...]] = field(default_factory=list)
    clicks: int = 0

    def perform(self, action: Action) -> Any:
        """As `Driver.perform`, with one pretended Playwright call for the async loop to await."""
        value = yield _Ready(self._perform(action))
        return Observation(value, time.monotonic() + self.ahead_s, self.look_s)

    def _perform(self, action: Action) -> Any:
        # Scoring is timed by the real clock; this page's runs ahead of it by what it pretends.
        self.ahead_s += action.seconds if isinstance(action, Wait) else self.look_s
        if isinstance(action, Look):
            return self.snapshot()
        if isinstance(action, Capture):
            return Picture(self.pixels(), action.box, 1.0)
        if isinstance(action, Click):
            self._click(action)
        return None

    @property
    def closed(self) -> bool:
        return self.ahead_s < self.opens_s

    def tiles(self) -> list[Box]:
        return [Box(20 + i % 3 * 110, 80 + i // 3 * 110, 100, 100) for i in range(9)]

    def snapshot(self) -> Snapshot:
        elements = [Element(0, 0, "text", Box(20, 20, 300, 30), self.instruction)]
        elements += [
            Element(
                1 + i, 0, "image", box, checked=i in self.chosen, source=f"{self.challenge}-{i}"
            )
            for i, box in enumerate(self.tiles())
        ]
        elements.append(
            Element(10, 0, "button", Box(20, 430, 100, 30), "Verify", disabled=self.closed)
        )
        elements.append(Element(11, 0, "button", Box(220, 430, 100, 30), "New challenge"))
        if self.message:
            elements.append(Element(12, 0, "status", Box(20, 470, 300, 20), self.message))
        if self.message == "Verified":
            elements = elements[-1:]
        url = "http://localhost/form"
        return Snapshot(url, "Form", tuple(elements), (Frame(url, Box(0, 0, 800, 600)),), 800, 600)

    def pixels(self) -> Any:
        random = np.random.default_rng(self.challenge)
        pixels = np.full((320, 320, 3), 255, dtype=np.uint8)
        for index, box in enumerate(self.tiles()):
            x, y = int(box.x) - 20, int(box.y) - 80
            inset = 12 if index in self.chosen else 0
            tile = random.integers(0, 200, (100, 100, 3), dtype=np.uint8)
            pixels[y + inset : y + 100 - inset, x + inset : x + 100 - inset] = tile[
                inset : 100 - inset, inset : 100 - inset
            ]
        return pixels

    def _click(self, click: Click) -> None:
        self.clicks += 1
        for index, box in enumerate(self.tiles()):
            if box.x <= click.x_css <= box.right and box.y <= click.y_css <= box.bottom:
                if click.element is not None or index not in self.deaf:
                    self.chosen ^= {index}
                return
        if click.x_css < 200:
            if self.closed or (self.deaf_button and click.element is None):
                return
            self.answers.append(tuple(sorted(self.chosen)))
            self.message = self.says.pop(0) if self.says else "Verified"
        else:
            self.message = ""
        if not self.message or (self.renews and self.message != "Verified"):
            self.challenge += 1
        self.chosen = set()


class _Ready:
    """A value that is there already: passed on by the sync loop, awaited by the async one."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Any:
        return self.value
        yield


def unwrapped(driver: FakePage) -> Any:
    """The fake page for the sync loop, whose calls return values and not awaitables."""

    class Sync:
        def perform(self, action: Action) -> Any:
            steps = driver.perform(action)
            try:
                pending = next(steps)
                value = yield pending.value
                steps.send(value)
            except StopIteration as done:
                return done.value

    return Sync()
