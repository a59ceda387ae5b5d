"""The part of the solving loop that looks: from the page to a challenge that can be answered."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent import buttons, instruction, matching, painted, recognizer, segmenter, vendors, verifier
from agent.changes import has_blank, same_challenge
from agent.data import (
    Box,
    Capture,
    Click,
    Element,
    Enlarge,
    Grid,
    Look,
    Picture,
    Read,
    Reveal,
    Show,
    Sight,
    Snapshot,
    Target,
    Wait,
    Widget,
)
from agent.errors import ScopeError, UsageError
from agent.progress import Challenge, Flow, PassedError, Run, StopError

_LEAST_LOOKS = 5  # on a machine where each takes seconds, before nothing is said to be there
_ROOM = 2.0  # times the height of the pictures: with what stands above and below them
_BESIDE_CSS = 20.0  # from an opener's words to the middle of a checkbox that is drawn
_OPENINGS = 3  # of a captcha that closes again
_LEAST_SURE = 0.3  # of what pixels tell of the tiles, where the page tells of them, too


def read_challenge(run: Run, last: Challenge | None) -> Flow:
    """Wait for a captcha with its pictures loaded, and read it; None where only a reload helps.

    `last` is the challenge that was dealt with before: the same one is not read again.
    """
    run.stage = "find"
    yield from run.ask(Show())
    snapshot, widget = yield from find(run)
    began_s, problem = run.now_s, "its pictures did not load"
    while True:
        run.stage = "capture"
        sample = (yield from capture(run, widget.sample.box)) if widget.sample else None
        picture = yield from capture(run, widget.area)
        run.stage = "split"
        if picture is not None and not (last and same_challenge(picture, last.picture, last.grid)):
            grid = split(picture, widget)
            if len(grid.boxes) < 2:
                problem = "no grid of tiles was seen in its picture"
            elif not has_blank(picture, grid) and (yield from _still_there(run, widget)):
                target = _target(widget)
                if sample is not None or not target.reference:
                    return Challenge(snapshot, widget, target, picture, grid, sample)
                problem = f"no sample picture was found near {widget.instruction!r}"
        elif picture is not None and (
            run.silent_s(began_s) > run.patience_s or run.now_s - began_s > run.policy.waits.find_s
        ):
            return None  # the page keeps what was dealt with: the same answer would not help
        if run.now_s - began_s > run.policy.waits.find_s:
            raise StopError(f"the captcha can't be read: {problem} within {_limit(run)}")
        run.stage = "capture"
        yield from run.ask(Wait(run.poll_s))
        snapshot, widget = yield from find(run)


@dataclass
class _Search:
    """What a search for the captcha remembers from look to look."""

    began_s: float
    limit_s: float
    looks: int = 0
    before: object = None
    tiles: int = 0
    grown_s: float | None = None  # when other tiles came to those that were there
    failing_s: float | None = None
    read: bool = False
    unread: str = ""


def find(run: Run) -> Flow:
    """Look until the same captcha is seen twice, in view, with all pictures loaded.

    Returns (Snapshot, Widget). A captcha that is closed is opened first. Raises StopError where
    there is none or only one that is not solved, PassedError where it is solved already.
    """
    search = _Search(run.now_s, run.now_s + run.policy.waits.find_s)
    run.painted = ()  # another challenge may have another instruction painted in the same place
    while True:
        search.looks += 1
        observation = yield from run.ask(Look())
        snapshot: Snapshot | None = observation.value
        if snapshot is not None:
            refuse_vendors(snapshot)
            widget = yield from _consider(run, search, snapshot)
            if widget is not None:
                run.seen = widget
                return snapshot, widget
        elif run.now_s > search.limit_s:
            raise StopError(f"the page could not be looked at: {observation.error}")
        yield from run.ask(Wait(run.poll_s))


def _consider(run: Run, search: _Search, snapshot: Snapshot) -> Flow:
    """The captcha of a look if it can be read now; else None, after what helps it was done."""
    sight = recognizer.recognize(snapshot, run.seen)
    widget = sight.widget
    late = run.now_s > search.limit_s - run.patience_s
    ready = widget is not None and all(_has_loaded(shown, late) for shown in widget.pictures)
    if widget is None:
        waited = run.now_s - search.began_s > run.patience_s
        if sight.what == "nothing" and waited and not search.read:
            acted = yield from _read_pictures(run, search, snapshot)
        else:
            acted = yield from _act_on(run, sight, seen_before=search.before == sight)
        search.before = sight
        if acted:
            search.limit_s = run.now_s + run.policy.waits.find_s
    elif ready:
        if (yield from _is_at_rest(run, search, widget)):
            return widget
    elif any(picture.failed for picture in widget.pictures):
        yield from _exchange_failed(run, search, widget)
    enough = (3 if ready else 1) * _LEAST_LOOKS
    if run.now_s > search.limit_s and search.looks >= enough:
        raise StopError(_not_found(run, snapshot, sight, search.unread))
    return None


def _read_pictures(run: Run, search: _Search, snapshot: Snapshot) -> Flow:
    """Read what may be painted into pictures, once a search; whether anything was read."""
    search.read = True
    for element in painted.suspects(snapshot):
        picture = yield from capture(run, element.box)
        if picture is None:
            continue
        observation = yield from run.ask(Read(picture))
        if observation.value is None:
            search.unread = f"; it may be painted into a picture: {observation.error}"
            return False
        run.painted += (painted.painted(element, picture, observation.value),)
    return any(one.texts for one in run.painted)


def _has_loaded(shown: Element, late: bool) -> bool:
    """Whether a picture is there. A box that is still without one when it is `late` is drawn by
    other means.
    """
    return shown.loaded or (late and shown.role == "button" and not shown.failed)


def _is_at_rest(run: Run, search: _Search, widget: Widget) -> Flow:
    """Whether the captcha stands where the look before saw it, and nothing of it is out of view.

    Where its tiles come one by one, or its grid has a hole, more may be on their way.
    """
    key = (widget.area, widget.instruction, len(widget.tiles))
    if len(widget.tiles) != search.tiles and (search.tiles or _has_hole(widget)):
        search.grown_s = run.now_s
    search.tiles = len(widget.tiles)
    growing = search.grown_s is not None and run.silent_s(search.grown_s) < run.patience_s
    if search.before == key and not growing:
        moved = yield from run.ask(Reveal(widget.anchors))
        if not moved.value and not (yield from _makes_room(run, widget)):
            return True
    search.before = key
    return False


def _has_hole(widget: Widget) -> bool:
    """Whether its tiles fill no rectangle: too few, or one row of them that do not stand in it."""
    centers = [tile.box.center[1] for tile in widget.tiles]
    rows, cols = widget.rows or 0, widget.cols or 0
    in_rows = rows != 1 or max(centers) - min(centers) < widget.tiles[0].box.height / 2
    return bool(widget.tiles) and (len(widget.tiles) < rows * cols or not in_rows)


def _makes_room(run: Run, widget: Widget) -> Flow:
    """Whether the window had to grow: what lies over the page does not scroll with it."""
    if not widget.pictures[0].layer:
        return False
    height = widget.area.height
    return (yield from run.ask(Enlarge(height, _ROOM * height))).value


def _exchange_failed(run: Run, search: _Search, widget: Widget) -> Flow:
    """Ask for other pictures once it is clear that some of these do not come."""
    search.failing_s = run.now_s if search.failing_s is None else search.failing_s
    waited = run.silent_s(search.failing_s) > run.patience_s
    if waited and (yield from _exchange(run, widget)):
        search.failing_s = None
        search.limit_s = run.now_s + run.policy.waits.find_s


def refuse_vendors(snapshot: Snapshot) -> None:
    """Raise ScopeError where the page shows a vendor's widget with a key that is for no test."""
    found = vendors.embedded(snapshot)
    if found is not None and found.test is None:
        raise ScopeError(vendors.refusal(found))


