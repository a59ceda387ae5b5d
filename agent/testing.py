"""What the pytest fixture `captcha` gives: solves, answers wrongly on purpose, says what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import pytest

from agent import answers, runner
from agent.answers import Oracle, Watched
from agent.data import Outcome
from agent.errors import UsageError
from agent.policy import Policy, load
from agent.redaction import plain
from agent.report import save
from agent.report.text import Right, describe
from agent.scorer import Scorer, load_scorer

if TYPE_CHECKING:
    from playwright.async_api import Page as AsyncPage
    from playwright.sync_api import Page

__tracebackhide__ = True  # a failure shows the test's own line, not this module's

Know = TypeVar("Know", bound=Callable[[Any], Any])


@dataclass(frozen=True)
class _Task:
    """One call of a fixture's method; `judge` says what is wrong with an outcome, or nothing."""

    method: str
    policy: Policy
    scorer: Any
    judge: Callable[[Outcome], str]


@dataclass(frozen=True)
class Evidence:
    """What is left of one call: words, the report's page, the annotated screenshots."""

    text: str
    page: Path | None
    pictures: tuple[Path, ...]


@dataclass
class _Done:
    """One call that came to an outcome; `told` once the test's failure has said what it was."""

    outcome: Outcome
    right: Right
    policy: Policy
    folder: Path
    page: Path | None = None
    told: bool = False

    def keep(self) -> str:
        """Write the report unless the policy says never; returns a line that says where it is."""
        if self.policy.report == "never":
            return ""
        try:
            self.page = self.page or save(self.outcome, self.folder)
        except UsageError as error:  # must not hide what the test failed by
            return f"\n{error}"
        return f"\nreport: {self.page}"


