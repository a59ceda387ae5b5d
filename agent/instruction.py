"""Instruction text → Target: which concept, wanted or not, one or many, "none" allowed.

English is read by `english`, what asks in another language by `sentence`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace

from agent import english, language, pictographs, sentence
from agent.data import Target
from agent.errors import UsageError
from agent.language import Language

_LONGEST = 300  # characters; what is longer is no instruction
_SURELY_ENGLISH = 0.5  # of the words are known from English instructions
_COUNTER = re.compile(r"\(\s*\d+\D{1,8}\d+[^)]{0,20}\)")  # "(0 of 3 chosen)" asks for nothing
_ARROW = re.compile(r"(?<=\w) ?[\u2192\u21d2\u2794\u279c\u27a1] ?(?=\w)")  # "Your task -> buses"
_EXPECTED = "expected a sentence such as 'Select all images with a bus'"


def read(text: str, *, emphasis: Sequence[str] = (), reference: bool = False) -> Target:
    """What an instruction asks for. `emphasis` are the words that the page shows in bold.

    With `reference` (a sample picture is there) the text need not name anything. Raises
    UsageError where it has to and does not, where it asks for what is not supported, and where
    it is not English and its noun is in no lexicon.
    """
    if reference:
        return Target("", text, reference=True)
    cleaned, bold = _cleaned(text), [_cleaned(words) for words in emphasis]
    other = _language(cleaned)
    unsupported = sentence.unsupported(other, cleaned) if other else english.unsupported(cleaned)
    if unsupported:
        raise UsageError(
            f"the instruction {text[:_LONGEST]!r} asks for {unsupported!r}, which is not "
            f"supported; {_EXPECTED}"
        )
    target = sentence.read(other, cleaned, bold) if other else english.read(cleaned, bold)
    if target is None:
        raise UsageError(
            f"the instruction {text[:_LONGEST]!r} names nothing to look for; {_EXPECTED}"
        )
    return replace(target, instruction=text)


def is_instruction(text: str) -> float:
    """How much a text looks like a captcha's instruction, in [0, 1]."""
    cleaned = _cleaned(text)
    if not cleaned or len(cleaned) > _LONGEST:
        return 0.0
    other = _language(cleaned)
    return sentence.likeness(other, cleaned) if other else english.likeness(cleaned)


def begins_to_ask(text: str) -> bool:
    """Whether a text may be an instruction and begins as one: "Select", not "4 books were"."""
    cleaned = _cleaned(text)
    if not is_instruction(text):
        return False
    other = _language(cleaned)
    return sentence.begins_to_ask(other, cleaned) if other else english.begins_to_ask(cleaned)


def wants_all(text: str) -> bool:
    """Whether a text asks for all of what another one names: "Select all, then Post"."""
    cleaned = _cleaned(text)
    other = _language(cleaned)
    return sentence.wants_all(other, cleaned) if other else english.wants_all(cleaned)


def language_of(text: str) -> str:
    """The code of the language that a text asks in, "" for English."""
    other = _language(_cleaned(text))
    return other.code if other else ""


def _language(text: str) -> Language | None:
    """The language that a cleaned text asks in, None where that is English."""
    share = english.share(text)
    if share >= _SURELY_ENGLISH:
        return None
    found = language.of(text)
    return found[0] if found is not None and found[1] > share else None


def _cleaned(text: str) -> str:
    text = re.sub("\u2018([^\u2018\u2019]*)\u2019", r" \1 ", html.unescape(text[: 4 * _LONGEST]))
    text = text.replace("\u2019", "'").replace("\u2018", "'")
    text = _ARROW.sub(": ", _COUNTER.sub(" ", text))
    text = re.sub(r"[\"\u201c\u201d\u201e\u00ab\u00bb*_]", " ", text)
    text = re.sub(r"\s+", " ", text).strip()
    if not pictographs.are_in(text):
        return text
    plain = pictographs.without(text)
    return plain if _names_something(plain) else pictographs.spelled(text)


def _names_something(text: str) -> bool:
    other = _language(text)
    try:
        return (sentence.read(other, text) if other else english.read(text)) is not None
    except UsageError:
        return True
