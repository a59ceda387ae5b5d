"""Nouns of other languages and their English names: what ships, and what the user adds.

A line names a concept in English, then its forms, apart by commas: `singular/plural`, with more
plural forms after more slashes, or `singular+ending` where the plural just adds that ending.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from agent.errors import UsageError

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
    text = resources.files("agent").joinpath("languages", f"{code}.yaml").read_text("utf-8")
    _, nouns = yaml.load_all(text, Loader=yaml.CSafeLoader)
    own = _own().get(code, {})
    return tuple(form for table in (own, nouns) for line in table.items() for form in _forms(*line))


def _forms(concept: str, line: str) -> Iterator[Form]:
    for noun in line.split(", "):
        stem, plus, ending = noun.partition("+")
        singular, *plurals = [stem, stem + ending] if plus else noun.split("/")
        yield Form(singular, concept, plural=False)
        yield from (Form(plural, concept, plural=True) for plural in plurals)


def _own() -> dict[str, dict[str, str]]:
    path = os.environ.get(VARIABLE, "")
    if not path:
        return {}
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{VARIABLE}: {path}: can't be read: {error}") from error
    return _checked(path, content)


def _checked(path: str, content: Any) -> dict[str, dict[str, str]]:
    if not isinstance(content, dict):
        raise UsageError(f"{VARIABLE}: {path}: expected languages with nouns, {_EXAMPLE}")
    for code, nouns in content.items():
        if code not in CODES:
            raise UsageError(
                f"{VARIABLE}: {path}: {code}: no such language; expected one of "
                f"{', '.join(CODES)}, {_EXAMPLE}"
            )
        if not isinstance(nouns, dict):
            raise UsageError(f"{VARIABLE}: {path}: {code}: expected nouns, {_EXAMPLE}")
        for concept, line in nouns.items():
            if not isinstance(concept, str) or not isinstance(line, str):
                raise UsageError(
                    f"{VARIABLE}: {path}: {code}.{concept}: expected words (got {line!r}), "
                    f"{_EXAMPLE}"
                )
    return content


_EXAMPLE = "for instance 'de: {licence plate: Nummernschild/Nummernschilder}'"
