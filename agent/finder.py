"""Snapshot → Widget: where the instruction, the pictures and the buttons of a captcha are.

Found as a person finds it: a sentence that asks for pictures, pictures in a grid (or one large
picture) near it, and something to confirm with. No class names, no ids, no vendor's selectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from statistics import median

from agent import instruction, words
from agent.data import Box, Element, Kind, Snapshot, Widget

_LEAST_LIKENESS = 0.5  # of a text to an instruction
_REACH_CSS = 360.0  # how far from the pictures their instruction or buttons may lie
_LEAST_SINGLE_CSS = 120.0  # a single picture that is cut into tiles is at least so large
_SIZES = range(2, 7)  # rows or columns of a grid


@dataclass(frozen=True, slots=True)
class _Pictures:
    """A candidate for the tiles: a grid of single elements, or one large picture (no tiles)."""

    area: Box
    frame: int
    tiles: tuple[Element, ...] = ()
    rows: int | None = None
    cols: int | None = None


def find(snapshot: Snapshot) -> Widget | None:
    """The captcha of a page, or None where nothing looks like one."""
    candidates = [*_grids(snapshot.elements), *_single_pictures(snapshot.elements)]
    rated = [
        (rating, candidate, text)
        for candidate in candidates
        for rating, text in [_best_instruction(snapshot.elements, candidate)]
        if text is not None
    ]
    if not rated:
        return None
    _, pictures, text = max(rated, key=lambda item: item[0])
    return _widget(snapshot.elements, pictures, text)


def emphasis(snapshot: Snapshot, widget: Widget) -> tuple[str, ...]:
    """The words of the widget's instruction that the page shows in bold."""
    for element in snapshot.elements:
        if element.text == widget.instruction and element.bold:
            return element.bold
    return ()


def _widget(elements: Sequence[Element], pictures: _Pictures, text: Element) -> Widget:
    submit = _button(elements, pictures, "confirm")
    reload = _button(elements, pictures, "reload")
    checkboxes = tuple(
        element
        for element in elements
        if element.role in ("checkbox", "radio")
        and any(element.box.overlap(tile.box) > 0.5 * element.box.area for tile in pictures.tiles)
    )
    what = f"{pictures.rows}x{pictures.cols} pictures" if pictures.tiles else "one large picture"
    evidence = [f"instruction {text.text!r}", f"{what} {_gap(text.box, pictures.area):.0f} px away"]
    if submit:
        evidence.append(f"confirmed with {submit.text!r}")
    if reload:
        evidence.append(f"exchanged with {reload.text!r}")
    kind: Kind = "tiles" if pictures.tiles else "picture"
    return Widget(
        kind=kind,
        instruction=text.text,
        area=pictures.area,
        tiles=pictures.tiles,
        rows=pictures.rows,
        cols=pictures.cols,
        checkboxes=checkboxes,
        submit=submit,
        reload=reload,
        evidence=tuple(evidence),
    )


def _best_instruction(
    elements: Iterable[Element], pictures: _Pictures
) -> tuple[float, Element | None]:
    """The text that asks for these pictures, and how well both go together."""
    best: tuple[float, Element | None] = (0.0, None)
    for element in elements:
        if element.role not in ("text", "status") or element.frame != pictures.frame:
            continue
        gap = _gap(element.box, pictures.area)
        if gap > _REACH_CSS or not element.text:
            continue
        likeness = instruction.is_instruction(element.text)
        if likeness < _LEAST_LIKENESS:
            continue
        # Single elements in a grid say more than one large picture, which may be an ornament.
        rating = likeness + (0.5 if pictures.tiles else 0.0) - gap / _REACH_CSS / 2
        if rating > best[0]:
            best = (rating, element)
    return best


