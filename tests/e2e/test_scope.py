"""Pages that try to lead the agent outside its scope, in a real browser.

The outside is a second server under a name that the browser is told to find on this machine. It
must see no request where one can be stopped, and no screenshot and no click in any case.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.async_api import async_playwright
from playwright.sync_api import Browser, Page

from agent import runner
from agent.browser import BrowserChoice, find_browser
from agent.errors import ScopeError
from agent.policy import Policy, check
from tests.conftest import Fixed, run_async

pytestmark = pytest.mark.e2e

NAME = "outside.example"
ARGUMENTS = [f"--host-resolver-rules=MAP {NAME} 127.0.0.1", "--disable-background-networking"]

# A captcha of nine canvases. `on` is when the attack runs: load, tile or submit.
CAPTCHA = """<!doctype html><title>Form</title><link rel="icon" href="{icon}">{head}
<p>Select all images with a bus</p><form action="{action}" method="post"><div id="grid"></div>
<button type="submit">Verify</button></form><p role="status"></p>
<style>#grid {{ display: grid; grid-template-columns: repeat(3, 100px); gap: 8px }}
[aria-pressed=true] canvas {{ opacity: .3 }} #grid button {{ all: unset }}</style>
<script>
const attack = () => {{ {attack} }};
for (let i = 0; i < 9; i++) {{
  const tile = document.createElement('button'), canvas = document.createElement('canvas');
  tile.type = 'button';
  tile.setAttribute('aria-pressed', 'false');
  canvas.width = canvas.height = 100;
  const pen = canvas.getContext('2d');
  for (let y = 0; y < 100; y += 10) for (let x = 0; x < 100; x += 10) {{
    pen.fillStyle = `hsl(${{(x * 7 + y * 3 + i * 40) % 360}} 80% 50%)`;
    pen.fillRect(x, y, 10, 10);
  }}
  tile.append(canvas);
  tile.onclick = () => {{
    tile.setAttribute('aria-pressed', tile.getAttribute('aria-pressed') === 'false');
    if ('{on}' === 'tile') attack();
  }};
  tile.onpointerover = () => {{ if ('{on}' === 'approach') attack(); }};
  document.querySelector('#grid').append(tile);
}}
document.forms[0].onsubmit = (event) => {{
  if ('{on}' === 'submit') return;
  event.preventDefault();
  document.querySelector('[role=status]').textContent = 'Verified';
  document.querySelector('p').remove();
  document.querySelector('#grid').remove();
}};
if ('{on}' === 'load') attack();
</script>"""

# The browser itself asks for icons, whenever it likes: none here.
PLAIN = {"head": "", "on": "", "attack": "", "action": "/answer", "icon": "data:,"}

WORKER = """
self.oninstall = () => self.skipWaiting();
self.onactivate = (event) => event.waitUntil(clients.claim());
self.onfetch = (event) => {
  if (event.request.mode === 'navigate' && event.request.url.endsWith('/next'))
    event.respondWith(Response.redirect('OUT/by-worker', 302));
};"""

ATTACKS: dict[str, dict[str, str]] = {
    "meta refresh": {"head": '<meta http-equiv="refresh" content="0;url=OUT/meta">'},
    "script": {"on": "load", "attack": "setTimeout(() => location = 'OUT/script', 300)"},
    "script, through a redirect": {"on": "tile", "attack": "location = '/hop'"},
    "frame": {"head": '<iframe src="OUT/frame"></iframe>'},
    "frame, through a redirect": {"head": '<iframe src="/hop"></iframe>'},
    "frame, gone at once": {
        "on": "tile",
        "attack": "const f = document.createElement('iframe'); f.src = 'OUT/brief';"
        "document.body.append(f); setTimeout(() => f.remove(), 50)",
    },
    "popup": {"on": "tile", "attack": "open('OUT/popup')"},
    "popup of no opener": {"on": "tile", "attack": "open('OUT/p', '', 'noopener')"},
    "submit elsewhere": {"on": "submit", "action": "OUT/collect"},
    "submit that is sent on": {"on": "submit", "action": "/hop"},
    "base address": {"on": "submit", "head": '<base href="OUT/base/">', "action": "collect"},
    "service worker": {
        "on": "tile",
        "head": "<script>navigator.serviceWorker.register('/worker.js')</script>",
        "attack": "navigator.serviceWorker.ready.then(() => location = '/next')",
    },
    "history": {"on": "tile", "attack": "history.back()"},
    "between look and click": {"on": "approach", "attack": "location = 'OUT/under-the-pointer'"},
}  # fmt: skip


class Site(ThreadingHTTPServer):
    """A server on loopback that answers each path as `pages` says and keeps what it was asked."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str], tuple[int, str, str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, kind, body = self.server.answer(self.path)
        self.send_response(status)
        self.send_header(
            "Location" if status == 307 else "Content-Type", body if status == 307 else kind
        )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET  # noqa: N815 - so the server calls it

    def log_message(self, *_: Any) -> None:
        """Quiet."""


