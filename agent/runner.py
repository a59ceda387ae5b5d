"""Two short loops, sync and async, that carry actions and observations between flow and driver.

Also the front doors `solve` and `solve_async`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

from PIL import Image

from agent import flow, ocr, widget_file
from agent.data import Action, Observation, Outcome, Read, Score, Tell
from agent.driver import Driver
from agent.errors import MissingError
from agent.gate import Steps
from agent.policy import Policy, load
from agent.scope import Scope
from agent.scorer import Scorer, load_scorer
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
) -> Outcome:
    """Solve the captcha on `page`, a Playwright sync Page that is already on the site.

    `policy` and `model` are names, files or loaded ones; `allow` adds hosts to the policy's scope;
    `success` says what success looks like (`selector:CSS`, `text:WORDS`, `url:GLOB`);
    `widget` is the path of a widget file; `url` is opened first where it is given; `tell` gets one
    line an attempt. A captcha that was not solved is an Outcome, not an exception.

    Raises ScopeError where the page is outside the scope, SiteError where page or browser went
    away, UsageError and MissingError where policy or model are wrong or missing.
    """
    rules, scorer, driver = _prepare(page, policy, model, allow, success, widget)
    try:
        if url:
            step(driver.open(url, timeout_s=rules.retry.deadline_s))
        return run(flow.solve(rules, model=scorer.name), driver, scorer, tell)
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
) -> Outcome:
    """As `solve`, with a Playwright async Page."""
    rules, scorer, driver = _prepare(page, policy, model, allow, success, widget)
    try:
        if url:
            await step_async(driver.open(url, timeout_s=rules.retry.deadline_s))
        return await run_async(flow.solve(rules, model=scorer.name), driver, scorer, tell)
    finally:
        await step_async(driver.close())


def _prepare(
    page: Any,
    policy: str | Policy,
    model: str | Scorer,
    allow: Iterable[str],
    success: str,
    widget: str,
) -> tuple[Policy, Scorer, Driver]:
    """Load what a solve needs and begin to warm up the model beside the browser."""
    rules = load(policy) if isinstance(policy, str) else policy
    rules = rules.model_copy(update={"success": check_success(success or rules.success)})
    scope = Scope(allow=(*rules.allow, *allow))
    parts = widget_file.load(widget) if widget else None
    scorer = load_scorer(model) if isinstance(model, str) else model
    threading.Thread(target=scorer.warm, name="captcha-agent-warm").start()
    return rules, scorer, Driver(page, scope, parts, block_outside=rules.block_outside_requests)


def run(moves: Flow, driver: Any, scorer: Any, tell: Teller | None = None) -> Outcome:
    """Perform a flow's actions one by one until it returns its Outcome."""
    try:
        action = next(moves)
        while True:
            if isinstance(action, Score | Read | Tell):
                observation = _think(action, scorer, tell)
            else:
                observation = step(driver.perform(action))
            action = moves.send(observation)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def run_async(moves: Flow, driver: Any, scorer: Any, tell: Teller | None = None) -> Outcome:
    """As `run`, awaiting what the driver yields; scoring leaves the event loop free."""
    try:
        action = next(moves)
        while True:
            if isinstance(action, Score | Read | Tell):
                observation = await asyncio.to_thread(_think, action, scorer, tell)
            else:
                observation = await step_async(driver.perform(action))
            action = moves.send(observation)
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


def _think(action: Score | Read | Tell, scorer: Any, tell: Teller | None) -> Observation:
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
