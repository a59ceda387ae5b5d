"""What came of an answer: compares the page before and after it was submitted."""

from __future__ import annotations

import fnmatch

from agent import finder, words
from agent.data import Result, Snapshot, Verdict, Widget
from agent.errors import UsageError


def check_success(spec: str) -> str:
    """Return `spec` where it is empty or one that `judge` understands, else raise UsageError."""
    kind, _, value = spec.partition(":")
    if spec and (kind not in ("selector", "text", "url") or not value):
        raise UsageError(
            f"success {spec!r}: must be selector:CSS, text:WORDS or url:GLOB, "
            "for instance 'text:Thank you'"
        )
    return spec


def selector_of(success: str) -> str:
    """The CSS selector that a success specification asks to look for, or nothing."""
    kind, _, value = success.partition(":")
    return value if kind == "selector" else ""


def judge(before: Snapshot, after: Snapshot, widget: Widget, success: str = "") -> Verdict | None:
    """The page's verdict on an answer to `widget`, or None while it has not said anything.

    `before` was seen just before the answer was submitted. `success` is what the user says that
    success looks like; where it is given, nothing else counts as success.
    """
    if success and _succeeded(after, success):
        return Verdict("accepted", f"the page matches {success!r}")
    said = _new_texts(before, after)
    for result in ("expired", "rejected"):
        for text in said:
            if words.share(text, result):
                return Verdict(result, f"the page says {text!r}")
    now = finder.find(after)
    if now is not None and exchanged(widget, now):
        return Verdict("rejected", "the page shows another challenge instead of moving on")
    if success:
        return None
    return _accepted(before, after, now, said)


def _accepted(
    before: Snapshot, after: Snapshot, now: Widget | None, said: list[str]
) -> Verdict | None:
    result: Result = "accepted"
    for text in said:
        if words.share(text, "accepted"):
            return Verdict(result, f"the page says {text!r}")
    if now is not None:
        return None
    # A widget that merely vanished is no success: something must say so.
    filled = _filled_tokens(after) - _filled_tokens(before)
    if filled:
        return Verdict(result, f"the hidden field {sorted(filled)[0]!r} was filled in")
    if _path(before.url) != _path(after.url):
        return Verdict(result, f"the page moved on to {_path(after.url)}")
    return None


def _succeeded(snapshot: Snapshot, success: str) -> bool:
    kind, _, value = success.partition(":")
    if kind == "selector":
        return snapshot.matched
    if kind == "url":
        return fnmatch.fnmatchcase(snapshot.url, value)
    return any(value.lower() in element.text.lower() for element in snapshot.elements)


def _new_texts(before: Snapshot, after: Snapshot) -> list[str]:
    """What can be read now and could not before, without instructions."""
    old = {element.text for element in before.elements}
    return [
        element.text
        for element in after.elements
        if element.role in ("text", "status", "button") and element.text and element.text not in old
    ]


def exchanged(old: Widget, new: Widget) -> bool:
    """Whether another challenge took the place of one, by its question or its pictures."""
    if old.instruction != new.instruction:
        return True
    sources = {tile.source for tile in old.tiles if tile.source}
    return bool(sources) and sources.isdisjoint(tile.source for tile in new.tiles)


def _filled_tokens(snapshot: Snapshot) -> set[str]:
    return {
        element.text for element in snapshot.elements if element.role == "token" and element.checked
    }


def _path(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]
