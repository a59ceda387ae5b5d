"""The solving loop: yields actions, receives what was observed, returns the Outcome.

A pure generator: no browser, no model, no clock. The times in the report are those of the
observations; what lies between two of them was spent thinking and is counted to the stage
that thought. This module knows the order; `reading` looks, `answering` acts,
`reacting` does what the policy says where an answer did not pass.
"""

from __future__ import annotations

from collections.abc import Generator

from agent import clickthrough, finder, matching, reacting, reading, recognizer, verifier
from agent.answering import answer, choose
from agent.data import (
    Attempt,
    Look,
    Observation,
    Outcome,
    Request,
    Status,
    Tell,
    Verdict,
    tile_numbers,
)
from agent.policy import Policy
from agent.progress import (
    AttemptOverError,
    Challenge,
    Flow,
    OutOfTimeError,
    PassedError,
    Run,
    StopError,
    next_step,
)


def solve(
    policy: Policy, *, model: str, spent_s: float = 0.0
) -> Generator[Request, Observation, Outcome]:
    """Carry the page that the actions act on past its captcha, as `policy` says.

    `spent_s` of the policy's deadline are gone already. A StopError that is thrown in ends it, as
    any other reason does. Raises ScopeError where the page shows a vendor's widget with a key that
    is for no test.
    """
    run = Run(policy, spent_s)
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
    except OutOfTimeError as late:
        reason = out_of_time(policy, str(late))
    except StopError as stop:
        reason = str(stop)
    seconds = policy.retry.deadline_s - run.left_s
    rules = policy.model_dump(mode="json")
    return Outcome(status, reason, url, seconds, model, policy.name, tuple(run.attempts), rules)


def out_of_time(policy: Policy, doing: str) -> str:
    """What to tell of a solve that took too long; `doing` is what was cut short, or nothing."""
    during = f" while {doing}" if doing else ""
    return f"the deadline of {policy.retry.deadline_s:g} s has passed{during}"


def _attempts(run: Run) -> Flow:
    """Answer challenges until one is accepted; returns by what that was known."""
    policy, last = run.policy, None
    while True:
        challenge = yield from reading.read_challenge(run, last)
        if challenge is None:
            assert last is not None
            last = yield from reacting.reload(run, last)
            continue
        decision = yield from choose(run, challenge)
        challenge.step = next_step(policy, decision, challenge.widget, run.reloads)
        if challenge.step != "submit":
            last = yield from _exchange_unsure(run, challenge)
            continue
        verdict = yield from _answer(run, challenge)
        run.keep(challenge, verdict.result, verdict.reason)
        yield from run.ask(Tell(_line(run, run.attempts[-1])))
        if verdict.result == "accepted":
            run.seen = yield from _another(run, challenge)
            if run.seen is None:
                return verdict.reason + recognizer.left_beside(challenge.snapshot)
            last = None
            continue
        if verdict.result == "next_round":
            last = challenge
            continue
        last = yield from reacting.react(run, challenge, verdict)


def _answer(run: Run, challenge: Challenge) -> Flow:
    """Answer within the time that the policy lets one answer take: a Verdict."""
    run.attempt_s = run.now_s
    try:
        verdict = yield from answer(run, challenge)
    except AttemptOverError:
        limit_s = run.policy.retry.attempt_deadline_s
        return Verdict("unknown", f"no verdict within the {limit_s:g} s that one answer may take")
    finally:
        run.attempt_s = None
    return verdict


def _another(run: Run, solved: Challenge) -> Flow:
    """Another captcha that stood beside the solved one and still does, or None.

    A single picture only where it shows that it can be clicked: any photograph looks like it.
    """
    others = matching.others(solved.widget, finder.find_all(solved.snapshot))
    beside = [w for w in others if w.picture is None or w.picture.clickable]
    if not beside:
        return None
    run.stage = "find"
    observation = yield from run.ask(Look())
    now = finder.find_all(observation.value) if observation.value else ()
    return matching.remaining(solved.widget, beside, now)


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
    return (yield from reacting.reload(run, challenge))


def _line(run: Run, attempt: Attempt) -> str:
    """One line an attempt, for whoever watches."""
    return (
        f"{len(run.attempts)}. {attempt.instruction!r}: tiles {tile_numbers(attempt.selected)} "
        f"(sure to {attempt.confidence:.2f}) - {attempt.result}: {attempt.reason}"
    )
