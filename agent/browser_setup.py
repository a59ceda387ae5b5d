"""`python -m agent.browser_setup`: makes sure that there is a browser, by the mildest means.

An installed one; else Playwright's own download; else, as root on Debian or Ubuntu, the package
`chromium`; else it says what to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

from agent.browser import BrowserChoice, find_browser, missing_browser
from agent.errors import MissingError

_INSTALLERS = (
    (sys.executable, "-m", "playwright", "install", "chromium"),
    ("apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"),
)


def main() -> int:
    """Find a browser or get one; 0 where there is one in the end."""
    found = _found()
    for command in () if found else _INSTALLERS:
        if command[0] == "apt-get" and not _may_use_apt():
            continue
        print(f"no browser yet: {' '.join(command)}", flush=True)
        if command[0] == "apt-get":
            subprocess.run(("apt-get", "update", "-q"), check=False)
        subprocess.run(command, check=False)
        found = _found()
        if found:
            break
    if not found:
        print(missing_browser("chromium"), file=sys.stderr)
        return MissingError.exit_status
    print(f"browser: {found}")
    return 0


def _found() -> str:
    try:
        with sync_playwright() as playwright:
            return find_browser(BrowserChoice(), playwright)
    except MissingError:
        return ""


def _may_use_apt() -> bool:
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


if __name__ == "__main__":
    sys.exit(main())
