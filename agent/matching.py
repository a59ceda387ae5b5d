"""Which captcha of a later look is which of an earlier one, and whether it asks something else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.data import Widget

_SAME_QUESTION = 1.5  # times the weight of the very same place: a neighbour may move up into it


def successor(
    widget: Widget, now: Sequence[Widget], beside: Sequence[Widget] = ()
) -> Widget | None:
    """What stands in the place of `widget` among the captchas that are seen `now`.

    `beside` are the other captchas of the page that `widget` was seen on: what they became is
    not what it became. Where nothing is like `widget`, it is the likeliest of what is left.
    """
    first, *others = _successors((widget, *beside), now)
    return first or next((new for new in now if new not in others), None)


def others(widget: Widget, seen: Sequence[Widget]) -> list[Widget]:
    """The captchas of one look that are not `widget`, which an earlier look may have found."""
    [own] = _successors((widget,), seen)
    return [other for other in seen if other is not own]


def remaining(widget: Widget, beside: Sequence[Widget], now: Sequence[Widget]) -> Widget | None:
    """The first of the captchas `beside` a `widget` that still is there, as it is `now`."""
    found = _successors((widget, *beside), now)[1:]
    return next((new for new in found if new is not None), None)


def exchanged(old: Widget, new: Widget) -> bool:
    """Whether another challenge took the place of one, by its question or its pictures."""
    if _question(old) != _question(new):
        return True
    # Of pictures that are painted no address is known: nothing is told by that.
    before, now = ({tile.source for tile in seen.tiles if tile.source} for seen in (old, new))
    return bool(before and now) and before.isdisjoint(now)


def _successors(old: Sequence[Widget], new: Sequence[Widget]) -> list[Widget | None]:
    """For each of `old` the one of `new` that it became: the likest pairs first, none twice."""
    pairs = sorted(
        ((_likeness(one, two), i, j) for i, one in enumerate(old) for j, two in enumerate(new)),
        key=lambda pair: -pair[0],
    )
    became: dict[int, int] = {}
    for likeness, i, j in pairs:
        if likeness > 0 and i not in became and j not in became.values():
            became[i] = j
    return [new[became[i]] if i in became else None for i in range(len(old))]


def _likeness(old: Widget, new: Widget) -> float:
    """Two captchas are like each other by their place and, more so, by what they ask."""
    shared = new.area.overlap(old.area) / max(min(new.area.area, old.area.area), 1.0)
    return shared + _SAME_QUESTION * (_question(new) == _question(old))


def _question(widget: Widget) -> str:
    """What it asks, without the number of tiles that it may count as they are chosen."""
    return re.sub(r"\d+", "", widget.instruction)
