"""The part of the solving loop for vendors' widgets: with a test key, a click and a token.

Nothing is screenshotted or scored here.
"""

from __future__ import annotations

from agent import vendors
from agent.data import Box, Click, Element, Look, Reveal, Snapshot, Wait
from agent.progress import Flow, Run, StopError
from agent.reading import refuse_vendors

_BOX_CSS = 30.0  # from a widget's left edge to the middle of its checkbox, where it shows none


def pass_vendor(run: Run, snapshot: Snapshot | None) -> Flow:
    """By what it is known that a vendor's test widget lets pass; "" where the page has none.

    Raises ScopeError for any other key than a test key, StopError where no token came.
    """
    if snapshot is None:
        return ""
    refuse_vendors(snapshot)
    found = vendors.embedded(snapshot)
    if found is None:
        return ""
    began_s, clicked = run.now_s, False
    limit_s = began_s + run.policy.waits.verify_s
    while run.now_s <= limit_s:
        token = _token(snapshot, found)
        if token is not None:
            return _judged(token, found)
        # Some pass unasked: the click comes only after the page had time for that.
        if found.frame is not None and not clicked and run.now_s - began_s > run.patience_s:
            clicked = yield from _click(run, snapshot, found.frame.box, found.frame.number)
            limit_s = run.now_s + run.policy.waits.verify_s
        yield from run.ask(Wait(run.poll_s))
        observation = yield from run.ask(Look())
        snapshot = observation.value or snapshot
        refuse_vendors(snapshot)
        found = vendors.embedded(snapshot) or found
    expected = "" if found.test is None or found.test.passes else ", as this test key is meant to"
    raise StopError(
        f"{found.vendor.name}'s test widget gave no token within "
        f"{run.policy.waits.verify_s:g} s{expected}"
    )


def _click(run: Run, snapshot: Snapshot, box: Box, number: int) -> Flow:
    boxes = [e for e in snapshot.elements if e.frame == number and e.role == "checkbox"]
    if boxes:
        yield from run.ask(Reveal((boxes[0],)))
        yield from run.ask(Click(*boxes[0].box.center))
    else:
        yield from run.ask(Click(box.x + _BOX_CSS, box.center[1]))
    return True


def _token(snapshot: Snapshot, found: vendors.Embedded) -> Element | None:
    """The form field that holds the vendor's token, once it is filled."""
    return next(
        (
            e
            for e in snapshot.elements
            if e.role == "token" and e.checked and e.text == found.vendor.field
        ),
        None,
    )


def _judged(token: Element, found: vendors.Embedded) -> str:
    assert found.test is not None
    if not found.test.token:
        return f"{found.vendor.name}'s test widget gave a token"
    if token.source != vendors.fingerprint(found.test.token):
        raise StopError(
            f"{found.vendor.name}'s test key {found.key!r} gave another token than the documented "
            f"{found.test.token!r}: is the page's secret key the test one, too?"
        )
    return f"{found.vendor.name}'s test widget gave its documented dummy token"
