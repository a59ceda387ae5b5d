"""The part of the solving loop that acts: has tiles scored, clicked and submitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent import buttons, clicking, decider, hearing, reading, recognizer, verifier
from agent.changes import is_blank
from agent.data import (
    Click,
    Element,
    Look,
    Picture,
    Reveal,
    Round,
    Score,
    Show,
    Snapshot,
    Verdict,
    Wait,
    Widget,
)
from agent.progress import Challenge, Flow, Run

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
    problem = yield from clicking.click_all(run, challenge, clicking.to_click(challenge))
    if problem is not None:
        return problem
    problem = yield from _answer_replacements(run, challenge)
    if problem is not None:
        return problem
    page, now = yield from _ready(run, challenge)
    if page is None:
        return (yield from hearing.verify(run, challenge, challenge.snapshot, None))
    heard = challenge.heard(page)
    early = verifier.judge(challenge.snapshot, heard, challenge.widget, run.policy.success)
    if early is None or not early.sure:
        early = yield from clicking.left(run, challenge, page)
    if early is not None:
        return early
    submit = _submit(challenge, now or challenge.widget)
    # Of a captcha that is gone no button is pressed that only lies where such buttons do.
    if submit is None or (now is None and not (buttons.submits(submit) and _same(page, submit))):
        return (yield from hearing.verify(run, challenge, challenge.snapshot, None))
    challenge.asked = page
    submit = yield from _in_view(run, challenge, submit)
    yield from run.ask(Click(*submit.box.center))
    return (yield from hearing.verify(run, challenge, page, submit))


def _ready(run: Run, challenge: Challenge) -> Flow:
    """The page and its captcha once its submit can be pressed, or as last seen: some count down.

    Where as many tiles are chosen as were asked for, that may have been the answer: a button that
    only lies where such buttons do is not pressed before the page had time to say so.
    """
    began_s = run.now_s
    limit_s = began_s + run.policy.waits.find_s
    while True:
        page: Snapshot | None = (yield from run.ask(Look())).value
        widget = recognizer.recognize(page, challenge.widget).widget if page else None
        submit = _submit(challenge, widget) if widget else None
        if page is None or widget is None or submit is None or run.now_s > limit_s:
            return page, widget
        guessed = challenge.target.count is not None and not buttons.submits(submit)
        early = guessed and run.silent_s(began_s) <= run.patience_s
        if early and verifier.judge(challenge.snapshot, page, widget, run.policy.success):
            return page, widget
        if not submit.disabled and not early:
            return page, widget
        # What says so may wait for another button to be pressed, which says nothing.
        if submit.disabled and run.silent_s(began_s) > run.patience_s:
            nameless = buttons.nameless(page.elements, widget)
            if nameless is not None:
                return page, replace(widget, submit=nameless)
        yield from run.ask(Wait(run.poll_s))


def _submit(challenge: Challenge, widget: Widget) -> Element | None:
    """What submits the answer: where nothing was chosen, what skips."""
    skips = widget.skip is not None and not challenge.clicked
    return widget.skip if skips else widget.submit


def _in_view(run: Run, challenge: Challenge, button: Element) -> Flow:
    """The button where it is once it can be seen: it may lie in what scrolls in itself."""
    moved = yield from run.ask(Reveal((button,)))
    page: Snapshot | None = (yield from run.ask(Look())).value if moved.value else None
    same = _same(page, button) if page else []
    return min(same, key=lambda e: abs(e.box.x - button.box.x), default=button)


def _same(snapshot: Snapshot, button: Element) -> list[Element]:
    """What may be this button in a later look, which may find it elsewhere."""
    asked = (button.frame, button.role, button.text)
    return [e for e in snapshot.elements if (e.frame, e.role, e.text) == asked]


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
        problem = yield from clicking.click_all(run, challenge, tiles)
        if problem is not None:
            return problem
    return Verdict("error", f"new pictures came for {_MOST_ROUNDS} rounds")


@dataclass
class _Rest:
    """Since when a captcha has not changed, or is gone; by the clock of the observations."""

    quiet_s: float
    before: Widget | None = None

    def lasted(self, widget: Widget | None, run: Run, *, missing: bool) -> bool:
        """Whether `widget` has stood as it is, all loaded, for long enough.

        That is longer where it is gone, or where pictures are `missing` that are expected.
        """
        loaded = widget is None or all(tile.loaded for tile in widget.tiles)
        if widget != self.before or not loaded:
            self.quiet_s, self.before = run.now_s, widget
            return False
        enough_s = run.patience_s if widget is None or missing else _SETTLED_S
        return run.silent_s(self.quiet_s) > enough_s


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
        verdict = verifier.judge(challenge.snapshot, observation.value, old, run.policy.success)
        if verdict is not None and verdict.sure:
            challenge.noted = observation.value
            return set()  # the clicks were the answer: what comes now is another challenge
        now = recognizer.recognize(observation.value, old).widget
        if now is not None and len(now.tiles) != len(old.tiles):
            now = None
        fresh = _others(old, now) if now is not None else set()
        answered = run.silent_s() > _SETTLED_S
        if now is not None and not fresh and not expected and answered:
            return set()
        if rest.lasted(now, run, missing=expected and not fresh):
            if now is not None and fresh:
                captured = yield from reading.capture(run, now.area)
                challenge.widget = replace(old, tiles=now.tiles, controls=now.controls)
                challenge.picture = captured or challenge.picture
            return fresh
        yield from run.ask(Wait(run.poll_s))
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
        if before.source
        and tile.source not in ("", before.source)
        and not clicking.is_chosen(now, index)
    }
