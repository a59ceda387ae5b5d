"""Looks up what a button or a message means, from the phrases in `words.yaml`.

Those of other languages are in `languages/words.yaml`; a page is not asked which language it is in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources
from typing import Literal

import yaml

Verdict = Literal["expired", "blocked", "rejected", "next_round", "accepted"]
Meaning = Literal["confirm", "reload", "skip", "open", "other", "human", "loading"] | Verdict

# Scripts whose words are not apart, or end in particles: a phrase counts anywhere in a text.
_UNSPACED = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")
_NEGATIONS = (
    "not",
    "n't",
    "not been",
    "nicht",
    "pas",
    "pas ete",
    "no",
    "non",
    "nao",
    "niet",
    "nie",
    "не",
)
_NOT = "不未没沒無无非"  # "not" right before a word of Chinese or Japanese


@lru_cache(maxsize=4096)
def share(text: str, meaning: Meaning) -> float:
    """How much of `text` is made of phrases with this meaning, in [0, 1]; 0 means none."""
    text = _folded(text.strip())
    spaced, unspaced = _patterns()[meaning]
    found = sum(len(match) for match in spaced.findall(text))
    if _UNSPACED.search(text):
        found += sum(len(match) for match in unspaced.findall(text))
    return found / len(text) if found else 0.0


@cache
def _patterns() -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
    """For each meaning, the phrases that count as whole words and those that count anywhere."""
    patterns = {}
    for meaning, phrases in phrases_of_meanings().items():
        folded = [_folded(phrase) for phrase in phrases]
        spaced = alternatives(phrase for phrase in folded if not _UNSPACED.search(phrase))
        unspaced = alternatives(phrase for phrase in folded if _UNSPACED.search(phrase))
        negated = "".join(f"(?<!{word} )" for word in _NEGATIONS) if meaning == "accepted" else ""
        patterns[meaning] = (
            re.compile(rf"{negated}(?<!\w)(?:{spaced})(?!\w)"),
            re.compile(rf"(?<![{_NOT}])(?:{unspaced})"),
        )
    return patterns


def phrases_of_meanings() -> dict[str, list[str]]:
    """All phrases of each meaning, in all languages."""
    folder = resources.files("agent")
    own: dict[str, list[str]] = yaml.load(
        folder.joinpath("words.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
    )
    others: dict[str, dict[str, list[str]]] = yaml.load(
        folder.joinpath("languages", "words.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
    )
    for words in others.values():
        for meaning, phrases in words.items():
            own.setdefault(meaning, []).extend(phrases)
    return own


def alternatives(phrases: Iterable[str]) -> str:
    """One regular expression of all phrases, longest first, its branches by first letter."""
    by_letter: dict[str, list[str]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        by_letter.setdefault(phrase[0], []).append(re.escape(phrase[1:]))
    return "|".join(
        f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in by_letter.items()
    )


def _folded(text: str) -> str:
    """Lower case without accents, which capitals and hurried authors leave out."""
    parts = unicodedata.normalize("NFD", text.lower().replace("\u2019", "'").replace("ı", "i"))
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", parts))
