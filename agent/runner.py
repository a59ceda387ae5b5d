"""Two short loops, sync and async, that carry actions and observations between flow and driver.

Also the front doors `solve` and `solve_async`. Whatever takes longer than the policy lets it is
cut short (see `waiting`), and the flow told: every solve ends, and says how far it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any

from PIL import Image

from agent import flow, ocr, waiting, widget_file
from agent.data import (
    Capture,
    Click,
    Describe,
    Enlarge,
    Look,
    Observation,
    Outcome,
    Press,
    Read,
    Request,
    Reveal,
    Score,
    Show,
    Tell,
    Visit,
    Wait,
)
from agent.driver import Driver
from agent.errors import MissingError, SiteError
from agent.overlay import Overlaid
from agent.policy import Policy, load
from agent.progress import StopError
from agent.scope import Scope
from agent.scorer import Scorer, load_scorer
from agent.stepping import BeforeEach, Stepping
from agent.verifier import check_success
from agent.waiting import CutError, Stop, step, step_async

__all__ = ["Stop", "run", "run_async", "solve", "solve_async", "step", "step_async"]

Teller = Callable[[str], None]
Flow = Generator[Request, Observation, Outcome]

_CLOSING_S = 5.0  # to take back what was set on the page, after the deadline, too
_DOING = {
    Look: "looking at the page", Reveal: "scrolling the page", Capture: "screenshotting the page",
    Enlarge: "making the window taller",
    Click: "clicking", Press: "pressing a key", Describe: "describing the page", Wait: "waiting",
    Visit: "loading the page again", Score: "scoring the tiles, or loading the model",
    Read: "reading what is painted", Show: "showing what was decided", Tell: "telling of it",
}  # fmt: skip


def solve(
    page: Any,
    policy: str | Policy = "default",
    *,
    model: str | Scorer = "lite",
    allow: Iterable[str] = (),
    success: str = "",
    widget: str = "",
    url: str = "",
    tell: Teller | None = None,
    overlay: bool = False,
    before_each: BeforeEach | None = None,
    stop: Stop | None = None,
) -> Outcome:
    """Solve the captcha on `page`, a Playwright sync Page that is already on the site.

    `policy` and `model` are names, files or loaded ones; `allow` adds hosts to the policy's scope;
    `success` says what success looks like (`selector:CSS`, `text:WORDS`, `url:GLOB`);
    `widget` is the path of a widget file; `url` is opened first where it is given; `tell` gets one
    line an attempt; `overlay` draws boxes and probabilities over the page, for whoever watches;
    `before_each` is called before each click or key with words that say what comes next, and its
    time does not count; `stop` ends it early, from a signal handler or another thread. A captcha
    that was not solved is an Outcome, not an exception, and so is a page or a model that hangs.

    Raises ScopeError where the page is outside the scope, SiteError where page or browser went
    away, UsageError and MissingError where policy or model are wrong or missing.
    """
    job = _Job(page, policy, allow, success, widget, url, overlay, stop)
    stepping = Stepping(before_each) if before_each else None
    try:
        scorer = waiting.work(job.loading(model), job.left_s, job.stop)
        if url:
            step(job.opening(), job.left_s, job.stop)
        return run(job.flow(scorer), job.driver, scorer, tell, job.stop, stepping)
    except CutError:
        return job.ended()
    finally:
        _close(job.driver)


async def solve_async(
    page: Any,
    policy: str | Policy = "default",
    *,
    model: str | Scorer = "lite",
    allow: Iterable[str] = (),
    success: str = "",
    widget: str = "",
    url: str = "",
    tell: Teller | None = None,
    overlay: bool = False,
    before_each: BeforeEach | None = None,
    stop: Stop | None = None,
) -> Outcome:
    """As `solve`, with a Playwright async Page."""
    job = _Job(page, policy, allow, success, widget, url, overlay, stop)
    stepping = Stepping(before_each) if before_each else None
    try:
        scorer = await waiting.work_async(job.loading(model), job.left_s, job.stop)
        if url:
            await step_async(job.opening(), job.left_s, job.stop)
        moves = job.flow(scorer)
        return await run_async(moves, job.driver, scorer, tell, job.stop, stepping)
    except CutError:
        return job.ended()
    finally:
        await _close_async(job.driver)


class _Job:
    """What one solve is made of, and how much of its time is left."""

    def __init__(
        self,
        page: Any,
        policy: str | Policy,
        allow: Iterable[str],
        success: str,
        widget: str,
        url: str,
        overlay: bool,
        stop: Stop | None,
    ) -> None:
        self._began_s = time.monotonic()
        self._url, self._doing, self._model = url, "", ""
        rules = load(policy) if isinstance(policy, str) else policy
        self.rules = rules.model_copy(update={"success": check_success(success or rules.success)})
        self.stop = stop or Stop()
        scope = Scope(allow=(*rules.allow, *allow))
        parts = widget_file.load(widget) if widget else None
        driver = Driver(page, scope, parts, block_outside=rules.block_outside_requests)
        self.driver = Overlaid(driver, page) if overlay else driver

    @property
    def left_s(self) -> float:
        return max(self.rules.retry.deadline_s - self._spent_s, 0.0)

    @property
    def _spent_s(self) -> float:
        return time.monotonic() - self._began_s

    def loading(self, model: str | Scorer) -> Callable[[], Any]:
        """What loads the scorer, and begins to warm it up beside the browser."""
        self._doing = "loading the model"
        self._model = model if isinstance(model, str) else model.name

        def loaded() -> Any:
            scorer = load_scorer(model) if isinstance(model, str) else model
            waiting.begin(scorer.warm)  # should it fail, scoring says so
            return scorer

        return loaded

    def opening(self) -> waiting.Steps:
        self._doing = "opening the page"
        return self.driver.open(self._url, timeout_s=self.left_s)

    def flow(self, scorer: Any) -> Flow:
        return flow.solve(self.rules, model=scorer.name, spent_s=self._spent_s)

    def ended(self) -> Outcome:
        """The outcome where the page was not even looked at."""
        reason = self.stop.reason or flow.out_of_time(self.rules, self._doing)
        return Outcome("unsolved", reason, self._url, self._spent_s, self._model, self.rules.name)


def run(
    moves: Flow,
    driver: Any,
    scorer: Any,
    tell: Teller | None = None,
    stop: Stop | None = None,
    stepping: Stepping | None = None,
) -> Outcome:
    """Perform a flow's actions one by one until it returns its Outcome."""
    stop = stop or Stop()
    try:
        request = next(moves)
        while True:
            if stepping:
                stepping.before(request.action)
            began_s = time.monotonic()
            try:
                if isinstance(request.action, Score | Read | Tell):
                    observation = _think(request.action, request.within_s, scorer, tell, stop)
                else:
                    observation = step(driver.perform(request.action), request.within_s, stop)
            except SiteError as error:
                observation = _cut_short(error, request, began_s, stop)
            request = _go_on(moves, observation, stop, stepping)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def run_async(
    moves: Flow,
    driver: Any,
    scorer: Any,
    tell: Teller | None = None,
    stop: Stop | None = None,
    stepping: Stepping | None = None,
) -> Outcome:
    """As `run`, awaiting what the driver yields; scoring leaves the event loop free."""
    stop = stop or Stop()
    try:
        request = next(moves)
        while True:
            if stepping:
                await asyncio.to_thread(stepping.before, request.action)
            began_s = time.monotonic()
            try:
                if isinstance(request.action, Score | Read | Tell):
                    thought = partial(_thought, request.action, scorer, tell)
                    observation = await waiting.work_async(thought, request.within_s, stop)
                else:
                    moving = step_async(driver.perform(request.action), request.within_s, stop)
                    observation = await moving
            except SiteError as error:
                observation = _cut_short(error, request, began_s, stop)
            request = _go_on(moves, observation, stop, stepping)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def _cut_short(error: SiteError, request: Request, began_s: float, stop: Stop) -> Observation:
    """What the flow gets to know of an action that took too long; raises any other error.

    After a stop the browser may be gone, too: Ctrl-C in a terminal reaches all of its processes.
    """
    if not isinstance(error, CutError) and not stop.reason:
        raise error
    now_s = max(time.monotonic(), began_s + request.within_s)
    return Observation(None, now_s, now_s - began_s, _DOING[type(request.action)])


