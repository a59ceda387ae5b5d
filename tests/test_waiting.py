"""Waiting ends: when its time is over, or when a stop is asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from agent import waiting
from agent.waiting import CutError, Stop
from tests.conftest import run_async

FOREVER = threading.Event()


def sleep() -> Any:
    return asyncio.sleep(3600)


def awaits(awaitables: list[Any], closed: list[bool]) -> Any:
    """Steps of a driver that yield these awaitables, and note that they were closed."""
    try:
        for make in awaitables:
            yield make()
    finally:
        closed.append(True)
    return "done"


def test_work_is_waited_for() -> None:
    """Work on a thread gives its value, or raises its own error."""
    assert waiting.work(lambda: 7, 60) == 7
    assert run_async(waiting.work_async(lambda: 7, 60)) == 7
    with pytest.raises(ZeroDivisionError):
        waiting.work(lambda: 1 / 0, 60)
    with pytest.raises(ZeroDivisionError):
        run_async(waiting.work_async(lambda: 1 / 0, 60))


def test_work_that_hangs_is_left_behind() -> None:
    """Work that does not end in time raises, and its thread does not keep the process alive."""
    with pytest.raises(CutError, match=r"^nothing came within 0\.05 s$"):
        waiting.work(FOREVER.wait, 0.05)
    with pytest.raises(CutError, match=r"^nothing came within 0\.05 s$"):
        run_async(waiting.work_async(FOREVER.wait, 0.05))
    left = [thread for thread in threading.enumerate() if thread.name == "captcha-agent"]
    assert left
    assert all(thread.daemon for thread in left)


@pytest.mark.parametrize(
    "wait",
    [
        lambda stop: waiting.work(FOREVER.wait, 60, stop),
        lambda stop: run_async(waiting.work_async(FOREVER.wait, 60, stop)),
        lambda stop: run_async(waiting.step_async(awaits([sleep], []), 60, stop)),
    ],
)
def test_a_stop_from_another_thread_ends_it(wait: Callable[[Stop], Any]) -> None:
    """A stop cuts short what is waited for now, and keeps anything else from being begun."""
    stop = Stop()
    threading.Timer(0.05, stop.ask, ["stopped by hand"]).start()
    with pytest.raises(CutError):
        wait(stop)
    with pytest.raises(CutError, match=r"^stopped by hand$"):
        wait(stop)


def test_the_first_reason_stays() -> None:
    """A second stop does not change why it was stopped."""
    stop = Stop()
    stop.ask("first")
    stop.ask("second")
    assert stop.reason == "first"


def test_steps_share_one_bound() -> None:
    """All awaitables of one action together take no longer than it may, and it is closed then."""
    closed: list[bool] = []
    steps = awaits([lambda: asyncio.sleep(0.04)] * 100, closed)
    with pytest.raises(CutError):
        run_async(waiting.step_async(steps, 0.1))
    assert closed == [True]
    assert run_async(waiting.step_async(awaits([lambda: asyncio.sleep(0)], []), 60)) == "done"


def test_a_cancelled_task_stays_cancelled() -> None:
    """Who cancels the task gets the CancelledError: it is no stop and no deadline."""
    closed: list[bool] = []

    async def go() -> None:
        task = asyncio.ensure_future(waiting.step_async(awaits([sleep], closed), 60))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        run_async(go())
    assert closed == [True]


def test_a_stand_in_without_playwright_is_stepped() -> None:
    """Without an event loop of Playwright's nothing is bounded, but a stop still counts."""

    def steps() -> Any:
        value = yield 1
        return value + 1

    assert waiting.step(steps(), 60) == 2
    stop = Stop()
    stop.ask("stopped by hand")
    with pytest.raises(CutError, match=r"^stopped by hand$"):
        waiting.step(steps(), 60, stop)


def test_time_passes_until_a_stop() -> None:
    """A stop from another thread ends the longest pause, and one asked for before begins none."""
    stop = Stop()
    waking = threading.Timer(0.05, stop.ask, ["enough"])
    waking.start()
    waiting.pass_time(3600, stop)
    waiting.pass_time(3600, stop)
    assert stop.reason == "enough"
