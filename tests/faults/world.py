"""One solve in which one thing goes wrong at one moment, and what must hold of it whatever it is.

The moment is known by the action that comes next: the driver's `perform` is wrapped, and does
the damage just before it. Right answers are known to a stand-in: what fails is not the model.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from PIL import Image
from playwright.sync_api import Page, Route

from agent import report, runner
from agent.data import Action, Capture, Click, Look, Outcome
from agent.driver import Driver
from agent.errors import CaptchaAgentError, SiteError
from agent.policy import Policy, check
from fixtures.site import Server
from tests.e2e.oracle import oracle

MOMENTS = ("look", "capture", "click", "submit", "verify")
"""Before the first look; before the first screenshot; between two tiles; before the answer is
submitted; while its verdict is waited for."""

SLACK_S = 6.0  # after the deadline, to take back what was set on a page that hangs

RULES = {
    "retry": {"attempts": 3, "deadline_s": 20, "wait_s": 0.1},
    "limits": {"clicks": 40, "reloads": 2},
    "waits": {"find_s": 1.5, "click_s": 0.3, "verify_s": 1.5, "poll_s": 0.05},
}


@dataclass(frozen=True)
class Expected:
    """How a solve must end: its status, and its reason as a regular expression."""

    status: str
    reason: str

    def fits(self, outcome: Outcome) -> bool:
        return (
            outcome.status == self.status and re.fullmatch(self.reason, outcome.reason) is not None
        )


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and what must come of it at each moment where it is tried."""

    name: str
    damage: Callable[[World], Any]
    expected: dict[str, Expected]
    rules: dict[str, Any] = field(default_factory=dict)
    before_opening: bool = False
    """At the moment `look` the damage is done before the page is opened."""


@dataclass
class World:
    """The page, the site behind it, and how far the solve has come."""

    page: Page
    site: Server
    fault: Fault
    moment: str
    done: bool = False
    clicks: int = 0
    answer: int = 0

    @property
    def url(self) -> str:
        """The captcha's page, whose first challenges have three right tiles each."""
        return f"{self.site.url}/signup/tiles?seed=39"

    def damage_once(self) -> None:
        if not self.done:
            self.done = True
            self.fault.damage(self)

    def run(self, script: str) -> None:
        """Run a script in the page, whatever comes of it there."""
        self.page.evaluate(script)

    def respond(self, pattern: str, answer: Callable[[Route], Any], *, times: int = 10_000) -> None:
        """Have requests to addresses like `pattern` answered by `answer`."""
        self.page.route(pattern, answer, times=times)

    def exchange(self) -> None:
        """Have the widget show another challenge, as a click on its button would."""
        if "/signup/" in self.page.url:
            self.run("() => document.querySelector('.reload')?.click()")

    def solve(self, folder: Path) -> Outcome:
        """Solve with the fault; an error that it raises becomes an outcome of that status."""
        rules: Policy = check({**RULES, **self.fault.rules}, where="faults")
        url = self.url
        if self.moment == "look" and self.fault.before_opening:
            self.damage_once()
        model: Any = oracle(self.site)

        def watched(*given: Any, **settings: Any) -> Driver:
            return _Watched(self, *given, **settings)

        began_s = time.monotonic()
        with mock.patch.object(runner, "Driver", watched):
            try:
                outcome = runner.solve(self.page, rules, model=model, url=url)
            except CaptchaAgentError as error:
                status: Any = "error" if isinstance(error, SiteError) else "refused"
                outcome = Outcome(status, str(error), url, 0.0, "oracle", rules.name)
        spent_s = time.monotonic() - began_s
        assert spent_s <= rules.retry.deadline_s + SLACK_S, f"{spent_s:.1f} s: {outcome.reason}"
        _check_report(outcome, folder)
        return outcome


class _Watched(Driver):
    """The driver, which does the damage before the action of the moment."""

    def __init__(self, world: World, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._world = world

    def perform(self, action: Action) -> Any:
        world = self._world
        if self._moment(action) == world.moment:
            world.damage_once()
            yield  # its calls are over: those of the action have a bound of their own
        return (yield from super().perform(action))

    def _moment(self, action: Action) -> str:
        world = self._world
        if isinstance(action, Click):
            if not world.clicks:
                world.answer = len(world.site.latest().answer)
            world.clicks += 1
            return {2: "click", world.answer + 1: "submit"}.get(world.clicks, "")
        if world.clicks > world.answer > 0:
            return "verify"
        return {Look: "look", Capture: "capture"}.get(type(action), "")


def _check_report(outcome: Outcome, folder: Path) -> None:
    """The report says what the outcome says, and each of its pictures can be opened."""
    page = report.save(outcome, folder)
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    content = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    assert content["status"] == outcome.status
    assert len(content["attempts"]) == len(outcome.attempts)
    for number in range(1, len(outcome.attempts) + 1):
        with Image.open(folder / f"attempt-{number}.png") as picture:
            picture.load()
    assert not list(folder.glob("*.part"))
