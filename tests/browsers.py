"""Browsers that tests start themselves, to join or to watch."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.async_api import async_playwright

from agent.browser import BrowserChoice, find_browser
from tests.conftest import run_async


@cache
def installed() -> str:
    """The path of the browser that commands would start."""

    async def find() -> str:
        async with async_playwright() as playwright:
            return find_browser(BrowserChoice(), playwright)  # type: ignore[arg-type]

    return str(run_async(find()))


@contextmanager
def said(
    command: list[str], pattern: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process, and what of its output matches a pattern; all it started ends with the block."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        found = (re.search(pattern, line) for line in process.stdout)
        match = next((match for match in found if match), None)
        assert match is not None, f"the process ended with status {process.poll()}"
        try:
            yield process, match[1]
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and its group; what is still there after a while is killed: Playwright's
    server may outlive the command that started it.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        for _ in range(50):
            time.sleep(0.1)
            process.poll()  # one that has ended belongs to its group until it is asked after
            os.killpg(process.pid, 0)
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def debugged(profile: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A browser with a debugging port, and its address (`ws://…/devtools/…`)."""
    command = [
        installed(), "--headless", "--no-sandbox", "--remote-debugging-port=0",
        f"--user-data-dir={profile}", *arguments, "about:blank",
    ]  # fmt: skip
    with said(command, r"DevTools listening on (ws://\S+)") as found:
        yield found
