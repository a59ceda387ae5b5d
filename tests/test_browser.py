"""How a browser is started, without one."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from agent import browser, browser_setup
from agent.browser import BrowserChoice, open_browser
from agent.cli import cli
from agent.errors import MissingError
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

    monkeypatch.setattr(browser, "started_playwright", playwright)
    choice = BrowserChoice("firefox", channel, str(path) if named else "")
    with open_browser(choice, BrowserSettings()):
        pass
    assert options == given.keys() & {"channel", "executable_path"}
    assert given.get("channel", "") == channel
    assert given.get("executable_path", str(path)) == str(path)


def test_a_driver_that_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Slim images of Debian lack a library of Playwright's Node.js: what to install is said."""
    driver = tmp_path / "node"
    driver.write_text(
        "#!/bin/sh\n"
        "echo node: error while loading shared libraries: libatomic.so.1: no such file >&2\n"
        "exit 127\n"
    )
    driver.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(driver))
    said = r"libatomic\.so\.1.*apt-get install libatomic1"
    with pytest.raises(MissingError, match=said), browser.started_playwright():
        pass
    assert CliRunner().invoke(cli, ["doctor"]).exit_code == MissingError.exit_status
    monkeypatch.setattr(browser_setup, "_may_use_apt", lambda: False)
    assert browser_setup.main() == MissingError.exit_status
    assert "apt-get install libatomic1" in capfd.readouterr().err


def test_a_driver_that_starts() -> None:
    """Nothing is said of a driver that answers."""
    assert browser.unstartable_driver() == ""
