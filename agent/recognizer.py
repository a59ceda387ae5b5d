"""Snapshot → Sight: which of the things that a page may show where a captcha is looked for.

The state comes before the pictures: a captcha may be solved already, closed behind a checkbox, or
of a kind that is not solved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agent import finder, matching, unsupported, words
from agent.data import Element, Sight, Snapshot, Widget
from agent.grids import gap

_LONGEST = 100  # characters of what opens a captcha
_BESIDE_CSS = 24.0  # from a checkbox to what it is called
# What a page fills in before anything is answered: which captcha it is.
_SET_UP = re.compile(r"(?:id|key|sid|hash|salt|time|name|type|method|action|version|state|mode)$")
_MOSTLY = 0.6  # of an opener's words that say so
_DRAWN_CSS = 40.0  # the side of a checkbox that is drawn, at most


def recognize(snapshot: Snapshot, like: Widget | None = None) -> Sight:
    """What the page shows. With `like`, of several captchas the one that was seen before."""
    widgets = finder.find_all(snapshot)
    widget = matching.successor(like, widgets) if like else next(iter(widgets), None)
    if widget is not None:
        refused = "" if widget.sample else unsupported.asked(widget.instruction)
        if refused:
            return Sight("unsupported", refused)
        return Sight("widget", "; ".join(widget.evidence), widget=widget)
    elements = labelled(snapshot.elements)
    solved = _solved(elements)
    if solved:
        return Sight("solved", solved)
    opener = _opener(elements)
    if opener is not None:
        return Sight("opener", f"opened with {opener.text!r}", opener=opener)
    named = unsupported.named(snapshot.elements)
    return Sight("unsupported", named) if named else _beside_text(elements)


def left_beside(snapshot: Snapshot) -> str:
    """What a page with a captcha that was solved shows of one that is not, as a clause; else ""."""
    named = not_solved(snapshot)
    return f"; left beside it: {named}" if named else ""


def not_solved(snapshot: Snapshot) -> str:
    """Why what a page shows is a captcha that is not solved; empty where it shows none."""
    return unsupported.named(snapshot.elements)


def labelled(elements: Sequence[Element]) -> list[Element]:
    """The elements, where a checkbox without a name of its own is called what stands beside it, or
    what the button says that it is drawn in.

    An empty button of a checkbox's size is called what stands beside it, too: many are drawn.
    """
    said = [e for e in elements if e.role in ("text", "status", "button")]
    if not any(words.share(e.text, "open") for e in said):
        return list(elements)  # names are asked for these words alone
    texts = [e for e in said if e.role != "button"]
    around = {(e.frame, e.id): e.text for e in said if e.role == "button"}

    def name(box: Element) -> str:
        beside = [
            (gap(text.box, box.box), text.text)
            for text in texts
            if text.frame == box.frame
            and text.box.y < box.box.center[1] < text.box.bottom
            and gap(text.box, box.box) <= _BESIDE_CSS
        ]
        if beside or box.role != "checkbox":
            return min(beside, default=(0.0, ""))[1]
        return around.get((box.frame, box.parent), "")

    def drawn(e: Element) -> bool:
        return e.role == "button" and max(e.box.width, e.box.height) <= _DRAWN_CSS

    nameless = [not e.text and (e.role == "checkbox" or drawn(e)) for e in elements]
    return [
        replace(e, text=name(e)) if empty else e
        for e, empty in zip(elements, nameless, strict=True)
    ]


def _opener(elements: Sequence[Element]) -> Element | None:
    """The checkbox or button that has the pictures shown, where it was not used yet."""
    for element in elements:
        if "opener" in element.parts and not element.checked:
            return element

    def share(element: Element) -> float:
        return words.share(element.text, "open")

    found = [
        e
        for e in elements
        if e.role in ("checkbox", "button", "link")
        and not e.checked
        and not e.disabled
        and len(e.text) <= _LONGEST
        and (share(e) >= (_MOSTLY / 2 if e.role == "checkbox" else _MOSTLY) or _is_named(e))
    ]
    opener = max(found, key=lambda e: (e.role == "checkbox", share(e)), default=None)
    return opener and _inner(elements, opener)


def opens(element: Element) -> bool:
    """Whether what it is called says that it opens a captcha, be it only "Captcha" in a form."""
    return words.share(element.text, "open") > 0 or _is_named(element)


def _is_named(element: Element) -> bool:
    named = element.text.strip(" :*.?\u00bf").lower() == "captcha"
    return named and (element.form > 0 or "?" in element.text) and element.role != "link"


def _beside_text(elements: Iterable[Element]) -> Sight:
    """An opener that is drawn, where nothing but its words tells that there is something to click:
    its opener is the text.
    """
    for e in elements:
        short = e.role == "text" and len(e.text) <= _LONGEST
        asks = "?" in e.text and _is_named(e)
        if short and (asks or words.share(e.text, "open") >= _MOSTLY):
            return Sight("opener", f"opened beside {e.text!r}", opener=e)
    return Sight("nothing")


def _inner(elements: Iterable[Element], opener: Element) -> Element:
    """The checkbox that a box to open a captcha with is drawn with; else the box itself."""
    inner = [
        e
        for e in elements
        if (e.frame, e.parent) == (opener.frame, opener.id)
        and e.id != opener.id
        and e.role in ("checkbox", "button")
        and max(e.box.width, e.box.height) <= _DRAWN_CSS
        and e.box.center[0] < opener.box.center[0]
        and not e.disabled
    ]
    return inner[0] if len(inner) == 1 else opener


def _solved(elements: Iterable[Element]) -> str:
    """By what a captcha is known that was passed before the page was looked at; else nothing."""
    for element in elements:
        field = element.role == "token" and element.checked and "captcha" in element.text.lower()
        if field and not _SET_UP.search(element.text.lower()):
            return f"the hidden field {element.text!r} is filled in already"
        if element.role == "checkbox" and element.checked and opens(element):
            return f"{element.text!r} is checked already"
    return ""
