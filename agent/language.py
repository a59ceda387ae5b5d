"""The languages besides English that instructions are read in, from `languages/*.yaml`.

A file holds two documents: how captchas ask, then the nouns they ask for. A sentence becomes a row
of marks: at each place the longest phrase that the language knows, a noun in any listed form, or in
a form that the language's endings lead back to a listed one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Literal

from agent import lexicon
from agent.tables import documents

CODES = lexicon.CODES

Kind = Literal[
    "verb", "tile", "tiles", "square", "squares", "containing", "negation", "none", "reference",
    "unsupported", "rest", "every", "least", "of", "interface", "stop", "word", "just", "number",
    "colour", "noun", "unknown", "pause", "end",
]  # fmt: skip

# The lists of a file's first document, and what a phrase of each is marked as. `which` asks for
# several, `which_one` for one; `just` are "only" and "please", which ask for what is beside them;
# `rest` is what is to be done with all else.
_LISTS: dict[str, Kind] = {
    "verbs": "verb", "which": "verb", "which_one": "verb", "tile": "tile", "tiles": "tiles",
    "square": "square", "squares": "squares",
    "containing": "containing", "negations": "negation", "none": "none", "reference": "reference",
    "unsupported": "unsupported", "rest": "rest", "every": "every", "least": "least", "of": "of",
    "interface": "interface", "stops": "stop", "just": "just", "words": "word",
}  # fmt: skip
_ENDS = (".", "!", "?", "\u3002")
_INFLECTED = {"tile", "tiles", "square", "squares", "colour", "noun"}
_OWN_SCRIPTS = {
    "ja": re.compile(r"[\u3041-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7a3]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
}
_TOKEN = re.compile(r"[^\W_]+'?|[.!?\u3002,;:()\u3001]")
_CHARACTER = re.compile(r"[a-z]+|[0-9]+|[^\W_]|[.!?\u3002,;:()\u3001]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """One phrase of a sentence: what it does there, and where (in tokens).

    `value` is the English name of a noun or colour, or the number; `text` the words as they stand.
    """

    kind: Kind
    value: str
    text: str
    start: int
    stop: int
    plural: bool = False


@dataclass(frozen=True, slots=True)
class _Phrase:
    tokens: tuple[str, ...]  # folded
    spelled: str  # as listed, for words that only accents tell apart ("dés", "des")
    kind: Kind
    value: str
    plural: bool = False


@dataclass(frozen=True)
class Language:
    """One language's patterns and nouns. `noun_first`: the noun stands before "containing"."""

    code: str
    name: str
    spaced: bool
    noun_first: bool
    grammar: dict[str, Any] = field(repr=False)

    @cached_property
    def among(self) -> frozenset[str]:
        """Words before the number of all pictures, of which some are asked for: "of the nine"."""
        return frozenset(self.grammar.get("among", ()))

    def tokens(self, text: str) -> list[str]:
        """Words (or characters where words have no spaces) and punctuation, as they stand."""
        pattern = _TOKEN if self.spaced else _CHARACTER
        return pattern.findall(unicodedata.normalize("NFKC", text).replace("\u2019", "'"))

    def joined(self, tokens: list[str]) -> str:
        """The tokens as they are written."""
        return (" " if self.spaced else "").join(tokens).replace("' ", "'")

    def marks(self, text: str, *, nouns: bool = True) -> list[Mark]:
        """The phrases of `text` in order; without `nouns`, those of the patterns alone."""
        raw = self.tokens(text)
        tokens = [fold(token) for token in raw]
        found, start = [], 0
        while start < len(tokens):
            phrase = self._longest(raw, tokens, start, nouns)
            found.append(phrase or _single(raw[start], start))
            start = found[-1].stop
        return found

    def share(self, text: str, *, nouns: bool = False) -> float:
        """The share of `text` that the patterns know, with `nouns` that of these, too."""
        marks = self.marks(text, nouns=nouns)
        words = [mark for mark in marks if mark.kind not in ("pause", "end", "number")]
        known = sum(mark.stop - mark.start for mark in words if mark.kind != "unknown")
        return known / max(sum(mark.stop - mark.start for mark in words), 1)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words that the patterns are made of, folded."""
        phrases = (phrase for phrases in self._patterns.values() for phrase in phrases)
        return frozenset(token for phrase in phrases for token in phrase.tokens)

    def _longest(self, raw: list[str], tokens: list[str], start: int, nouns: bool) -> Mark | None:
        """The phrase that stands at `start`; of equally long ones that with the very letters."""
        best, rank = None, (0, False, False, False)
        starts = start == 0 or tokens[start - 1] in _ENDS
        indexes = (self._patterns, self._nouns) if nouns else (self._patterns,)
        for index in indexes:
            for first in self._bases(tokens[start]):
                for phrase in index.get(first, ()):
                    stop = start + len(phrase.tokens)
                    plural = self._fits(phrase, tokens[start:stop])
                    if plural is None:
                        continue
                    words = self.joined(raw[start:stop])
                    spelled = words.lower() == phrase.spelled
                    exact = tuple(tokens[start:stop]) == phrase.tokens
                    # "Na których" asks at the start of a sentence, and relates inside it.
                    place = starts == (phrase.kind == "verb")
                    if (len(phrase.tokens), spelled, exact, place) > rank:
                        best = Mark(phrase.kind, phrase.value, words, start, stop, plural)
                        rank = (len(phrase.tokens), spelled, exact, place)
        return best

    def _fits(self, phrase: _Phrase, tokens: list[str]) -> bool | None:
        """Whether the phrase stands there in plural, None where it does not stand there."""
        if tuple(tokens) == phrase.tokens:
            return phrase.plural
        if phrase.kind not in _INFLECTED or len(tokens) < len(phrase.tokens):
            return None
        plural = phrase.plural
        for token, wanted in zip(tokens, phrase.tokens, strict=True):
            bases = self._bases(token)
            if wanted not in bases:
                return None
            plural |= bases[wanted]
        return plural

    def _bases(self, token: str) -> dict[str, bool]:
        """What `token` may be a form of, itself first, and whether that form is a plural."""
        known = self._remembered.get(token)
        if known is None:
            known = {token: False}
            for plural, ending, bases in self._endings:
                if token.endswith(ending) and len(token) > len(ending):
                    stem = token.removesuffix(ending)
                    for base in bases:
                        known.setdefault(stem + base, plural)
            self._remembered[token] = known
        return known

    @cached_property
    def _remembered(self) -> dict[str, dict[str, bool]]:
        return {}

    @cached_property
    def _endings(self) -> list[tuple[bool, str, list[str]]]:
        rules = self.grammar.get("endings", {})
        return [
            (number == "plural", fold(ending), [fold(base) for base in bases])
            for number in ("singular", "plural")
            for ending, bases in rules.get(number, {}).items()
        ]

    @cached_property
    def _patterns(self) -> dict[str, list[_Phrase]]:
        phrases = [
            self._phrase(text, kind, name, plural=name == "which")
            for name, kind in _LISTS.items()
            for text in self.grammar.get(name, ())
        ]
        for text, number in self.grammar.get("numbers", {}).items():
            phrases.append(self._phrase(str(text), "number", str(number)))
        for name, forms in self.grammar.get("colours", {}).items():
            phrases += [self._phrase(form, "colour", name) for form in forms.split(", ")]
        return _by_first(phrases)

    @cached_property
    def _nouns(self) -> dict[str, list[_Phrase]]:
        return _by_first(
            [
                self._phrase(form.text, "noun", form.concept, form.plural)
                for form in lexicon.forms(self.code)
            ]
        )

    def _phrase(self, text: str, kind: Kind, value: str, plural: bool = False) -> _Phrase:
        raw = self.tokens(text)
        tokens = tuple(fold(token) for token in raw)
        return _Phrase(tokens, self.joined(raw).lower(), kind, value, plural)


def fold(token: str) -> str:
    """Lower case, and Latin letters without their accents, which people and sites leave out."""
    lower = token.lower().translate(_LETTERS)
    if lower.isascii() or not _LATIN.match(lower):
        return lower
    parts = unicodedata.normalize("NFD", lower)
    return "".join(part for part in parts if not unicodedata.combining(part))


_LATIN = re.compile(r"[a-z\u00c0-\u024f\u0300-\u036f]")
_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ı": "i", "œ": "oe", "ё": "е"})


@cache
def load(code: str) -> Language:
    """The language of `languages/CODE.yaml`; its nouns are read once they are looked up."""
    grammar: dict[str, Any] = next(documents("languages", f"{code}.yaml"))
    return Language(
        code,
        grammar["name"],
        grammar.get("spaced", True),
        grammar.get("noun_first", False),
        grammar,
    )


def of(text: str) -> tuple[Language, float] | None:
    """The language that `text` is in, and the share of its words that the patterns know.

    None for English and for what is in none of them.
    """
    for code, script in _OWN_SCRIPTS.items():
        if script.search(text):
            return load(code), 1.0
    tokens = [fold(token) for token in _TOKEN.findall(text)]
    latin = [load(code) for code in CODES if code not in _OWN_SCRIPTS]
    counts = [sum(token in language.words for token in tokens) for language in latin]
    most = max(counts)
    if most < _LEAST_SHARE * len(tokens):
        return None
    likely = [language for language, count in zip(latin, counts, strict=True) if count == most]
    share, known, _, best = max(
        (found.share(text), found.share(text, nouns=True), found.code, found) for found in likely
    )
    return (best, share) if known >= _LEAST_KNOWN else None


_LEAST_SHARE = 0.2  # of a sentence's words that a language's patterns know
_LEAST_KNOWN = 0.4  # the same, with its nouns


def _single(token: str, start: int) -> Mark:
    if token in _ENDS:
        return Mark("end", token, token, start, start + 1)
    if not token[0].isalnum():
        return Mark("pause", token, token, start, start + 1)
    kind: Kind = "number" if token.isdecimal() else "unknown"
    return Mark(kind, token, token, start, start + 1)


def _by_first(phrases: list[_Phrase]) -> dict[str, list[_Phrase]]:
    index: dict[str, list[_Phrase]] = {}
    for phrase in phrases:
        index.setdefault(phrase.tokens[0], []).append(phrase)
    return index
