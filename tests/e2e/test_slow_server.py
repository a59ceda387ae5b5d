"""A server that takes seconds over each answer is asked once, not again and again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import request
from playwright.sync_api import Page

from agent import runner
from fixtures.site import Server, Store, create_app
from tests.conftest import Fixed
from tests.e2e.oracle import oracle

pytestmark = pytest.mark.e2e

ANSWER_S = 1.4  # more than the second after which a page that does nothing is looked into closer


@contextmanager
def slow_site() -> Iterator[tuple[Server, Counter[str]]]:
    """The fixture site, each call taking its time, and how often each address was called."""
    store, calls = Store(b"any", seed=None, expires_s=120), Counter[str]()
    app = create_app(store)

    @app.before_request
    def wait() -> None:
        if request.method == "POST":
            calls[request.path] += 1
            time.sleep(ANSWER_S)

    server = Server(app, store, 0)
    try:
        yield server, calls
    finally:
        server.close()


@pytest.mark.parametrize("kind", ["tiles", "canvas", "submits"])
def test_an_answer_is_sent_once(page: Page, kind: str) -> None:
    with slow_site() as (server, calls):
        url = f"{server.url}/signup/{kind}?seed=5"
        outcome = runner.solve(page, "ci", model=oracle(server), url=url)  # type: ignore[arg-type]
    assert outcome.solved, outcome.reason
    assert [attempt.result for attempt in outcome.attempts] == ["accepted"]
    sent = [
        count
        for path, count in calls.items()
        if path.startswith(("/captcha/verify", "/captcha/form"))
    ]
    assert sent == [1]


def test_new_pictures_are_waited_for(page: Page) -> None:
    with slow_site() as (server, _):
        url = f"{server.url}/signup/fading?seed=5"
        outcome = runner.solve(page, "ci", model=oracle(server), url=url)  # type: ignore[arg-type]
    assert outcome.solved, outcome.reason
    assert "rejected" not in [attempt.result for attempt in outcome.attempts]


@pytest.mark.parametrize("kind", ["tiles", "canvas"])
def test_another_challenge_is_asked_for_once(page: Page, kind: str) -> None:
    with slow_site() as (server, calls):
        seen = []

        def choose(target: object) -> dict[int, float]:
            seen.append(target)
            unsure = dict.fromkeys(range(16), 0.55)
            return unsure if len(seen) == 1 else dict.fromkeys(server.latest().answer, 0.99)

        url = f"{server.url}/signup/{kind}?seed=5"
        outcome = runner.solve(page, "ci", model=Fixed(choose), url=url)  # type: ignore[arg-type]
    assert [attempt.result for attempt in outcome.attempts] == ["reloaded", "accepted"]
    assert calls["/captcha/new"] == 2  # the page's own is one
