"""Two short loops, sync and async, that carry actions and observations between flow and driver.

Also the front doors `solve` and `solve_async`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

from agent import flow, widget_file
from agent.data import Action, Observation, Outcome, Score, Tell
from agent.driver import Driver
from agent.gate import Steps
from agent.overlay import Overlaid
from agent.policy import Policy, load
from agent.scope import Scope
from agent.scorer import Scorer, load_scorer
from agent.stepping import BeforeEach, Stepping
from agent.verifier import check_success

Teller = Callable[[str], None]
Flow = Generator[Action, Observation, Outcome]


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
) -> Outcome:
    """Solve the captcha on `page`, a Playwright sync Page that is already on the site.

    `policy` and `model` are names, files or loaded ones; `allow` adds hosts to the policy's scope;
    `success` says what success looks like (`selector:CSS`, `text:WORDS`, `url:GLOB`);
    `widget` is the path of a widget file; `url` is opened first where it is given; `tell` gets one
    line an attempt; `overlay` draws boxes and probabilities over the page, for whoever watches;
    `before_each` is called before each click or key with words that say what comes next, and its
    time does not count. A captcha that was not solved is an Outcome, not an exception.

    Raises ScopeError where the page is outside the scope, SiteError where page or browser went
    away, UsageError and MissingError where policy or model are wrong or missing.
    """
    rules, scorer, driver = _prepare(page, policy, model, allow, success, widget, overlay)
    stepping = Stepping(before_each) if before_each else None
    try:
        if url:
            step(driver.open(url, timeout_s=rules.retry.deadline_s))
        return run(flow.solve(rules, model=scorer.name), driver, scorer, tell, stepping)
    finally:
        step(driver.close())


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
) -> Outcome:
    """As `solve`, with a Playwright async Page."""
    rules, scorer, driver = _prepare(page, policy, model, allow, success, widget, overlay)
    stepping = Stepping(before_each) if before_each else None
    try:
        if url:
            await step_async(driver.open(url, timeout_s=rules.retry.deadline_s))
        return await run_async(flow.solve(rules, model=scorer.name), driver, scorer, tell, stepping)
    finally:
        await step_async(driver.close())


def _prepare(
    page: Any,
    policy: str | Policy,
    model: str | Scorer,
    allow: Iterable[str],
    success: str,
    widget: str,
    overlay: bool,
) -> tuple[Policy, Scorer, Driver | Overlaid]:
    """Load what a solve needs and begin to warm up the model beside the browser."""
    rules = load(policy) if isinstance(policy, str) else policy
    rules = rules.model_copy(update={"success": check_success(success or rules.success)})
    scope = Scope(allow=(*rules.allow, *allow))
    parts = widget_file.load(widget) if widget else None
    scorer = load_scorer(model) if isinstance(model, str) else model
    threading.Thread(target=scorer.warm, name="captcha-agent-warm").start()
    driver = Driver(page, scope, parts, block_outside=rules.block_outside_requests)
    return rules, scorer, Overlaid(driver, page) if overlay else driver


def run(
    moves: Flow,
    driver: Any,
    scorer: Any,
    tell: Teller | None = None,
    stepping: Stepping | None = None,
) -> Outcome:
    """Perform a flow's actions one by one until it returns its Outcome."""
    try:
        action = next(moves)
        while True:
            if stepping:
                stepping.before(action)
            if isinstance(action, Score | Tell):
                observation = _think(action, scorer, tell)
            else:
                observation = step(driver.perform(action))
            action = moves.send(stepping.after(observation) if stepping else observation)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def run_async(
    moves: Flow,
    driver: Any,
    scorer: Any,
    tell: Teller | None = None,
    stepping: Stepping | None = None,
) -> Outcome:
    """As `run`, awaiting what the driver yields; scoring leaves the event loop free."""
    try:
        action = next(moves)
        while True:
            if stepping:
                await asyncio.to_thread(stepping.before, action)
            if isinstance(action, Score | Tell):
                observation = await asyncio.to_thread(_think, action, scorer, tell)
            else:
                observation = await step_async(driver.perform(action))
            action = moves.send(stepping.after(observation) if stepping else observation)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def step(steps: Steps) -> Any:
    """Run a driver's generator against Playwright's sync API: values go straight back."""
    try:
        value = next(steps)
        while True:
            value = steps.send(value)
    except StopIteration as done:
        return done.value


async def step_async(steps: Steps) -> Any:
    """Run a driver's generator against Playwright's async API: awaitables are awaited first."""
    try:
        pending = next(steps)
        while True:
            try:
                value = await pending
            except Exception as error:  # noqa: BLE001 - handed to the driver, which judges it
                pending = steps.throw(error)
            else:
                pending = steps.send(value)
    except StopIteration as done:
        return done.value


def _think(action: Score | Tell, scorer: Any, tell: Teller | None) -> Observation:
    start_s = time.monotonic()
    value = None
    if isinstance(action, Score):
        value = scorer.scores_on(action.picture, action.grid, action.target, action.sample)
    elif tell is not None:
        tell(action.text)
    now_s = time.monotonic()
    return Observation(value, now_s, now_s - start_s)
