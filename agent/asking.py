"""What on a page reads like an instruction: a line, lines together, a picture's own name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from agent import concepts, instruction, words
from agent.data import Box, Element, Target
from agent.errors import UsageError
from agent.grids import PICTURES, gap

_LEAST_LIKENESS = 0.5  # of a text to an instruction
_LEAST_HINT = 0.2  # the same, where what lies around it leaves no doubt
JOINED_CSS = 40.0  # lines of one instruction lie no farther apart
LONGEST = 150  # characters: what is longer is no instruction
_SENTENCE = re.compile(r"(?<=[.:!?])\s+|(?<=[.!?][)\]])\s+")


@dataclass(frozen=True, slots=True)
class Asked:
    """A sentence that may be the instruction: one element's, or of lines that belong together."""

    text: str
    element: Element
    box: Box
    emphasis: tuple[str, ...]


def lines(elements: Sequence[Element]) -> list[Asked]:
    """Texts that are short enough to be an instruction or a part of one."""
    texts = (e for e in elements if e.role in ("text", "status") and e.text)
    return [Asked(e.text, e, e.box, e.bold) for e in texts if len(e.text) <= 2 * LONGEST]


def asking(elements: Sequence[Element], plain: Sequence[Asked], title: str) -> list[Asked]:
    """What reads like an instruction; where a page says that it is to keep robots out, also what
    might be one by the thing that it names. `plain` are the lines of these elements, `title` is
    the page's.
    """
    named = [
        Asked(e.text, e, e.box, ())
        for e in elements
        if e.role in (*PICTURES, "input") and " " in e.text
    ]
    parts = [
        replace(line, text=part)
        for line in plain
        if not asks_plainly(line.text)
        for part in _parts(line.text)
    ]
    parts += [
        Asked(part, e, e.box, e.bold)
        for e in elements
        if e.role == "text" and len(e.text) > 2 * LONGEST
        for part in _parts(e.text)
        if len(part) <= 2 * LONGEST and asks_plainly(part)
    ]
    said = [*plain, *parts, *_joined(plain), *named]
    hints = [line for line in said if not asks_plainly(line.text) and _hints(line.text)]
    if hints and not _keeps_robots_out(elements, title):
        hints = []
    return [line for line in said if asks_plainly(line.text)] + hints


def _keeps_robots_out(elements: Sequence[Element], title: str) -> bool:
    """Whether a page says so: in its texts, its title, the name of a hidden field."""
    return words.share(title, "human") > 0 or any(
        words.share(e.text, "human") or (e.role == "token" and "captcha" in e.text.lower())
        for e in elements
        if e.text
    )


def _parts(text: str) -> list[str]:
    """The sentences of a text that has several, and each with the next: it may say "it" there."""
    sentences = _SENTENCE.split(text)
    if len(sentences) == 1:
        return []
    pairs = [" ".join(pair) for pair in pairwise(sentences)] if len(sentences) > 2 else []
    return [*sentences, *pairs]


def asks_plainly(text: str) -> bool:
    """Whether the words alone tell that it asks for pictures."""
    return likeness(text) >= _LEAST_LIKENESS


@lru_cache(maxsize=4096)
def likeness(text: str) -> float:
    """How much a text looks like an instruction, in [0, 1]: a page is looked at many times."""
    return instruction.is_instruction(text)


def _hints(text: str) -> bool:
    """Whether it might be an instruction by the thing that it names."""
    return likeness(text) >= _LEAST_HINT and known(text)


@lru_cache(maxsize=1024)
def known(text: str) -> bool:
    """Whether the thing that is asked for is in the vocabulary, or a sample stands for it."""
    target = read(text)
    if target is None:
        return False
    head = target.concept.rpartition(" ")[2]
    return target.reference or any(map(concepts.is_known, (target.concept, head)))


def read(text: str) -> Target | None:
    """What a text asks for, None where it asks for nothing."""
    try:
        return instruction.read(text)
    except UsageError:
        return None


def completed(text: str, near: Sequence[str]) -> str:
    """An instruction with the line, or the sentence of a line, that says that all are asked for or
    what to do where nothing matches: "Click: FISH", "Select all, then Post". `near` are the lines
    around it.
    """
    alone = read(text)
    if alone is None:
        return text
    for other in (*near, *(part for line in near for part in _SENTENCE.split(line))):
        joined = f"{text.rstrip(' .')}. {other}"
        both = read(joined) if len(joined) <= 2 * LONGEST else None
        if both is None or both.concept != alone.concept or read(other) is not None:
            continue
        all_asked = both.many and not alone.many and instruction.wants_all(other)
        if all_asked or (both.none_allowed and not alone.none_allowed):
            return joined
    return text


def _joined(lines: Sequence[Asked]) -> list[Asked]:
    """Sentences that are broken into two or three lines of their own elements."""
    found = []
    follows = [_follow(one, two) for one, two in pairwise(lines)]
    for width in (2, 3):
        for start in range(len(lines) - width + 1):
            parts = lines[start : start + width]
            complete = any(asks_plainly(part.text) for part in parts)
            if not complete and all(follows[start : start + width - 1]):
                box = parts[0].box
                for part in parts[1:]:
                    box = box.union(part.box)
                text = " ".join(part.text for part in parts)
                bold = tuple(word for part in parts for word in part.emphasis)
                if len(text) <= LONGEST:
                    found.append(Asked(text, parts[0].element, box, bold))
    return found


def _follow(first: Asked, second: Asked) -> bool:
    one, two = first.element, second.element
    below = -2.0 <= two.box.y - one.box.bottom <= JOINED_CSS
    beside = abs(two.box.center[1] - one.box.center[1]) < 12 and gap(one.box, two.box) <= 16
    aligned = min(one.box.right, two.box.right) > max(one.box.x, two.box.x)
    return one.frame == two.frame and ((below and aligned) or beside)