class World:
    """The allowed site and the one outside."""

    def __init__(self) -> None:
        self.attack: dict[str, str] = {}
        self.inside, self.outside = Site(self._inside), Site(self._outside)
        self.url = f"http://127.0.0.1:{self.inside.server_port}"
        self.out = f"http://{NAME}:{self.outside.server_port}"
        for server in (self.inside, self.outside):
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def _inside(self, path: str) -> tuple[int, str, str]:
        if path == "/hop":
            return 307, "", "/hop/2"
        if path == "/hop/2":
            return 307, "", f"{self.out}/landed"
        if path == "/worker.js":
            return 200, "text/javascript", WORKER.replace("OUT", self.out)
        page = CAPTCHA.format(**{**PLAIN, **self.attack})
        return 200, "text/html", page.replace("OUT", self.out)

    def _outside(self, path: str) -> tuple[int, str, str]:
        # As tempting as the page inside, and it tells of every click.
        spy = "addEventListener('pointerdown', () => navigator.sendBeacon('/clicked'), true)"
        page = CAPTCHA.format(**{**PLAIN, "head": f"<script>{spy}</script>"})
        return 200, "text/html", page


@pytest.fixture(scope="module")
def _world() -> Iterator[World]:
    world = World()
    yield world
    world.inside.shutdown()
    world.outside.shutdown()


@pytest.fixture
def world(_world: World) -> World:
    _world.attack = {}
    _world.inside.asked.clear()
    _world.outside.asked.clear()
    return _world


@pytest.fixture(scope="module")
def browser(_page: Page) -> Iterator[Browser]:
    """A browser of its own: in it the outside has a name."""
    shared = _page.context.browser
    assert shared is not None
    path = find_browser(BrowserChoice(), None)  # type: ignore[arg-type]
    started = shared.browser_type.launch(executable_path=path, args=ARGUMENTS)
    yield started
    started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


def policy(**keys: Any) -> Policy:
    """Patient, so that a slow machine changes nothing."""
    waits = {"find_s": 60, "click_s": 20, "verify_s": 20}
    retry = {"attempts": 1, "deadline_s": 300}
    return check({"retry": retry, "waits": waits, **keys}, where="test")


SCORER: Any = Fixed(lambda target: {0: 0.99, 4: 0.99})


def watched(page: Any) -> list[str]:
    """Where the page was each time it was screenshotted or clicked."""
    places: list[str] = []

    def noting(call: Any) -> Any:
        def noted(*arguments: Any, **options: Any) -> Any:
            places.append(page.url)
            return call(*arguments, **options)

        return noted

    page.screenshot, page.mouse.click = noting(page.screenshot), noting(page.mouse.click)
    return places


def refused(page: Page, url: str, rules: Policy | None = None) -> str:
    with pytest.raises(ScopeError) as caught:
        runner.solve(page, rules or policy(), model=SCORER, url=url)
    return str(caught.value)


def told(world: World, path: str) -> str:
    return (
        f"refused '{world.out}{path}': the host '{NAME}' is outside the allowed scope (loopback, "
        f"localhost, *.localhost, *.test); if the site is yours, allow it with --allow {NAME}, or "
        "`allow:` in the policy (nothing was screenshotted or clicked there)"
    )


def test_without_an_attack_it_is_solved(world: World, page: Page) -> None:
    """The page that the attacks are built on is one that the agent solves."""
    outcome = runner.solve(page, policy(), model=SCORER, url=world.url)
    assert outcome.solved, outcome.reason


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused(world: World, page: Page, name: str) -> None:
    """The solve ends as refused; the outside saw no request, no click, no screenshot."""
    if name == "history":
        page.goto(f"{world.out}/before")
        world.outside.asked.clear()
    world.attack = ATTACKS[name]
    places = watched(page)
    message = refused(page, f"{world.url}/form")
    assert message.startswith(f"refused '{world.out}/")
    assert message.endswith("(nothing was screenshotted or clicked there)")
    assert world.outside.asked == []
    assert all(place.startswith(world.url) for place in places)


def test_redirects_are_refused(world: World, page: Page) -> None:
    """A chain of redirects ends at its first hop outside."""
    assert refused(page, f"{world.url}/hop") == told(world, "/landed")
    assert world.inside.asked == ["/hop", "/hop/2"]
    assert world.outside.asked == []


