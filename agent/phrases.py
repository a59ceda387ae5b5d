"""The phrases of `instruction.yaml`, of which English instructions are made; nouns in singular."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from agent import concepts, words
from agent.tables import table

_PHRASES = (
    "verbs", "tiles", "squares", "containing", "negations", "none", "reference", "every",
    "articles", "stops",
)  # fmt: skip


@cache
def data() -> dict[str, Any]:
    """The lists of `instruction.yaml` by their names."""
    content: dict[str, Any] = table("instruction.yaml")
    return {**content, "verbs": [*content["verbs"], *content["of_each"]]}


@cache
def pattern(kind: str) -> re.Pattern[str]:
    """What any phrase of a list is found by, as whole words, the longest first."""
    return re.compile(rf"(?<![\w'])(?:{words.alternatives(data()[kind])})(?![\w'])")


@cache
def courtesy() -> re.Pattern[str]:
    """What may stand before a verb that asks: "please", "step 2: now"."""
    return re.compile(rf"(?:(?:{words.alternatives(data()['courtesy'])}|step \d+)[,:]? )+")


def has(sentence: str, kind: str) -> bool:
    """Whether a phrase of a list is in a sentence (lower case)."""
    return pattern(kind).search(sentence) is not None


@cache
def own_words() -> frozenset[str]:
    """The words of which English instructions are made, but for what they ask for."""
    listed = (phrase for kind in _PHRASES for phrase in data()[kind])
    return frozenset(word for phrase in listed for word in re.findall(r"[a-z]+", phrase))


@lru_cache(maxsize=8192)
def singular(phrase: str) -> str:
    """The noun phrase with its last noun in singular: "red cars" → "red car"."""
    known = data()
    counted = phrase.partition(" ")[0] in known["numbers"]
    if counted or phrase in known["unchanged"] or concepts.entry(phrase) is not None:
        return phrase
    head, _, noun = phrase.rpartition(" ")
    return f"{head} {_singular_noun(noun, known)}".strip()


def _singular_noun(noun: str, known: dict[str, Any]) -> str:
    if noun in known["unchanged"]:
        return noun
    if noun in known["plurals"]:
        return str(known["plurals"][noun])
    for ending, short in known["endings"].items():
        if noun.endswith(ending) and len(noun) > len(ending) + 1:
            return noun.removesuffix(ending) + str(short)
    if len(noun) > 2 and noun.endswith("s") and not noun.endswith(("ss", "us", "is")):
        return noun[:-1]
    return noun
