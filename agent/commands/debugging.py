"""What helps at a desk: going slowly or step by step, a page that stays open where it failed."""

from __future__ import annotations

import sys
from typing import Any

import click

from agent.commands import browsing
from agent.data import Outcome
from agent.errors import UsageError
from agent.policy import Policy
from agent.stepping import BeforeEach
from agent.waiting import Stop, pass_time


def check(given: dict[str, Any], rules: Policy) -> None:
    """Raise UsageError for options that can't work here."""
    if given["step"] and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("--step: waits for keys, so it needs a terminal; leave it out elsewhere")
    if given["pause_on_failure"] and rules.browser.headless:
        raise UsageError(
            "--pause-on-failure: Playwright's inspector needs a visible browser: add --headed"
        )


def before_each(rules: Policy, stop: Stop, *, by_key: bool = False) -> BeforeEach | None:
    """What happens before each click or key: a key is waited for, some time passes, or nothing.

    Playwright's own slow motion would slow each look at the page, too: what is drawn over the
    page is away for these, so it would hardly be seen.
    """
    if by_key:
        return waits_for_key(stop)
    slow_mo_s = rules.browser.slow_mo_ms / 1000
    return (lambda _: pass_time(slow_mo_s, stop)) if slow_mo_s else None


def waits_for_key(stop: Stop) -> BeforeEach:
    """What says what comes next and waits for a key; q, Escape or Ctrl-C stops."""

    def wait(what: str) -> None:
        browsing.tell(f"next: {what}  [any key: do it, q: stop]")
        try:
            key = click.getchar()
        except KeyboardInterrupt:
            key = "\x03"
        if key in ("q", "Q", "\x1b", "\x03"):
            stop.ask("stopped by hand")

    return wait


def pause(page: Any, outcome: Outcome) -> None:
    """Leave the page as it is and open Playwright's inspector, until it is told to go on."""
    browsing.tell(f"{outcome.status}: {outcome.reason}; paused in Playwright's inspector")
    page.pause()
