"""The part of the solving loop that goes on where an answer did not pass, as the policy says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent import reading, recognizer, verifier
from agent.data import Click, Look, Snapshot, Verdict, Visit, Wait
from agent.policy import Reaction
from agent.progress import Challenge, Flow, PassedError, Run, StopError


def react(run: Run, challenge: Challenge, verdict: Verdict) -> Flow:
    """Prepare the next attempt as the policy says for this verdict: the challenge dealt with."""
    policy, given = run.policy, run.answers()
    reaction: Reaction = getattr(policy.reactions, verdict.result)
    if reaction == "stop":
        raise StopError(f"{verdict.result}: {verdict.reason}")
    if given >= policy.retry.attempts:
        raise StopError(f"{given} of {policy.retry.attempts} attempts: {verdict.reason}")
    run.stage = "find"
    return (yield from _REACTIONS[reaction](run, challenge, verdict))


def _retry(run: Run, challenge: Challenge, verdict: Verdict) -> Flow:
    yield from _pause(run, run.policy.retry.wait_before(run.answers() + 1), verdict)
    if verdict.result == "unknown":
        yield from _look_again(run, challenge, verdict)
    return challenge


def _exchange(run: Run, challenge: Challenge, verdict: Verdict) -> Flow:
    yield from _retry(run, challenge, verdict)
    return (yield from reload(run, challenge))


def _wait(run: Run, challenge: Challenge, verdict: Verdict) -> Flow:
    """Wait as the site asks, or as between attempts; then a late verdict counts, too."""
    asked_s = verdict.retry_after_s
    wait_s = run.policy.retry.wait_before(run.answers() + 1) if asked_s is None else asked_s
    yield from _pause(run, wait_s, verdict)
    now = yield from _look_again(run, challenge, verdict)
    if now is not None and _was_left(challenge, now):
        return (yield from reload(run, challenge))
    return challenge


def _look_again(run: Run, challenge: Challenge, verdict: Verdict) -> Flow:
    """The page now, or None; raises PassedError where it says late that it accepted the answer."""
    success = run.policy.success
    now: Snapshot | None = (yield from run.ask(Look(verifier.selector_of(success)))).value
    if now is not None and verdict.result != "navigation_lost":
        late = verifier.judge(challenge.before, now, challenge.widget, success)
        if late is not None and late.result == "accepted":
            run.attempts[-1] = replace(run.attempts[-1], result="accepted", reason=late.reason)
            raise PassedError(late.reason)
    return now


_REACTIONS: dict[Reaction, Callable[[Run, Challenge, Verdict], Flow]] = {
    "retry": _retry,
    "reload": _exchange,
    "wait": _wait,
}


def _pause(run: Run, wait_s: float, verdict: Verdict) -> Flow:
    """Wait between two attempts; not at all where that would take all the time that is left."""
    if wait_s >= run.left_s:
        raise StopError(
            f"{verdict.result}: {verdict.reason}; the next try would be in {wait_s:g} s, after the "
            f"deadline of {run.policy.retry.deadline_s:g} s"
        )
    yield from run.ask(Wait(wait_s))


def reload(run: Run, challenge: Challenge) -> Flow:
    """Ask the page for another challenge; returns the one it takes the place of.

    The page may have exchanged `challenge` by itself already: what it shows now is what must go.
    Where the page was left, it is loaded again.
    """
    run.stage = "find"
    observation = yield from run.ask(Look())
    if observation.value is not None and _was_left(challenge, observation.value):
        _count_reload(run)
        yield from run.ask(Visit(challenge.snapshot.url))
        return challenge
    sight = recognizer.recognize(observation.value, challenge.widget) if observation.value else None
    widget = sight.widget if sight else None
    if widget is None:
        return challenge  # gone, or not there again yet: nothing is clicked where it stood
    button = widget.reload
    if button is None:
        raise StopError("the page offers no other challenge")
    _count_reload(run)
    shown = yield from reading.capture(run, challenge.widget.area)
    yield from run.ask(Click(*button.box.center))
    return replace(challenge, picture=shown) if shown else challenge


def _was_left(challenge: Challenge, now: Snapshot) -> bool:
    """Whether another page is shown, without a captcha."""
    if now.document == challenge.snapshot.document:
        return False
    return recognizer.recognize(now, challenge.widget).what not in ("widget", "opener")


def _count_reload(run: Run) -> None:
    if not run.count_reload():
        raise StopError(f"all {run.policy.limits.reloads} reloads of the policy are used up")
