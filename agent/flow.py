"""The solving loop: yields actions, receives what was observed, returns the Outcome.

A pure generator: no browser, no model, no clock. The times in the report are those of the
observations; what lies between two of them was spent thinking and is counted to the stage
that thought. This module knows the order; `reading` looks, `answering` acts.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from agent import clickthrough, finder, reading, recognizer, verifier
from agent.answering import answer, choose
from agent.data import (
    Action,
    Attempt,
    Click,
    Look,
    Observation,
    Outcome,
    Status,
    Tell,
    Verdict,
    Wait,
)
from agent.policy import Policy, Reaction
from agent.progress import (
    Challenge,
    Flow,
    OutOfTimeError,
    PassedError,
    Run,
    StopError,
    next_step,
)


def solve(policy: Policy, *, model: str) -> Generator[Action, Observation, Outcome]:
    """Carry the page that the actions act on past its captcha, as `policy` says.

    Raises ScopeError where the page shows a vendor's widget with a key that is for no test.
    """
    run = Run(policy)
    status: Status = "unsolved"
    url = ""
    try:
        observation = yield from run.ask(Look(verifier.selector_of(policy.success)))
        url = observation.value.url if observation.value else ""
        reason = yield from clickthrough.pass_vendor(run, observation.value)
        if not reason:
            reason = yield from _attempts(run)
        status = "solved"
    except PassedError as done:
        status, reason = "solved", str(done)
    except OutOfTimeError:
        status, reason = "unsolved", f"the deadline of {policy.retry.deadline_s:g} s has passed"
    except StopError as stop:
        status, reason = "unsolved", str(stop)
    seconds = run.now_s - (run.start_s or 0.0)
    rules = policy.model_dump(mode="json")
    return Outcome(status, reason, url, seconds, model, policy.name, tuple(run.attempts), rules)


def _attempts(run: Run) -> Flow:
    """Answer challenges until one is accepted; returns by what that was known."""
    policy, last = run.policy, None
    while True:
        challenge = yield from reading.read_challenge(run, last)
        if challenge is None:
            assert last is not None
            last = yield from _reload(run, last)
            continue
        decision = yield from choose(run, challenge)
        challenge.step = next_step(policy, decision, challenge.widget, run.reloads)
        if challenge.step != "submit":
            last = yield from _exchange_unsure(run, challenge)
            continue
        verdict = yield from answer(run, challenge)
        run.keep(challenge, verdict.result, verdict.reason)
        yield from run.ask(Tell(_line(run, run.attempts[-1])))
        if verdict.result == "accepted":
            run.seen = yield from _another(run, challenge)
            if run.seen is None:
                return verdict.reason
            last = None
            continue
        if verdict.result == "blocked":
            raise StopError(f"blocked: {verdict.reason}")
        if run.answers() >= policy.retry.attempts:
            raise StopError(
                f"{run.answers()} of {policy.retry.attempts} attempts: {verdict.reason}"
            )
        last = yield from _react(run, challenge, verdict)


def _another(run: Run, solved: Challenge) -> Flow:
    """Another captcha that stood beside the solved one and still does, or None."""
    others = {widget.instruction for widget in finder.find_all(solved.snapshot)}
    others.discard(solved.widget.instruction)
    if not others:
        return None
    run.stage = "find"
    observation = yield from run.ask(Look())
    left = finder.find_all(observation.value) if observation.value else ()
    return next((widget for widget in left if widget.instruction in others), None)


def _exchange_unsure(run: Run, challenge: Challenge) -> Flow:
    """Ask for another challenge instead of guessing, or stop: returns what it replaces."""
    policy, decision = run.policy, challenge.decision
    assert decision is not None
    reason = f"sure to {decision.confidence:.2f} only, the policy asks for {policy.decide.sure:g}"
    if challenge.step == "stop":
        run.keep(challenge, "error", reason)
        raise StopError(f"unsure: {reason}")
    run.keep(challenge, "reloaded", reason)
    yield from run.ask(Tell(_line(run, run.attempts[-1])))
    return (yield from _reload(run, challenge))


def _react(run: Run, challenge: Challenge, verdict: Verdict) -> Flow:
    """Prepare the next attempt as the policy says for this verdict: the challenge dealt with."""
    if verdict.result == "next_round":
        return challenge
    reactions: dict[str, Reaction] = {
        "rejected": run.policy.reactions.rejected,
        "expired": run.policy.reactions.expired,
        "error": run.policy.reactions.error,
    }
    reaction = reactions[verdict.result]
    if reaction == "stop":
        raise StopError(f"{verdict.result}: {verdict.reason}")
    run.stage = "find"
    yield from run.ask(Wait(run.policy.retry.wait_before(run.answers() + 1)))
    if reaction == "reload":
        return (yield from _reload(run, challenge))
    return challenge


def _reload(run: Run, challenge: Challenge) -> Flow:
    """Ask the page for another challenge; returns the one it takes the place of.

    The page may have exchanged `challenge` by itself already: what it shows now is what must go.
    """
    run.stage = "find"
    observation = yield from run.ask(Look())
    sight = recognizer.recognize(observation.value, challenge.widget) if observation.value else None
    widget = sight.widget if sight else None
    if widget is None:
        return challenge  # gone, or not there again yet: nothing is clicked where it stood
    button = widget.reload
    if button is None:
        raise StopError("the page offers no other challenge")
    if run.reloads >= run.policy.retry.reloads:
        raise StopError(f"all {run.policy.retry.reloads} reloads of the policy are used up")
    run.reloads += 1
    shown = yield from reading.capture(run, challenge.widget.area)
    yield from run.ask(Click(*button.box.center))
    return replace(challenge, picture=shown) if shown else challenge


def _line(run: Run, attempt: Attempt) -> str:
    """One line an attempt, for whoever watches."""
    chosen = ", ".join(str(index + 1) for index in attempt.selected) or "none"
    return (
        f"{len(run.attempts)}. {attempt.instruction!r}: tiles {chosen} "
        f"(sure to {attempt.confidence:.2f}) - {attempt.result}: {attempt.reason}"
    )
