"""What a policy does where an answer did not pass, tried without browser, model or clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agent import flow, runner
from agent.data import Action, Click, Failure, Look, Outcome, Snapshot, Visit, Wait
from agent.policy import check
from agent.waiting import Stop
from tests.conftest import FakePage, Fixed, unwrapped

SURE = {0: 0.99, 4: 0.98, 8: 0.97}


@dataclass
class Troubled(FakePage):
    """A page whose server answers a submit with `troubles`, one after the other, before it works.

    None is a submit that nothing comes of. `leaves_after` clicks the page is another one; it is
    the old one again once it is visited, or by itself after `returns_s` seconds.
    """

    troubles: list[Failure | None] = field(default_factory=list)
    late: str = ""
    leaves_after: int = 0
    returns_s: float = math.inf
    failures: list[Failure] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)
    left: bool = False
    loads: int = 0

    def _perform(self, action: Action) -> Any:
        if isinstance(action, Wait):
            self.waited_s.append(action.seconds)
            if action.seconds >= 2 and self.late:
                self.message = self.late
            self.returns_s -= action.seconds if self.left else 0
            if self.returns_s <= 0:
                self._load()
        if isinstance(action, Visit):
            self.visited.append(action.url)
            self._load()
        if isinstance(action, Click) and self.left:
            self.clicks += 1
            return None
        return super()._perform(action)

    def _load(self) -> None:
        self.left, self.leaves_after, self.returns_s = False, 0, math.inf
        self.chosen = set()
        self.challenge += 1
        self.loads += 1

    def _click(self, click: Click) -> None:
        super_click = super()._click
        if click.y_css > 420 and click.element is not None:
            self.clicks += 1
            return  # it waits for its server: a button that is clicked again does nothing
        if click.y_css > 420 and click.x_css < 200 and self.troubles:
            self.clicks += 1
            trouble = self.troubles.pop(0)
            self.failures += [trouble] if trouble else []
            return
        super_click(click)
        if self.clicks == self.leaves_after:
            self.left = True

    def snapshot(self) -> Snapshot:
        seen = replace(super().snapshot(), failures=tuple(self.failures))
        if not self.left:
            return replace(seen, document=float(self.loads))
        return replace(seen, elements=(), document=-1.0, url="http://localhost/elsewhere")

    def pixels(self) -> Any:
        pixels = super().pixels()
        return 255 - pixels if self.left else pixels


def solve(page: FakePage, **policy: Any) -> Outcome:
    rules = check({"waits": {"verify_s": 3}, **policy}, where="test")
    return runner.run(flow.solve(rules, model="fixed"), unwrapped(page), Fixed(lambda _: SURE))


def down(retry_after_s: float | None = None, status: int = 503) -> Failure:
    return Failure(status, "/verify", retry_after_s)


def test_a_server_error_is_waited_out() -> None:
    """A site in trouble is asked again after as long as it asks for, by another challenge."""
    page = Troubled(troubles=[down(7)])
    outcome = solve(page)
    assert outcome.solved, outcome.reason
    assert [(a.result, a.reason) for a in outcome.attempts] == [
        ("server_error", "the site answered /verify with HTTP status 503"),
        ("accepted", "the page says 'Verified'"),
    ]
    assert 7 in page.waited_s
    assert page.challenge == 1  # the old one may be used up: it was exchanged


def test_too_many_requests_block() -> None:
    """HTTP status 429 is the verdict blocked, at which the default policy stops."""
    outcome = solve(Troubled(troubles=[down(7, 429)]))
    assert outcome.reason == "blocked: the site answered /verify with HTTP status 429"
    page = Troubled(troubles=[down(7, 429)])
    assert solve(page, reactions={"blocked": "wait"}).solved
    assert 7 in page.waited_s


def test_nobody_waits_past_the_deadline() -> None:
    """Where the site asks for more time than is left, the solve ends at once and says so."""
    page = Troubled(troubles=[down(300)])
    outcome = solve(page)
    assert outcome.reason == (
        "server_error: the site answered /verify with HTTP status 503; the next try would be in "
        "300 s, after the deadline of 60 s"
    )
    assert 300 not in page.waited_s


@pytest.mark.parametrize("reaction", ["wait", "retry", "reload"])
def test_a_late_verdict_counts(reaction: str) -> None:
    """After the wait the page is looked at again before anything else is tried."""
    page = Troubled(troubles=[None], late="Verified")
    outcome = solve(page, reactions={"unknown": reaction}, retry={"wait_s": 2})
    assert outcome.solved
    assert outcome.reason == "the page says 'Verified'"
    assert [a.result for a in outcome.attempts] == ["accepted"]


@pytest.mark.parametrize(
    ("trouble", "result"),
    [(None, "unknown"), (down(), "server_error"), (down(status=429), "blocked")],
)
def test_each_verdict_has_its_reaction(trouble: Failure | None, result: str) -> None:
    """Every verdict's reaction is its own: stop ends it with its reason, retry goes on."""
    outcome = solve(Troubled(troubles=[trouble]), reactions={result: "stop"})
    assert [a.result for a in outcome.attempts] == [result]
    assert outcome.reason == f"{result}: {outcome.attempts[0].reason}"
    outcome = solve(Troubled(troubles=[trouble]), reactions={result: "retry"})
    assert [a.result for a in outcome.attempts] == [result, "accepted"]


