"""`captcha-agent solve`: one page in a browser of our own."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from agent import report, runner
from agent.browser import open_page
from agent.cli import emit_json
from agent.commands import browsing, debugging
from agent.scope import Scope
from agent.scorer import load_scorer
from agent.trace import traced


def run(
    url: str,
    *,
    policy: str,
    model: str,
    allow: tuple[str, ...],
    success: str,
    widget: str,
    as_json: bool,
    **given: Any,
) -> int:
    """Solve the captcha at `url`; returns the exit status."""
    rules = browsing.adjusted(policy, given)
    debugging.check(given, rules)
    scorer = load_scorer(model)
    # Refused before a browser starts: the page is not even asked for.
    Scope(allow=(*rules.allow, *allow)).check(url)
    folder = given["report"] or (browsing.FOLDER if given["trace"] else "")
    with (
        open_page(browsing.browser_choice(given), rules.browser) as page,
        traced(page, folder if given["trace"] else ""),
    ):
        outcome = runner.solve(
            page,
            rules,
            model=scorer,
            allow=allow,
            success=success,
            widget=widget,
            url=url,
            tell=browsing.tell if given["verbose"] or not as_json else None,
            overlay=not rules.browser.headless,
            before_each=debugging.wait_for_key if given["step"] else None,
        )
        if given["pause_on_failure"] and not outcome.solved:
            debugging.pause(page, outcome)
    path = browsing.save_report(outcome, rules, folder)
    if as_json:
        emit_json({**report.to_json(outcome), **({"report": path} if path else {})})
    else:
        console = Console()
        console.print(report.table(outcome))
        if path:
            console.print(f"Report: {path}", soft_wrap=True, markup=False, highlight=False)
    return 0 if outcome.solved else 1
