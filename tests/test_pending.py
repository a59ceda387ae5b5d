"""Which calls of a page count as the doing of a click, and until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from agent import pending
from agent.pending import Pending


@dataclass(eq=False)
class Call:
    resource_type: str = "fetch"


class Page:
    """What Playwright's page does with listeners."""

    def __init__(self) -> None:
        self.listeners: dict[str, list[Callable[[Any], None]]] = defaultdict(list)

    def on(self, event: str, listener: Callable[[Any], None]) -> None:
        self.listeners[event].append(listener)

    def remove_listener(self, event: str, listener: Callable[[Any], None]) -> None:
        self.listeners[event].remove(listener)

    def tell(self, event: str, call: Call) -> Call:
        for listener in self.listeners[event]:
            listener(call)
        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    @dataclass
    class Clock:
        now_s: float = 100.0

    clock = Clock()
    monkeypatch.setattr(pending.time, "monotonic", lambda: clock.now_s)
    return clock


def click(calls: Pending) -> None:
    with calls.acting():
        pass


@pytest.mark.parametrize("end", ["requestfinished", "requestfailed"])
def test_a_call_of_a_click_counts_until_it_ends(clock: Any, end: str) -> None:
    page = Page()
    calls = Pending(page)
    click(calls)
    call = page.tell("request", Call())
    clock.now_s += 60
    assert calls
    page.tell(end, call)
    assert not calls


def test_what_was_asked_for_before_or_long_after_a_click_is_not_its_doing(clock: Any) -> None:
    page = Page()
    calls = Pending(page)
    page.tell("request", Call())
    click(calls)
    assert not calls
    clock.now_s += 5
    page.tell("request", Call())
    assert not calls


def test_what_an_answer_brings_is_the_doing_of_the_click_too(clock: Any) -> None:
    page = Page()
    calls = Pending(page)
    click(calls)
    call = page.tell("request", Call())
    clock.now_s += 5
    page.tell("requestfinished", call)
    page.tell("request", Call("image"))
    assert calls


@pytest.mark.parametrize("kind", ["eventsource", "websocket", "ping", "media"])
def test_what_never_ends_or_matters_little_is_not_waited_for(clock: Any, kind: str) -> None:
    page = Page()
    calls = Pending(page)
    click(calls)
    page.tell("request", Call(kind))
    assert not calls


def test_a_click_that_fails_is_over_too(clock: Any) -> None:
    page = Page()
    calls = Pending(page)
    with pytest.raises(ValueError, match="gone"), calls.acting():
        raise ValueError("gone")
    clock.now_s += 5
    page.tell("request", Call())
    assert not calls


def test_nothing_listens_any_more_once_it_is_closed() -> None:
    page = Page()
    Pending(page).close()
    assert not any(page.listeners.values())
