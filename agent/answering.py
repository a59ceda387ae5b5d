"""The part of the solving loop that acts: clicks tiles, submits, sees what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from agent import decider, matching, reading, recognizer, verifier
from agent.changes import changed, is_blank
from agent.data import (
    Action,
    Box,
    Click,
    Element,
    Look,
    Picture,
    Press,
    Round,
    Score,
    Show,
    Snapshot,
    Verdict,
    Wait,
    Widget,
)
from agent.progress import PATIENCE_S, Challenge, Flow, Run, StopError

_LARGEST_FRAME = 3.0  # times a tile's area: what is larger is no frame of it
_MARGIN_CSS = 6.0  # around a tile, where a frame may mark it as chosen
_MOST_ROUNDS = 30  # of pictures that take others' places
_SETTLED_S = 0.6  # without a change, before no more pictures are expected


def choose(run: Run, challenge: Challenge) -> Flow:
    """Have the tiles scored and decide: a Decision."""
    run.stage = "score"
    score = Score(challenge.picture, challenge.grid, challenge.target, challenge.sample)
    observation = yield from run.ask(score)
    challenge.decision = decider.decide(
        observation.value, challenge.target, run.policy.decide.threshold
    )
    yield from run.ask(Show(challenge.picture, challenge.grid, challenge.decision))
    return challenge.decision


def answer(run: Run, challenge: Challenge) -> Flow:
    """Click the chosen tiles, submit, and see what comes of it: a Verdict."""
    run.stage = "click"
    problem = yield from _click_all(run, challenge, _to_click(challenge))
    if problem is not None:
        return problem
    problem = yield from _answer_replacements(run, challenge)
    if problem is not None:
        return problem
    before = yield from run.ask(Look())
    if before.value is None:
        return (yield from _verify(run, challenge, challenge.snapshot, None))
    early = verifier.judge(challenge.snapshot, before.value, challenge.widget, run.policy.success)
    if early is None or not early.sure:
        early = yield from _left(run, challenge, before.value)
    if early is not None:
        return early
    now = recognizer.recognize(before.value, challenge.widget).widget
    widget = now or challenge.widget
    skips = widget.skip is not None and not challenge.clicked
    submit = widget.skip if skips else widget.submit
    if submit is None or (now is None and not _shows(before.value, submit)):
        return (yield from _verify(run, challenge, challenge.snapshot, None))
    challenge.asked = before.value
    yield from run.ask(Click(*submit.box.center))
    return (yield from _verify(run, challenge, before.value, submit))


def _shows(snapshot: Snapshot, button: Element) -> bool:
    return any((e.role, e.text) == (button.role, button.text) for e in snapshot.elements)


def _left(run: Run, challenge: Challenge, now: Snapshot | None = None) -> Flow:
    """A Verdict where another page is shown though the answer was not submitted yet, or None.

    `now` is the latest look where there was one. Raises StopError where none can be taken.
    """
    if challenge.widget.submit is None:
        return None  # clicks are answers
    limit_s = run.now_s + PATIENCE_S
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
        yield from run.ask(Wait(run.policy.waits.poll_s))
        now = None


def _loaded_again(old: Widget, new: Widget) -> Verdict | None:
    """Each click may load a page again that keeps its challenge: then nothing is lost."""
    if not matching.exchanged(old, new):
        return None
    return Verdict("expired", "the page was loaded again before the answer was submitted")


def _to_click(challenge: Challenge) -> list[int]:
    """The tiles whose state must change: a tile may be chosen already when the page opens."""
    assert challenge.decision is not None
    wanted = set(challenge.decision.selected)
    states = [_state(challenge.widget, index) for index in range(len(challenge.widget.tiles))]
    chosen = {index for index, state in enumerate(states) if state}
    if challenge.target.many:
        return sorted(wanted ^ chosen)
    return sorted(wanted - chosen)  # choosing one lets go of the other


def _state(widget: Widget, index: int) -> bool | None:
    """Whether a tile is chosen, where the page tells."""
    if index < len(widget.controls) and widget.controls[index].checked is not None:
        return widget.controls[index].checked
    return widget.tiles[index].checked if index < len(widget.tiles) else None


def _click_all(run: Run, challenge: Challenge, tiles: list[int]) -> Flow:
    """Click tiles one by one, each until it is seen to react; a Verdict where that fails."""
    seen = yield from _watch(run, challenge)
    for index in tiles:
        reacted = yield from _click_tile(run, challenge, index, seen)
        if reacted is None:
            deaf = Verdict("error", f"tile {index + 1} did not change when it was clicked")
            return (yield from _left(run, challenge)) or deaf
        challenge.clicked = (*challenge.clicked, index)
        before, seen = seen, reacted
        challenge.after = seen
        if _all_changed(challenge, seen, before):
            # Nothing is clicked on another page, where the tiles stood on this one.
            lost = yield from _left(run, challenge)
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
        limit_s = run.now_s + run.policy.waits.click_s
        while True:
            now = yield from _reaction(run, challenge, index, seen)
            if now is not None:
                return now
            if run.now_s > limit_s:
                break
            yield from run.ask(Wait(run.policy.waits.poll_s))
        # Its elements may have been made anew: what is tried next is looked up where it is now.
        observation = yield from run.ask(Look())
        if observation.value is not None:
            current = recognizer.recognize(observation.value, challenge.widget).widget
            if current is not None and len(current.tiles) == len(challenge.widget.tiles):
                widget = challenge.widget = replace(
                    challenge.widget, tiles=current.tiles, controls=current.controls
                )
    return None


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
    state = _state(challenge.widget, index)
    now = yield from _watch(run, challenge)
    if now is None:
        return None
    redrawn = seen is None or _tile_changed(challenge, index, now, seen)
    if state is None and redrawn:
        return now
    page: Snapshot | None = (yield from run.ask(Look())).value
    return now if page and _has_reacted(run, challenge, index, page, redrawn=redrawn) else None


def _has_reacted(
    run: Run, challenge: Challenge, index: int, page: Snapshot, *, redrawn: bool
) -> bool:
    """Whether a tile, or the page where clicks are answers, shows that it was clicked."""
    widget = challenge.widget
    if widget.submit is None and verifier.judge(
        challenge.snapshot, page, widget, run.policy.success
    ):
        return True
    current = recognizer.recognize(page, widget).widget
    if current is None:
        return redrawn  # gone: the click was the answer
    return matching.exchanged(widget, current) or _state(current, index) != _state(widget, index)


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


# --- pictures that take others' places ------------------------------------------------------------


def _answer_replacements(run: Run, challenge: Challenge) -> Flow:
    """Where clicked tiles get new pictures, choose among these until none matches."""
    if not challenge.widget.tiles or not challenge.clicked:
        return None
    if challenge.widget.submit is None and not challenge.target.many:
        return None  # the one click was the answer
    tiles = list(challenge.clicked)
    for _ in range(_MOST_ROUNDS):
        assert challenge.decision is not None
        shown = Round(challenge.picture, challenge.decision, tuple(tiles))
        fresh = yield from _replaced(run, challenge)
        if not fresh:
            return None
        challenge.rounds = (*challenge.rounds, shown)
        challenge.target = replace(challenge.target, none_allowed=True)
        decision = yield from choose(run, challenge)
        run.stage = "click"
        tiles = [index for index in decision.selected if index in fresh]
        if not tiles:
            return None
        problem = yield from _click_all(run, challenge, tiles)
        if problem is not None:
            return problem
    return Verdict("error", f"new pictures came for {_MOST_ROUNDS} rounds")


@dataclass
class _Rest:
    """Since when a captcha has not changed, or is gone; by the clock of the observations."""

    quiet_s: float
    before: Widget | None = None

    def lasted(self, widget: Widget | None, now_s: float) -> bool:
        """Whether `widget` has stood as it is, all loaded, or been gone, for long enough."""
        loaded = widget is None or all(tile.loaded for tile in widget.tiles)
        if widget != self.before or not loaded:
            self.quiet_s, self.before = now_s, widget
            return False
        return now_s - self.quiet_s > (_SETTLED_S if widget is not None else PATIENCE_S)


def _replaced(run: Run, challenge: Challenge) -> Flow:
    """The clicked tiles that show other pictures now, once all have settled.

    `challenge` then holds the new pictures.
    """
    old, rest = challenge.widget, _Rest(run.now_s)
    expected = _expects_pictures(challenge)
    limit_s = run.now_s + run.policy.waits.find_s
    while run.now_s < limit_s:
        observation = yield from run.ask(Look())
        if observation.value is None or observation.value.document != challenge.snapshot.document:
            return set()
        now = recognizer.recognize(observation.value, old).widget
        if now is not None and len(now.tiles) != len(old.tiles):
            now = None
        fresh = _others(old, now) if now is not None else set()
        if now is not None and not fresh and not expected:
            return set()
        if rest.lasted(now, run.now_s):
            if now is not None and fresh:
                captured = yield from reading.capture(run, now.area)
                challenge.widget = replace(old, tiles=now.tiles, controls=now.controls)
                challenge.picture = captured or challenge.picture
            return fresh
        yield from run.ask(Wait(run.policy.waits.poll_s))
    return set()


def _expects_pictures(challenge: Challenge) -> bool:
    """Whether clicked tiles are likely to get new pictures: it is said, or some have faded."""
    picture = challenge.after or challenge.picture
    said = challenge.target.none_allowed and challenge.widget.skip is None
    return said or any(_is_faded(challenge, index, picture) for index in challenge.clicked)


def _is_faded(challenge: Challenge, index: int, picture: Picture) -> bool:
    box = challenge.picture.to_css(challenge.grid.boxes[index])
    return is_blank(picture, picture.from_css(box))


def _others(old: Widget, now: Widget) -> set[int]:
    """The tiles whose picture is another, and that are not merely marked as chosen.

    Marked tiles may be found by their controls, which have no picture's address: it tells nothing.
    """
    return {
        index
        for index, (before, tile) in enumerate(zip(old.tiles, now.tiles, strict=True))
        if before.source and tile.source not in ("", before.source) and not _state(now, index)
    }


# --- what came of it ------------------------------------------------------------------------------


@dataclass
class _Hint:
    """A verdict that the page may still take back, and since when it has been given."""

    since_s: float
    verdict: Verdict | None = None

    def settled(self, verdict: Verdict | None, now_s: float) -> Verdict | None:
        """The verdict of a look where it is sure, or has stood long enough; else None."""
        if verdict is not None and verdict.sure:
            return verdict
        if verdict != self.verdict:
            self.verdict, self.since_s = verdict, now_s
        return self.verdict if now_s - self.since_s > PATIENCE_S else None


def _verify(run: Run, challenge: Challenge, before: Snapshot, submit: Element | None) -> Flow:
    """Look until the page has said what came of the answer: a Verdict.

    Where a click on `submit` changed nothing at all, its key is pressed, once.
    """
    run.stage = "verify"
    yield from run.ask(Show())  # the page moves on: what was decided belongs to what is gone
    policy, asked_s = run.policy, run.now_s
    hint = _Hint(asked_s)
    while run.now_s - asked_s <= policy.waits.verify_s:
        late = run.now_s - asked_s > PATIENCE_S
        redrawn = late and (yield from _redrawn(run, challenge))
        # Looked at after the pictures: what the page says of an exchange comes with it.
        observation = yield from run.ask(Look(verifier.selector_of(policy.success)))
        after: Snapshot | None = observation.value
        if after is not None:
            reading.refuse_vendors(after)
            verdict = verifier.judge(before, after, challenge.widget, policy.success)
            settled = hint.settled(verdict, run.now_s)
            if settled is not None:
                return settled
            still = after.elements == before.elements
            if submit and still and run.now_s - asked_s > PATIENCE_S:
                yield from run.ask(Press(submit, "Enter"))
                submit = None
        shown = after is not None and recognizer.recognize(after, challenge.widget).widget
        if redrawn and shown and hint.verdict is None:
            return Verdict("rejected", "the page shows other pictures instead of moving on")
        yield from run.ask(Wait(policy.waits.poll_s))
    return Verdict("unknown", f"the page gave no verdict within {policy.waits.verify_s:g} s")


def _redrawn(run: Run, challenge: Challenge) -> Flow:
    """Whether the tiles were exchanged without a word: a canvas has no address that changes."""
    if challenge.after is None or challenge.widget.tiles:
        return False
    now = yield from reading.capture(run, challenge.widget.area)
    return now is not None and all(
        changed(now, challenge.after, box) for box in challenge.grid.boxes
    )
