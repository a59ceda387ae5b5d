"""The vocabulary of `concepts.yaml`: what else a picture may show than what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from agent.tables import table

VISITORS = ("robot", "person", "computer")  # who is asked, and who is not


@dataclass(frozen=True, slots=True)
class Concept:
    """One entry: its name, its synonyms, and the names of the entries around it."""

    name: str
    synonyms: tuple[str, ...]
    above: tuple[str, ...]


@cache
def _concepts() -> dict[str, Concept]:
    return {concept.name: concept for concept in _walk(_document(), ())}


@cache
def _document() -> dict[str, Any]:
    content: dict[str, Any] = table("concepts.yaml")
    return content


def _walk(tree: dict[str, Any], above: tuple[str, ...]) -> Iterator[Concept]:
    for name, content in tree.items():
        if name in ("of", "alike", "named"):
            continue
        branch = content if isinstance(content, dict) else {"of": content}
        yield Concept(name, tuple(branch.get("of", ())), above)
        yield from _walk(branch, (*above, name))


def names() -> tuple[str, ...]:
    """The names of all entries."""
    return tuple(_concepts())


@cache
def wordings(concept: str) -> tuple[str, ...]:
    """What to look for when `concept` is asked for: its entry's name and all that is below it.

    A word that no entry knows is looked for as it is.
    """
    found = entry(concept)
    if found is None:
        return (concept,)
    return (
        found.name,
        *(other.name for other in _concepts().values() if found.name in other.above),
    )


@cache
def others(concept: str) -> tuple[str, ...]:
    """The entries that a picture of `concept` does not show: not it, nor its kin."""
    found = entry(concept)
    kin = {concept}
    if found is not None:
        kin |= {found.name, *found.above}
        kin |= {other.name for other in _concepts().values() if found.name in other.above}
    for group in _document()["alike"]:
        if concept in group or (found is not None and found.name in group):
            kin |= set(group)
    head = concept.rpartition(" ")[2]
    # "red car" is a car, though no entry says so.
    kin |= {name for name in (head,) if name in _concepts() and found is None}
    return tuple(name for name in _concepts() if name not in kin)


def entry(concept: str) -> Concept | None:
    """The entry whose name or synonym `concept` is, or None."""
    return _by_spelling().get(concept)


def is_known(name: str) -> bool:
    """Whether it is a thing that captchas ask for, be there an entry of it or not."""
    return name in _by_spelling() or name in _document()["named"]


def meant(names: Iterable[str]) -> list[str]:
    """Of the things that a sentence names, those that it may ask for.

    In "which of these fruits are lemons" that is the lemon; and who is "no robot" is the visitor.
    """
    named = list(names)
    above = {other for name in named if name in _concepts() for other in _concepts()[name].above}
    asked = [name for name in named if name not in above]
    return [name for name in asked if name not in VISITORS] or asked


@cache
def _by_spelling() -> dict[str, Concept]:
    """All entries by their synonyms and, before these, by their names."""
    spelled: dict[str, Concept] = {}
    for found in _concepts().values():
        for synonym in found.synonyms:
            spelled.setdefault(synonym, found)
    return spelled | _concepts()


def canonical(concept: str) -> str:
    """The name of the entry that `concept` is; a word that no entry knows is its own."""
    found = entry(concept)
    return found.name if found else concept


def spellings(name: str) -> tuple[str, ...]:
    """An entry's name and synonyms."""
    return (name, *_concepts()[name].synonyms)