def _act_on(run: Run, sight: Sight, *, seen_before: bool) -> Flow:
    """Deal with a page that shows no pictures; whether something was done about it."""
    if not seen_before:
        return False
    if sight.what == "solved" and not run.attempts:
        raise PassedError(f"already solved: {sight.reason}" if not run.opened else sight.reason)
    if sight.what == "unsupported":
        raise StopError(sight.reason)
    if sight.what == "opener" and sight.opener is not None and run.opened < _OPENINGS:
        run.opened += 1
        before = yield from run.ask(Look())
        yield from run.ask(Reveal((sight.opener,)))
        yield from _press_opener(run)
        yield from _wait_for_opening(run, before.value)
        return True
    return False


def _press_opener(run: Run) -> Flow:
    """Click the opener where it is now: it may have been scrolled."""
    observation = yield from run.ask(Look())
    sight = recognizer.recognize(observation.value) if observation.value else Sight("nothing")
    if sight.opener is not None:
        x, y = _where_it_opens(sight.opener, run.opened)
        others = (e for e in observation.value.elements if e != sight.opener)
        if any(_is_another_control(e, x, y) for e in others):
            x, y = sight.opener.box.center
        yield from run.ask(Click(x, y))


def _where_it_opens(opener: Element, time: int) -> tuple[float, float]:
    """Where to click what opens a captcha, the first time or later: its checkbox may be drawn at
    its start, or beside its words, and be all that can be clicked.
    """
    box, (x, y) = opener.box, opener.box.center
    if time == 1:
        return x, y
    if opener.role != "text":
        return min(x, box.x + box.height / 2), y
    return (box.x if time == 2 else box.right + 2 * _BESIDE_CSS) - _BESIDE_CSS, y


