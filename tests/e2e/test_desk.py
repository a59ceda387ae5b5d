"""What helps at a desk: the report in a browser, the overlay, the trace, replay after a solve."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageGrab
from playwright.sync_api import Page

from agent import report, runner
from agent.browser import BrowserChoice, open_page
from agent.data import Box, Capture, Decision, Grid, Look, Outcome, Picture, Show
from agent.driver import Driver
from agent.overlay import Overlaid
from agent.policy import BrowserSettings, Policy, check
from agent.scope import Scope
from agent.trace import traced
from fixtures.site import KINDS, THEMES, Server
from tests.conftest import Fixed
from tests.e2e.oracle import oracle
from tests.test_cli import run
from tests.test_report import outcome

pytestmark = pytest.mark.e2e


def assert_accessible(page: Page) -> None:
    """Axe finds nothing; what it calls landmark rules are about whole pages, and these are."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("status", ["accepted", "rejected"])
def test_reports_are_accessible(page: Page, tmp_path: Path, scheme: Any, status: str) -> None:
    """A report has no barrier that axe knows of, in either colour scheme, wide or narrow."""
    written = report.save(outcome(status=status), tmp_path)
    page.emulate_media(color_scheme=scheme)
    page.goto(written.as_uri())
    for details in page.locator("details").all():
        details.locator("summary").click()
    for width in (1280, 400):
        page.set_viewport_size({"width": width, "height": 800})
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_empty_report_is_accessible(page: Page, tmp_path: Path) -> None:
    """So has one of a page without a captcha."""
    nothing = Outcome("unsolved", "no captcha found", "http://localhost/", 1.0, "lite", "default")
    page.goto(report.save(nothing, tmp_path).as_uri())
    assert_accessible(page)
    assert "No challenge was read, so none was answered." in page.inner_text("main")


@pytest.mark.parametrize(("number", "kind"), list(enumerate(KINDS)))
def test_the_fixture_site_is_accessible(page: Page, site: Server, number: int, kind: str) -> None:
    """Each kind of challenge, in turn in each theme, has no barrier that axe knows of."""
    theme = THEMES[number % len(THEMES)]
    page.goto(f"{site.url}/signup/{kind}?seed=1&theme={theme}")
    page.wait_for_load_state("networkidle")
    assert_accessible(page)


def test_the_other_pages_are_accessible(page: Page, site: Server) -> None:
    """So have the list of forms and the page behind them."""
    for path in ("/", "/welcome"):
        page.goto(site.url + path)
        assert_accessible(page)


def test_the_overlay_is_never_seen(page: Page, site: Server) -> None:
    """It is there for people; looks and screenshots are the same with it and without."""
    page.goto(f"{site.url}/signup/tiles?seed=3&theme=zoom")
    page.wait_for_load_state("networkidle")
    driver = Overlaid(Driver(page, Scope()), page)

    def perform(action: Any) -> Any:
        return runner.step(driver.perform(action)).value

    box = Box(300, 900, 400, 300)
    before, plain = perform(Look()), perform(Capture(box))
    grid = Grid(1, 2, (Box(0, 0, 200, 300), Box(200, 0, 200, 300)))
    decided = Decision(np.array([0.9, 0.1], dtype=np.float32), (0,), 0.8, 0.5)
    perform(Show(Picture(plain.pixels, box, plain.scale), grid, decided))
    drawn = np.asarray(page_pixels(page, box))
    assert (drawn != plain.pixels).any(axis=2).mean() > 0.01
    assert tuple(drawn[100, 1]) == (0, 114, 178)  # the chosen tile's frame, where the tile is
    assert perform(Look()).elements == before.elements
    assert (perform(Capture(box)).pixels == plain.pixels).all()
    assert (np.asarray(page_pixels(page, box)) == drawn).all()
    assert page.evaluate(
        "document.elementFromPoint(305 - scrollX, 905 - scrollY) !== "
        "window[Symbol.for('captcha-agent overlay')]"
    )
    perform(Show())
    assert (np.asarray(page_pixels(page, box)) == plain.pixels).all()
    perform(Show(Picture(plain.pixels, box, plain.scale), grid, decided))
    runner.step(driver.close())
    assert (np.asarray(page_pixels(page, box)) == plain.pixels).all()


def page_pixels(page: Page, box: Box) -> Any:
    """What a person sees of a part of the page."""
    left, top = page.evaluate("[scrollX, scrollY]")
    clip: Any = {"x": box.x - left, "y": box.y - top, "width": box.width, "height": box.height}
    png = page.screenshot(clip=clip, animations="disabled", caret="hide")
    return Image.open(io.BytesIO(png)).convert("RGB")


