"""What a solve remembers between two actions, and how it stops."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

from agent.data import (
    STAGES,
    Action,
    Attempt,
    Capture,
    Click,
    Decision,
    Grid,
    Kind,
    Look,
    Observation,
    Picture,
    Press,
    Request,
    Result,
    Round,
    Snapshot,
    Step,
    Target,
    Widget,
)
from agent.painted import Painted, with_texts
from agent.policy import Policy

Flow = Generator[Request, Observation, Any]

_PATIENCE_S, _PATIENT_LOOKS = 1.0, 5  # whichever is longer


class OutOfTimeError(Exception):
    """The policy's deadline has passed; becomes an outcome, never leaves the flow."""


class AttemptOverError(Exception):
    """One answer took longer than the policy lets it; becomes a verdict, never leaves the flow."""


class StopError(Exception):
    """Solving can't go on; becomes an outcome, never leaves the flow."""


class PassedError(Exception):
    """The page lets pass without an answer; becomes an outcome, never leaves the flow."""


@dataclass
class Challenge:
    """One challenge while it is being answered."""

    snapshot: Snapshot
    widget: Widget
    target: Target
    picture: Picture
    grid: Grid
    sample: Picture | None = None
    decision: Decision | None = None
    clicked: tuple[int, ...] = ()
    after: Picture | None = None
    rounds: tuple[Round, ...] = ()
    step: Step = "submit"
    asked: Snapshot | None = None
    noted: Snapshot | None = None  # the last look at which a click was seen to have worked

    @property
    def before(self) -> Snapshot:
        """The page as it was just before its answer was submitted."""
        return self.asked or self.snapshot

    def heard(self, page: Snapshot) -> Snapshot:
        """A look, with what a dialog said to the last click: a look tells of each dialog once."""
        said = self.noted.dialogs if self.noted else ()
        return replace(page, dialogs=(*said, *page.dialogs)) if said else page


@dataclass
class Run:
    """What a solve remembers between actions; `spent_s` is what it took before the first one."""

    policy: Policy
    spent_s: float = 0.0
    start_s: float | None = None
    now_s: float = 0.0
    stage: str = "find"
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    attempts: list[Attempt] = field(default_factory=list)
    reloads: int = 0
    clicks: int = 0
    opened: int = 0
    seen: Widget | None = None
    painted: tuple[Painted, ...] = ()
    attempt_s: float | None = None
    _look_s: float = 0.0  # what the last look or screenshot took
    _waits: bool = False
    _answered_s: float = -math.inf

    def ask(self, action: Action) -> Flow:
        """Have an action performed.

        Raises OutOfTimeError or AttemptOverError once a deadline has passed, StopError where a
        limit is reached.
        """
        if isinstance(action, Click | Press):
            self._count_click()
        observation = yield Request(action, max(min(self.left_s, self._attempt_left_s), 0.0))
        began_s = observation.now_s - observation.took_s
        if self.start_s is None:
            self.start_s, self.now_s = began_s - self.spent_s, began_s
        self.seconds[self.stage] += max(observation.now_s - self.now_s, 0.0)
        self.now_s = max(self.now_s, observation.now_s)
        if isinstance(action, Look | Capture):
            self._look_s = observation.took_s
        if isinstance(action, Look) and observation.value is not None:
            if self._waits:
                self._answered_s = self.now_s
            self._waits = observation.value.pending
        if self.left_s <= 0:
            raise OutOfTimeError(observation.error)
        if self._attempt_left_s <= 0:
            raise AttemptOverError
        if isinstance(action, Look) and observation.value is not None and self.painted:
            return replace(observation, value=with_texts(observation.value, self.painted))
        return observation

    @property
    def poll_s(self) -> float:
        """Seconds between two looks: as many as one takes where these are more, so that a busy
        machine gets to do something else, too.
        """
        return max(self.policy.waits.poll_s, min(self._look_s, _PATIENCE_S))

    def silent_s(self, since_s: float = -math.inf) -> float:
        """Seconds since then in which the page had no answer of its server to wait for: 0 while it
        has.
        """
        return 0.0 if self._waits else self.now_s - max(since_s, self._answered_s)

    @property
    def patience_s(self) -> float:
        """Seconds without a word or a change from the page, before it is looked into closer.

        Where looks take long, so does all else on that machine.
        """
        return max(_PATIENCE_S, _PATIENT_LOOKS * self._look_s)

    @property
    def left_s(self) -> float:
        """Seconds until the policy's deadline."""
        spent_s = self.spent_s if self.start_s is None else self.now_s - self.start_s
        return self.policy.retry.deadline_s - spent_s

    @property
    def _attempt_left_s(self) -> float:
        limit_s = self.policy.retry.attempt_deadline_s
        if limit_s is None or self.attempt_s is None:
            return math.inf
        return self.attempt_s + limit_s - self.now_s

    def _count_click(self) -> None:
        if self.clicks >= self.policy.limits.clicks:
            raise StopError(f"all {self.clicks} clicks of the policy are used up")
        self.clicks += 1

    def count_reload(self) -> bool:
        """Whether the policy lets another challenge be asked for, or the page be loaded again."""
        if self.reloads >= self.policy.limits.reloads:
            return False
        self.reloads += 1
        return True

    def answers(self) -> int:
        """The answers that a policy counts: those after which another try was needed."""
        passed = ("reloaded", "next_round", "accepted")
        return sum(attempt.result not in passed for attempt in self.attempts)

    def keep(self, challenge: Challenge, result: Result, reason: str) -> None:
        """Add an attempt to the record."""
        decision = challenge.decision
        assert decision is not None
        self.attempts.append(
            Attempt(
                instruction=challenge.widget.instruction,
                kind=_kind(challenge),
                grid=(challenge.grid.rows, challenge.grid.cols),
                boxes=challenge.grid.boxes,
                probabilities=tuple(float(p) for p in decision.probabilities),
                selected=tuple(sorted({*decision.selected, *challenge.clicked})),
                threshold=decision.threshold,
                confidence=decision.confidence,
                result=result,
                reason=reason,
                seconds=self.seconds,
                picture=challenge.picture,
                after=challenge.after,
                sample=challenge.sample,
                widget=challenge.widget,
                decision=decision,
                rounds=challenge.rounds,
                step=challenge.step,
            )
        )
        self.seconds = dict.fromkeys(STAGES, 0.0)


def next_step(policy: Policy, decision: Decision, widget: Widget, reloads: int) -> Step:
    """What follows a decision, after `reloads` challenges that were exchanged before."""
    if decision.confidence >= policy.decide.sure or policy.reactions.unsure == "submit":
        return "submit"
    if policy.reactions.unsure == "stop":
        return "stop"
    can_reload = widget.reload is not None and reloads < policy.limits.reloads
    return "reload" if can_reload else "submit"  # an answer is better than none


def _kind(challenge: Challenge) -> Kind:
    if challenge.target.squares:
        return "picture"
    return "reference" if challenge.sample is not None else "tiles"
