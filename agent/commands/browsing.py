"""What the commands that open a browser share: its options, the report, the closing lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.core import ParameterSource

from agent import redaction, report
from agent.browser import BrowserChoice
from agent.data import Outcome
from agent.errors import UsageError
from agent.policy import Policy, load

Advance = Callable[..., None]

FOLDER = "captcha-report"
"""Where reports go, where no option says it."""


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
    # Not `err=True`: click writes past the stand-in by which a bar keeps lines above itself.
    click.echo(redaction.plain(redaction.text(line)), file=sys.stderr)


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """A bar on a terminal, nothing elsewhere; what it yields is called after each of `total`.

    Called with words, it shows them in the place of `what`. Lines told meanwhile stand above it.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    name = TextColumn("{task.description}")
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda words="": bar.update(task, advance=1, description=words or what)


def save_report(outcome: Outcome, rules: Policy, folder: str) -> str:
    """Write the report where one is asked for, by option or policy; returns its page's path."""
    if not folder and not rules.keeps_report(failed=not outcome.solved):
        return ""
    return str(report.save(outcome, folder or FOLDER, command_line()))


def command_line() -> list[str]:
    """The command that runs now, with all that was given by hand or by environment."""
    context = click.get_current_context()
    words = ["captcha-agent", str(context.info_name)]
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if source not in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
            continue
        value = context.params[str(parameter.name)]
        values = value if isinstance(value, tuple) else (value,)
        if isinstance(parameter, click.Option):
            long = max(parameter.opts, key=len)
            words += [long] if value is True else [part for v in values for part in (long, str(v))]
        else:
            words += map(str, values)
    return words