def _go_on(moves: Flow, observation: Observation, stop: Stop, stepping: Stepping | None) -> Request:
    """The flow's next request; raises StopIteration where there is none."""
    if stop.reason:
        return moves.throw(StopError(stop.reason))
    return moves.send(stepping.after(observation) if stepping else observation)


def _think(
    action: Score | Read | Tell, within_s: float, scorer: Any, tell: Teller | None, stop: Stop
) -> Observation:
    thought = partial(_thought, action, scorer, tell)
    if isinstance(action, Read) or (isinstance(scorer, Scorer) and isinstance(action, Score)):
        return waiting.work(thought, within_s, stop)
    # A stand-in may ask the page, which answers on this thread alone: just its model is waited for.
    if isinstance(action, Score):
        waiting.work(scorer.warm, within_s, stop)
    return thought()


def _thought(action: Score | Read | Tell, scorer: Any, tell: Teller | None) -> Observation:
    start_s = time.monotonic()
    value, problem = None, ""
    if isinstance(action, Score):
        value = scorer.scores_on(action.picture, action.grid, action.target, action.sample)
    elif isinstance(action, Read):
        try:
            value = ocr.read_lines(Image.fromarray(action.picture.pixels))
        except MissingError as error:
            problem = str(error)  # a page that nothing is painted into needs no extra
    elif tell is not None:
        tell(action.text)
    now_s = time.monotonic()
    return Observation(value, now_s, now_s - start_s, problem)


def _close(driver: Driver | Overlaid) -> None:
    with contextlib.suppress(CutError):
        step(driver.close(), _CLOSING_S)


async def _close_async(driver: Driver | Overlaid) -> None:
    with contextlib.suppress(CutError):
        await step_async(driver.close(), _CLOSING_S)
