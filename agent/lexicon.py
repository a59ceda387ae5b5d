"""Nouns of other languages and their English names: what ships, and what the user adds.

A line names a concept in English, then its forms, apart by commas: `singular/plural`, with more
plural forms after more slashes, or `singular+ending` where the plural just adds that ending.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from agent import yaml_file
from agent.errors import UsageError
from agent.tables import documents

CODES = ("de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "ja", "ko", "zh")
"""The languages that have a file in `languages/`."""

VARIABLE = "CAPTCHA_AGENT_NOUNS"
"""The environment variable that names a YAML file of the user's own nouns."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a noun, and the English name of what it means."""

    text: str
    concept: str
    plural: bool


@cache
def forms(code: str) -> tuple[Form, ...]:
    """All forms of one language's nouns, the user's own first.

    Raises UsageError where the user's file is not what it has to be.
    """
    _, nouns = documents("languages", f"{code}.yaml")
    mine = own().get(code, {})
    return tuple(
        form for table in (mine, nouns) for line in table.items() for form in _forms(*line)
    )


def _forms(concept: str, line: str) -> Iterator[Form]:
    for noun in line.split(", "):
        first, *plurals = noun.split("/")
        singular, plus, ending = first.partition("+")
        plurals = [singular + ending] * bool(plus) + plurals
        yield Form(singular, concept, plural=False)
        yield from (Form(plural, concept, plural=True) for plural in plurals)


def own() -> dict[str, dict[str, str]]:
    """The user's own nouns: by language, a line of forms for each concept.

    Raises UsageError where their file is not what it has to be.
    """
    path = os.environ.get(VARIABLE, "")
    if not path:
        return {}
    try:
        content = yaml_file.read(path)
    except UsageError as error:
        raise UsageError(f"{VARIABLE}: {error}") from error
    return _checked(path, content)


def _checked(path: str, content: Any) -> dict[str, dict[str, str]]:
    if not isinstance(content, dict):
        raise _wrong(path, "expected languages with nouns")
    for code, nouns in content.items():
        if code not in CODES:
            raise _wrong(f"{path}: {code}", f"no such language; expected one of {', '.join(CODES)}")
        if not isinstance(nouns, dict):
            raise _wrong(f"{path}: {code}", "expected nouns")
        for concept, line in nouns.items():
            if not (_is_words(concept) and _are_forms(line)):
                came = yaml_file.shown(line)
                raise _wrong(f"{path}: {code}.{concept}", f"expected words (got {came})")
    return content


def _are_forms(line: Any) -> bool:
    return _is_words(line) and all(_is_words(form.text) for form in _forms("", line))


def _is_words(value: Any) -> bool:
    return isinstance(value, str) and any(map(str.isalnum, unicodedata.normalize("NFKC", value)))


def _wrong(place: str, problem: str) -> UsageError:
    return UsageError(f"{VARIABLE}: {place}: {problem}, {_EXAMPLE}")


_EXAMPLE = "for instance 'de: {licence plate: Nummernschild/Nummernschilder}'"
