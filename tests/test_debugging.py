"""At a desk: keys between steps, the inspector where it failed, a bar on a terminal, the trace."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import click
import pytest
from playwright.sync_api import Error as PlaywrightError

from agent import policy, trace
from agent.commands import browsing, debugging
from agent.errors import SiteError, UsageError
from agent.policy import Policy
from agent.waiting import Stop
from tests.test_report import outcome


def test_a_key_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What comes next is said on standard error; any key but q, Escape and Ctrl-C does it."""
    for key in (" ", "\r", "x"):
        monkeypatch.setattr(click, "getchar", lambda key=key: key)
        stop = Stop()
        debugging.waits_for_key(stop)("click tile 1 (probability 0.93)")
        assert stop.reason == ""
    assert capsys.readouterr().err.splitlines() == [
        "next: click tile 1 (probability 0.93)  [any key: do it, q: stop]"
    ] * 3  # fmt: skip
    for key in ("q", "\x1b", "\x03"):
        monkeypatch.setattr(click, "getchar", lambda key=key: key)
        stop = Stop()
        debugging.waits_for_key(stop)("click tile 1")
        assert stop.reason == "stopped by hand"


def test_slow_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each click some time passes, as the policy says, and a stop ends it; else none."""
    slow = policy.check({"browser": {"slow_mo_ms": 60_000}}, where="test")
    assert debugging.before_each(Policy(), Stop()) is None
    passed: list[float] = []
    monkeypatch.setattr(debugging, "pass_time", lambda seconds, stop: passed.append(seconds))
    wait = debugging.before_each(slow, Stop())
    assert wait is not None
    wait("click tile 1")
    assert passed == [60.0]
    keys = debugging.before_each(slow, Stop(), by_key=True)
    monkeypatch.setattr(click, "getchar", lambda: " ")
    assert keys is not None
    keys("click tile 1")
    assert passed == [60.0]


def test_the_inspector_opens(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a solve failed, it is said why, and Playwright's inspector is opened on the page."""
    paused = []

    class Paused:
        def pause(self) -> None:
            paused.append(capsys.readouterr().err)

    debugging.pause(Paused(), outcome(said="Not quite", status="rejected"))
    assert paused == ["unsolved: the page says Not quite; paused in Playwright's inspector\n"]


def test_no_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipeline's log there is no progress bar."""
    with browsing.progress("solving", 2) as advance:
        advance()
        advance()
    assert capsys.readouterr() == ("", "")


SECRET = "hunter2"


def _document() -> Any:
    """A document as Playwright records it: [name, attributes, children…]."""
    value = "__playwright_value_"
    return ["HTML", {}, [[1, 2]], ["BODY", {},
        ["INPUT", {"type": "password", value: SECRET}],
        ["INPUT", {"type": "hidden", "value": SECRET}],
        ["INPUT", {value: ""}],
        ["INPUT", {"type": "submit", value: "Verify"}],
        ["TEXTAREA", {value: SECRET}, SECRET],
        ["P", {}, "Select all images with a bus"],
    ]]  # fmt: skip


def _request(url: str, sent: dict[str, str], got: dict[str, str]) -> Any:
    headers = [{"name": "Cookie", "value": SECRET}, {"name": "Content-Type", "value": "text/css"}]
    cookies = [{"name": "session", "value": SECRET}]
    part = {"headers": headers, "cookies": cookies}
    return {"type": "resource-snapshot", "snapshot": {
        "request": {"url": url, **part, "postData": sent}, "response": {**part, "content": got},
    }}  # fmt: skip


def test_traces_lose_what_was_typed_and_sent(tmp_path: Path) -> None:
    """Fields, cookies, headers that identify, bodies, web sockets: all else stays as it is."""
    events = [{"type": "frame-snapshot", "snapshot": {"html": _document()}}, {"type": "console"}]
    requests = [
        _request("http://localhost/", {"_file": "resources/new"}, {"_file": "resources/page"}),
        _request("http://localhost/", {"_sha1": "old", "text": SECRET}, {"_sha1": "page"}),
        _request("ws://localhost/", {}, {"_file": "resources/socket"}),
    ]
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as whole:
        whole.writestr("trace.trace", "\n".join(map(json.dumps, events)))
        whole.writestr("trace.network", "\n".join(map(json.dumps, requests)))
        for name in ("new", "old", "socket"):
            whole.writestr(f"resources/{name}", SECRET)
        whole.writestr("resources/page", "a page")
        whole.writestr("screencast/1.jpeg", "a picture")
    trace.redact(tmp_path / "whole.zip", tmp_path / "trace.zip")
    with zipfile.ZipFile(tmp_path / "trace.zip") as kept:
        contents = {name: kept.read(name).decode() for name in kept.namelist()}
    assert set(contents) == {
        "trace.trace", "trace.network", "resources/page", "screencast/1.jpeg",
    }  # fmt: skip
    assert SECRET not in "".join(contents.values())
    first, second = map(json.loads, contents["trace.trace"].splitlines())
    assert second == events[1]
    fields = [node for node in first["snapshot"]["html"][3][2:] if node[0] != "P"]
    assert fields == [
        ["INPUT", {"type": "password", "__playwright_value_": "redacted"}],
        ["INPUT", {"type": "hidden", "value": "redacted"}],
        ["INPUT", {"__playwright_value_": ""}],
        ["INPUT", {"type": "submit", "__playwright_value_": "Verify"}],
        ["TEXTAREA", {"__playwright_value_": "redacted"}],
    ]
    assert first["snapshot"]["html"][3][-1] == ["P", {}, "Select all images with a bus"]
    request = json.loads(contents["trace.network"].splitlines()[0])["snapshot"]["request"]
    assert request == {
        "url": "http://localhost/",
        "headers": [{"name": "Content-Type", "value": "text/css"}],
        "cookies": [],
    }


class Traced:
    """A page whose tracing writes an empty trace, or finds its browser gone."""

    def __init__(self, *, gone: bool = False) -> None:
        self.context = self.tracing = self
        self._gone = gone

    def start(self, **_: object) -> None:
        """Begin."""

    def stop(self, path: Path) -> None:
        """End."""
        if self._gone:
            raise PlaywrightError("Target page, context or browser has been closed")
        with zipfile.ZipFile(path, "w") as empty:
            empty.writestr("trace.trace", "")


def test_a_trace_that_cannot_be_written(tmp_path: Path) -> None:
    """The message says where, and what to do."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match=r"the trace can't be written to .*file: File exists"),
        trace.traced(Traced(), str(tmp_path / "file")),
    ):
        pass


def test_a_trace_of_a_browser_that_is_gone(tmp_path: Path) -> None:
    """What went wrong is told by what failed, not by its trace."""
    with pytest.raises(SiteError), trace.traced(Traced(gone=True), str(tmp_path)):
        raise SiteError("the page or the browser was closed")
    assert list(tmp_path.iterdir()) == []