def _button(
    elements: Iterable[Element], pictures: _Pictures, meaning: words.Meaning
) -> Element | None:
    """The nearest button whose words say what it is for, or None."""

    def rating(element: Element) -> float:
        near = 1 - _gap(element.box, pictures.area) / _REACH_CSS
        return words.share(element.text, meaning) * near if near > 0 else 0.0

    tiles = {tile.parent for tile in pictures.tiles} | {tile.id for tile in pictures.tiles}
    buttons = [
        element
        for element in elements
        if element.role in ("button", "link")
        and element.frame == pictures.frame
        and element.id not in tiles
        and rating(element) > 0
    ]
    return max(buttons, key=rating, default=None)


def _single_pictures(elements: Iterable[Element]) -> list[_Pictures]:
    return [
        _Pictures(element.box, element.frame)
        for element in elements
        if element.role in ("image", "canvas", "background")
        and min(element.box.width, element.box.height) >= _LEAST_SINGLE_CSS
        and 0.4 <= element.box.width / element.box.height <= 2.5
    ]


def _grids(elements: Iterable[Element]) -> list[_Pictures]:
    """All complete lattices of equal elements that could be tiles."""
    by_size: dict[tuple[int, str, int, int], list[Element]] = {}
    for element in elements:
        if _could_be_tile(element):
            size = (round(element.box.width / 4), round(element.box.height / 4))
            by_size.setdefault((element.frame, element.role, *size), []).append(element)
    clusters = [cluster for group in by_size.values() for cluster in _clusters(group)]
    return [grid for cluster in clusters if (grid := _lattice(cluster)) is not None]


def _clusters(group: Sequence[Element]) -> list[list[Element]]:
    """Elements that lie side by side, less than a tile's side apart: two grids are two clusters."""
    left, clusters = list(group), []
    while left:
        cluster = [left.pop()]
        for member in cluster:
            reach = 0.7 * min(member.box.width, member.box.height)
            near = [other for other in left if _gap(member.box, other.box) <= reach]
            cluster += near
            left = [other for other in left if other not in near]
        clusters.append(cluster)
    return clusters


def _could_be_tile(element: Element) -> bool:
    if min(element.box.width, element.box.height) < 24:
        return False
    if element.role == "button":
        return not element.text or len(element.text) <= 20  # "Picture 3", but not a sentence
    return element.role in ("image", "canvas", "background")


def _lattice(group: Sequence[Element]) -> _Pictures | None:
    """The grid that `group` forms, its tiles row by row; None where it forms no full grid."""
    if not min(_SIZES) ** 2 <= len(group) <= max(_SIZES) ** 2:
        return None
    side = median(min(element.box.width, element.box.height) for element in group)
    rows = _lines([element.box.center[1] for element in group], side / 2)
    cols = _lines([element.box.center[0] for element in group], side / 2)
    if len(rows) not in _SIZES or len(cols) not in _SIZES or len(rows) * len(cols) != len(group):
        return None
    # Sorted by the line that a centre is nearest to: a pixel of jitter must not reorder a row.
    place = {
        (_nearest(rows, element.box.center[1]), _nearest(cols, element.box.center[0])): element
        for element in group
    }
    if len(place) != len(group):
        return None
    tiles = tuple(place[key] for key in sorted(place))
    area = reduce(Box.union, (tile.box for tile in tiles))
    if area.area > 3 * sum(tile.box.area for tile in tiles):
        return None  # scattered over the page
    return _Pictures(area, tiles[0].frame, tiles, len(rows), len(cols))


def _lines(centers: Iterable[float], reach: float) -> list[float]:
    """One-dimensional clusters: the mean of each run of centres closer than `reach`."""
    lines: list[list[float]] = []
    for center in sorted(centers):
        if lines and center - lines[-1][-1] <= reach:
            lines[-1].append(center)
        else:
            lines.append([center])
    return [sum(line) / len(line) for line in lines]


def _nearest(lines: Sequence[float], value: float) -> int:
    return min(range(len(lines)), key=lambda number: abs(lines[number] - value))


def _gap(first: Box, second: Box) -> float:
    """The distance between two boxes' edges, 0 where they touch or overlap."""
    dx = max(first.x - second.right, second.x - first.right, 0.0)
    dy = max(first.y - second.bottom, second.y - first.bottom, 0.0)
    return float((dx * dx + dy * dy) ** 0.5)
