"""`captcha-agent audit URL`: many fresh challenges of one page, and how often they are solved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from rich.console import Console

from agent import redaction, report, runner
from agent.audit import Audit, answers
from agent.browser import fresh_page, open_browser
from agent.cli import emit_json
from agent.commands import browsing, debugging
from agent.commands.rates import show_rates
from agent.data import Outcome
from agent.errors import SiteError
from agent.policy import Policy
from agent.scope import Scope
from agent.scorer import load_scorer
from agent.signals import interruptible

Advance = Callable[[Outcome, str], None]


def run(
    url: str,
    *,
    count: int,
    policy: str,
    model: str,
    allow: tuple[str, ...],
    success: str,
    widget: str,
    as_json: bool,
    **given: Any,
) -> int:
    """Solve `count` challenges of the page at `url`; 0 once all were tried, solved or not.

    What a signal stops is told of as far as it went, with the signal's exit status.
    """
    rules = browsing.adjusted(policy, given)
    scorer = load_scorer(model)
    Scope(allow=(*rules.allow, *allow)).check(url)
    folder = Path(given["report"] or browsing.FOLDER)
    start_s = time.monotonic()
    outcomes: list[Outcome] = []
    saved = False
    with (
        interruptible() as interruption,
        _progress(count) as advance,
        open_browser(
            browsing.browser_choice(given), rules.browser, stop=interruption.stop
        ) as browser,
    ):
        solve = partial(
            runner.solve,
            policy=rules,
            model=scorer,
            allow=allow,
            success=success,
            widget=widget,
            url=url,
            tell=browsing.tell if given["verbose"] else None,
            overlay=not rules.browser.headless,
            before_each=debugging.before_each(rules, interruption.stop),
            stop=interruption.stop,
        )
        gone = partial(Outcome, "error", url=url, model=scorer.name, policy=rules.name)
        for outcome in _tried(browser, count, solve, gone):
            if interruption.number:
                break  # it was cut short: no sign of how well it solves
            outcomes.append(outcome)
            saved |= _save(outcome, rules, folder / f"{len(outcomes):04}")
            advance(outcome, _line(len(outcomes), count, outcome))
    audit = Audit(redaction.address(url), tuple(outcomes))
    seconds = time.monotonic() - start_s
    reports = str(folder) if saved else ""
    if as_json:
        emit_json(_json(audit, scorer.name, rules.name, seconds, reports))
    else:
        _show(audit, seconds, reports)
    return interruption.exit_status


def _tried(
    browser: Browser,
    count: int,
    solve: Callable[[Page], Outcome],
    gone: Callable[..., Outcome],
) -> Iterator[Outcome]:
    """What came of each challenge. One on which the site failed counts as not solved.

    Where already the first fails, or the browser is gone, trying on is no use: SiteError.
    """
    for number in range(count):
        start_s = time.monotonic()
        try:
            with fresh_page(browser) as page:
                outcome = solve(page)
        except SiteError as error:
            if number == 0 or not browser.is_connected():
                raise
            outcome = gone(reason=str(error), seconds=time.monotonic() - start_s)
        yield outcome


def _save(outcome: Outcome, rules: Policy, folder: Path) -> bool:
    kept = rules.keeps_report(failed=not outcome.solved)
    if kept:
        report.save(outcome, folder)
    return kept


def _line(number: int, count: int, outcome: Outcome) -> str:
    asked = outcome.attempts[-1].instruction if outcome.attempts else ""
    said = asked if outcome.solved else f"{asked}: {outcome.reason}".removeprefix(": ")
    width = len(str(count))
    return (
        f"{number:>{width}}/{count} {outcome.status:<8} answers {answers(outcome)}  "
        f"{outcome.seconds:4.1f} s  {said}"
    )


@contextmanager
def _progress(count: int) -> Iterator[Advance]:
    """A bar on a terminal, else a line for each challenge, on standard error."""
    lines = not Console(stderr=True).is_terminal
    with browsing.progress(f"{'starting':<14}", count) as count_one:
        solved = 0

        def advance(outcome: Outcome, line: str) -> None:
            nonlocal solved
            solved += outcome.solved
            count_one(f"{f'{solved} solved':<14}")
            if lines:
                browsing.tell(line)

        yield advance


def _json(audit: Audit, model: str, policy: str, seconds: float, reports: str) -> dict[str, Any]:
    content = audit.to_json()
    content["failures"] = {redaction.text(why): n for why, n in content["failures"].items()}
    return {
        "url": content.pop("name"),
        "model": model,
        "policy": policy,
        **content,
        "kinds": [kind.to_json() for kind in audit.by_kind()],
        "total_seconds": round(seconds, 3),
        **({"report": reports} if reports else {}),
    }


def _show(audit: Audit, seconds: float, reports: str) -> None:
    kinds = audit.by_kind()
    rows = kinds if len(kinds) == 1 else (*kinds, Audit("all", audit.outcomes))
    notes = [
        f"{count:>5} not solved: {redaction.plain(redaction.text(reason))}"
        for reason, count in audit.failures().items()
    ]
    show_rates(f"captcha-agent audit {audit.name}", rows, seconds, reports, notes)
