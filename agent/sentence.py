"""A sentence in a language of `languages/*.yaml` → Target, by what its phrases are marked as.

The noun is looked for where such sentences have it: beside "containing", else behind the verb. An
unknown noun is an error that names it: to guess would be to answer another question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from agent import concepts
from agent.data import Target
from agent.errors import UsageError
from agent.language import Language, Mark
from agent.lexicon import VARIABLE

_CONTENT = ("noun", "colour", "unknown")
_LONGEST_SHORT = 6  # words of an instruction that names no pictures: "Click the key"
_NEAR = 4  # words from a "not" to what is not
_CHARACTERS = 3.0  # to a word, where words have no spaces
_SHORT_QUESTION = 4  # words of a question that says nothing else
_LEAST_ASIDE = 3  # tokens of a fixed phrase that says nothing of the pictures
_BEFORE = 3  # words before a number, for what it counts


@dataclass(frozen=True, slots=True)
class _Asked:
    """The part of a sentence that asks, and the noun in it (empty where it names none)."""

    marks: tuple[Mark, ...]
    noun: tuple[Mark, ...]
    none_allowed: bool
    around: tuple[Mark, ...]  # all of the text

    def has(self, *kinds: str) -> bool:
        return any(mark.kind in kinds for mark in self.marks)

    def known(self) -> bool:
        return any(mark.kind == "noun" for mark in self.noun)


def read(language: Language, text: str, emphasis: Sequence[str] = ()) -> Target | None:
    """What `text` asks for in `language`; None where it names nothing.

    `emphasis` are the words that the page shows in bold. Raises UsageError for a noun that the
    language's lexicon does not know.
    """
    asked = _asked(language, text)
    if asked.has("reference"):
        return Target("", text, reference=True)
    noun = _emphasised(language, emphasis)
    if not noun or (asked.known() and not _concept(noun)):
        noun = list(asked.noun)  # what is bold is a heading
    if not noun:
        return None
    concept = _concept(noun)
    if not concept:
        words = language.joined([mark.text for mark in noun])
        raise UsageError(_unknown(language, text, words))
    count = _count(language, asked)
    return Target(
        concept=concept,
        instruction=text,
        wanted=not _negated(asked),
        many=_many(asked, noun, count),
        none_allowed=asked.none_allowed,
        squares=asked.has("square", "squares") and not _several_tiles(language, asked),
        count=count if count != 1 else None,
    )


def likeness(language: Language, text: str) -> float:
    """How much a text in `language` looks like a captcha's instruction, in [0, 1]."""
    asked = _asked(language, text)
    if asked.has("interface"):
        return 0.0
    hint = _hinted(asked)
    if not asked.has("verb") and not _asks_in_the_end(asked):
        return hint
    if asked.has("reference"):
        return 0.9
    # "Of the pictures below, which show a cup?" names them before it asks.
    pictures = any(mark.kind in ("tile", "tiles", "square", "squares") for mark in asked.around)
    if pictures and unsupported(language, text):
        return 0.6  # it is a captcha all the same: reading it says what is not supported
    known, every = asked.known(), asked.has("every")
    containing = asked.has("containing", "negation")
    score = 0.45 * pictures + 0.3 * known + 0.15 * every + 0.1 * containing
    # A noun that no lexicon knows is asked for all the same: the answer says which it is.
    names = bool(asked.noun) and every and (containing or language.noun_first)
    complete = pictures and (known or names)
    # "Which car suits me?": who asks for one thing in many pictures says more.
    asks_back = not pictures and not every and any(mark.text == "?" for mark in asked.around)
    short = known and not asks_back and _words(language, asked) <= _LONGEST_SHORT
    return min(score + 0.25, 1.0) if complete or short else max(score * 0.5, hint)


def _asks_in_the_end(asked: _Asked) -> bool:
    """Whether the last sentence only asks which one: "One of these shows a cat. Which one?"."""
    around = asked.around
    ends = [number for number, mark in enumerate(around[:-1], 1) if mark.kind == "end"]
    if not ends or around[-1].text != "?":
        return False
    question = around[ends[-1] : -1]
    return len(question) <= _SHORT_QUESTION and any(mark.kind == "verb" for mark in question)


