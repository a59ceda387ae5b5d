"""`captcha-agent doctor`: what is here, what is missing, and the command that gets it."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import click

from agent import redaction
from agent.browser import find_browser, open_page, started_playwright
from agent.cli import emit_json
from agent.commands import browsing
from agent.errors import CaptchaAgentError, MissingError
from agent.policy import BrowserSettings
from agent.scorer import load_scorer
from agent.waiting import work

_LOADING_S = 120.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is as it should be, and what was seen or what to do."""

    name: str
    fine: bool
    detail: str


def run(*, model: str, as_json: bool, **given: Any) -> int:
    """Check everything that solving needs; 0 where all is there, else 4."""
    checks = [
        _check("runtime", _runtime),
        _check("model", lambda: _model(model)),
        _check("browser", lambda: _browser(given)),
        _check("write access", _write_access),
    ]
    fine = all(check.fine for check in checks)
    if as_json:
        emit_json(
            {
                "ok": fine,
                "checks": [{"name": c.name, "ok": c.fine, "detail": c.detail} for c in checks],
            }
        )
    else:
        for check in checks:
            click.echo(f"{'ok     ' if check.fine else 'MISSING'} {check.name:<13} {check.detail}")
    return 0 if fine else MissingError.exit_status


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except CaptchaAgentError as error:
        return Check(name, False, str(error))


def _runtime() -> str:
    packages = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("playwright", "onnxruntime")
    )
    return f"Python {platform.python_version()}, {packages}"


def _model(name: str) -> str:
    scorer = load_scorer(name)
    work(scorer.warm, _LOADING_S)
    return f"{scorer.name}: loads and runs"


def _browser(given: dict[str, Any]) -> str:
    choice = browsing.browser_choice(given)
    with open_page(choice, BrowserSettings(headless=not given["headed"])) as page:
        version = page.context.browser.version if page.context.browser else "?"
    if choice.endpoint:
        return f"{choice.name} {version} (at {redaction.address(choice.endpoint)})"
    if choice.channel:
        return f"{choice.name} {version} (channel {choice.channel})"
    with started_playwright() as playwright:
        return f"{choice.name} {version} ({find_browser(choice, playwright)})"


def _write_access() -> str:
    try:
        with tempfile.TemporaryFile(dir="."):
            return "reports can be written to this folder"
    except OSError as error:
        raise MissingError(
            f"this folder can't be written to ({error.strerror}): "
            "change to another one, or name one with --report"
        ) from error
