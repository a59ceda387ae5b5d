"""Keeps secrets out of what is written down, and a page's text in its place.

Everything that a report, a terminal or an error message shows of a page goes through here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:  # numpy, which comes with it, takes longer than all the rest of a start
    from agent.data import Attempt, Decision, Outcome, Widget

_HIDDEN = "redacted"
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*:)(?P<slashes>[/\\]{2,})(?:[^/\\?#\s]*@)?(?P<place>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS_IN_TEXT = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE)
# What follows these names is a secret, whatever it looks like.
_NAMED = re.compile(
    r"\b((?:[\w-]*(?:password|passwd|passphrase|secret|token|session|cookie|api[_-]?key))\s*[:=]|"
    r"authorization:(?:\s*(?:bearer|basic))?|bearer)(\s*)(?=\S*\w)(?!redacted)\S+",
    re.IGNORECASE,
)
# JSON web tokens, keys, session numbers: long, of letters and digits, and in no language a word.
_TOKEN = re.compile(
    r"(?<![\w%.~+=-])(?=[\w%.~+=-]*[a-z])(?=[\w%.~+=-]*[0-9])[\w%.~+=-]{24,}", re.IGNORECASE
)
_LONGEST_ODD_ADDRESS = 60


def address(url: str) -> str:
    """`url` without passwords, fragment, long tokens and the values of its query.

    An address of another shape (`data:`, or none at all) is cut short.
    """
    match = _ADDRESS.fullmatch(url)
    if match is None:
        short = re.sub(r"[?#].*", "?" + _HIDDEN, url, flags=re.DOTALL)
        return short if len(short) <= _LONGEST_ODD_ADDRESS else short[:_LONGEST_ODD_ADDRESS] + "…"
    shown = match["scheme"] + match["slashes"] + _TOKEN.sub(_HIDDEN, match["place"])
    if match["query"] is None:
        return shown
    fields = parse_qsl(match["query"], keep_blank_values=True)
    return f"{shown}?{urlencode([(key, _HIDDEN) for key, _ in fields])}"


def text(words: str) -> str:
    """A text with the addresses in it redacted, and what looks like a password or token gone."""
    words = _ADDRESS_IN_TEXT.sub(lambda match: address(match[0]), words)
    words = _NAMED.sub(rf"\1\2{_HIDDEN}", words)
    return _TOKEN.sub(_HIDDEN, words)


def outcome(found: Outcome) -> Outcome:
    """What may be written down of an outcome. Its pictures show the captcha alone."""
    attempts = tuple(map(_attempt, found.attempts))
    return replace(found, url=address(found.url), reason=text(found.reason), attempts=attempts)


def _attempt(attempt: Attempt) -> Attempt:
    return replace(
        attempt,
        instruction=text(attempt.instruction),
        reason=text(attempt.reason),
        widget=_widget(attempt.widget) if attempt.widget else None,
        decision=_decision(attempt.decision) if attempt.decision else None,
        rounds=tuple(replace(each, decision=_decision(each.decision)) for each in attempt.rounds),
    )


def _widget(widget: Widget) -> Widget:
    evidence = tuple(map(text, widget.evidence))
    return replace(widget, instruction=text(widget.instruction), evidence=evidence)


def _decision(decision: Decision) -> Decision:
    target = decision.target
    if target is None:
        return decision
    target = replace(target, instruction=text(target.instruction), concept=text(target.concept))
    return replace(decision, target=target)


def plain(words: str) -> str:
    """A page's text made harmless for a terminal and for XML: a space for every character that
    controls, reorders, hides or is half of one.
    """
    return "".join(" " if _is_unsafe(character) else character for character in words)


def to_json(content: Any, *, indent: int | None = None) -> str:
    """JSON that a terminal can show: the same characters are escaped, so that none is lost."""
    written = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
    return "".join(
        json.dumps(character)[1:-1] if character != "\n" and _is_unsafe(character) else character
        for character in written
    )


def _is_unsafe(character: str) -> bool:
    # Cc control, Cf format (directions, zero widths, tags), Cs half a pair, Zl and Zp separators.
    # XML has no place for the last two code points of the basic plane.
    category = unicodedata.category(character)
    return category in ("Cc", "Cf", "Cs", "Zl", "Zp") or character in "\ufffe\uffff"
