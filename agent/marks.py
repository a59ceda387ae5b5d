"""The widget that a widget file names: its parts in the place of those that would be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from agent.data import Box, Element, Snapshot, Widget
from agent.grids import lattice


def widget(snapshot: Snapshot, find_all: Callable[[Snapshot], Sequence[Widget]]) -> Widget | None:
    """What is marked, on top of what is found; None where nothing is marked that matters."""
    marked = [element for element in snapshot.elements if element.parts]
    if not marked and snapshot.grid == (None, None):
        return None
    bare = tuple(replace(element, parts=()) for element in snapshot.elements)
    found = next(iter(find_all(replace(snapshot, elements=bare, grid=(None, None)))), None)
    changes = _changes(marked)
    if found is None:
        if "area" not in changes or "instruction" not in changes:
            return None
        found = Widget("tiles", "", changes["area"])
    rows, cols = snapshot.grid
    changes["rows"] = rows or changes.get("rows", found.rows)
    changes["cols"] = cols or changes.get("cols", found.cols)
    named = sorted({part for element in marked for part in element.parts})
    evidence = (*found.evidence, *(f"{part} as the widget file says" for part in named))
    return replace(found, evidence=evidence, **changes)


def _changes(marked: Sequence[Element]) -> dict[str, Any]:
    def part(name: str) -> list[Element]:
        return [element for element in marked if name in element.parts]

    changes: dict[str, Any] = {
        name: part(name)[0] for name in ("submit", "reload", "skip", "sample") if part(name)
    }
    if asked := part("instruction"):
        changes |= {"instruction": asked[0].text, "emphasis": asked[0].bold}
    if picture := part("picture"):
        changes |= {"picture": picture[0], "kind": "picture", "area": picture[0].box, "tiles": ()}
    if tiles := part("tiles"):
        grid = lattice(tiles)
        changes["tiles"] = grid.tiles if grid else tuple(tiles)
        changes["area"] = reduce(Box.union, (tile.box for tile in tiles))
        changes["rows"], changes["cols"] = (grid.rows, grid.cols) if grid else (1, len(tiles))
        changes["controls"] = ()
    if controls := part("controls"):
        changes["controls"] = tuple(sorted(controls, key=lambda e: (e.box.y, e.box.x)))
    return changes