def _is_another_control(element: Element, x: float, y: float) -> bool:
    """Whether a click there would do something of its own: send the form, lead to another page."""
    box = element.box
    there = box.x <= x <= box.right and box.y <= y <= box.bottom
    named = element.role == "button" and bool(element.text)  # a drawn checkbox has no words
    return there and (named or element.role in ("link", "input"))


def _wait_for_opening(run: Run, before: Snapshot | None) -> Flow:
    """Look until pictures appear, or the page lets pass for the click alone."""
    began_s = run.now_s
    while run.now_s < began_s + run.policy.waits.find_s:
        yield from run.ask(Wait(run.poll_s))
        observation = yield from run.ask(Look(verifier.selector_of(run.policy.success)))
        if observation.value is None:
            continue
        what = recognizer.recognize(observation.value).what
        # The click itself checks the box: what that opens may take a moment.
        if what == "solved" and run.silent_s(began_s) < run.patience_s:
            continue
        if what not in ("opener", "nothing"):
            return
        if before is not None:
            verdict = verifier.passed(before, observation.value, run.policy.success)
            if verdict is not None:
                raise PassedError(f"after a click on the checkbox {verdict.reason}")


def _exchange(run: Run, widget: Widget) -> Flow:
    """Ask for other pictures where some have failed; whether that could be done."""
    if widget.reload is None or not run.count_reload():
        return False
    yield from run.ask(Click(*widget.reload.box.center))
    return True


def _not_found(run: Run, snapshot: Snapshot, sight: Sight, unread: str) -> str:
    widget = sight.widget
    if widget is not None:
        missing = sum(not picture.loaded for picture in widget.pictures)
        if not missing:
            return f"the captcha did not come to rest within {_limit(run)}"
        return f"{missing} of {len(widget.pictures)} pictures did not load within {_limit(run)}"
    if sight.what == "opener":
        return f"the captcha stays closed: {sight.reason}, no pictures within {_limit(run)}"
    trouble = verifier.trouble(snapshot)
    if run.seen is not None:
        silent = ", and the page does not say what came of it"
        return f"the captcha went away{': ' + trouble if trouble else silent}"
    expected = (
        "expected an instruction such as 'Select all images with a bus' near a grid of pictures"
    )
    return (
        f"no captcha found on the page {snapshot.title!r} within {_limit(run)}: "
        f"{trouble or expected + unread}"
    )


def _limit(run: Run) -> str:
    return f"{run.policy.waits.find_s:g} s"


def _target(widget: Widget) -> Target:
    """What the widget asks for: read of the last look, which may show another question."""
    try:
        target = instruction.read(widget.instruction, emphasis=widget.emphasis)
    except UsageError as error:
        raise StopError(str(error)) from error
    of_one_group = bool(widget.controls) and widget.controls[0].role == "radio"
    at_once = widget.submit is None and buttons.answer_at_once(widget.controls)
    if of_one_group or at_once:
        target = replace(target, many=False)
    if widget.skip is not None:
        target = replace(target, none_allowed=True)
    if widget.picture is not None and widget.tiles:
        target = replace(target, squares=True)
    return target


def _still_there(run: Run, widget: Widget) -> Flow:
    """Whether the page shows `widget` after its capture, too: else question and picture of two
    challenges might be taken for one.
    """
    observation = yield from run.ask(Look())
    if observation.value is None:
        return False
    now = recognizer.recognize(observation.value, widget).widget
    return now is not None and now.area == widget.area and not matching.exchanged(widget, now)


def capture(run: Run, box: Box) -> Flow:
    """A Picture of a part of the page, or None where the page did not let it be taken."""
    return (yield from run.ask(Capture(box))).value


def split(picture: Picture, widget: Widget) -> Grid:
    """The tiles by their pixels; by the page's own boxes where the pixels contradict them or tell
    nothing, as of pictures that lie about.
    """
    if not widget.tiles:
        return segmenter.split(picture.pixels, rows=widget.rows, cols=widget.cols)
    left, top = picture.box.x, picture.box.y
    boxes = tuple(tile.box.moved(-left, -top).scaled(picture.scale) for tile in widget.tiles)
    rows, cols = widget.rows or 1, widget.cols or 1
    if rows * cols == len(boxes) and min(rows, cols) > 1:
        grid = segmenter.split(picture.pixels, rows=rows, cols=cols)
        if grid.confidence >= _LEAST_SURE and all(
            seen.overlap(told) > 0.5 * told.area
            for seen, told in zip(grid.boxes, boxes, strict=True)
        ):
            return grid
    return Grid(rows, cols, boxes)
