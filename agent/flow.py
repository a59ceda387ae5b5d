"""The solving loop: yields actions, receives what was observed, returns the Outcome.

A pure generator: no browser, no model, no clock. The times in the report are those of the
observations; what lies between two of them was spent thinking and is counted to the stage
that thought.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agent import decider, finder, instruction, segmenter, verifier
from agent.data import (
    STAGES,
    Action,
    Attempt,
    Box,
    Capture,
    Click,
    Decision,
    Grid,
    Look,
    Observation,
    Outcome,
    Picture,
    Pixels,
    Result,
    Score,
    Snapshot,
    Status,
    Target,
    Tell,
    Verdict,
    Wait,
    Widget,
)
from agent.errors import UsageError
from agent.policy import Policy, Reaction

Flow = Generator[Action, Observation, Any]

_PATIENCE_S = 1.0  # without a word or a change from the page, before it is looked into closer


class _OutOfTimeError(Exception):
    """The policy's deadline has passed; becomes an outcome, never leaves this module."""


class _StopError(Exception):
    """Solving can't go on; becomes an outcome, never leaves this module."""


@dataclass
class _Challenge:
    """One challenge while it is being answered."""

    snapshot: Snapshot
    widget: Widget
    target: Target
    picture: Picture
    grid: Grid
    decision: Decision | None = None
    after: Picture | None = None


@dataclass
class _Run:
    """What a solve remembers between actions."""

    policy: Policy
    start_s: float | None = None
    now_s: float = 0.0
    stage: str = "find"
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    attempts: list[Attempt] = field(default_factory=list)
    reloads: int = 0

    def ask(self, action: Action) -> Flow:
        """Have an action performed; raises _OutOfTimeError once the deadline has passed."""
        observation = yield action
        began_s = observation.now_s - observation.took_s
        if self.start_s is None:
            self.start_s = self.now_s = began_s
        self.seconds[self.stage] += max(observation.now_s - self.now_s, 0.0)
        self.now_s = observation.now_s
        if self.now_s - self.start_s > self.policy.retry.deadline_s:
            raise _OutOfTimeError
        return observation

    def answers(self) -> int:
        return sum(attempt.result != "reloaded" for attempt in self.attempts)

    def keep(self, challenge: _Challenge, result: Result, reason: str) -> None:
        decision = challenge.decision
        assert decision is not None
        self.attempts.append(
            Attempt(
                instruction=challenge.widget.instruction,
                kind="picture" if challenge.target.squares else "tiles",
                grid=(challenge.grid.rows, challenge.grid.cols),
                boxes=challenge.grid.boxes,
                probabilities=tuple(float(p) for p in decision.probabilities),
                selected=decision.selected,
                threshold=decision.threshold,
                confidence=decision.confidence,
                result=result,
                reason=reason,
                seconds=self.seconds,
                picture=challenge.picture,
                after=challenge.after,
            )
        )
        self.seconds = dict.fromkeys(STAGES, 0.0)


def solve(policy: Policy, *, model: str) -> Generator[Action, Observation, Outcome]:
    """Carry the page that the actions act on past its captcha, as `policy` says."""
    run = _Run(policy)
    status: Status = "unsolved"
    url = ""
    try:
        observation = yield from run.ask(Look(verifier.selector_of(policy.success)))
        url = observation.value.url if observation.value else ""
        status, reason = "solved", (yield from _attempts(run))
    except _OutOfTimeError:
        status, reason = "unsolved", f"the deadline of {policy.retry.deadline_s:g} s has passed"
    except _StopError as stop:
        status, reason = "unsolved", str(stop)
    seconds = run.now_s - (run.start_s or 0.0)
    return Outcome(status, reason, url, seconds, model, policy.name, tuple(run.attempts))


