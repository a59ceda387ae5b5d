"""`captcha-agent solve`: one page in a browser of our own."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from agent import report, runner
from agent.browser import open_page
from agent.cli import emit_json
from agent.commands import browsing
from agent.scope import Scope
from agent.scorer import load_scorer


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
    scorer = load_scorer(model)
    # Refused before a browser starts: the page is not even asked for.
    Scope(allow=(*rules.allow, *allow)).check(url)
    with open_page(browsing.browser_choice(given), rules.browser) as page:
        outcome = runner.solve(
            page,
            rules,
            model=scorer,
            allow=allow,
            success=success,
            widget=widget,
            url=url,
            tell=browsing.tell if given["verbose"] or not as_json else None,
        )
    path = browsing.save_report(outcome, rules, given["report"])
    if as_json:
        emit_json({**report.to_json(outcome), **({"report": path} if path else {})})
    else:
        console = Console()
        console.print(report.table(outcome))
        if path:
            console.print(f"Report: {path}", soft_wrap=True, markup=False, highlight=False)
    return 0 if outcome.solved else 1
