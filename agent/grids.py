"""Elements → what could be a captcha's pictures: lattices of equal elements, large pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from statistics import median

from agent.data import Box, Element

PICTURES = ("image", "canvas", "background")
_LEAST_TILE_CSS = 24.0
_LARGEST_TOOL_CSS, _TOOLS_CSS = 48.0, 40.0  # the side of a picture's own buttons, how far off
_SEVERAL_ROWS, _LONGEST_ROW = 2.5, 8.5  # times as long as high at most: such a picture, a strip
_LEAST_STRIP_CSS, _HIGHEST_STRIP_CSS = 44.0, 130.0  # the height of a picture with a row of tiles
_EVEN = 0.02  # of its height, by which the length of a strip of squares may differ from several
_LEAST_SINGLE_CSS = 120.0  # a single picture that is cut into tiles is at least so large
_MOST_SINGLES = 2  # of one size: a page may show two captchas
_SIZES = range(1, 8)  # rows or columns of a grid
_LONGEST_LINE = 12  # tiles in one row or column alone
_MOST_TILES = 49
_MOST_STRAYS = 2  # beside a grid: its sample, and what else is of that size
_ALIKE = 0.08  # of a tile's side, by which tiles of one grid may differ
_UNEVEN = 1.4  # times the narrowest step from line to line: no wider one is in the same grid
_LEAST_REACH_CSS = 84.0  # from tile to tile
_FEW = 3  # tiles: no fewer have a stray beside them; of two rows no more may be a part
_WITHIN = 0.8  # of a picture that lies in its button
_MARKED = 0.3  # the same while some of them are chosen
_LONGEST_LABEL = 20  # characters: "Picture 3", but not a sentence


@dataclass(frozen=True, slots=True)
class Pictures:
    """A candidate for the tiles: a grid of single elements, or one large picture (no tiles).

    `rows` and `cols` are None for a large picture; `scattered` elements stand in no lattice.
    """

    area: Box
    frame: int
    tiles: tuple[Element, ...] = ()
    rows: int | None = None
    cols: int | None = None
    picture: Element | None = None
    scattered: bool = False

    @property
    def form(self) -> int:
        """In which form of their frame they stand, 0 where in none."""
        return self.elements[0].form

    @property
    def elements(self) -> tuple[Element, ...]:
        """The tiles, or the one picture."""
        return self.tiles or ((self.picture,) if self.picture else ())


def candidates(elements: Sequence[Element]) -> list[Pictures]:
    """All lattices of equal elements and all large pictures among `elements`."""
    singles = _single_pictures(elements)
    grids = _grids(elements)
    pictured = [grid for grid in grids if grid.tiles[0].role in PICTURES]
    # Tiles that are pictures in buttons are their pictures in every look: only these tell by an
    # address that they were exchanged.
    single = [
        grid
        for grid in grids
        if not any(_frames(grid, other) for other in pictured) and not _serves(grid, singles)
    ]
    return [*(_over_a_picture(grid, singles) for grid in single), *singles]


def _frames(grid: Pictures, pictured: Pictures) -> bool:
    """Whether the tiles of `grid` are the buttons around (or over) those of another grid."""
    return (
        grid.tiles[0].role not in PICTURES
        and (grid.frame, len(grid.tiles)) == (pictured.frame, len(pictured.tiles))
        and all(
            tile.box.overlap(inner.box) >= _WITHIN * inner.box.area
            for tile, inner in zip(grid.tiles, pictured.tiles, strict=True)
        )
    )


def _serves(grid: Pictures, singles: Iterable[Pictures]) -> bool:
    """Whether these are the small buttons beside a large picture: to exchange it, to hear it."""
    small = max(grid.tiles[0].box.width, grid.tiles[0].box.height) <= _LARGEST_TOOL_CSS
    return (
        small
        and min(grid.rows or 0, grid.cols or 0) == 1
        and any(
            single.frame == grid.frame
            and gap(single.area, grid.area) <= _TOOLS_CSS
            and single.area.overlap(grid.area) == 0
            for single in singles
        )
    )


def _single_pictures(elements: Iterable[Element]) -> list[Pictures]:
    """Large pictures that are not one of several alike, as in a shop or a gallery."""
    large = [element for element in elements if element.role in PICTURES and _is_large(element)]
    return [
        Pictures(element.box, element.frame, picture=element)
        for group in _of_one_size(large, _ALIKE)
        if len(_without_doubles(group)) <= _MOST_SINGLES
        for element in group
    ]


def _is_large(picture: Element) -> bool:
    """Whether tiles may be painted into it: several rows, or a row into what can be clicked, or is
    a strip as high as tiles are, of squares or of what is clicked where something lies over it.
    """
    short, long = sorted((picture.box.width, picture.box.height))
    if long <= _SEVERAL_ROWS * short:
        return short >= _LEAST_SINGLE_CSS
    of_squares = abs(long / short - round(long / short)) <= _EVEN
    strip = (picture.role == "background" or of_squares) and short <= _HIGHEST_STRIP_CSS
    can_be = picture.clickable or picture.role == "canvas" or strip
    return can_be and short >= _LEAST_STRIP_CSS and long <= _LONGEST_ROW * short


def _over_a_picture(grid: Pictures, singles: Iterable[Pictures]) -> Pictures:
    """The grid with the picture that it lies over, where its tiles are but places to click."""
    if all(tile.role in PICTURES for tile in grid.tiles):
        return grid
    for single in singles:
        if single.frame == grid.frame and single.area.overlap(grid.area) > 0.85 * max(
            single.area.area, grid.area.area
        ):
            return Pictures(grid.area, grid.frame, grid.tiles, grid.rows, grid.cols, single.picture)
    return grid


def _grids(elements: Iterable[Element]) -> list[Pictures]:
    kinds: dict[tuple[int, int, str], list[Element]] = {}
    for element in elements:
        if _could_be_tile(element):
            kinds.setdefault((element.frame, element.layer, element.role), []).append(element)
    groups = [group for kind in kinds.values() for group in _of_one_size(kind, _ALIKE)]
    # Where tiles are drawn smaller or larger while they are chosen, they still are one grid.
    groups += [
        group
        for kind in kinds.values()
        for group in _of_one_size(sorted(kind, key=_size, reverse=True), _MARKED)
        if len(group) > 2
    ]
    clusters = [cluster for group in groups for cluster in _clusters(_without_doubles(group))]
    parts = [part for cluster in clusters for part in _grids_of(cluster)]
    return [grid for grid in map(_grid, parts) if grid is not None]


def _grid(part: Sequence[Element]) -> Pictures | None:
    """The grid of a part, be it one with strays; else what it is without one."""
    whole = lattice(part)
    if whole is not None and not whole.scattered:
        return whole
    rest = _without_strays(part)
    return rest if rest is not None and not rest.scattered else whole or rest


def _could_be_tile(element: Element) -> bool:
    if min(element.box.width, element.box.height) < _LEAST_TILE_CSS:
        return False
    if element.role == "button":
        return len(element.text) <= _LONGEST_LABEL
    return element.role in PICTURES


def _size(element: Element) -> float:
    return element.box.area


def _of_one_size(elements: Iterable[Element], alike: float) -> list[list[Element]]:
    groups: list[list[Element]] = []
    for element in elements:
        for group in groups:
            first = group[0].box
            slack = max(alike * min(first.width, first.height), 3.0)
            if (
                abs(element.box.width - first.width) <= slack
                and abs(element.box.height - first.height) <= slack
            ):
                group.append(element)
                break
        else:
            groups.append([element])
    return groups


def _without_doubles(group: Sequence[Element]) -> list[Element]:
    """One element a place: a tile may be several pictures on top of each other."""
    kept: list[Element] = []
    for element in group:
        if not any(element.box.overlap(other.box) > 0.8 * element.box.area for other in kept):
            kept.append(element)
    return kept


def _clusters(group: Sequence[Element]) -> list[list[Element]]:
    """Elements that lie side by side, less than a tile's side apart: two grids are two clusters.

    Small icons may stand farther apart.
    """
    left, clusters = list(group), []
    while left:
        cluster = [left.pop()]
        for member in cluster:
            reach = max(0.9 * min(member.box.width, member.box.height), _LEAST_REACH_CSS)
            near = [other for other in left if gap(member.box, other.box) <= reach]
            cluster += near
            left = [other for other in left if other not in near]
        clusters.append(cluster)
    return clusters


def _grids_of(cluster: Sequence[Element]) -> list[Sequence[Element]]:
    """The parts of a cluster that may be grids; all of it where too little is left of them."""
    parts = _even(cluster)
    enough = len(parts) == 1 or max(map(len, parts)) > _FEW
    return parts if enough else [*parts, cluster]


def _even(cluster: Sequence[Element]) -> list[Sequence[Element]]:
    """The parts of a cluster whose lines are evenly apart: two grids may stand close together."""
    side = median(min(element.box.width, element.box.height) for element in cluster)
    for axis in (0, 1):
        lines = _lines([element.box.center[axis] for element in cluster], side / 2)
        steps = [second - first for first, second in pairwise(lines)]
        if len(steps) < 2 or max(steps) <= _UNEVEN * min(steps):
            continue
        widest = steps.index(max(steps))
        cut = (lines[widest] + lines[widest + 1]) / 2
        below = [element for element in cluster if element.box.center[axis] < cut]
        above = [element for element in cluster if element.box.center[axis] >= cut]
        return [*_even(below), *_even(above)]
    return [cluster]


def _without_strays(part: Sequence[Element]) -> Pictures | None:
    """The grid without what stands in no line with another: a sample of the tiles' own size."""
    if len(part) > _MOST_TILES + _MOST_STRAYS:
        return None

    def in_line(one: Element, other: Element) -> bool:
        (x, y), (other_x, other_y) = one.box.center, other.box.center
        slack = _ALIKE * min(one.box.width, one.box.height)
        return min(abs(x - other_x), abs(y - other_y)) <= slack

    kept = [one for one in part if any(in_line(one, each) for each in part if each is not one)]
    strays = len(part) - len(kept)
    return lattice(kept) if 0 < strays <= _MOST_STRAYS and len(kept) >= _FEW else None


