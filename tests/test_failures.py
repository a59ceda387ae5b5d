"""What counts as trouble of a site's server, and how long it asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.data import Failure
from agent.failures import Failures, seconds

HERE = "http://shop.test:8000/join"


class Page:
    """A page that has one listener."""

    url = HERE

    def on(self, event: str, listener: Any) -> None:
        assert event == "response"
        self.answered = listener


def answer(status: int, url: str, method: str = "POST", kind: str = "fetch", **headers: str) -> Any:
    request = SimpleNamespace(url=url, method=method, resource_type=kind)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(status=status, request=request, headers=named)


@pytest.mark.parametrize(
    ("response", "seen"),
    [
        (answer(503, "http://shop.test:8000/verify?t=1"), [Failure(503, "/verify")]),
        (answer(429, "http://shop.test:8000/v", retry_after="7"), [Failure(429, "/v", 7)]),
        (answer(500, HERE, "GET", "document"), [Failure(500, "/join")]),
        (answer(502, "http://shop.test:8000/next", "GET", "document"), [Failure(502, "/next")]),
        (answer(404, "http://shop.test:8000/verify"), []),
        (answer(500, "http://shop.test:8000/tile.jpg", "GET", "image"), []),
        (answer(500, "http://counter.test/hit"), []),
        (answer(500, "http://ads.test/frame", "GET", "document"), []),
    ],
)  # fmt: skip
def test_what_is_noted(response: Any, seen: list[Failure]) -> None:
    """Trouble with the page itself, or with what was sent to its site, and nothing else."""
    page: Any = Page()
    failures = Failures(page)
    page.answered(response)
    assert list(failures.seen) == seen


def test_retry_after() -> None:
    """Seconds, or a date; nonsense asks for nothing, and the past for no wait."""
    assert seconds("120") == 120
    soon = datetime.now(UTC) + timedelta(hours=1)
    asked = seconds(format_datetime(soon, usegmt=True))
    assert asked is not None
    assert 3500 < asked <= 3600
    assert seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert [seconds(text) for text in ("", "soon", "-5", "1.5", "2²")] == [None] * 5


@given(st.text())
def test_any_header_is_seconds_or_nothing(text: str) -> None:
    """No server can bring the solve down by this header."""
    asked = seconds(text)
    assert asked is None or asked >= 0
