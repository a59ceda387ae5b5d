"""What a solve remembers between two actions, and how it stops."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from agent.data import (
    STAGES,
    Action,
    Attempt,
    Decision,
    Grid,
    Kind,
    Observation,
    Picture,
    Result,
    Round,
    Snapshot,
    Step,
    Target,
    Widget,
)
from agent.policy import Policy

Flow = Generator[Action, Observation, Any]

PATIENCE_S = 1.0  # without a word or a change from the page, before it is looked into closer


class OutOfTimeError(Exception):
    """The policy's deadline has passed; becomes an outcome, never leaves the flow."""


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


@dataclass
class Run:
    """What a solve remembers between actions."""

    policy: Policy
    start_s: float | None = None
    now_s: float = 0.0
    stage: str = "find"
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    attempts: list[Attempt] = field(default_factory=list)
    reloads: int = 0
    opened: int = 0
    seen: Widget | None = None

    def ask(self, action: Action) -> Flow:
        """Have an action performed; raises OutOfTimeError once the deadline has passed."""
        observation = yield action
        began_s = observation.now_s - observation.took_s
        if self.start_s is None:
            self.start_s = self.now_s = began_s
        self.seconds[self.stage] += max(observation.now_s - self.now_s, 0.0)
        self.now_s = observation.now_s
        if self.now_s - self.start_s > self.policy.retry.deadline_s:
            raise OutOfTimeError
        return observation

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
    can_reload = widget.reload is not None and reloads < policy.retry.reloads
    return "reload" if can_reload else "submit"  # an answer is better than none


def _kind(challenge: Challenge) -> Kind:
    if challenge.target.squares:
        return "picture"
    return "reference" if challenge.sample is not None else "tiles"
