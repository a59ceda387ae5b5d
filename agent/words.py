"""Looks up what a button or a message means, from the phrases in `words.yaml`.

Those of other languages are in `languages/words.yaml`; a page is not asked which language it is in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Literal

from agent.tables import table

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
_AROUND = " .!:\u2026"  # "Ready!" says no more than "Ready"
_ANYTHING = ".{0,60}?"
_GAP = rf"(?!\w){_ANYTHING}(?<!\w)"  # from the end of a word to the start of another
_NOTHING = "(?!)"  # matches nowhere
_NOT = "不未没沒無无非"  # "not" right before a word of Chinese or Japanese


class Phrases:
    """Finds phrases in texts, whatever their case and accents: as whole words, or anywhere in a
    text whose words are not apart.

    In a phrase "…" stands for up to 60 characters, and "*" for the rest of a word. It is not meant
    where one of the words `unless` stands before it, or the sign for "not".
    """

    def __init__(self, phrases: Iterable[str], *, unless: Iterable[str] = ()) -> None:
        folded = [_folded(phrase) for phrase in phrases]
        spaced = alternatives(phrase for phrase in folded if not _UNSPACED.search(phrase))
        unspaced = alternatives(phrase for phrase in folded if _UNSPACED.search(phrase))
        negated = "".join(f"(?<!{word} )" for word in unless)
        self._spaced = re.compile(rf"{negated}(?<!\w)(?:{spaced or _NOTHING})(?!\w)")
        self._unspaced = re.compile(rf"(?<![{_NOT}])(?:{unspaced or _NOTHING})")

    def found(self, text: str) -> list[str]:
        """The phrases that come up in `text`, folded."""
        text = _folded(text)
        found = self._spaced.findall(text)
        if _UNSPACED.search(text):
            found += self._unspaced.findall(text)
        return found


@lru_cache(maxsize=4096)
def share(text: str, meaning: Meaning) -> float:
    """How much of `text` is made of phrases with this meaning, in [0, 1]; 0 means none."""
    text = text.strip(_AROUND)
    found = _meanings()[meaning].found(text)
    return sum(map(len, found)) / len(_folded(text)) if found else 0.0


@cache
def _meanings() -> dict[str, Phrases]:
    return {
        meaning: Phrases(phrases, unless=_NEGATIONS if meaning == "accepted" else ())
        for meaning, phrases in phrases_of_meanings().items()
    }


def phrases_of_meanings() -> dict[str, list[str]]:
    """All phrases of each meaning, in all languages."""
    own: dict[str, list[str]] = table("words.yaml")
    others: dict[str, dict[str, list[str]]] = table("languages", "words.yaml")
    for words in others.values():
        for meaning, phrases in words.items():
            own.setdefault(meaning, []).extend(phrases)
    return own


def alternatives(phrases: Iterable[str]) -> str:
    """One regular expression of all phrases, longest first, its branches by first letter."""
    by_letter: dict[str, list[str]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        rest = re.escape(phrase[1:]).replace(r"\ …\ ", _GAP).replace("…", _ANYTHING)
        by_letter.setdefault(phrase[0], []).append(rest.replace(r"\*", r"\w*"))
    return "|".join(
        f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in by_letter.items()
    )


def _folded(text: str) -> str:
    """Lower case without accents, which capitals and hurried authors leave out."""
    parts = unicodedata.normalize("NFD", text.lower().replace("\u2019", "'").replace("ı", "i"))
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", parts))
