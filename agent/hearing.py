"""Waits until the page has said what came of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from agent import buttons, reading, recognizer, verifier
from agent.changes import changed
from agent.data import (
    Action,
    Click,
    Element,
    Look,
    Picture,
    Press,
    Show,
    Snapshot,
    Verdict,
    Wait,
)
from agent.progress import Challenge, Flow, Run


@dataclass
class _Hint:
    """A verdict that the page may still take back, and since when it has been given."""

    since_s: float
    verdict: Verdict | None = None

    def settled(self, verdict: Verdict | None, run: Run) -> Verdict | None:
        """The verdict of a look where it is sure, or has stood long enough; else None.

        While the server has not answered, none does.
        """
        if verdict is not None and verdict.sure:
            return verdict
        if verdict != self.verdict:
            self.verdict, self.since_s = verdict, run.now_s
        return self.verdict if run.silent_s(self.since_s) > run.patience_s else None


def verify(run: Run, challenge: Challenge, before: Snapshot, submit: Element | None) -> Flow:
    """Look until the page has said what came of the answer: a Verdict.

    Where a click on `submit` changed nothing at all, its key is pressed, then it is clicked itself.
    Where there is no `submit` and nothing comes, a button without a name is tried.
    """
    run.stage = "verify"
    yield from run.ask(Show())  # the page moves on: what was decided belongs to what is gone
    policy, asked_s = run.policy, run.now_s
    hint, tried_s = _Hint(asked_s), asked_s
    others: list[Action] = []
    rest = before.elements if submit else None  # what is there as long as nothing comes
    if submit:
        others = [Press(submit, "Enter"), Click(*submit.box.center, element=submit)]
    elif nameless := buttons.nameless(before.elements, challenge.widget):
        others = [Click(*nameless.box.center)]
    while run.now_s - asked_s <= policy.waits.verify_s:
        late = run.silent_s(asked_s) > run.patience_s
        now = (yield from reading.capture(run, challenge.widget.area)) if late else None
        redrawn = now is not None and _redrawn(challenge, now)
        # Looked at after the pictures: what the page says of an exchange comes with it.
        observation = yield from run.ask(Look(verifier.selector_of(policy.success)))
        after: Snapshot | None = observation.value
        if after is not None:
            after = challenge.heard(after)
            reading.refuse_vendors(after)
            verdict = verifier.judge(before, after, challenge.widget, policy.success)
            if verdict is None and now is not None and (yield from _cleared(run, challenge, now)):
                verdict = verifier.CLEARED
            if verdict == verifier.CLEARED and hint.verdict is not None:
                verdict = hint.verdict  # what was said before tells more
            settled = hint.settled(verdict, run)
            if settled is not None:
                return settled
            rest = rest or after.elements
            still = after.elements == rest
            if others and still and hint.verdict is None and run.silent_s(tried_s) > run.patience_s:
                yield from run.ask(others.pop(0))
                tried_s = run.now_s
            exchanged = redrawn and hint.verdict is None
            if exchanged and recognizer.recognize(after, challenge.widget).widget is not None:
                return Verdict("rejected", "the page shows other pictures instead of moving on")
        yield from run.ask(Wait(run.poll_s))
    return Verdict("unknown", f"the page gave no verdict within {policy.waits.verify_s:g} s")


def _redrawn(challenge: Challenge, now: Picture) -> bool:
    """Whether the tiles were exchanged without a word: a canvas has no address that changes."""
    after = challenge.after
    if after is None or challenge.widget.tiles:
        return False
    return all(changed(now, after, box) for box in challenge.grid.boxes)


def _cleared(run: Run, challenge: Challenge, now: Picture) -> Flow:
    """Whether the tiles look as they did before any was clicked, though the clicks had shown."""
    after, boxes = challenge.after, challenge.grid.boxes
    if after is None or not challenge.clicked or challenge.rounds:
        return False  # pictures that took others' places were never marked
    if any(changed(now, challenge.picture, box) for box in boxes):
        return False
    around = yield from reading.capture(run, after.box)
    places = [challenge.picture.to_css(boxes[index]) for index in challenge.clicked]
    return around is not None and all(
        changed(around, after, after.from_css(place)) for place in places
    )