def _hinted(asked: _Asked) -> float:
    """How much it looks like one by the thing that it names, whatever its other words."""
    kinds = {mark.kind for mark in asked.around}
    if not asked.known() or "interface" in kinds:
        return 0.0
    pictures = bool(kinds & {"tile", "tiles", "square", "squares"})
    counted = any(
        mark.kind == "number" and mark.stop == asked.noun[0].start for mark in asked.around
    )
    every = "every" in kinds or counted
    asks = (
        bool(kinds & {"verb", "just"})
        or any(mark.text == "?" for mark in asked.around)
        or _labelled(asked)
    )
    chosen = every and "rest" in kinds  # "Feed every cat, leave the rest"
    hint = 0.2 + 0.1 * pictures + 0.1 * every + 0.3 * chosen
    return hint if pictures or every or asks else 0.0


def _labelled(asked: _Asked) -> bool:
    """Whether it says of the noun what it is to be, and nothing more: "Ziel: Hunde"."""
    last = [mark for mark in asked.around if mark.kind != "end"][-2:]
    return len(last) == 2 and last[0].text == ":" and last[1:] == list(asked.noun[-1:])


def unsupported(language: Language, text: str) -> str:
    """The words by which `text` asks for something else than pictures of one thing, or ""."""
    marks = language.marks(text)
    return next((mark.text for mark in marks if mark.kind == "unsupported"), "")


def begins_to_ask(language: Language, text: str) -> bool:
    """Whether a cleaned text begins with the verb by which it asks."""
    marks = language.marks(text)
    return bool(marks) and marks[0].kind == "verb"


def wants_all(language: Language, text: str) -> bool:
    """Whether a text asks for all of what it need not name: "Wählt alle aus"."""
    kinds = [mark.kind for mark in language.marks(text)]
    return any({"verb", "every"} == set(pair) for pair in pairwise(kinds))


def _asked(language: Language, text: str) -> _Asked:
    around = language.marks(text)
    marks, none_allowed = _without_none_clause(_without_rest(around))
    noun = _noun(language, _before_stops(marks))
    if not any(mark.kind == "noun" for mark in noun):
        noun = _noun(language, marks)
    if noun:
        marks = _clause(language, marks, noun)
    return _Asked(tuple(marks), tuple(noun), none_allowed, tuple(around))


def _before_stops(marks: list[Mark]) -> list[Mark]:
    """The marks without what a sentence says after it asked: "then the door opens"."""
    kept: list[Mark] = []
    verb = asked = stopped = False
    for mark in marks:
        goes_on = mark.kind != "end"
        stopped = goes_on and (stopped or (asked and mark.kind == "stop"))
        asked = goes_on and (asked or (verb and mark.kind in _CONTENT))
        verb = goes_on and (verb or mark.kind == "verb")
        if not stopped:
            kept.append(mark)
    return kept


def _without_rest(marks: list[Mark]) -> list[Mark]:
    """The marks without what is to be done with all else: "the rest may stay"."""
    at = next((i for i, mark in enumerate(marks) if mark.kind == "rest"), None)
    if at is None:
        return marks
    ends = [i for i in range(at, len(marks)) if marks[i].kind in ("pause", "end")]
    return marks[:at] + (marks[ends[0] :] if ends else [])


def _without_none_clause(marks: list[Mark]) -> tuple[list[Mark], bool]:
    """The marks without the clause that says what to do where nothing matches."""
    at = next((i for i, mark in enumerate(marks) if mark.kind == "none"), None)
    if at is None:
        return marks, False
    cuts = [i for i in range(at) if marks[i].kind in ("pause", "end")]
    before = marks[: cuts[-1] if cuts else at]
    if any(mark.kind in _CONTENT for mark in before):
        return before, True
    ends = [i for i in range(at, len(marks)) if marks[i].kind == "end"]
    return (marks[ends[0] + 1 :] if ends else before), True


