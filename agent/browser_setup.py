"""`python -m agent.browser_setup`: makes sure that there is a browser, by the mildest means.

An installed one; else Playwright's own download; else, as root on Debian or Ubuntu, the package
`chromium`; else it says what to do. What Playwright's driver needs itself is got in the same way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from agent.browser import (
    DRIVER_LIBRARY,
    DRIVER_PACKAGE,
    BrowserChoice,
    find_browser,
    missing_browser,
    started_playwright,
    unstartable_driver,
)
from agent.errors import MissingError

_DOWNLOAD = (sys.executable, "-m", "playwright", "install", "chromium")
_INSTALL = ("apt-get", "install", "-y", "-q", "--no-install-recommends")


def main() -> int:
    """Find a browser or get one; 0 where there is one in the end."""
    problem = unstartable_driver()
    if DRIVER_LIBRARY in problem and _may_use_apt():
        _run("Playwright's driver lacks a library", (*_INSTALL, DRIVER_PACKAGE))
        problem = unstartable_driver()
    if problem:
        print(problem, file=sys.stderr)
        return MissingError.exit_status
    found = _found()
    for command in () if found else (_DOWNLOAD, (*_INSTALL, "chromium")):
        if command[0] == "apt-get" and not _may_use_apt():
            continue
        _run("no browser yet", command)
        found = _found()
        if found:
            break
    if not found:
        print(missing_browser("chromium"), file=sys.stderr)
        return MissingError.exit_status
    print(f"browser: {found}")
    return 0


def _run(reason: str, command: tuple[str, ...]) -> None:
    print(f"{reason}: {' '.join(command)}", flush=True)
    if command[0] == "apt-get":
        subprocess.run(("apt-get", "update", "-q"), check=False)
    subprocess.run(command, check=False)


def _found() -> str:
    try:
        with started_playwright() as playwright:
            return find_browser(BrowserChoice(), playwright)
    except MissingError:
        return ""


def _may_use_apt() -> bool:
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


if __name__ == "__main__":
    sys.exit(main())
