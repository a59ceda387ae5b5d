"""Names the captchas that are not solved, by what they say (`unsupported.yaml`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from agent import instruction, words
from agent.data import Element
from agent.grids import PICTURES, gap
from agent.tables import table

_REACH_CSS = 260.0  # how far apart the words of such a captcha and its picture may lie
_LONGEST = 200  # characters of a sentence that asks for something
_LEAST_CSS = 36.0  # of such a captcha's picture
_OF_GRIDS = ("order", "count", "comparison", "rotation")  # what may be asked of pictures in a grid
_ANY = "any"  # language


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of captcha: its name, and the roles of elements that it shows."""

    key: str
    name: str
    shows: tuple[str, ...]


def named(elements: Iterable[Element]) -> str:
    """Why the captcha of a page is one that is not solved; empty where none is seen."""
    elements = list(elements)
    said = [e for e in elements if e.text and len(e.text) <= _LONGEST and e.role != "token"]
    guarded = any(words.share(e.text, "human") for e in said)
    for kind in _kinds():
        for text in said:
            asks = guarded or _asks_plainly(text.text, kind.key)
            if not asks or not _says(text.text, kind.key):
                continue
            if not kind.shows or _shown_near(elements, text, kind.shows):
                return _refusal(kind, text.text)
    return ""


def asked(text: str) -> str:
    """Why what an instruction asks of pictures in a grid is not solved, else nothing."""
    code = instruction.language_of(text)
    kinds = (kind for kind in _kinds() if kind.key in _OF_GRIDS)
    return next((_refusal(kind, text) for kind in kinds if _says(text, kind.key, code)), "")


def _refusal(kind: _Kind, text: str) -> str:
    return (
        f"this captcha is {kind.name} ({text!r}): only captchas that ask for pictures of "
        "something are solved"
    )


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


def _asks_plainly(text: str, key: str) -> bool:
    plain = _plain(key)
    return plain is not None and bool(plain.found(text)) and not _says(text, "ordinary")


@lru_cache(maxsize=8192)  # a page is looked at many times
def _says(text: str, key: str, code: str = _ANY) -> bool:
    """Whether a text has a phrase of an entry, in one language or in any."""
    return bool(_phrases(key, code).found(text))


@cache
def _phrases(key: str, code: str) -> words.Phrases:
    found = list(_english()[key]["says"]) if code in ("", _ANY) else []
    if code:
        for other, entries in _elsewhere().items():
            if code in (other, _ANY):
                found += entries[key]
    return words.Phrases(found)


@cache
def _kinds() -> tuple[_Kind, ...]:
    return tuple(
        _Kind(key, entry["name"], tuple(entry.get("shows", ())))
        for key, entry in _english().items()
        if "name" in entry
    )


@cache
def _plain(key: str) -> words.Phrases | None:
    """What a sentence says that asks for it though the page speaks of no robots, if any does."""
    given = _english()[key].get("plain")
    if given is None:
        return None
    return _phrases(key, _ANY) if given is True else words.Phrases(given)


@cache
def _english() -> dict[str, Any]:
    content: dict[str, Any] = table("unsupported.yaml")
    return content


@cache
def _elsewhere() -> dict[str, Any]:
    """The same by language; ten times as much, and most pages are looked at in one alone."""
    content: dict[str, Any] = table("languages", "unsupported.yaml")
    return content