def _clause(language: Language, marks: list[Mark], noun: Sequence[Mark]) -> list[Mark]:
    """The part around the noun: neither "to prove you are no robot," nor "then press Next"."""
    first = next(i for i, mark in enumerate(marks) if mark.start == noun[0].start)
    verbs = [i for i in range(first) if marks[i].kind == "verb"]
    ends = next((i for i in range(first, len(marks)) if marks[i].kind in ("pause", "end")), None)
    # "..., indem du das Haus auswählst": where verbs come last, one may follow in its own part.
    asks = bool(verbs) or any(mark.kind == "verb" for mark in marks[first:ends])
    breaks = ["end"] if language.noun_first or not asks else ["end", "pause"]
    starts = [i for i in range(verbs[-1] if verbs else first) if marks[i].kind in breaks]
    stops = [i for i in range(first, len(marks)) if marks[i].kind in ("stop", "end")]
    return marks[starts[-1] + 1 if starts else 0 : stops[0] if stops else len(marks)]


def _noun(language: Language, marks: list[Mark]) -> list[Mark]:
    """The noun that is asked for, with its colour; unknown words where no noun is known."""
    chunks = _in_order(language, marks, _chunks(marks))
    nouns = []
    for number, chunk in enumerate(chunks):
        noun = _known_part(language, chunk)
        # "plates of cars": the known noun only says whose the unknown thing is.
        earlier = chunks[number - 1] if number else None
        if noun and not (earlier and _owned(marks, earlier, chunk)):
            nouns.append(noun)
    meant = concepts.meant([noun[-1].value for noun in nouns])
    asked = [noun for noun in nouns if noun[-1].value in meant] or nouns
    if asked:
        return asked[0]
    # What is not known is only asked for in the place where what is asked for stands.
    verb = next((mark.start for mark in marks if mark.kind == "verb"), 0)
    unknown = chunks[0] if chunks and (language.noun_first or chunks[0][0].start >= verb) else []
    return [replace(mark, kind="unknown", value=mark.text) for mark in unknown]


def _chunks(marks: list[Mark]) -> list[list[Mark]]:
    """Runs of words that are not the language's patterns."""
    chunks: list[list[Mark]] = [[]]
    for mark in marks:
        if mark.kind in _CONTENT:
            chunks[-1].append(mark)
        elif chunks[-1]:
            chunks.append([])
    return [chunk for chunk in chunks if chunk]


def _in_order(language: Language, marks: list[Mark], chunks: list[list[Mark]]) -> list[list[Mark]]:
    """The chunks, the likeliest place of the noun first."""
    anchors = [mark for mark in marks if mark.kind in ("containing", "negation")]
    verbs = [mark for mark in marks if mark.kind == "verb"]
    if language.noun_first:
        limit = (anchors or verbs)[0].start if anchors or verbs else len(marks)
        before = [chunk for chunk in chunks if chunk[0].start < limit]
        return [*reversed(before), *(chunk for chunk in chunks if chunk[0].start >= limit)]
    limit = (anchors or verbs)[0].start if anchors or verbs else 0
    after = [chunk for chunk in chunks if chunk[0].start > limit]
    return [*after, *(chunk for chunk in chunks if chunk[0].start <= limit)]


def _known_part(language: Language, chunk: list[Mark]) -> list[Mark]:
    """The noun of a chunk with its colours, empty where the chunk names nothing known."""
    nouns = [mark for mark in chunk if mark.kind == "noun"]
    unknown = [mark for mark in chunk if mark.kind == "unknown"]
    if not nouns:
        english = [mark for mark in unknown if concepts.entry(mark.value.lower()) is not None]
        return english[:1] if len(chunk) == 1 else []
    if unknown and not language.spaced:
        # Without spaces a word that holds a known one is another word, unless it is grammar.
        if any(not _is_kana(mark.value) for mark in unknown):
            return []
        nouns = nouns[-1:]
    meant = concepts.meant([mark.value for mark in nouns])
    asked = [mark for mark in nouns if mark.value in meant] or nouns
    return [mark for mark in chunk if mark.kind == "colour"] + asked[:1]


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u309f"


def _owned(marks: list[Mark], thing: list[Mark], owner: list[Mark]) -> bool:
    between = marks[marks.index(thing[-1]) + 1 : marks.index(owner[0])]
    return bool(between) and between[0].kind == "of" and len(between) == 1