def _attempts(run: _Run) -> Flow:
    """Answer challenges until one is accepted; returns by what that was known."""
    policy, last = run.policy, None
    while True:
        challenge = yield from _read_challenge(run, last)
        decision = yield from _choose(run, challenge)
        unsure = decision.confidence < policy.decide.sure and policy.reactions.unsure != "submit"
        if unsure:
            exchanged = yield from _exchange_unsure(run, challenge)
            if exchanged is not None:
                last = exchanged
                continue
        verdict = yield from _answer(run, challenge)
        run.keep(challenge, verdict.result, verdict.reason)
        yield from run.ask(Tell(_line(run, run.attempts[-1])))
        if verdict.result == "accepted":
            return verdict.reason
        if run.answers() >= policy.retry.attempts:
            raise _StopError(
                f"{run.answers()} of {policy.retry.attempts} attempts: {verdict.reason}"
            )
        last = yield from _react(run, challenge, verdict)


# --- looking ------------------------------------------------------------------------------------


def _read_challenge(run: _Run, last: _Challenge | None) -> Flow:
    """Wait for a captcha with its pictures loaded, and read it."""
    run.stage = "find"
    snapshot, widget = yield from _find(run)
    began_s = run.now_s
    while True:
        run.stage = "capture"
        picture = yield from _capture(run, widget.area)
        run.stage = "split"
        if picture is not None and not (last and _same(picture, last)):
            grid = _split(picture, widget)
            if not _has_blank(picture, grid) and (yield from _still_there(run, widget)):
                target = _target(snapshot, widget)
                return _Challenge(snapshot, widget, target, picture, grid)
        if run.now_s - began_s > run.policy.waits.find_s:
            raise _StopError(
                f"the captcha's pictures did not load within {run.policy.waits.find_s:g} s"
            )
        if last is not None and picture is not None and run.now_s - began_s > _PATIENCE_S:
            # The page keeps the challenge that was dealt with: the same answer would not help.
            yield from _reload(run, last)
            last = None
        run.stage = "capture"
        yield from run.ask(Wait(run.policy.waits.poll_s))
        snapshot, widget = yield from _find(run)


def _target(snapshot: Snapshot, widget: Widget) -> Target:
    """What the widget asks for: read of the last look, which may show another question."""
    try:
        return instruction.read(widget.instruction, emphasis=finder.emphasis(snapshot, widget))
    except UsageError as error:
        raise _StopError(str(error)) from error


def _still_there(run: _Run, widget: Widget) -> Flow:
    """Whether the page shows `widget` after its capture, too: else question and picture of two
    challenges might be taken for one.
    """
    observation = yield from run.ask(Look())
    now = finder.find(observation.value) if observation.value else None
    return now is not None and now.area == widget.area and not verifier.exchanged(widget, now)


def _find(run: _Run) -> Flow:
    """Look until the same captcha is seen twice with all pictures loaded: (Snapshot, Widget)."""
    limit_s, before, title = run.now_s + run.policy.waits.find_s, None, ""
    while True:
        observation = yield from run.ask(Look())
        snapshot: Snapshot | None = observation.value
        widget = finder.find(snapshot) if snapshot else None
        if widget and all(tile.loaded for tile in widget.tiles):
            if before == (widget.area, widget.instruction):
                return snapshot, widget
            before = (widget.area, widget.instruction)
        elif run.now_s > limit_s:
            title = snapshot.title if snapshot else title
            raise _StopError(_not_found(widget, title, run.policy.waits.find_s))
        yield from run.ask(Wait(run.policy.waits.poll_s))


def _not_found(widget: Widget | None, title: str, waited_s: float) -> str:
    if widget:
        missing = sum(not tile.loaded for tile in widget.tiles)
        return f"{missing} of {len(widget.tiles)} pictures did not load within {waited_s:g} s"
    return (
        f"no captcha found on the page {title!r} within {waited_s:g} s: expected an instruction "
        "such as 'Select all images with a bus' near a grid of pictures"
    )


def _capture(run: _Run, area: Box) -> Flow:
    observation = yield from run.ask(Capture(area))
    return observation.value


