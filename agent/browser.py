"""Finds a browser on this machine and starts it with Playwright, or joins one that runs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from agent import remote
from agent.errors import MissingError, SiteError
from agent.policy import BrowserSettings
from agent.waiting import CutError, Stop, call

_CLOSING_S = 10.0
_ANSWERING_S = 30.0  # for the driver to say its version, or why it can't

# What the driver needs and the slimmest images of Debian lack.
DRIVER_LIBRARY, DRIVER_PACKAGE = "libatomic.so.1", "libatomic1"
_COMMANDS = (
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "chromium",
    "chromium-browser",
)
_PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
}
# A browser under test has no business with update and sync servers; they also delay a start
# on machines without internet.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)


@dataclass(frozen=True, slots=True)
class BrowserChoice:
    """Which browser to start: `name` is chromium, firefox or webkit.

    With `endpoint`, the address of one that runs already, none is started.
    """

    name: str = "chromium"
    channel: str = ""
    executable_path: str = ""
    endpoint: str = ""


def find_browser(choice: BrowserChoice, playwright: Playwright) -> str:
    """The path of the browser that `choice` means. Raises MissingError where there is none."""
    if choice.executable_path:
        if not Path(choice.executable_path).is_file():
            raise MissingError(
                f"--executable-path {choice.executable_path}: no such file; "
                "leave the option out to have a browser found"
            )
        return choice.executable_path
    if choice.name == "chromium":
        for path in _installed():
            return path
    bundled = getattr(playwright, choice.name).executable_path
    if Path(bundled).is_file():
        return str(bundled)
    raise MissingError(missing_browser(choice.name))


def missing_browser(name: str) -> str:
    """What to tell somebody who has no browser."""
    return (
        f"no {name} browser found: run `playwright install {name}`"
        + (
            ", or on Debian and Ubuntu `apt-get install chromium`, or install Google Chrome"
            if name == "chromium"
            else ""
        )
        + "; or name one with --executable-path"
    )


@contextmanager
def started_playwright() -> Iterator[Playwright]:
    """Playwright's driver, which is stopped when the block ends.

    Raises MissingError where the driver, a Node.js of Playwright's own, can't run here.
    """
    try:
        playwright = sync_playwright().start()
    except PlaywrightError:
        raise  # it runs, and says what is wrong
    except Exception as error:  # a driver that ends at once is told by a bare Exception
        raise MissingError(unstartable_driver() or f"Playwright: {error}") from error
    try:
        yield playwright
    finally:
        playwright.stop()


def unstartable_driver() -> str:
    """Why Playwright's driver does not start and what to do; empty where it does."""
    command = (sys.executable, "-m", "playwright", "--version")
    try:
        ran = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_ANSWERING_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Playwright's driver does not start: {error}"
    if not ran.returncode:
        return ""
    said = (ran.stderr.strip() or "it says nothing").splitlines()[-1]
    advice = "pip install --force-reinstall playwright may mend it"
    if DRIVER_LIBRARY in said:
        advice = f"on Debian and Ubuntu, apt-get install {DRIVER_PACKAGE}"
    return f"Playwright's driver does not start: {said}; {advice}"


def _installed() -> Iterator[str]:
    for command in _COMMANDS:
        path = shutil.which(command)
        if path:
            yield path
    yield from (path for path in _PLACES.get(sys.platform, ()) if Path(path).is_file())


@contextmanager
def open_browser(
    choice: BrowserChoice,
    settings: BrowserSettings,
    *,
    within_s: float = 60,
    stop: Stop | None = None,
) -> Iterator[Browser]:
    """A browser: a fresh one that is closed when the block ends, or a remote one that is left.

    Raises MissingError where there is none, or it does not start or answer within `within_s`
    seconds; CutError where a `stop` is asked for meanwhile.
    """
    with started_playwright() as playwright:
        if choice.endpoint:
            join = partial(remote.connect, playwright, choice.endpoint, choice.name)
            yield call(join, within_s, stop)
            return
        browser = _launch(playwright, choice, settings, within_s, stop)
        try:
            yield browser
        finally:
            with _closing():  # what does not close is killed with the driver
                call(browser.close, _CLOSING_S)


@contextmanager
def fresh_page(
    browser: Browser, *, within_s: float = 60, stop: Stop | None = None
) -> Iterator[Page]:
    """A page that shares nothing with others: its context is closed when the block ends.

    Raises SiteError where the browser is gone, CutError where it takes longer than `within_s`.
    """
    try:
        context = call(browser.new_context, within_s, stop)
        page = call(context.new_page, within_s, stop)
    except PlaywrightError as error:
        raise SiteError(f"the browser was closed: {error.message.splitlines()[0]}") from error
    try:
        yield page
    finally:
        with _closing():
            call(context.close, _CLOSING_S)


def _closing() -> contextlib.AbstractContextManager[None]:
    """For what may be gone already: a signal to the whole process group ends Playwright, too."""
    return contextlib.suppress(CutError, PlaywrightError)


@contextmanager
def open_page(
    choice: BrowserChoice,
    settings: BrowserSettings,
    *,
    within_s: float = 60,
    stop: Stop | None = None,
) -> Iterator[Page]:
    """A fresh page of a browser, see `open_browser`."""
    with (
        open_browser(choice, settings, within_s=within_s, stop=stop) as browser,
        fresh_page(browser, within_s=within_s, stop=stop) as page,
    ):
        yield page


def _launch(
    playwright: Playwright,
    choice: BrowserChoice,
    settings: BrowserSettings,
    within_s: float,
    stop: Stop | None,
) -> Browser:
    options: dict[str, Any] = {
        "headless": settings.headless,
        "args": [],
        "timeout": within_s * 1000,
        # We close the browser ourselves, after the report has what it shows.
        "handle_sigint": False,
        "handle_sigterm": False,
        "handle_sighup": False,
    }
    if choice.name == "chromium":
        options["args"] = list(_QUIET)
        # Chromium's sandbox refuses to run as root, which is what most CI containers are.
        options["chromium_sandbox"] = not (hasattr(os, "geteuid") and os.geteuid() == 0)
    if choice.channel:
        options["channel"] = choice.channel
    if choice.executable_path or not choice.channel:
        options["executable_path"] = find_browser(choice, playwright)
    try:
        launch = partial(getattr(playwright, choice.name).launch, **options)
        browser: Browser = call(launch, within_s + 1, stop)  # Playwright's own bound says more
    except PlaywrightError as error:
        reason = error.message.splitlines()[0]
        hint = ""
        if not settings.headless and sys.platform == "linux" and not os.environ.get("DISPLAY"):
            hint = "; a visible browser needs a screen: leave out --headed, or use `xvfb-run`"
        raise MissingError(f"the browser did not start: {reason}{hint}") from error
    return browser