def test_a_popup_that_is_redirected_is_noticed(world: World, page: Page) -> None:
    """What can't be stopped, a popup's later hop, is refused once it is seen."""
    world.attack = {"on": "tile", "attack": "open('/hop')"}
    places = watched(page)
    assert refused(page, world.url) == told(world, "/landed")
    assert "/clicked" not in world.outside.asked
    assert all(place.startswith(world.url) for place in places)


def test_frames_of_other_schemes_are_refused(world: World, page: Page) -> None:
    """A page inside a `data:` address belongs to no host."""
    world.attack = {"head": '<iframe src="data:text/html,Select all images with a bus"></iframe>'}
    assert refused(page, world.url) == (
        "refused 'data:text/html,Select all images with a bus': only http and https pages are "
        "visited (got data:) (nothing was screenshotted or clicked there)"
    )


def test_a_page_that_is_outside_already(world: World, page: Page) -> None:
    """A page that was handed over outside is not looked at."""
    page.goto(f"{world.out}/form")
    places = watched(page)
    with pytest.raises(ScopeError) as caught:
        runner.solve(page, policy(), model=SCORER)
    assert str(caught.value) == told(world, "/form")
    assert places == []


CALLS = {
    "icon": "OUT/icon.png",
    "head": '<img src="OUT/picture.png"><script src="OUT/script.js"></script>',
    "on": "tile",
    "attack": "fetch('OUT/call', {mode: 'no-cors'}).catch(() => 0);"
    "navigator.sendBeacon('OUT/beacon'); new WebSocket('OUT/socket'.replace('http', 'ws'))",
}


@pytest.mark.parametrize("block", [True, False])
def test_other_requests_are_blocked_by_policy(world: World, page: Page, block: bool) -> None:
    """Pictures, scripts, calls and sockets pass unless the policy blocks them; neither refuses."""
    world.attack = CALLS
    outcome = runner.solve(
        page, policy(block_outside_requests=block), model=SCORER, url=f"{world.url}/form"
    )
    assert outcome.solved, outcome.reason
    asked = set(world.outside.asked)
    # When a browser asks for the icon is its own affair.
    calls = {"/picture.png", "/script.js", "/call", "/beacon", "/socket"}
    assert asked - {"/icon.png"} == (set() if block else calls)
    assert not (block and asked)


def test_afterwards_everything_passes_again(world: World, page: Page) -> None:
    """A page that was handed over is left as it was: the test that goes on may leave the scope."""
    world.attack = CALLS
    rules = policy(block_outside_requests=True)
    assert runner.solve(page, rules, model=SCORER, url=world.url).solved
    page.goto(f"{world.out}/later")
    address = world.out.replace("http", "ws")
    page.evaluate(
        "(url) => new Promise((done) => new WebSocket(url).onerror = () => done())",
        f"{address}/socket",
    )
    assert {"/later", "/socket"} <= set(world.outside.asked)


def test_pages_of_other_tests_are_left_alone(world: World, page: Page) -> None:
    """Another page of the same context may be, and go, where it likes."""
    other = page.context.new_page()
    other.goto(f"{world.out}/mine")
    other.evaluate("setInterval(() => location.reload(), 500)")
    outcome = runner.solve(page, policy(), model=SCORER, url=world.url)
    assert outcome.solved, outcome.reason
    assert len(world.outside.asked) > 1


def test_async_pages_are_guarded_alike(world: World) -> None:
    """Redirects, submits and sockets are stopped on an async page, too."""

    async def attacks() -> list[str]:
        messages = []
        async with async_playwright() as playwright:
            path = find_browser(BrowserChoice(), playwright)  # type: ignore[arg-type]
            browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            for name in ("script, through a redirect", "submit elsewhere"):
                world.attack = ATTACKS[name]
                page = await browser.new_page()
                with pytest.raises(ScopeError) as caught:
                    await runner.solve_async(page, policy(), model=SCORER, url=world.url)
                messages.append(str(caught.value))
            world.attack = CALLS
            rules = policy(block_outside_requests=True)
            page = await browser.new_page()
            assert (await runner.solve_async(page, rules, model=SCORER, url=world.url)).solved
            await browser.close()
        return messages

    assert run_async(attacks()) == [told(world, "/landed"), told(world, "/collect")]
    assert world.outside.asked == []


def test_the_command_line_says_refused(world: World) -> None:
    """Exit status 3, and one JSON object that says so."""
    command = [sys.executable, "-m", "agent.cli", "solve", f"{world.url}/hop", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert json.loads(done.stdout) == {"status": "refused", "reason": told(world, "/landed")}
    assert done.stderr.splitlines()[-1] == f"captcha-agent: {told(world, '/landed')}"
