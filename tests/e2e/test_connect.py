"""Browsers that run already: joined by their debugging port or by Playwright's server, and left."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from fixtures.site import Server
from tests.browsers import debugged, installed, said
from tests.test_cli import run

pytestmark = pytest.mark.e2e

SERVER = [sys.executable, "-m", "playwright", "run-server", "--port", "0"]


def pages(address: str) -> list[str]:
    """The pages that a browser with a debugging port has open."""
    with urlopen(f"{address}/json/list") as answer:
        return [page["url"] for page in json.load(answer) if page["type"] == "page"]


def test_a_debugging_port(tmp_path: Path, site: Server) -> None:
    """Either address of the port does; the browser and its own pages are left as they were."""
    with debugged(tmp_path / "profile") as (process, socket):
        port = "http://" + socket.removeprefix("ws://").partition("/")[0]
        for endpoint in (port, socket):
            done = run("find", f"{site.url}/signup/tiles?seed=1", "--connect", endpoint, "--json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["found"] == "widget"
            assert process.poll() is None
            assert pages(port) == ["about:blank"]


def test_a_playwright_server(site: Server) -> None:
    """Playwright's own server gives a browser, and goes on."""
    options = quote(json.dumps({"executablePath": installed()}))
    with said([*SERVER, "--unsafe"], r"(ws://\S+)") as (process, address):
        endpoint = f"{address}?launch-options={options}"
        for _ in range(2):
            done = run("find", f"{site.url}/signup/tiles?seed=1", "--connect", endpoint, "--json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["found"] == "widget"
            assert process.poll() is None


def test_a_server_that_has_no_browser(tmp_path: Path) -> None:
    """What the server says is passed on, with what to do, but no secret of the address."""
    nowhere = {"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    with said(SERVER, r"(ws://\S+)", **nowhere) as (_, address):
        endpoint = f"{address}?token=hunter2"
        done = run("solve", "http://localhost/", "--connect", endpoint, "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["status"] == "error"
    assert "no browser answers there (" in done.stderr
    assert "; start one with `chromium --headless" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