def _split(picture: Picture, widget: Widget) -> Grid:
    """The tiles by their pixels; by the page's own boxes where the pixels contradict them."""
    grid = segmenter.split(picture.pixels, rows=widget.rows, cols=widget.cols)
    if not widget.tiles:
        return grid
    left, top = picture.box.x, picture.box.y
    boxes = tuple(tile.box.moved(-left, -top).scaled(picture.scale) for tile in widget.tiles)
    if len(boxes) == len(grid.boxes) and all(
        seen.overlap(told) > 0.5 * told.area for seen, told in zip(grid.boxes, boxes, strict=True)
    ):
        return grid
    return Grid(widget.rows or 1, widget.cols or 1, boxes)


def _has_blank(picture: Picture, grid: Grid) -> bool:
    """Whether a tile is of one colour only, as a canvas that is not painted yet."""
    return any(float(_crop(picture, box).std()) < 1.0 for box in grid.boxes)


def _crop(picture: Picture, box: Box) -> Pixels:
    top, left = round(box.y), round(box.x)
    return picture.pixels[top : round(box.bottom), left : round(box.right)]


def _same(picture: Picture, last: _Challenge) -> bool:
    """Whether the pictures still are those of the challenge that was dealt with last."""
    old = last.picture
    if picture.pixels.shape != old.pixels.shape:
        return False
    changed = [_changed(picture, old, box) for box in last.grid.boxes]
    # Tiles that had been chosen show a mark now; the others tell.
    return sum(changed) <= len(changed) / 2 and not all(changed)


def _changed(now: Picture, before: Picture, box: Box) -> bool:
    """Whether a tile's pixels are others than before: 1 % of them by 24 grey levels."""
    new, old = _crop(now, box).astype(np.int16), _crop(before, box).astype(np.int16)
    if new.shape != old.shape:
        return True
    return float((np.abs(new - old).max(axis=2) >= 24).mean()) >= 0.01


# --- choosing -----------------------------------------------------------------------------------


def _choose(run: _Run, challenge: _Challenge) -> Flow:
    run.stage = "score"
    score = Score(challenge.picture, challenge.grid, challenge.target)
    observation = yield from run.ask(score)
    challenge.decision = decider.decide(
        observation.value, challenge.target, run.policy.decide.threshold
    )
    return challenge.decision


def _exchange_unsure(run: _Run, challenge: _Challenge) -> Flow:
    """Ask for another challenge instead of guessing: what it replaces, None if it can't be had."""
    policy, decision = run.policy, challenge.decision
    assert decision is not None
    reason = f"sure to {decision.confidence:.2f} only, the policy asks for {policy.decide.sure:g}"
    if policy.reactions.unsure == "stop":
        run.keep(challenge, "error", reason)
        raise _StopError(f"unsure: {reason}")
    if challenge.widget.reload is None or run.reloads >= policy.retry.reloads:
        return None
    run.keep(challenge, "reloaded", reason)
    yield from run.ask(Tell(_line(run, run.attempts[-1])))
    return (yield from _reload(run, challenge))


# --- acting -------------------------------------------------------------------------------------


def _answer(run: _Run, challenge: _Challenge) -> Flow:
    """Click the chosen tiles, submit, and see what comes of it: a Verdict."""
    run.stage = "click"
    assert challenge.decision is not None
    seen = challenge.picture
    for index in _to_click(challenge):
        clicked = yield from _click_tile(run, challenge, index, seen)
        if clicked is None:
            return Verdict("error", f"tile {index + 1} did not change when it was clicked")
        seen = clicked
    challenge.after = seen
    before = yield from run.ask(Look())
    if before.value is None:
        return Verdict("error", f"the page changed while it was answered: {before.error}")
    widget = finder.find(before.value) or challenge.widget
    if widget.submit is not None:
        yield from run.ask(Click(*widget.submit.box.center))
    return (yield from _verify(run, challenge, before.value))


def _to_click(challenge: _Challenge) -> list[int]:
    """The tiles whose state must change: a tile may be chosen already when the page opens."""
    assert challenge.decision is not None
    wanted = set(challenge.decision.selected)
    chosen = {i for i, tile in enumerate(challenge.widget.tiles) if tile.checked}
    return sorted(wanted ^ chosen)