def test_nothing_is_clicked_on_another_page() -> None:
    """Where a click leads to another page, no further tile and no button is clicked there."""
    page = Troubled(leaves_after=2)
    outcome = solve(page)
    assert outcome.reason == (
        "navigation_lost: the page was left for another one before the answer was submitted"
    )
    assert page.clicks == 2
    assert page.answers == []


def test_a_page_that_is_loaded_again_meanwhile() -> None:
    """The old answer is not given to the challenge that a page shows once it is loaded again."""
    page = Troubled(leaves_after=2, returns_s=0.5)
    outcome = solve(page)
    assert outcome.solved, outcome.reason
    assert [(a.result, a.reason) for a in outcome.attempts] == [
        ("expired", "the page was loaded again before the answer was submitted"),
        ("accepted", "the page says 'Verified'"),
    ]
    assert page.answers == [(0, 4, 8)]


def test_a_lost_page_is_loaded_again() -> None:
    """With the reaction reload the captcha's page is loaded again and answered."""
    page = Troubled(leaves_after=1)
    outcome = solve(page, reactions={"navigation_lost": "reload"})
    assert outcome.solved, outcome.reason
    assert page.visited == ["http://localhost/form"]
    page = Troubled(leaves_after=1)
    outcome = solve(page, reactions={"navigation_lost": "reload"}, limits={"reloads": 0})
    assert outcome.reason == "all 0 reloads of the policy are used up"


def test_clicks_have_a_limit() -> None:
    """No more clicks and keys than the policy allows, whatever they are for."""
    page = FakePage()
    outcome = solve(page, limits={"clicks": 3})
    assert outcome.reason == "all 3 clicks of the policy are used up"
    assert page.clicks == 3


def test_one_answer_has_its_own_deadline() -> None:
    """An answer that takes too long is one without a verdict, and the next one gets its time."""
    page = Troubled(troubles=[None])
    outcome = solve(page, retry={"attempt_deadline_s": 20, "deadline_s": 300},
                    waits={"verify_s": 60})  # fmt: skip
    assert outcome.solved
    assert [(a.result, a.reason) for a in outcome.attempts] == [
        ("unknown", "no verdict within the 20 s that one answer may take"),
        ("accepted", "the page says 'Verified'"),
    ]


def test_a_stop_ends_it_with_what_was_done() -> None:
    """A stop that is asked for ends the solve after the action; the attempts until then stay."""
    page, stop = FakePage(says=["Try again"]), Stop()

    class Stopping(Fixed):
        def scores_on(self, *given: Any) -> Any:
            if page.answers:
                stop.ask("stopped by hand")
            return super().scores_on(*given)

    moves = flow.solve(check({}, where="test"), model="fixed")
    outcome = runner.run(moves, unwrapped(page), Stopping(lambda _: SURE), None, stop)
    assert (outcome.status, outcome.reason) == ("unsolved", "stopped by hand")
    assert [a.result for a in outcome.attempts] == ["rejected"]
    assert len(page.answers) == 1


def test_a_selector_is_looked_for_after_a_wait_too() -> None:
    """The user's own sign of success counts after a wait as it does before."""
    looked = []

    class Watched(Troubled):
        def _perform(self, action: Action) -> Any:
            if isinstance(action, Look):
                looked.append(action.selector)
            return super()._perform(action)

    page = Watched(troubles=[down(2)])
    solve(page, success="selector:#done", retry={"attempts": 2})
    assert looked.count("#done") > 2