def _emphasised(language: Language, emphasis: Sequence[str]) -> list[Mark]:
    """The noun in the words that are bold: the first one that is known, else the first."""
    nouns = [_noun(language, language.marks(words)) for words in emphasis]
    named = [noun for noun in nouns if noun]
    return next((noun for noun in named if _concept(noun)), named[0] if named else [])


def _concept(noun: Sequence[Mark]) -> str:
    """The noun's English name, with its colour; empty where it is not known."""
    names = [mark.value for mark in noun if mark.kind in ("colour", "noun")]
    if any(mark.kind == "noun" for mark in noun):
        return " ".join(names)
    found = concepts.entry(noun[0].value.lower()) if len(noun) == 1 else None
    return found.name if found else ""


def _negated(asked: _Asked) -> bool:
    """Whether what is named is not wanted. That the visitor is "no robot" says nothing of it."""
    visitors = [
        mark.start
        for mark in asked.marks
        if mark.kind == "noun" and mark.value in concepts.VISITORS and mark not in asked.noun
    ]
    return any(
        not any(0 < start - mark.start <= _NEAR for start in visitors)
        for mark in asked.marks
        if mark.kind == "negation"
    )


def _count(language: Language, asked: _Asked) -> int | None:
    """How many tiles are asked for, where the sentence says just how many.

    In "images with two dogs" the number is one of dogs, not of tiles; where words have no spaces
    it comes with a word for pictures. "On which of these five" asks for one; "of the nine pictures"
    is how many there are.
    """
    if asked.has("least") or any(mark.value == "which_one" for mark in asked.around):
        return None
    tiles = asked.has("tile", "tiles", "square", "squares")
    numbers = [
        int(mark.value)
        for mark in asked.marks
        if mark.kind == "number"
        and not _are_there(language, asked, mark)
        and not (language.spaced and tiles and asked.noun and mark.stop == asked.noun[0].start)
    ]
    return numbers[0] if len(numbers) == 1 and 0 < numbers[0] <= 36 else None


def _are_there(language: Language, asked: _Asked, number: Mark) -> bool:
    """Whether that is the number of all pictures: what stands before it says "of the", "among"."""
    before = [mark.text.lower() for mark in asked.around if mark.stop <= number.start][-_BEFORE:]
    return any(" ".join(before[at:]) in language.among for at in range(len(before)))


def _many(asked: _Asked, noun: Sequence[Mark], count: int | None) -> bool:
    if count is not None:
        return count != 1
    verbs = [mark for mark in asked.around if mark.kind == "verb"]
    if any(mark.kind == "every" for mark in asked.around):
        return True
    if any(verb.value == "which_one" for verb in verbs):
        return False
    if not verbs and _labelled(asked):  # "Ziel: Hund" says nothing of how many
        return True
    if any(verb.plural for verb in verbs) or asked.has("tiles", "squares"):
        return True
    return not asked.has("tile", "square") and any(mark.plural for mark in noun)


def _several_tiles(language: Language, asked: _Asked) -> bool:
    """Whether whole pictures are asked for: "the parts of the picture" are parts of one.

    Where words have no plural, nothing tells.
    """
    return asked.has("tiles") and (language.spaced or not asked.has("square", "squares"))


def _words(language: Language, asked: _Asked) -> float:
    """How many words it asks in, from the verb on where that stands before the noun; but for what
    is said of the one who is asked: "dat je een mens bent".
    """
    *marks, last = asked.marks
    marks += [last] if last.kind not in ("pause", "end") else []
    if not language.noun_first and asked.noun:
        before = [m for m in marks if m.kind == "verb" and m.start < asked.noun[0].start]
        marks = [m for m in marks if not before or m.start >= before[-1].start]
    lengths = [(mark.kind, mark.stop - mark.start) for mark in marks]
    tokens = sum(length for kind, length in lengths if kind != "word" or length < _LEAST_ASIDE)
    return tokens if language.spaced else tokens / _CHARACTERS


def _unknown(language: Language, text: str, words: str) -> str:
    return (
        f"the instruction {text!r} asks in {language.name} for {words!r}, which the lexicon does "
        f"not know: ask in English, or add it to a YAML file that {VARIABLE} names, for instance "
        f"'{language.code}: {{ENGLISH NAME: {words}}}'"
    )
