"""How a solve ends that something hangs in, or that is told to stop: cleanly, in a real browser."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright
from playwright.sync_api import Page

from agent import runner
from agent.browser import BrowserChoice, find_browser
from agent.data import Scores
from agent.policy import check
from agent.scorer import Scorer
from fixtures.site import Server
from tests.conftest import run_async

pytestmark = pytest.mark.e2e

HANGS = (
    "data:text/html,<title>Busy</title><script>setTimeout(() => { while (true); }, 300)</script>"
)
RULES = {"retry": {"deadline_s": 3}}


class HangingModel(Scorer):
    """A model whose files never come, as on a network disk that went away."""

    def __init__(self) -> None:
        self.never = threading.Event()

    @property
    def name(self) -> str:
        return "hanging"

    def warm(self) -> None:
        self.never.wait()

    def scores_on(self, *_: Any) -> Scores:
        self.never.wait()
        raise AssertionError


@pytest.fixture
def busy(site: Server, page: Page) -> Page:
    """A page of the fixture site whose script computes for ever, soon after it is loaded."""
    page.goto(site.url)
    page.evaluate("() => { setTimeout(() => { while (true); }, 300) }")
    return page


def test_a_page_that_hangs_ends_at_the_deadline(busy: Page) -> None:
    """A page that computes for ever lets no call return: the solve ends all the same."""
    outcome = runner.solve(busy, check(RULES, where="test"))
    assert outcome.status == "unsolved"
    assert outcome.reason == "the deadline of 3 s has passed while looking at the page"


def test_a_model_that_hangs_ends_at_the_deadline(site: Server, page: Page) -> None:
    """A model that never loads costs the deadline, and no more; the page can be used after it."""
    rules = check({"retry": {"deadline_s": 6}}, where="test")
    outcome = runner.solve(page, rules, model=HangingModel(), url=f"{site.url}/signup/tiles")
    assert outcome.reason == (
        "the deadline of 6 s has passed while scoring the tiles, or loading the model"
    )
    assert page.title()


def test_async_solves_end_too(site: Server) -> None:
    """A hanging page ends at the deadline; a cancelled task raises and leaves the page usable."""

    async def go() -> Any:
        async with async_playwright() as playwright:
            path = find_browser(BrowserChoice(), playwright)  # type: ignore[arg-type]
            browser = await playwright.chromium.launch(executable_path=path)
            page = await browser.new_page()
            await page.goto(site.url)
            task = asyncio.ensure_future(runner.solve_async(page, check({}, where="test")))
            await asyncio.sleep(0.5)
            task.cancel()
            cancelled = (await asyncio.gather(task, return_exceptions=True))[0]
            title = await page.title()
            await page.evaluate("() => { setTimeout(() => { while (true); }, 300) }")
            outcome = await runner.solve_async(page, check(RULES, where="test"))
            await browser.close()
            return cancelled, title, outcome

    cancelled, title, outcome = run_async(go())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert title
    assert outcome.reason == "the deadline of 3 s has passed while looking at the page"


# --- signals, from outside ------------------------------------------------------------------------


_ONNX_RUNTIMES = ".ses"  # a file that ONNX Runtime keeps in the temporary folder, once


class Command:
    """`captcha-agent` in a session of its own; its processes are known by a mark they inherit."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.report = folder / "report"
        # Chromium has a socket there, whose path must be short.
        self.temporary = Path(tempfile.mkdtemp(prefix="c-"))
        self._mark = uuid.uuid4().hex
        marked = {"CAPTCHA_AGENT_TEST": self._mark, "TMPDIR": str(self.temporary)}
        command = [sys.executable, "-m", "agent.cli", *arguments, "--report", str(self.report)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **marked},
        )

    def wait_for(self, words: str) -> None:
        """Read what it tells until these words come."""
        assert self.process.stderr is not None
        said = ""
        for line in self.process.stderr:
            said += line
            if words in line:
                return
        raise AssertionError(f"{words!r} was not said: {said}")

    def processes(self) -> list[str]:
        """All processes that are left of it, the browser's among them."""
        left = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark.encode() in (folder / "environ").read_bytes():
                    left.append((folder / "cmdline").read_text().replace("\0", " ")[:80])
            except OSError:
                continue  # ended meanwhile, or somebody else's
        return left

    def leftovers(self) -> list[str]:
        """What is left of it once it had time to be taken down: processes, temporary files."""
        for _ in range(100):
            files = [path.name for path in self.temporary.iterdir() if path.name != _ONNX_RUNTIMES]
            found = [*self.processes(), *files]
            if not found:
                break
            time.sleep(0.1)
        return found


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Any]:
    if not Path("/proc/self/environ").exists():
        pytest.skip("processes are found by /proc, which Linux has")
    made: list[Command] = []

    def start(*arguments: str) -> Command:
        made.append(Command(tmp_path, *arguments))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()
        shutil.rmtree(one.temporary)


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [(signal.SIGINT, 130, "stopped by Ctrl-C"), (signal.SIGTERM, 143, "stopped by SIGTERM")],
)
def test_signals_end_it_cleanly(
    site: Server, command: Any, tmp_path: Path, number: int, status: int, reason: str
) -> None:
    """A report of what was done, the signal's exit status; no process and no file is left."""
    rules = tmp_path / "endless.yaml"
    rules.write_text("extends: ci\nlimits: {reloads: 100}\ndecide: {sure: 1}\n")
    url = f"{site.url}/signup/tiles"
    started = command("solve", url, "--policy", str(rules), "--json", "-v")
    started.wait_for("reloaded: sure to")
    if number == signal.SIGINT:
        os.killpg(started.process.pid, number)  # a terminal sends it to all of them
    else:
        started.process.send_signal(number)
    written, complained = started.process.communicate()
    assert started.process.returncode == status, complained
    content = json.loads(written)
    assert (content["status"], content["reason"]) == ("unsolved", reason)
    assert content["attempts"][0]["result"] == "reloaded"
    assert json.loads((started.report / "outcome.json").read_text())["reason"] == reason
    assert (started.report / "index.html").is_file()
    assert started.leftovers() == []


