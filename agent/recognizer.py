"""Snapshot → Sight: which of the things that a page may show where a captcha is looked for.

The state comes before the pictures: a captcha may be solved already, closed behind a checkbox, or
of a kind that is not solved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from agent import finder, instruction, matching, words
from agent.data import Element, Sight, Snapshot, Widget
from agent.grids import PICTURES, gap
from agent.tables import table

_REACH_CSS = 260.0  # how far apart the words of an unsupported captcha and its picture may lie
_LONGEST = 200  # characters of a sentence that asks for something
_LEAST_CSS = 36.0  # of an unsupported captcha's picture
_ANY = "any"  # language
_BESIDE_CSS = 24.0  # from a checkbox to what it is called
_MOSTLY = 0.6  # of an opener's words that say so


@dataclass(frozen=True, slots=True)
class _Unsupported:
    """One entry of `unsupported.yaml`: a captcha that is not solved."""

    key: str
    name: str
    shows: tuple[str, ...] = ()
    plain: bool = False


@cache
def _tables() -> tuple[dict[str, Any], dict[str, Any]]:
    return table("unsupported.yaml"), table("languages", "unsupported.yaml")


@cache
def _unsupported() -> dict[str, _Unsupported]:
    return {
        key: _Unsupported(key, entry["name"], tuple(entry.get("shows", ())), "plain" in entry)
        for key, entry in _tables()[0].items()
        if "name" in entry
    }


@cache
def _phrases(key: str, code: str) -> words.Phrases:
    english, others = _tables()
    found = list(english[key]["says"]) if code in ("", _ANY) else []
    for other, entries in others.items():
        if code in (other, _ANY):
            found += entries[key]
    return words.Phrases(found)


@lru_cache(maxsize=8192)  # a page is looked at many times
def _says(text: str, key: str, code: str = _ANY) -> bool:
    """Whether a text is one of an entry of `unsupported.yaml`, in one language or in any."""
    return bool(_phrases(key, code).found(text))


def recognize(snapshot: Snapshot, like: Widget | None = None) -> Sight:
    """What the page shows. With `like`, of several captchas the one that was seen before."""
    widgets = finder.find_all(snapshot)
    widget = matching.successor(like, widgets) if like else next(iter(widgets), None)
    if widget is not None:
        asked = _asks_for(widget.instruction, ("order", "count", "comparison", "rotation"))
        if asked is not None:
            return Sight("unsupported", _refusal(asked, widget.instruction))
        return Sight("widget", "; ".join(widget.evidence), widget=widget)
    elements = _labelled(snapshot.elements)
    solved = _solved(elements)
    if solved:
        return Sight("solved", solved)
    opener = _opener(elements)
    if opener is not None:
        return Sight("opener", f"opened with {opener.text!r}", opener=opener)
    named = _named(snapshot.elements)
    return Sight("unsupported", named) if named else Sight("nothing")


def left_beside(snapshot: Snapshot) -> str:
    """What a page with a captcha that was solved shows of one that is not, as a clause; else ""."""
    named = _named(snapshot.elements)
    return f"; left beside it: {named}" if named else ""


def _labelled(elements: Sequence[Element]) -> list[Element]:
    """The elements, where a checkbox without a name of its own is called what stands beside it."""
    texts = [e for e in elements if e.role in ("text", "status")]

    def name(box: Element) -> str:
        beside = [
            (gap(text.box, box.box), text.text)
            for text in texts
            if text.frame == box.frame
            and text.box.y < box.box.center[1] < text.box.bottom
            and gap(text.box, box.box) <= _BESIDE_CSS
        ]
        return min(beside, default=(0.0, ""))[1]

    nameless = [e.role == "checkbox" and not e.text for e in elements]
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
        and len(e.text) <= _LONGEST / 2
        and share(e) >= (_MOSTLY / 2 if e.role == "checkbox" else _MOSTLY)
    ]
    return max(found, key=lambda e: (e.role == "checkbox", share(e)), default=None)


def _solved(elements: Iterable[Element]) -> str:
    """By what a captcha is known that was passed before the page was looked at; else nothing."""
    for element in elements:
        if element.role == "token" and element.checked and "captcha" in element.text.lower():
            return f"the hidden field {element.text!r} is filled in already"
        if element.role == "checkbox" and element.checked and words.share(element.text, "open"):
            return f"{element.text!r} is checked already"
    return ""


def _named(elements: Iterable[Element]) -> str:
    """Why the captcha of a page is one that is not solved; empty where none is seen."""
    elements = list(elements)
    said = [e for e in elements if e.text and len(e.text) <= _LONGEST and e.role not in ("token",)]
    guarded = any(words.share(e.text, "human") for e in said)
    for kind in _unsupported().values():
        for text in said:
            counts = guarded or (kind.plain and not _says(text.text, "ordinary"))
            if not counts or not _says(text.text, kind.key):
                continue
            if not kind.shows or _shown_near(elements, text, kind.shows):
                return _refusal(kind, text.text)
    return ""


def _shown_near(elements: Iterable[Element], text: Element, roles: Iterable[str]) -> bool:
    wanted = {role for name in roles for role in (PICTURES if name == "picture" else (name,))}
    return any(
        e.role in wanted
        and e is not text
        and e.frame == text.frame
        and (e.role not in PICTURES or max(e.box.width, e.box.height) >= _LEAST_CSS)
        and gap(e.box, text.box) <= _REACH_CSS
        for e in elements
    )


def _asks_for(text: str, keys: Iterable[str]) -> _Unsupported | None:
    code = instruction.language_of(text)
    kinds = (_unsupported()[key] for key in keys)
    return next((kind for kind in kinds if _says(text, kind.key, code)), None)


def _refusal(kind: _Unsupported, text: str) -> str:
    return (
        f"this captcha is {kind.name} ({text!r}): only captchas that ask for pictures of "
        "something are solved"
    )