def _click_tile(run: _Run, challenge: _Challenge, index: int, seen: Picture) -> Flow:
    """Click one tile until it is seen to change; returns the Picture then, or None."""
    box = challenge.grid.boxes[index]
    center = challenge.picture.to_css(box).center
    clicks = [Click(*center)]
    if index < len(challenge.widget.checkboxes):
        clicks.append(Click(*challenge.widget.checkboxes[index].box.center))
    if index < len(challenge.widget.tiles):
        clicks.append(Click(*center, element=challenge.widget.tiles[index]))
    for click in clicks:
        yield from run.ask(click)
        limit_s = run.now_s + run.policy.waits.click_s
        while True:
            now = yield from _capture(run, challenge.widget.area)
            if now is not None and _changed(now, seen, box):
                return now
            if run.now_s > limit_s:
                break
            yield from run.ask(Wait(run.policy.waits.poll_s))
    return None


def _verify(run: _Run, challenge: _Challenge, before: Snapshot) -> Flow:
    """Look until the page has said what came of the answer: a Verdict."""
    run.stage = "verify"
    policy, asked_s = run.policy, run.now_s
    while run.now_s - asked_s <= policy.waits.verify_s:
        redrawn = run.now_s - asked_s > _PATIENCE_S and (yield from _redrawn(run, challenge))
        # Looked at after the pictures: what the page says of an exchange comes with it.
        observation = yield from run.ask(Look(verifier.selector_of(policy.success)))
        if observation.value is not None:
            verdict = verifier.judge(before, observation.value, challenge.widget, policy.success)
            if verdict is not None:
                return verdict
        if redrawn:
            return Verdict("rejected", "the page shows other pictures instead of moving on")
        yield from run.ask(Wait(policy.waits.poll_s))
    return Verdict("error", f"the page gave no verdict within {policy.waits.verify_s:g} s")


def _redrawn(run: _Run, challenge: _Challenge) -> Flow:
    """Whether the tiles were exchanged without a word: a canvas has no address that changes."""
    now = yield from _capture(run, challenge.widget.area)
    if now is None or challenge.after is None:
        return False
    return all(_changed(now, challenge.after, box) for box in challenge.grid.boxes)


def _react(run: _Run, challenge: _Challenge, verdict: Verdict) -> Flow:
    """Prepare the next attempt as the policy says for this verdict: the challenge dealt with."""
    reactions: dict[str, Reaction] = {
        "rejected": run.policy.reactions.rejected,
        "expired": run.policy.reactions.expired,
        "error": run.policy.reactions.error,
    }
    reaction = reactions[verdict.result]
    if reaction == "stop":
        raise _StopError(f"{verdict.result}: {verdict.reason}")
    run.stage = "find"
    yield from run.ask(Wait(run.policy.retry.wait_before(run.answers() + 1)))
    if reaction == "reload":
        return (yield from _reload(run, challenge))
    return challenge


def _reload(run: _Run, challenge: _Challenge) -> Flow:
    """Ask the page for another challenge; returns the one it takes the place of.

    The page may have exchanged `challenge` by itself already: what it shows now is what must go.
    """
    run.stage = "find"
    observation = yield from run.ask(Look())
    widget = finder.find(observation.value) if observation.value else None
    button = (widget or challenge.widget).reload
    if button is None:
        raise _StopError("the page offers no other challenge")
    if run.reloads >= run.policy.retry.reloads:
        raise _StopError(f"all {run.policy.retry.reloads} reloads of the policy are used up")
    run.reloads += 1
    shown = yield from _capture(run, challenge.widget.area)
    yield from run.ask(Click(*button.box.center))
    return replace(challenge, picture=shown) if shown else challenge


def _line(run: _Run, attempt: Attempt) -> str:
    """One line an attempt, for whoever watches."""
    chosen = ", ".join(str(index + 1) for index in attempt.selected) or "none"
    return (
        f"{len(run.attempts)}. {attempt.instruction!r}: tiles {chosen} "
        f"(sure to {attempt.confidence:.2f}) - {attempt.result}: {attempt.reason}"
    )