def test_sigterm_to_the_whole_group(site: Server, command: Any, tmp_path: Path) -> None:
    """Where Playwright's own process is ended, too, the report is written all the same.

    Its temporary folders are left then: what made them is gone.
    """
    rules = tmp_path / "endless.yaml"
    rules.write_text("extends: ci\nlimits: {reloads: 100}\ndecide: {sure: 1}\n")
    started = command("solve", f"{site.url}/signup/tiles", "--policy", str(rules), "--json", "-v")
    started.wait_for("reloaded: sure to")
    os.killpg(started.process.pid, signal.SIGTERM)
    written, complained = started.process.communicate()
    assert started.process.returncode == 143, complained
    assert "Traceback" not in complained
    assert json.loads(written)["reason"] == "stopped by SIGTERM"
    assert (started.report / "index.html").is_file()


def test_a_browser_that_does_not_start_can_be_stopped(
    site: Server, command: Any, tmp_path: Path
) -> None:
    """A stop counts while the browser starts, too; what was started of it is killed."""
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\nexec sleep 3600\n")
    browser.chmod(0o755)
    started = command("solve", site.url, "--executable-path", str(browser), "--json")
    while not any("sleep" in one for one in started.processes()):
        assert started.process.poll() is None
        time.sleep(0.1)
    started.process.send_signal(signal.SIGTERM)
    written, complained = started.process.communicate()
    assert started.process.returncode == 143, complained
    assert json.loads(written)["reason"] == "stopped by SIGTERM"
    assert started.leftovers() == []


def test_an_audit_that_is_stopped_tells_how_far_it_went(site: Server, command: Any) -> None:
    """Results of half an hour are not lost to Ctrl-C; what was cut short counts for nothing."""
    started = command("audit", f"{site.url}/signup/tiles", "-n", "99", "--json")
    started.wait_for("2/99")
    started.process.send_signal(signal.SIGINT)
    written, complained = started.process.communicate()
    assert started.process.returncode == 130, complained
    content = json.loads(written)
    assert 2 <= content["n"] < 99
    assert "stopped" not in content
    assert started.leftovers() == []
