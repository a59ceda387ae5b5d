"""The one place where waiting ends: when its time is over, or when the solve is told to stop.

Playwright bounds some of its calls and not others (a page that computes for ever lets `evaluate`
and `click` hang), and a model's files may lie on a disk that does not answer. Here every call is
cut short, whatever it is.

Playwright's sync API runs each call as a task of an event loop on the caller's own thread: that
task is cancelled, by a timer of the same loop. Work that is not Playwright's runs on a thread,
which is left behind: Python can't end it, and it must not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from agent.errors import SiteError

T = TypeVar("T")
Steps = Generator[Any, Any, Any]
"""Yields what a Playwright call returned, receives its value, returns the result."""


class CutError(SiteError):
    """What was waited for took longer than it may, or a stop was asked for."""


def _late(within_s: float) -> CutError:
    return CutError(f"nothing came within {within_s:.3g} s")


class Stop:
    """Ends a solve early: whatever it waits for is cut short, and nothing else is begun.

    `ask` may be called from a signal handler or from another thread.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._wake: Callable[[], object] | None = None

    def ask(self, reason: str) -> None:
        """Stop now; `reason` goes into the outcome."""
        self.reason = self.reason or reason
        if (wake := self._wake) is not None:
            wake()

    @contextlib.contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Have `wake` called by `ask` while the block runs. Raises CutError after a stop."""
        before, self._wake = self._wake, wake
        try:
            self.check()
            yield
        finally:
            self._wake = before

    def check(self) -> None:
        """Raise CutError where a stop was asked for."""
        if self.reason:
            raise CutError(self.reason)


# --- Playwright's sync API ------------------------------------------------------------------------


class _Calls:
    """Some calls of Playwright's sync API that share one bound."""

    def __init__(self, loop: asyncio.AbstractEventLoop, within_s: float) -> None:
        self._loop = loop
        self._within_s = within_s
        self._tasks: list[asyncio.Future[Any]] = []
        self._cut = False

    def cut(self) -> None:
        """Cancel the call that is waited for, and let no other begin. Runs on the loop."""
        self._cut = True
        for task in self._tasks:
            task.cancel()

    def make(self, call: Callable[[], T]) -> T:
        """Make one call. Raises CutError once `cut` was called."""
        if self._cut:
            raise _late(self._within_s)
        before = self._loop.get_task_factory()

        def note(loop: Any, coroutine: Any, **options: Any) -> Any:
            make = before or (lambda loop, coro, **opts: asyncio.Task(coro, loop=loop, **opts))
            self._tasks.append(make(loop, coroutine, **options))
            return self._tasks[-1]

        self._loop.set_task_factory(note)
        # What is begun once the loop runs again is not this call's, but an event handler's.
        restoring = self._loop.call_soon(self._loop.set_task_factory, before)
        try:
            return call()
        except asyncio.CancelledError as error:
            if self._cut:
                raise _late(self._within_s) from error
            raise
        finally:
            restoring.cancel()
            self._loop.set_task_factory(before)
            self._tasks.clear()


@contextlib.contextmanager
def _bounded(within_s: float, stop: Stop) -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """What makes a call of Playwright's sync API; all calls together take `within_s` at most."""
    try:
        loop = asyncio.get_running_loop()  # Playwright's: it is current between two calls
    except RuntimeError:
        stop.check()
        yield lambda call: call()  # no Playwright has been started: nothing waits
        return
    calls = _Calls(loop, within_s)
    timer = loop.call_later(within_s, calls.cut) if math.isfinite(within_s) else None
    try:
        with stop.waking(lambda: loop.call_soon_threadsafe(calls.cut)):
            yield calls.make
    finally:
        if timer is not None:
            timer.cancel()


def call(function: Callable[[], T], within_s: float, stop: Stop | None = None) -> T:
    """Make one call of Playwright's sync API. Raises CutError where it is cut short."""
    with _bounded(within_s, stop or Stop()) as make:
        result: T = make(function)
        return result


def step(steps: Steps, within_s: float = math.inf, stop: Stop | None = None) -> Any:
    """Run a driver's generator against Playwright's sync API: values go straight back.

    Raises CutError where it takes longer than `within_s`, or `stop` is asked for.
    """
    with _bounded(within_s, stop or Stop()) as make:
        value = None
        while True:
            try:
                value = make(lambda value=value: steps.send(value))  # type: ignore[misc]
            except StopIteration as done:
                return done.value


# --- Playwright's async API -----------------------------------------------------------------------


async def step_async(steps: Steps, within_s: float = math.inf, stop: Stop | None = None) -> Any:
    """As `step`, against Playwright's async API: awaitables are awaited first."""
    async with _Bound(within_s, stop or Stop()):
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
        finally:
            steps.close()


class _Bound:
    """`asyncio.timeout` that a Stop can bring forward; raises CutError in its place."""

    def __init__(self, within_s: float, stop: Stop) -> None:
        self._within_s = within_s
        self._timeout = asyncio.timeout(within_s if math.isfinite(within_s) else None)
        self._stop = stop

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._waking = self._stop.waking(lambda: loop.call_soon_threadsafe(self._now))
        self._waking.__enter__()
        self._entered = True
        await self._timeout.__aenter__()

    def _now(self) -> None:
        if self._entered and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())

    async def __aexit__(self, *error: Any) -> None:
        self._entered = False
        self._waking.__exit__(None, None, None)
        try:
            await self._timeout.__aexit__(*error)
        except TimeoutError as late:
            raise _late(self._within_s) from late


# --- work on a thread -----------------------------------------------------------------------------


_running: set[threading.Thread] = set()
_SETTLING_S = 2.0


@atexit.register
def _settle() -> None:
    """Give what still loads a moment: to end in the middle of it may crash the interpreter."""
    until_s = time.monotonic() + _SETTLING_S
    for thread in tuple(_running):
        thread.join(max(until_s - time.monotonic(), 0.0))


def begin(function: Callable[[], T]) -> Future[T]:
    """Do some work on a thread of its own, which does not keep the process from ending."""
    future: Future[T] = Future()

    def work() -> None:
        future.set_running_or_notify_cancel()
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)
        finally:
            _running.discard(threading.current_thread())

    thread = threading.Thread(target=work, name="captcha-agent", daemon=True)
    _running.add(thread)
    thread.start()
    return future


def pass_time(seconds: float, stop: Stop) -> None:
    """Wait that long, or until a stop is asked for."""
    woken: queue.SimpleQueue[None] = queue.SimpleQueue()  # see `work`
    with contextlib.suppress(CutError, queue.Empty), stop.waking(lambda: woken.put(None)):
        woken.get(timeout=seconds)


def work(function: Callable[[], T], within_s: float = math.inf, stop: Stop | None = None) -> T:
    """Do some work on a thread and wait for it. Raises CutError where it is cut short."""
    # A SimpleQueue may be written to by a signal handler while it is read: a lock may not.
    woken: queue.SimpleQueue[None] = queue.SimpleQueue()
    with (stop or Stop()).waking(lambda: woken.put(None)):
        future = begin(function)
        future.add_done_callback(lambda _: woken.put(None))
        try:
            woken.get(timeout=within_s if math.isfinite(within_s) else None)
        except queue.Empty:
            raise _late(within_s) from None
    if not future.done():
        raise _late(within_s)
    return future.result()


async def work_async(
    function: Callable[[], T], within_s: float = math.inf, stop: Stop | None = None
) -> T:
    """As `work`; the event loop goes on meanwhile."""
    async with _Bound(within_s, stop or Stop()):
        return await asyncio.wrap_future(begin(function))
