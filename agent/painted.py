"""Instructions that are painted into pictures: which to read, and what they say on the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agent.data import Box, Element, Line, Picture, Snapshot
from agent.grids import PICTURES, Pictures, candidates, gap

_REACH_CSS = 200.0  # how far from the pictures a painted sentence may lie
_LEAST_WIDTH_CSS, _LEAST_HEIGHT_CSS = 100.0, 12.0  # of a picture that holds a sentence
_TALLEST_CSS = 160.0
_LEAST_ASPECT = 2.0  # width by height of a picture that holds nothing but a sentence
_MOST = 4  # pictures: each takes a second or two to read
_SURE = 0.6  # of a line, below which it is rather a pattern than text


@dataclass(frozen=True, slots=True)
class Painted:
    """What was read in one picture of the page: where that stands, and its lines as texts."""

    frame: int
    box: Box
    texts: tuple[Element, ...]


def suspects(snapshot: Snapshot) -> tuple[Element, ...]:
    """The pictures that an instruction may be painted into, the likeliest first.

    These are large pictures, which may hold tiles as well, and banners beside what could be tiles.
    """
    found = candidates(snapshot.elements)
    large = [pictures.picture for pictures in found if pictures.picture and not pictures.tiles]
    banners = [e for e in snapshot.elements if _is_banner(e) and _stands_by(e, found)]
    ordered = sorted(large, key=lambda e: (not e.clickable, -e.box.area))
    return tuple(dict.fromkeys([*banners, *ordered]))[:_MOST]


def _is_banner(element: Element) -> bool:
    width, height = element.box.width, element.box.height
    return (
        element.role in PICTURES
        and width >= _LEAST_WIDTH_CSS
        and _LEAST_HEIGHT_CSS <= height <= _TALLEST_CSS
        and width >= _LEAST_ASPECT * height
    )


def _stands_by(banner: Element, found: Iterable[Pictures]) -> bool:
    return any(
        pictures.frame == banner.frame
        and banner not in pictures.elements
        and gap(banner.box, pictures.area) <= _REACH_CSS
        for pictures in found
    )


def painted(element: Element, picture: Picture, lines: Iterable[Line]) -> Painted:
    """What `lines`, read in a screenshot of `element`, say on the page."""
    texts = tuple(
        Element(-2 - number, element.frame, "text", picture.to_css(line.box), line.text,
                layer=element.layer)
        for number, line in enumerate(lines)
        if line.confidence >= _SURE
    )  # fmt: skip
    return Painted(element.frame, element.box, texts)


def with_texts(snapshot: Snapshot, read: Iterable[Painted]) -> Snapshot:
    """The snapshot with what was read in its pictures, of those that still stand where they did."""
    places = {(e.frame, e.box) for e in snapshot.elements if e.role in PICTURES}
    texts = [text for one in read if (one.frame, one.box) in places for text in one.texts]
    return replace(snapshot, elements=(*snapshot.elements, *texts)) if texts else snapshot
