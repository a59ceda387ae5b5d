"""Connects to a browser that runs already, here or on another machine."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from playwright.sync_api import Browser, Playwright
from playwright.sync_api import Error as PlaywrightError

from agent import redaction
from agent.errors import MissingError, UsageError

_PATIENCE_MS = 15_000
_HOW = (
    "start one with `chromium --headless --remote-debugging-port=9222` and name "
    "http://HOST:9222, or with `playwright run-server --port 3000` and name ws://HOST:3000/"
)


def connect(playwright: Playwright, endpoint: str, name: str) -> Browser:
    """The browser at `endpoint`, by Chromium's debugging protocol or by Playwright's own.

    `name` is chromium, firefox or webkit: of a Playwright server the browser to have. Closing the
    connection leaves a browser with a debugging port running.

    Raises UsageError where `endpoint` is no address of a browser, MissingError where none answers.
    """
    url = _checked(endpoint)
    debugging = url.scheme in ("http", "https") or url.path.startswith("/devtools/")
    if debugging and name != "chromium":
        raise UsageError(
            f"--connect {redaction.address(endpoint)}: only Chromium has a debugging port (got "
            f"--browser {name}); for {name} name a Playwright server, such as ws://HOST:3000/"
        )
    kind = getattr(playwright, name)
    join = kind.connect_over_cdp if debugging else kind.connect
    try:
        browser: Browser = join(endpoint, timeout=_PATIENCE_MS)
    except PlaywrightError as error:
        raise MissingError(
            f"--connect {redaction.address(endpoint)}: no browser answers there "
            f"({_reason(error)}); {_HOW}"
        ) from error
    return browser


def _checked(endpoint: str) -> SplitResult:
    try:
        url = urlsplit(endpoint)
        fine = url.scheme in ("http", "https", "ws", "wss") and bool(url.hostname)
        _ = url.port  # raises where it is none
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(
            f"--connect {redaction.address(endpoint)}: must be http://HOST:PORT or "
            "ws://HOST:PORT/devtools/… (a Chromium's debugging port), or ws://HOST:PORT/ "
            "(a Playwright server)"
        )
    return url


def _reason(error: PlaywrightError) -> str:
    """The first line that says something: Playwright frames some messages in a box."""
    lines = (line.strip(" ║╔╗╚╝═") for line in error.message.splitlines())
    first = next((line for line in lines if line), "no reason given")
    return redaction.text(
        first.removeprefix("BrowserType.connect_over_cdp: ").removeprefix("BrowserType.connect: ")
    )
