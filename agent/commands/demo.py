"""`captcha-agent demo` and `site`: the fixture site, solved or served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from agent import report, runner
from agent.audit import Audit, answers
from agent.browser import open_page
from agent.cli import emit_json
from agent.commands import browsing, debugging
from agent.commands.rates import show_rates
from agent.data import Outcome
from agent.errors import UsageError
from agent.places import fixture_site
from agent.policy import Policy
from agent.scorer import Scorer, load_scorer
from agent.signals import interruptible
from agent.waiting import Stop

_QUICK = ("tiles", "picture", "canvas")
"""What is solved where no kind is named: one of each way that pictures come."""


def serve(port: int, seed: int | None) -> None:
    """Serve the fixture site until interrupted."""
    with fixture_site().serve(port=port, seed=seed) as server:
        click.echo(f"The fixture site is at {server.url} (Ctrl-C stops it)")
        while True:
            time.sleep(3600)


def run(
    *,
    count: int,
    kinds: tuple[str, ...],
    seed: int,
    policy: str,
    model: str,
    as_json: bool,
    **given: Any,
) -> int:
    """Solve `count` challenges of each kind; returns the exit status."""
    site = fixture_site()
    for kind in kinds:
        if kind not in (*site.KINDS, "all"):
            raise UsageError(f"--kind {kind}: unknown; use one of {', '.join(site.KINDS)}, or all")
    chosen = tuple(site.KINDS) if "all" in kinds else kinds or _QUICK
    rules = browsing.adjusted(policy, given)
    scorer = load_scorer(model)
    start_s, seeds = time.monotonic(), range(seed, seed + count)
    with (
        interruptible() as interruption,
        site.serve() as server,
        open_page(browsing.browser_choice(given), rules.browser, stop=interruption.stop) as page,
        browsing.progress("solving", count * len(chosen)) as advance,
    ):
        audits = []
        for kind in chosen:
            audits.append(
                _audit(page, server, kind, seeds, rules, scorer, interruption.stop, advance)
            )
            if interruption.number:
                break
    seconds = time.monotonic() - start_s
    folder = _save(audits, given["report"], every=count == 1)
    if as_json:
        kinds_json = [audit.to_json() for audit in audits]
        emit_json({"kinds": kinds_json, "seconds": round(seconds, 3), "report": str(folder)})
    else:
        reports = str(folder) if folder.is_dir() else ""
        show_rates("captcha-agent demo", audits, seconds, reports)
    if interruption.number:
        return interruption.exit_status
    return 0 if count > 1 or all(outcome.solved for a in audits for outcome in a.outcomes) else 1


def _audit(
    page: Any,
    server: Any,
    kind: str,
    seeds: Iterable[int],
    rules: Policy,
    scorer: Scorer,
    stop: Stop,
    advance: Callable[[], None],
) -> Audit:
    outcomes, watched = [], not rules.browser.headless
    slowly = debugging.before_each(rules, stop)
    for seed in seeds:
        url = f"{server.url}/signup/{kind}?seed={seed}"
        outcome = runner.solve(
            page, rules, model=scorer, url=url, overlay=watched, before_each=slowly, stop=stop
        )
        # The page said so; the site itself must agree.
        if outcome.solved != server.solved(url):
            raise UsageError(f"{url}: the page and the site disagree whether it was solved")
        browsing.tell(_line(kind, seed, outcome))
        outcomes.append(outcome)
        advance()
        if stop.reason:
            break
    return Audit(kind, tuple(outcomes))


def _line(kind: str, seed: int, outcome: Outcome) -> str:
    asked = outcome.attempts[-1].instruction if outcome.attempts else outcome.reason
    mark = "solved" if outcome.solved else outcome.status
    tries = answers(outcome)
    return f"{kind:<8} seed {seed:<4} {mark:<9} answers {tries}  {outcome.seconds:4.1f} s  {asked}"


def _save(audits: Iterable[Audit], folder: str, *, every: bool) -> Path:
    """A report for each outcome, or for each that failed, where there are many."""
    root = Path(folder)
    for audit in audits:
        for number, outcome in enumerate(audit.outcomes, start=1):
            if every or not outcome.solved:
                report.save(outcome, root / (audit.name if every else f"{audit.name}-{number}"))
    return root
