"""How a browser is started, without one."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import browser
from agent.browser import BrowserChoice, open_browser
from agent.policy import BrowserSettings


@pytest.mark.parametrize(
    ("channel", "named", "options"),
    [
        ("", True, {"executable_path"}),
        ("moz-firefox", False, {"channel"}),
        ("moz-firefox", True, {"channel", "executable_path"}),
    ],
)
def test_channel_and_path(
    channel: str, named: bool, options: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel says how to speak with a browser, a path which one: each counts where given."""
    path = tmp_path / "firefox"
    path.touch()
    given: dict[str, Any] = {}
    started = SimpleNamespace(close=lambda: None)
    kind = SimpleNamespace(launch=lambda **options: given.update(options) or started)

    @contextmanager
    def playwright() -> Any:
        yield SimpleNamespace(firefox=kind)

    monkeypatch.setattr(browser, "sync_playwright", playwright)
    choice = BrowserChoice("firefox", channel, str(path) if named else "")
    with open_browser(choice, BrowserSettings()):
        pass
    assert options == given.keys() & {"channel", "executable_path"}
    assert given.get("channel", "") == channel
    assert given.get("executable_path", str(path)) == str(path)