class Captcha:
    """The captcha on a Playwright page. On an async page the methods return awaitables.

    `policy` and `model` are names, files or loaded ones; `allow` adds hosts to the policy's scope;
    `success` says what success looks like; reports go to `folder`. All methods raise as
    `agent.solve` does where page, policy or model are wrong.
    """

    def __init__(
        self,
        *,
        policy: str | Policy,
        model: str | Scorer,
        allow: Iterable[str],
        success: str,
        folder: Path,
    ) -> None:
        self._policy = policy
        self._model = model
        self._allow = tuple(allow)
        self._success = success
        self._folder = folder
        self._know: Callable[[Any], Any] | None = None
        self._done: list[_Done] = []
        self._given_out = 0

    def oracle(self, know: Know) -> Know:
        """Take a function that knows the right answer: it gets the page, returns tile numbers.

        Tiles count from 0, row by row. With an async page it may be a coroutine function. Failures
        then say whether the scorer was wrong or the widget is broken, wrong answers are wrong for
        certain, and `answer(page)` gives the right one. Returns `know`: good as a decorator.
        """
        self._know = know
        return know

    @overload
    def solve(self, page: Page) -> Outcome: ...
    @overload
    def solve(self, page: AsyncPage) -> Awaitable[Outcome]: ...
    def solve(self, page: Any) -> Any:
        """Solve the captcha on `page`; fails the test where that does not succeed."""
        return self._perform(page, self._to_solve)

    @overload
    def solve_wrong(self, page: Page) -> Outcome: ...
    @overload
    def solve_wrong(self, page: AsyncPage) -> Awaitable[Outcome]: ...
    def solve_wrong(self, page: Any) -> Any:
        """Answer wrongly on purpose; fails the test unless the page rejects that.

        Without an oracle, the answer is the one tile that the model believes in least.
        """
        return self._perform(page, self._to_be_rejected)

    @overload
    def answer(self, page: Page, tiles: Iterable[int] | None = None) -> Outcome: ...
    @overload
    def answer(self, page: AsyncPage, tiles: Iterable[int] | None = None) -> Awaitable[Outcome]: ...
    def answer(self, page: Any, tiles: Iterable[int] | None = None) -> Any:
        """Answer once, with just these tiles (from 0, row by row), or as the oracle says.

        What the page says of it is the test's to judge: `outcome.solved`. Fails the test where
        the page said nothing, or the tiles could not be clicked.
        """
        return self._perform(page, partial(self._to_answer, tiles))

    def evidence(self) -> list[Evidence]:
        """What a failed test's report shall show, each call once; writes reports."""
        new, self._given_out = self._done[self._given_out :], len(self._done)
        shown = []
        for done in new:
            where = done.keep()
            text = _told(_headline(done.outcome), done) + where
            pictures = [
                done.folder / f"attempt-{number}.png"
                for number in range(1, len(done.outcome.attempts) + 1)
            ]
            there = tuple(path for path in pictures if done.page and path.is_file())
            shown.append(Evidence("" if done.told else text, done.page, there))
        return shown

    # --- how each method goes about it ---

    def _to_solve(self, oracle: Oracle | None) -> _Task:
        scorer = self._scorer()
        watched = scorer if oracle is None else Watched(scorer, oracle)
        return _Task("solve", self._rules(), watched, _not_solved)

    def _to_be_rejected(self, oracle: Oracle | None) -> _Task:
        chosen = answers.unlikely(self._scorer()) if oracle is None else answers.wrong(oracle)
        rules = _whatever_its_confidence(self._rules())
        reactions = rules.reactions.model_copy(update={"rejected": "stop"})
        rules = rules.model_copy(update={"reactions": reactions})
        return _Task("solve_wrong", rules, chosen, _not_rejected)

    def _to_answer(self, tiles: Iterable[int] | None, oracle: Oracle | None) -> _Task:
        if tiles is not None:
            chosen = answers.given(tiles)
        elif oracle is not None:
            chosen = answers.right(oracle)
        else:
            raise UsageError("captcha.answer: expected tiles, or an oracle that knows them")
        rules = _whatever_its_confidence(self._rules())
        retry = rules.retry.model_copy(update={"attempts": 1})
        return _Task("answer", rules.model_copy(update={"retry": retry}), chosen, _not_answered)

    def _rules(self) -> Policy:
        return load(self._policy) if isinstance(self._policy, str) else self._policy

    def _scorer(self) -> Any:
        return load_scorer(self._model) if isinstance(self._model, str) else self._model

    # --- doing it ---

    def _perform(self, page: Any, plan: Callable[[Oracle | None], _Task]) -> Any:
        if _is_async(page):
            return self._perform_async(page, plan)
        task = plan(Oracle(self._know, page) if self._know else None)
        outcome = runner.solve(
            page, task.policy, model=task.scorer, allow=self._allow, success=self._success
        )
        return self._finish(task, outcome)

    async def _perform_async(self, page: Any, plan: Callable[[Oracle | None], _Task]) -> Outcome:
        loop = asyncio.get_running_loop()
        task = plan(Oracle(self._know, page, loop) if self._know else None)
        outcome = await runner.solve_async(
            page, task.policy, model=task.scorer, allow=self._allow, success=self._success
        )
        return self._finish(task, outcome)

    def _finish(self, task: _Task, outcome: Outcome) -> Outcome:
        """Note the outcome; fail the test where it is not what the method is for."""
        scorer = task.scorer
        right = [scorer.right(a) for a in outcome.attempts] if isinstance(scorer, Watched) else []
        number = len(self._done) + 1
        folder = self._folder if number == 1 else self._folder / str(number)
        done = _Done(outcome, right, task.policy, folder)
        self._done.append(done)
        wrong = task.judge(outcome)
        where = done.keep() if task.policy.keeps_report(failed=bool(wrong)) else ""
        if wrong:
            done.told = True
            pytest.fail(_told(f"captcha.{task.method}: {wrong}", done) + where)
        return outcome


def _is_async(page: Any) -> bool:
    """Whether `page` is one of Playwright's async API, or wraps one by inheritance."""
    return any(kind.__module__.startswith("playwright.async_api") for kind in type(page).__mro__)


def _whatever_its_confidence(rules: Policy) -> Policy:
    """The policy for an answer that is given: submitted as it is, however unsure it looks."""
    decide = rules.decide.model_copy(update={"threshold": 0.5, "sure": 0.0})
    reactions = rules.reactions.model_copy(update={"unsure": "submit"})
    return rules.model_copy(update={"decide": decide, "reactions": reactions})


def _told(headline: str, done: _Done) -> str:
    return "\n".join(filter(None, (headline, describe(done.outcome.attempts, done.right))))


def _headline(outcome: Outcome) -> str:
    return plain(f"{outcome.status}: {outcome.reason}")


def _not_solved(outcome: Outcome) -> str:
    return "" if outcome.solved else _headline(outcome)


def _not_rejected(outcome: Outcome) -> str:
    last = outcome.attempts[-1].result if outcome.attempts else ""
    if last == "rejected":
        return ""
    if last == "accepted":
        return plain(f"a wrong answer on purpose was accepted: {outcome.reason}")
    return plain(f"a wrong answer on purpose was not rejected: {outcome.reason}")


def _not_answered(outcome: Outcome) -> str:
    last = outcome.attempts[-1].result if outcome.attempts else ""
    if last in ("accepted", "rejected", "expired"):
        return ""
    return plain(f"the tiles could not be answered: {outcome.reason}")
