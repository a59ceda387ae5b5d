"""Audits: rates with intervals, what failed how often, and what ends a run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from agent.audit import Audit, Rate
from agent.commands import audit
from agent.data import STAGES, Attempt, Outcome
from agent.errors import SiteError


def outcome(status: Any, *results: Any, kind: Any = "tiles", reason: str = "") -> Outcome:
    attempts = tuple(
        Attempt("a bus", kind, (3, 3), (), (), (), 0.5, 0.9, result, "", dict.fromkeys(STAGES, 0.1))
        for result in results
    )
    return Outcome(status, reason, "http://localhost/", 2.0, "lite", "ci", attempts)


@pytest.mark.parametrize(
    ("hits", "n", "interval"),
    [(8, 10, (0.4902, 0.9433)), (0, 20, (0.0, 0.1611)), (20, 20, (0.8389, 1.0)), (0, 0, (0, 1))],
)
def test_intervals(hits: int, n: int, interval: tuple[float, float]) -> None:
    """Wilson's score interval, also at the ends: values of the statsmodels package."""
    assert Rate(hits, n).interval == pytest.approx(interval, abs=1e-4)


def test_what_counts() -> None:
    """An exchanged challenge is no answer; a second round is none of its own."""
    found = Audit("page", (
        outcome("solved", "accepted"),
        outcome("solved", "reloaded", "next_round", "accepted", kind="picture"),
        outcome("solved", "rejected", "accepted"),
        outcome("unsolved", "rejected", reason="Not quite"),
        outcome("error", reason="gone"),
    ))  # fmt: skip
    assert (found.solved.hits, found.first.hits, found.answered.n) == (3, 2, 5)
    assert found.failures() == {"Not quite": 1, "gone": 1}
    kinds = {kind.name: kind.solved for kind in found.by_kind()}
    assert kinds == {"none": Rate(0, 1), "picture": Rate(1, 1), "tiles": Rate(2, 3)}


class Browser:
    """Stands in for a browser: says whether it is still there."""

    def __init__(self, *, connected: bool = True) -> None:
        self.connected = connected

    def is_connected(self) -> bool:
        return self.connected


def tried(browser: Browser, monkeypatch: pytest.MonkeyPatch, *comes: Any) -> list[Outcome]:
    """Challenges that come to outcomes, or to errors."""

    @contextmanager
    def fresh_page(browser: Any) -> Any:
        yield object()

    monkeypatch.setattr(audit, "fresh_page", fresh_page)
    left = list(comes)

    def solve(page: Any) -> Outcome:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    def gone(**given: Any) -> Outcome:
        return Outcome("error", url="", model="lite", policy="ci", **given)

    return list(audit._tried(browser, len(comes), solve, gone))  # type: ignore[arg-type]


def test_a_site_that_fails_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the site fails in between, that challenge is not solved and the next one is tried."""
    good = outcome("solved", "accepted")
    found = tried(Browser(), monkeypatch, good, SiteError("HTTP status 500"), good)
    assert [one.status for one in found] == ["solved", "error", "solved"]
    assert found[1].reason == "HTTP status 500"


def test_what_ends_an_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that fails at once, and a browser that is gone, end the run."""
    with pytest.raises(SiteError, match="HTTP status 500"):
        tried(Browser(), monkeypatch, SiteError("HTTP status 500"))
    with pytest.raises(SiteError, match="closed"):
        tried(Browser(connected=False), monkeypatch, outcome("solved"), SiteError("closed"))


def test_a_line_a_challenge() -> None:
    """Where standard error is no terminal there is one line a challenge."""
    line = audit._line(7, 50, outcome("unsolved", "rejected", reason="Not quite"))
    assert line == " 7/50 unsolved answers 1   2.0 s  a bus: Not quite"
    line = audit._line(8, 50, outcome("error", reason="gone"))
    assert line == " 8/50 error    answers 0   2.0 s  gone"


def test_a_bar_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal a bar counts, and no line is printed."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with audit._progress(2) as advance:
        advance(outcome("solved", "accepted"), "1/2 solved")
        advance(outcome("unsolved", "rejected"), "2/2 unsolved")
    said = capsys.readouterr()
    assert "1 solved" in said.err
    assert "2/2" in said.err
    assert "1/2 solved" not in said.err
    assert said.out == ""
