"""Knows whether a click's calls to a server are still unanswered: a page that waits is not deaf.

Without it a server that takes two seconds over an answer would be asked twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_CAUSED_S = 2.0  # after a click, key or answer: what a page asks for later is its own affair
_CALLS = {"document", "fetch", "image", "script", "xhr"}


class Pending:
    """The calls of one Playwright page (sync or async) since the last click or key."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._calls: set[Any] = set()
        self._until_s = 0.0
        page.on("request", self._began)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def __bool__(self) -> bool:
        """Whether any call has no answer yet."""
        return bool(self._calls)

    def close(self) -> None:
        """Stop listening."""
        self._page.remove_listener("request", self._began)
        self._page.remove_listener("requestfinished", self._ended)
        self._page.remove_listener("requestfailed", self._ended)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """While a click or key is made, even in vain: its calls count, those before it no more."""
        self._calls.clear()
        self._until_s = float("inf")
        try:
            yield
        finally:
            self._until_s = time.monotonic() + _CAUSED_S

    def _began(self, request: Any) -> None:
        if request.resource_type in _CALLS and time.monotonic() <= self._until_s:
            self._calls.add(request)

    def _ended(self, request: Any) -> None:
        if request in self._calls:
            self._calls.discard(request)
            self._until_s = max(self._until_s, time.monotonic() + _CAUSED_S)
