"""Labelled tiles in a folder: one folder a label, named after what its pictures show."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent import concepts, instruction
from agent.errors import UsageError

OTHERS = "_other"
"""The folder of pictures that show none of the labels."""

LEAST = 4
"""Pictures a label, and pictures without it: fewer can't be learnt from and judged at once."""

_EXPECTED = "expected one folder a label with its pictures, such as {folder}/traffic light/1.png"


@dataclass(frozen=True, slots=True)
class Labelled:
    """`files` (n) of distinct content, and what each shows of the `labels` (k), as concepts.

    `truth` (n, k): 1 shows it, 0 does not, -1 says nothing (of a vehicle it is not known whether
    it is a car).
    """

    labels: tuple[str, ...]
    files: tuple[Path, ...]
    truth: NDArray[np.int8]
    others: int

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures show each label."""
        shown = (self.truth == 1).sum(axis=0)
        return dict(zip(self.labels, (int(count) for count in shown), strict=True))


def read(folder: Path) -> Labelled:
    """The labelled tiles in `folder`. A picture that lies in several folders shows all of it.

    Raises UsageError, by folder, where something is missing or contradicts itself.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; {_EXPECTED.format(folder=folder)}")
    places = sorted(path for path in folder.iterdir() if _counts(path) and path.is_dir())
    labels = _labels(folder, [place for place in places if place.name != OTHERS])
    shown: dict[bytes, tuple[Path, set[str]]] = {}
    for place in places:
        name = labels.get(place, OTHERS)
        for file in _files(place):
            digest = hashlib.sha256(file.read_bytes()).digest()
            first, names = shown.setdefault(digest, (file, set()))
            names.add(name)
            if len(names) > 1 and OTHERS in names:
                raise UsageError(
                    f"{file}: the same picture as {first}; what lies in {OTHERS} must show no label"
                )
    found = Labelled(
        tuple(labels.values()),
        tuple(file for file, _ in shown.values()),
        np.array(
            [[_truth(label, names) for label in labels.values()] for _, names in shown.values()]
        ),
        sum(OTHERS in names for _, names in shown.values()),
    )
    _check(folder, found)
    return found


def _counts(path: Path) -> bool:
    return not path.name.startswith(".")


def _files(place: Path) -> list[Path]:
    files = sorted(filter(_counts, place.iterdir()))
    if inner := next((file for file in files if file.is_dir()), None):
        raise UsageError(f"{inner}: a label's folder holds pictures alone; move this folder away")
    return files


def _labels(folder: Path, places: list[Path]) -> dict[Path, str]:
    """The concept of each folder."""
    labels: dict[Path, str] = {}
    for place in places:
        concept = _concept(place)
        if same := next((other for other, name in labels.items() if name == concept), None):
            raise UsageError(f"{place}: means {concept!r} as {same} does; put them together")
        labels[place] = concept
    if not labels:
        raise UsageError(f"{folder}: holds no labels; {_EXPECTED.format(folder=folder)}")
    return labels


def _concept(place: Path) -> str:
    """What a folder's name means, by the way that an instruction is read."""
    words = place.name.replace("_", " ")
    try:
        target = instruction.read(f"Select all images with {words}")
    except UsageError:
        target = None
    if target is None or not target.wanted:
        raise UsageError(
            f"{place}: a label must be a noun for what its pictures show, such as 'traffic light'; "
            f"pictures of none go to {place.parent / OTHERS}"
        )
    return concepts.canonical(target.concept)


def _truth(label: str, shown: set[str]) -> int:
    """Whether a picture of `shown` shows `label`: 1, 0, or -1 where that is not known."""
    if label in shown or any(name in concepts.wordings(label) for name in shown):
        return 1
    return 0 if all(_apart(label, name) for name in shown) else -1


def _apart(label: str, shown: str) -> bool:
    """Whether what shows the one does not show the other."""
    if shown == OTHERS:
        return True
    known = concepts.entry(label), concepts.entry(shown)
    if known == (None, None):
        return True
    return shown in concepts.others(label) if known[1] else label in concepts.others(shown)


def _check(folder: Path, found: Labelled) -> None:
    for number, (label, count) in enumerate(found.counts.items()):
        if count < LEAST:
            raise UsageError(
                f"{folder}: {count} different pictures of {label!r} are too few; at least {LEAST} "
                "are needed"
            )
        without = int((found.truth[:, number] == 0).sum())
        if without < LEAST:
            raise UsageError(
                f"{folder}: {without} different pictures without {label!r} are too few; at least "
                f"{LEAST} are needed: add other labels, or pictures of none in {folder / OTHERS}"
            )
