"""Instruction text → Target: which concept, wanted or not, one or many, "none" allowed."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import yaml

from agent import concepts
from agent.data import Target
from agent.errors import UsageError

_LONGEST = 300  # characters; what is longer is no instruction
_EXPECTED = "expected a sentence such as 'Select all images with a bus'"


def read(text: str, *, emphasis: Sequence[str] = (), reference: bool = False) -> Target:
    """What an instruction asks for. `emphasis` are the words that the page shows in bold.

    With `reference` (a sample picture is there) the text need not name anything. Raises
    UsageError where it has to and does not.
    """
    sentence = _plain(text)
    if reference or _has(sentence, "reference"):
        return Target("", text, reference=True)
    main, none_allowed = _without_none_clause(sentence)
    concept, before = _from_emphasis(main, emphasis) or _noun_phrase(main)
    if not concept:
        raise UsageError(
            f"the instruction {text[:_LONGEST]!r} names nothing to look for; {_EXPECTED}"
        )
    singular = _singular(concept)
    tiles = _has(before, "tiles") or _has(before, "squares")
    many = tiles or _has(before, "every") or singular != concept
    if re.search(r"\b(?:the|one|an?) (?:\w+ )?(?:image|picture|photo|tile|icon|drawing)\b", before):
        many = _has(before, "every")
    return Target(
        concept=singular,
        instruction=text,
        wanted=not _negated(before),
        many=many,
        none_allowed=none_allowed,
        squares=_has(before, "squares") and not _has(before, "tiles"),
    )


def is_instruction(text: str) -> float:
    """How much a text looks like a captcha's instruction, in [0, 1]."""
    sentence = _plain(text)
    if not sentence or len(sentence) > _LONGEST / 2:
        return 0.0
    if _has(sentence, "reference") and _starts_with_verb(sentence):
        return 0.9
    if not _starts_with_verb(sentence):
        return 0.0
    pictures = _has(sentence, "tiles") or _has(sentence, "squares")
    try:
        target = read(text)
    except UsageError:
        return 0.0
    known = concepts.entry(target.concept) is not None
    containing = _has(sentence, "containing")
    every = _has(sentence, "every")
    likeness = 0.45 * pictures + 0.3 * known + 0.15 * every + 0.1 * containing
    # "Click the key": a known thing and hardly a word more.
    complete = pictures and (known or every or containing)
    short = known and len(sentence.split()) <= 6
    return min(likeness + (0.25 if complete or short else 0.0), 1.0)


def _plain(text: str) -> str:
    text = html.unescape(text[: 4 * _LONGEST]).replace("\u2019", "'").replace("\u2018", "'")
    text = re.sub(r"[\"\u201c\u201d\u201e\u00ab\u00bb*_]", " ", text.lower())
    return re.sub(r"\s+", " ", text).strip()


@cache
def _data() -> dict[str, Any]:
    text = resources.files("agent").joinpath("instruction.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return content


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    longest_first = sorted(_data()[kind], key=len, reverse=True)
    return re.compile(rf"(?<![\w'])(?:{'|'.join(map(re.escape, longest_first))})(?![\w'])")


def _has(sentence: str, kind: str) -> bool:
    return _pattern(kind).search(sentence) is not None


def _starts_with_verb(sentence: str) -> bool:
    start = re.sub(r"^(?:please|now|to continue|task|instruction|step \d+)[,:]? ", "", sentence)
    return _pattern("verbs").match(start) is not None


def _without_none_clause(sentence: str) -> tuple[str, bool]:
    match = _pattern("none").search(sentence)
    if match is None:
        return sentence, False
    # "Click verify once there are none left" belongs to the clause, not to what is asked for.
    cut = max(sentence.rfind(mark, 0, match.start()) for mark in ".!;,:")
    return (sentence[: cut if cut > 0 else match.start()], True)


def _from_emphasis(sentence: str, emphasis: Sequence[str]) -> tuple[str, str] | None:
    for words in emphasis:
        bold = _without_articles(_plain(words).strip(" .,:;!?"))
        at = sentence.find(bold) if bold else -1
        if at > 0 and not _only_function_words(bold):
            return bold, sentence[:at]
    return None


def _only_function_words(words: str) -> bool:
    rest = words
    for kind in ("verbs", "tiles", "squares", "every", "articles", "negations", "containing"):
        rest = _pattern(kind).sub(" ", rest)
    return not rest.strip()


def _noun_phrase(sentence: str) -> tuple[str, str]:
    """The noun phrase that is asked for (without article), and the text before it."""
    verb = _pattern("verbs").search(sentence)
    if verb is None:
        return "", ""
    for start in _starts(sentence, verb.end()):
        phrase = re.split(r"[.!?;:,()\n]", sentence[start:])[0]
        stop = _pattern("stops").search(phrase)
        phrase = phrase[: stop.start()] if stop else phrase
        phrase = _without_articles(phrase.strip())
        if phrase and not _only_function_words(phrase):
            return phrase, sentence[:start]
    return "", ""


def _starts(sentence: str, verb_end: int) -> list[int]:
    """Where the noun phrase may start, the best guess first."""
    kinds = [*_pattern("tiles").finditer(sentence, verb_end)]
    kinds += [*_pattern("squares").finditer(sentence, verb_end)]
    first = min((match.end() for match in kinds), default=verb_end)
    containing = [match.end() for match in _pattern("containing").finditer(sentence, first)]
    negated = [match.end() for match in _pattern("negations").finditer(sentence, verb_end)]
    starts = [*containing[:1], *negated[-1:]] if containing or negated else []
    if containing and negated and negated[-1] > containing[0]:
        starts = [negated[-1], containing[0]]
    after_of = [first] if not kinds else []
    return [*starts, *after_of, verb_end]


def _without_articles(phrase: str) -> str:
    while True:
        shorter = (
            _pattern("articles").sub("", phrase, count=1)
            if _pattern("articles").match(phrase)
            else phrase
        )
        shorter = re.sub(r"^[\s'-]+", "", shorter)
        for kind in ("tiles", "squares", "containing", "negations"):
            match = _pattern(kind).match(shorter)
            if match and match.end() < len(shorter):
                shorter = shorter[match.end() :].strip()
        if shorter == phrase:
            return phrase.strip(" '-")
        phrase = shorter


def _negated(before: str) -> bool:
    return _has(before, "negations")


def _singular(phrase: str) -> str:
    """The noun phrase with its last noun in singular: "red cars" → "red car"."""
    data = _data()
    if phrase in data["unchanged"] or concepts.entry(phrase) is not None:
        return phrase
    head, _, noun = phrase.rpartition(" ")
    return f"{head} {_singular_noun(noun, data)}".strip()


def _singular_noun(noun: str, data: dict[str, Any]) -> str:
    if noun in data["unchanged"]:
        return noun
    if noun in data["plurals"]:
        return str(data["plurals"][noun])
    for ending, singular in data["endings"].items():
        if noun.endswith(ending) and len(noun) > len(ending) + 1:
            return noun.removesuffix(ending) + str(singular)
    if len(noun) > 2 and noun.endswith("s") and not noun.endswith(("ss", "us", "is")):
        return noun[:-1]
    return noun
