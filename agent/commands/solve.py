"""`captcha-agent solve`: one page in a browser of our own."""

from __future__ import annotations

from functools import partial
from typing import Any

from rich.console import Console

from agent import flow, report, runner, waiting
from agent.browser import open_page
from agent.cli import emit_json
from agent.commands import browsing, debugging
from agent.data import Outcome
from agent.policy import Policy
from agent.scope import Scope
from agent.scorer import load_scorer
from agent.signals import interruptible
from agent.trace import traced
from agent.waiting import CutError


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
    # Refused before a browser starts: the page is not even asked for.
    Scope(allow=(*rules.allow, *allow)).check(url)
    folder = given["report"] or (browsing.FOLDER if given["trace"] else "")
    with interruptible() as interruption:
        stop, within_s = interruption.stop, rules.retry.deadline_s
        try:
            scorer = waiting.work(partial(load_scorer, model), within_s, stop)
            choice = browsing.browser_choice(given)
            with (
                open_page(choice, rules.browser, within_s=within_s, stop=stop) as page,
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
                    before_each=debugging.before_each(rules, stop, by_key=given["step"]),
                    stop=stop,
                )
                if given["pause_on_failure"] and not outcome.solved and not stop.reason:
                    debugging.pause(page, outcome)
        except CutError:
            reason = stop.reason or flow.out_of_time(rules, "model and browser were started")
            outcome = Outcome("unsolved", reason, url, 0.0, model, rules.name)
        _report(outcome, rules, folder, as_json=as_json)
    return interruption.exit_status or (0 if outcome.solved else 1)


def _report(outcome: Outcome, rules: Policy, folder: str, *, as_json: bool) -> None:
    path = browsing.save_report(outcome, rules, folder)
    if as_json:
        emit_json({**report.to_json(outcome), **({"report": path} if path else {})})
    else:
        console = Console()
        console.print(report.table(outcome))
        if path:
            console.print(f"Report: {path}", soft_wrap=True, markup=False, highlight=False)