def lattice(group: Sequence[Element]) -> Pictures | None:
    """The grid that `group` forms, its tiles row by row; None where it forms none.

    The last row may be short. Elements in no lattice are taken in reading order where they can be
    clicked, or stand in rows that are all but the last as long.
    """
    if not 2 <= len(group) <= _MOST_TILES:
        return None
    side = median(min(element.box.width, element.box.height) for element in group)
    rows = _lines([element.box.center[1] for element in group], side / 2)
    cols = _lines([element.box.center[0] for element in group], side / 2)
    # Sorted by the line that a centre is nearest to: a pixel of jitter must not reorder a row.
    place = {
        (_nearest(rows, element.box.center[1]), _nearest(cols, element.box.center[0])): element
        for element in group
    }
    tiles = tuple(place[key] for key in sorted(place))
    area = reduce(Box.union, (tile.box for tile in group))
    if area.area > 4 * sum(tile.box.area for tile in group):
        return None  # scattered over the page
    full = len(rows) * len(cols)
    short = full - len(group)
    complete = short == 0 or (
        short < len(cols)
        and all(row < len(rows) - 1 or col < len(cols) - short for row, col in place)
    )
    sizes = (len(rows), len(cols))
    fits = max(sizes) in _SIZES or (min(sizes) == 1 and max(sizes) <= _LONGEST_LINE)
    if len(place) == len(group) and complete and fits:
        return Pictures(area, group[0].frame, tiles, len(rows), len(cols))
    clickable = all(element.clickable for element in group)
    if len(group) < 3 or not (clickable or _in_ragged_rows(place)):
        return None
    ordered = tuple(sorted(group, key=lambda element: (element.box.y, element.box.x)))
    return Pictures(area, group[0].frame, ordered, 1, len(ordered), scattered=True)


def _in_ragged_rows(place: Iterable[tuple[int, int]]) -> bool:
    """Whether all rows but the last, which is shorter, are as long: centred, or of uneven steps."""
    counts = Counter(row for row, _ in place)
    *full, last = (counts[row] for row in sorted(counts))
    return bool(full) and len(set(full)) == 1 and 1 <= last <= full[0]


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


def gap(first: Box, second: Box) -> float:
    """The distance between two boxes' edges, 0 where they touch or overlap."""
    dx = max(first.x - second.right, second.x - first.right, 0.0)
    dy = max(first.y - second.bottom, second.y - first.bottom, 0.0)
    return float((dx * dx + dy * dy) ** 0.5)
