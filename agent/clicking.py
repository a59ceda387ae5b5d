"""Clicks tiles, each until it is seen to have reacted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from agent import matching, reading, recognizer, verifier
from agent.changes import changed
from agent.data import (
    Action,
    Box,
    Click,
    Element,
    Look,
    Picture,
    Press,
    Snapshot,
    Verdict,
    Wait,
    Widget,
)
from agent.grids import gap
from agent.progress import Challenge, Flow, Run, StopError

_LARGEST_FRAME = 3.0  # times a tile's area: what is larger is no frame of it
_IN_PLACE = 0.5  # of a tile that something drawn in its place covers
_NOTED_CSS = 120.0  # from the tiles to what a page writes of their choice
_DIGITS = re.compile(r"(?<!\w)\d+(?!\w)")
_MARGIN_CSS = 6.0  # around a tile, where a frame may mark it as chosen


def to_click(challenge: Challenge) -> list[int]:
    """The tiles whose state must change: a tile may be chosen already when the page opens."""
    assert challenge.decision is not None
    wanted = set(challenge.decision.selected)
    states = [is_chosen(challenge.widget, index) for index in range(len(challenge.widget.tiles))]
    chosen = {index for index, state in enumerate(states) if state}
    if challenge.target.many:
        return sorted(wanted ^ chosen)
    return sorted(wanted - chosen)  # choosing one lets go of the other


def click_all(run: Run, challenge: Challenge, tiles: list[int]) -> Flow:
    """Click tiles one by one, each until it is seen to react; a Verdict where that fails."""
    seen = yield from _watch(run, challenge)
    for index in tiles:
        reacted = yield from _click_tile(run, challenge, index, seen)
        if reacted is None:
            deaf = Verdict("error", f"tile {index + 1} did not change when it was clicked")
            return (yield from left(run, challenge)) or deaf
        challenge.clicked = (*challenge.clicked, index)
        before, seen = seen, reacted
        challenge.after = seen
        if _all_changed(challenge, seen, before):
            # Nothing is clicked on another page, where the tiles stood on this one.
            lost = yield from left(run, challenge)
            if lost is not None:
                return lost
    challenge.after = seen
    return None


def _all_changed(challenge: Challenge, now: Picture, before: Picture | None) -> bool:
    """Whether every tile looks other than before: more than a click on one does."""
    tiles = range(len(challenge.grid.boxes))
    return before is None or all(_tile_changed(challenge, i, now, before) for i in tiles)


def _watch(run: Run, challenge: Challenge) -> Flow:
    """A Picture of the tiles with what is close around them, or None."""
    area = challenge.widget.area
    for index in range(len(challenge.widget.tiles)):
        area = area.union(_reach(challenge, index))
    return (yield from reading.capture(run, area))


def _click_tile(run: Run, challenge: Challenge, index: int, seen: Picture | None) -> Flow:
    """Act on one tile until it is seen to react; returns the Picture then, or None."""
    widget = challenge.widget
    for action in _ways(challenge, widget, index):
        yield from run.ask(action)
        now, page = yield from _wait_for_reaction(run, challenge, index, seen)
        if now is not None:
            return now
        # Its elements may have been made anew: what is tried next is looked up where it is now.
        current = recognizer.recognize(page, challenge.widget).widget if page else None
        if current is not None and len(current.tiles) == len(challenge.widget.tiles):
            widget = challenge.widget = replace(
                challenge.widget, tiles=current.tiles, controls=current.controls
            )
    return None


def _wait_for_reaction(run: Run, challenge: Challenge, index: int, seen: Picture | None) -> Flow:
    """The Picture once a tile has reacted, and the look at which nothing more was waited for: one
    of the two is None.
    """
    waits, began_s = run.policy.waits, run.now_s
    while True:
        now = yield from _reaction(run, challenge, index, seen)
        if now is not None:
            return now, None
        spent_s = run.now_s - began_s
        if spent_s > waits.click_s:
            page: Snapshot | None = (yield from run.ask(Look())).value
            answered = run.silent_s() > waits.click_s
            if page is None or answered or spent_s > waits.verify_s:
                return None, page
        yield from run.ask(Wait(run.poll_s))


def _ways(challenge: Challenge, widget: Widget, index: int) -> Iterator[Action]:
    """What may choose a tile, in the order in which it is tried."""
    center = challenge.picture.to_css(challenge.grid.boxes[index]).center
    control = widget.controls[index] if index < len(widget.controls) else None
    if control is not None:
        yield Click(*control.box.center)
    if control is None or control.role != "button":
        yield Click(*center)
    if index >= len(widget.tiles):
        return
    tile = challenge.widget.tiles[index]
    owner = control or _owner(challenge.snapshot, tile) or tile
    yield Press(owner, "Space")
    yield Press(owner, "Enter")
    yield Click(*center, element=tile)


def _owner(snapshot: Snapshot, tile: Element) -> Element | None:
    """The control around a picture."""
    return next(
        (e for e in snapshot.elements if (e.frame, e.id) == (tile.frame, tile.parent)), None
    )


def _reaction(run: Run, challenge: Challenge, index: int, seen: Picture | None) -> Flow:
    """The Picture after a tile has reacted, by its state where the page tells it; else None.

    Pixels tell where no state is known: they may change without a choice, by a focus ring.
    """
    state = is_chosen(challenge.widget, index)
    now = yield from _watch(run, challenge)
    if now is None:
        return None
    redrawn = seen is None or _tile_changed(challenge, index, now, seen)
    if state is None and redrawn:
        return now
    page: Snapshot | None = (yield from run.ask(Look())).value
    if page is None or not _has_reacted(run, challenge, index, page, redrawn=redrawn):
        return None
    challenge.noted = page
    return now


def _has_reacted(
    run: Run, challenge: Challenge, index: int, page: Snapshot, *, redrawn: bool
) -> bool:
    """Whether a tile, or the page where clicks are answers, shows that it was clicked."""
    widget = challenge.widget
    verdict = verifier.judge(challenge.snapshot, page, widget, run.policy.success)
    if verdict is not None and (widget.submit is None or verdict.sure):
        return True  # the click was the answer
    current = recognizer.recognize(page, widget).widget
    if current is None:
        return redrawn  # gone: the click was the answer
    state = _state_now(widget, index, current, page)
    told = state != is_chosen(widget, index) or _words(widget, index) != _words(current, index)
    if told or matching.exchanged(widget, current):
        return True
    last = challenge.noted or challenge.snapshot
    return state is None and _notes(last, widget) != _notes(page, widget)


def _notes(page: Snapshot, widget: Widget) -> set[str]:
    """What a page notes down elsewhere: in a hidden field, in radio buttons or checkboxes that are
    not shown, or in words close to the tiles ("You marked: B1"). A number alone may be a clock's.
    """
    unseen = [e for e in page.elements if e.role in ("radio", "checkbox") and not e.box.area]
    return {f"{number} is checked" for number, e in enumerate(unseen) if e.checked} | {
        e.source if e.role == "token" else _DIGITS.sub("", e.text)
        for e in page.elements
        if e.role == "token"
        or (e.role in ("text", "status") and gap(e.box, widget.area) <= _NOTED_CSS)
    }


def _words(widget: Widget, index: int) -> str:
    """What the control of a tile says: "choose", then "chosen"."""
    return widget.controls[index].text if index < len(widget.controls) else ""


def _state_now(widget: Widget, index: int, current: Widget, page: Snapshot) -> bool | None:
    """Whether a tile is chosen now. One that is drawn smaller since may be no part of the grid any
    more: then what lies in its place tells.
    """
    if len(current.tiles) == len(widget.tiles) or index >= len(widget.tiles):
        return is_chosen(current, index)
    tile = widget.tiles[index]
    there = (
        e.checked
        for e in page.elements
        if (e.frame, e.role) == (tile.frame, tile.role)
        and e.box.overlap(tile.box) > _IN_PLACE * tile.box.area
    )
    return next(there, None)


def _tile_changed(challenge: Challenge, index: int, now: Picture, seen: Picture) -> bool:
    return changed(now, seen, now.from_css(_reach(challenge, index)))


def _reach(challenge: Challenge, index: int) -> Box:
    """Where a tile shows that it is chosen: itself, its frame, and close around it."""
    box = challenge.picture.to_css(challenge.grid.boxes[index])
    if index >= len(challenge.widget.tiles):
        return box
    frame = _owner(challenge.snapshot, challenge.widget.tiles[index])
    if frame is not None and frame.box.area < _LARGEST_FRAME * box.area:
        box = box.union(frame.box)
    return box.grown(_MARGIN_CSS)


def is_chosen(widget: Widget, index: int) -> bool | None:
    """Whether a tile is chosen, where the page tells."""
    if index < len(widget.controls) and widget.controls[index].checked is not None:
        return widget.controls[index].checked
    return widget.tiles[index].checked if index < len(widget.tiles) else None


def left(run: Run, challenge: Challenge, now: Snapshot | None = None) -> Flow:
    """A Verdict where another page is shown though the answer was not submitted yet, or None.

    `now` is the latest look where there was one. Raises StopError where none can be taken.
    """
    if challenge.widget.submit is None:
        return None  # clicks are answers
    limit_s = run.now_s + run.patience_s
    while True:
        problem = ""
        if now is None:
            observation = yield from run.ask(Look())
            now, problem = observation.value, observation.error
        if now is not None:
            if now.document == challenge.snapshot.document:
                return None
            widget = recognizer.recognize(now, challenge.widget).widget
            if widget is not None:
                return _loaded_again(challenge.widget, widget)
        if run.now_s > limit_s:  # a page that is loaded again shows its captcha after a while
            if now is None:
                raise StopError(f"the page could not be looked at: {problem}")
            return Verdict(
                "navigation_lost",
                "the page was left for another one before the answer was submitted",
            )
        yield from run.ask(Wait(run.poll_s))
        now = None


def _loaded_again(old: Widget, new: Widget) -> Verdict | None:
    """Each click may load a page again that keeps its challenge: then nothing is lost."""
    if not matching.exchanged(old, new):
        return None
    return Verdict("expired", "the page was loaded again before the answer was submitted")