@pytest.mark.parametrize("kind", ["tiles", "modal", "frame", "keyboard"])
def test_captchas_are_solved_under_the_overlay(page: Page, site: Server, kind: str) -> None:
    """Clicks and keys go through it, over modal dialogs and frames, too; nothing of it stays."""
    said: list[str] = []
    model: Any = oracle(site)
    solved = runner.solve(
        page, Policy(), model=model, url=f"{site.url}/signup/{kind}?seed=5", overlay=True,
        before_each=said.append,
    )  # fmt: skip
    assert solved.solved, solved.reason
    assert [result.result for result in solved.attempts] == ["accepted"]
    assert sum(what.startswith("click tile ") for what in said) >= len(solved.attempts[0].selected)
    assert said[-1] == "click the button 'Verify'"
    assert not page.evaluate("window[Symbol.for('captcha-agent overlay')]?.isConnected ?? false")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A screen in memory that browsers are shown on, by the name that X gives it."""
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        pytest.skip("a visible browser needs a screen: Xvfb is not installed")
    reading, writing = os.pipe()
    command = [xvfb, "-displayfd", str(writing), "-screen", "0", "1300x900x24", "-nolisten", "tcp"]
    with (
        subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server,
        open(reading, encoding="ascii") as told,
    ):
        os.close(writing)
        name = f":{told.readline().strip()}"
        monkeypatch.setenv("DISPLAY", name)
        yield name
        server.terminate()


def test_what_is_decided_is_seen_on_a_screen(site: Server, screen: str) -> None:
    """In a visible browser the chosen tiles stand out before each click, and no more at the end."""
    blue = (0, 114, 178)  # of the frames around chosen tiles

    def frames() -> int:
        return int((np.asarray(ImageGrab.grab(xdisplay=screen)) == blue).all(axis=2).sum())

    def comes(shown: bool) -> bool:
        until_s = time.monotonic() + 10  # what a page has drawn reaches the screen a little later
        while (frames() > 1000) is not shown:
            if time.monotonic() > until_s:
                return False
            time.sleep(0.1)
        return True

    seen: list[bool] = []
    model: Any = oracle(site)

    def solve() -> Outcome:
        with open_page(BrowserChoice(), BrowserSettings(headless=False)) as page:
            solved = runner.solve(
                page, Policy(), model=model, url=f"{site.url}/signup/tiles?seed=5", overlay=True,
                before_each=lambda what: seen.append(comes(True)),
            )  # fmt: skip
            seen.append(comes(False))
            return solved

    with ThreadPoolExecutor(1) as thread:  # Playwright's sync API has a loop on this one already
        solved = thread.submit(solve).result()
    assert solved.solved, solved.reason
    assert len(seen) == len(solved.attempts[0].selected) + 2  # the tiles, Verify, the end
    assert all(seen)


SECRET = "correct-horse"


def test_a_trace_holds_no_secrets(page: Page, site: Server, tmp_path: Path) -> None:
    """Neither what was typed nor cookies nor what was sent; what the page showed is there."""
    with traced(page, str(tmp_path)):
        page.goto(f"{site.url}/signup/tiles?seed=9")
        page.context.add_cookies([{"name": "session", "value": SECRET, "url": site.url}])
        page.evaluate(
            """(secret) => {
              document.querySelector('[name=captcha_token]').value = secret;
              document.forms[0].insertAdjacentHTML('beforeend', '<textarea name=more></textarea>');
              for (const field of document.querySelectorAll('.field input, textarea')) {
                field.removeAttribute('type');
                field.value = secret;
              }
            }""",
            SECRET,
        )
        page.wait_for_load_state("networkidle")
        page.evaluate("scrollTo(0, 0)")
        page.click("text=Create account >> nth=-1")
        page.evaluate(
            """async (secret) => {
              await fetch('/captcha/new', {method: 'POST', body: JSON.stringify({series: secret}),
                headers: {'Content-Type': 'application/json', Authorization: secret}});
            }""",
            SECRET,
        )
    with zipfile.ZipFile(tmp_path / "trace.zip") as trace:
        contents = {name: trace.read(name) for name in trace.namelist()}
    events = [json.loads(line) for line in contents["trace.trace"].splitlines()]
    assert {"frame-snapshot", "screencast-frame", "before"} <= {event["type"] for event in events}
    evaluated = sum(content.count(SECRET.encode()) for content in contents.values())
    # The test's own calls have it among their arguments: an agent's never do.
    assert evaluated == sum(
        json.dumps(event).count(SECRET) for event in events if event["type"] in ("before", "action")
    )
    posts = [line for line in contents["trace.network"].splitlines() if b'"POST"' in line]
    assert len(posts) >= 2


def test_solve_trace_and_replay(site: Server, tmp_path: Path) -> None:
    """A solve's report has its trace and the command that repeats it, and can be replayed."""
    folder = tmp_path / "report"
    url = f"{site.url}/signup/tiles?seed=5"
    given = ("solve", url, "--policy", "ci", "--trace", "--report", str(folder), "--json")
    solved = json.loads(run(*given).stdout)
    assert {"trace.zip", "outcome.json", "junit.xml"} <= {path.name for path in folder.iterdir()}
    saved = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    shown = url.replace("seed=5", "seed=redacted")
    assert saved["command"] == ["captcha-agent", "solve", shown, *given[2:]]
    assert saved["rules"]["retry"]["attempts"] == 5
    again = run("replay", str(folder), "--json")
    assert again.returncode == 0, again.stderr
    attempts = json.loads(again.stdout)["attempts"]
    assert [attempt["changes"] for attempt in attempts] == [[] for _ in solved["attempts"]]
    told = run("replay", str(folder), "--policy", "default", COLUMNS="80").stdout
    assert "what changes: nothing" in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_failed_solve_with_another_model(site: Server, page: Page, tmp_path: Path) -> None:
    """What another model would have chosen in a failed solve is found without the site."""
    everything: Any = Fixed(lambda target: dict.fromkeys(range(9), 0.9))
    rules = check({"retry": {"attempts": 1}, "reactions": {"unsure": "submit"}}, where="test")
    failed = runner.solve(page, rules, model=everything, url=f"{site.url}/signup/tiles?seed=9")
    report.save(failed, tmp_path)
    content = json.loads((tmp_path / "outcome.json").read_text(encoding="utf-8"))
    content["model"] = "lite"
    (tmp_path / "outcome.json").write_text(json.dumps(content), encoding="utf-8")
    (attempt,) = json.loads(run("replay", str(tmp_path), "--json").stdout)["attempts"]
    assert attempt["then"]["selected"] == list(range(9))
    assert attempt["now"]["selected"] != list(range(9))
    assert attempt["changes"][0].startswith("would leave out ")
