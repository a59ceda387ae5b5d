"""What the commands that open a browser share: its options, the report, the closing lines."""

from __future__ import annotations

from typing import Any

import click

from agent import redaction, report
from agent.browser import BrowserChoice
from agent.data import Outcome
from agent.errors import UsageError
from agent.policy import Policy, load


def adjusted(policy: str, given: dict[str, Any]) -> Policy:
    """The policy with what the command line says on top of it."""
    rules = load(policy)
    browser: dict[str, Any] = {}
    if given["headed"]:
        browser["headless"] = False
    if given["slow_mo"] is not None:
        browser["slow_mo_ms"] = given["slow_mo"]
    changes: dict[str, Any] = {"browser": rules.browser.model_copy(update=browser)}
    if given.get("timeout") is not None:
        changes["retry"] = rules.retry.model_copy(update={"deadline_s": given["timeout"]})
    return rules.model_copy(update=changes)


def browser_choice(given: dict[str, Any]) -> BrowserChoice:
    """Which browser the options name. Raises UsageError where they contradict each other."""
    if given["connect"]:
        for option in ("headed", "channel", "executable_path"):
            if given[option]:
                raise UsageError(
                    f"--{option.replace('_', '-')}: says how to start a browser, but with "
                    "--connect none is started; leave one of them out"
                )
    return BrowserChoice(
        given["browser"], given["channel"], given["executable_path"], given["connect"]
    )


def tell(line: str) -> None:
    """Progress goes to standard error: standard output is for the result."""
    click.echo(redaction.plain(redaction.text(line)), err=True)


def save_report(outcome: Outcome, rules: Policy, folder: str) -> str:
    """Write the report where one is asked for, by option or policy; returns its page's path."""
    wanted = rules.report == "always" or (rules.report == "on_failure" and not outcome.solved)
    if not folder and not wanted:
        return ""
    return str(report.save(outcome, folder or "captcha-report"))
