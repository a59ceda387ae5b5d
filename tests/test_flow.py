"""The solving loop, tried without browser, model or clock."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from agent import flow, runner
from agent.data import Action, Box, Capture, Click, Element, Look, Outcome, Picture, Snapshot
from agent.policy import Policy, check
from tests.conftest import FakePage, Fixed, unwrapped


def solve(page: FakePage, chosen: dict[int, float], **policy: Any) -> Outcome:
    rules = check(policy, where="test") if policy else Policy()
    scorer = Fixed(lambda target: chosen)
    return runner.run(flow.solve(rules, model="fixed"), unwrapped(page), scorer)


SURE = {0: 0.99, 4: 0.98, 8: 0.97}


def test_clicks_the_likely_tiles_and_submits() -> None:
    """The tiles above the threshold are clicked, then the answer is submitted and accepted."""
    page = FakePage()
    outcome = solve(page, SURE)
    assert outcome.solved
    assert outcome.reason == "the page says 'Verified'"
    assert page.answers == [(0, 4, 8)]
    (attempt,) = outcome.attempts
    assert (attempt.grid, attempt.selected, attempt.result) == ((3, 3), (0, 4, 8), "accepted")
    assert attempt.seconds["click"] > 0


def test_a_rejected_answer_is_followed_by_another() -> None:
    """A rejection is data: the next challenge is answered, up to the policy's attempts."""
    page = FakePage(says=["Please try again", "Not quite", "Verified"])
    outcome = solve(page, SURE)
    assert outcome.solved
    assert [a.result for a in outcome.attempts] == ["rejected", "rejected", "accepted"]


def test_attempts_run_out() -> None:
    """After the last attempt the outcome says how many there were and what the page said."""
    outcome = solve(FakePage(says=["Wrong", "Try again"]), SURE, retry={"attempts": 2})
    assert outcome.status == "unsolved"
    assert outcome.reason == "2 of 2 attempts: the page says 'Try again'"
    assert len(outcome.attempts) == 2


def test_stop_on_rejection() -> None:
    """A policy that stops on a rejection makes no second attempt."""
    outcome = solve(FakePage(says=["Wrong"]), SURE, reactions={"rejected": "stop"})
    assert outcome.reason == "rejected: the page says 'Wrong'"
    assert len(outcome.attempts) == 1


class Hasty(FakePage):
    """A page that exchanges its challenge just after it was looked at for the second time."""

    looks: int = 0

    def _perform(self, action: Action) -> Any:
        seen = super()._perform(action)
        if isinstance(action, Look) and action.selector == "" and self.challenge == 0:
            self.looks += 1
            if self.looks == 3:
                self.challenge, self.instruction = 1, "Select all images with a cat"
        return seen


def test_question_and_pictures_are_of_one_challenge() -> None:
    """A challenge exchanged between look and screenshot is read anew, never mixed with the old."""
    asked = []

    def choose(target: Any) -> dict[int, float]:
        asked.append(target.concept)
        return SURE

    outcome = runner.run(flow.solve(Policy(), model="fixed"), unwrapped(Hasty()), Fixed(choose))
    assert [attempt.instruction for attempt in outcome.attempts] == ["Select all images with a cat"]
    assert asked == ["cat"]


def test_unsure_exchanges_the_challenge_instead_of_guessing() -> None:
    """A choice that is less sure than the policy asks for is not submitted but reloaded."""
    page = FakePage()
    outcome = solve(page, dict.fromkeys(range(9), 0.5), limits={"reloads": 2})
    assert [a.result for a in outcome.attempts[:2]] == ["reloaded", "reloaded"]
    assert len(page.answers) == 1  # the reloads are used up: an answer is better than none
    assert page.challenge == 2


def test_unsure_may_stop() -> None:
    """A policy may rather stop than submit an unsure choice; nothing is clicked then."""
    page = FakePage()
    outcome = solve(page, dict.fromkeys(range(9), 0.5), reactions={"unsure": "stop"})
    assert outcome.status == "unsolved"
    assert outcome.reason.startswith("unsure: sure to 0.02 only, the policy asks for 0.5")
    assert page.clicks == 0


def test_expired_is_told_from_rejected() -> None:
    """An expired challenge is its own verdict with its own reaction."""
    page = FakePage(says=["This challenge has expired", "Verified"])
    outcome = solve(page, SURE)
    assert [a.result for a in outcome.attempts] == ["expired", "accepted"]
    assert page.challenge == 2  # one by the page itself, one by the reaction: reload


def test_a_tile_that_does_not_react_is_clicked_itself() -> None:
    """Where a click on a tile's place changes nothing, the element is clicked."""
    page = FakePage(deaf={4})
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


def test_a_button_that_does_not_react_is_clicked_itself() -> None:
    """Where nothing at all follows a click on its place, and nothing its key."""
    page = FakePage(deaf_button=True)
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


def test_a_button_that_counts_down_is_waited_for() -> None:
    """What submits is not clicked as long as it is disabled."""
    page = FakePage(opens_s=4.0)
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]
    assert page.clicks == 4


class Immediate(FakePage):
    """A page that takes `enough` tiles for the answer, says what it thinks of it after a while and
    lets go of them; its only button is for something else.
    """

    enough = 1
    says_at_s = math.inf

    def snapshot(self) -> Snapshot:
        if self.ahead_s > self.says_at_s:
            self.message, self.says_at_s = self.says.pop(0), math.inf
        seen = super().snapshot()
        return replace(
            seen,
            elements=tuple(
                replace(e, text="Remind me on Sunday") if e.text == "Verify" else e
                for e in seen.elements
            ),
        )

    def _click(self, click: Click) -> None:
        super()._click(click)
        if len(self.chosen) == self.enough:
            self.answers.append(tuple(sorted(self.chosen)))
            self.chosen, self.says_at_s = set(), self.ahead_s + 0.05


def test_a_tile_that_is_the_answer() -> None:
    """It is no deaf one where the page says what it thinks and lets go of it at once."""
    page = Immediate(says=["Please try again", "Verified"], instruction="Click the bus")
    page.renews = False
    outcome = solve(page, {4: 0.99})
    assert [a.result for a in outcome.attempts] == ["rejected", "accepted"]
    assert page.answers == [(4,), (4,)]


def test_what_comes_after_an_answer_is_another_challenge() -> None:
    """Pictures that are shuffled once a click was judged are no replacements to choose from."""

    class Shuffling(Immediate):
        def _click(self, click: Click) -> None:
            super()._click(click)
            self.challenge += 1

    page = Shuffling(says=["Please try again"], instruction="Click the buses")
    outcome = solve(page, {4: 0.99}, retry={"attempts": 1})
    assert [a.result for a in outcome.attempts] == ["rejected"]
    assert page.answers == [(4,)]


def test_as_many_tiles_as_were_asked_for_may_be_the_answer() -> None:
    """A button that may be for anything is not clicked before the page could say so."""
    page = Immediate(instruction="Find all three images with a bus")
    page.enough = 3
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]
    assert page.clicks == 3


def test_a_guess_is_not_pressed_once_the_captcha_is_gone() -> None:
    """What only lay where such buttons do is none of a captcha's that gave way to other words."""

    class GivingWay(Immediate):
        def snapshot(self) -> Snapshot:
            seen = super().snapshot()
            if self.message != "Here is your ticket":
                return seen
            left = (
                replace(e, role="text") if e.role == "status" else e
                for e in seen.elements
                if e.text in (self.message, "Remind me on Sunday")
            )
            return replace(seen, elements=tuple(left))

    page = GivingWay(says=["Here is your ticket"], instruction="Find all three images with a bus")
    page.enough = 3
    outcome = solve(page, SURE)
    assert outcome.reason == "the page says 'Here is your ticket' in the captcha's place"
    assert page.answers == [(0, 4, 8)]


class Wordless(FakePage):
    """A page whose button has a sign that cannot be read."""

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        elements = (
            replace(e, text="" if e.role == "button" else e.text, clickable=e.role == "image")
            for e in seen.elements
            if e.text != "New challenge"
        )
        return replace(seen, elements=tuple(elements))


def test_a_button_without_a_word_comes_last() -> None:
    """It is pressed once nothing else has come of the choice."""
    page = Wordless()
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


class Noting(FakePage):
    """Writes what was chosen into a hidden field, or beside the tiles, which stay as they are."""

    aside: str = "token"
    elsewhere: bool = False

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        marked = "".join("ABCDEFGHI"[index] for index in sorted(self.chosen))
        box = Box(20, 2000, 99, 20) if self.elsewhere else Box(20, 404, 99, 20)
        aside = Element(60, 0, self.aside, box, f"Marked: {marked}", source=marked)
        plain = (replace(e, checked=None) for e in seen.elements)
        return replace(seen, elements=(*plain, aside))

    def pixels(self) -> Any:
        chosen, self.chosen = self.chosen, set()
        pixels = super().pixels()
        self.chosen = chosen
        return pixels


@pytest.mark.parametrize("aside", ["token", "text"])
def test_a_choice_that_is_noted_elsewhere(aside: str) -> None:
    """It is seen there, where tiles show nothing; what is far away may be anything."""
    page = Noting()
    page.aside = aside
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


def test_what_is_written_far_away_tells_of_no_choice() -> None:
    """The tile is said to be deaf, then."""
    page = Noting()
    page.aside, page.elsewhere = "text", True
    outcome = solve(page, SURE, retry={"attempts": 1})
    assert outcome.reason == "1 of 1 attempts: tile 1 did not change when it was clicked"


class Unseen(Noting):
    """Checks a radio button that is not shown, and writes nothing."""

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        shown = [e for e in seen.elements if e.id < 60]
        radios = [
            Element(60 + i, 0, "radio", Box(0, 0, 0, 0), checked=i in self.chosen) for i in range(9)
        ]
        return replace(seen, elements=(*shown, *radios))


def test_a_choice_that_only_a_hidden_control_knows() -> None:
    """Tiles that show nothing may stand for radio buttons that are not shown."""
    page = Unseen()
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


class Alerting(FakePage):
    """Takes a tile for the answer, and says in a dialog what it thinks of it; nothing is redrawn.

    As a browser does, it tells of a dialog once.
    """

    dialogs: tuple[str, ...] = ()

    def snapshot(self) -> Snapshot:
        seen, said, self.dialogs = super().snapshot(), self.dialogs, ()
        tiles = (replace(e, clickable=True) for e in seen.elements if e.role != "button")
        return replace(seen, elements=tuple(tiles), dialogs=said)

    def _click(self, click: Click) -> None:
        super()._click(click)
        self.answers.append(tuple(sorted(self.chosen)))
        self.chosen, self.dialogs = set(), ("Wrong answer!",)


def test_what_a_dialog_says_to_a_click_is_the_verdict() -> None:
    """It is not said again once the answer is waited for."""
    page = Alerting(instruction="Select bus")
    outcome = solve(page, {4: 0.99}, retry={"attempts": 1})
    assert outcome.reason == "1 of 1 attempts: a dialog says 'Wrong answer!'"
    assert page.answers == [(4,)]


class Fleeting(FakePage):
    """Says something in green for a moment, and takes back what was chosen."""

    until_s = 0.0

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        shown = [e for e in seen.elements if e.role != "status"]
        if self.ahead_s < self.until_s:
            box = Box(20, 470, 300, 20)
            shown.append(Element(12, 0, "text", box, "Only lemons", tone="good"))
        return replace(seen, elements=tuple(shown))

    def _click(self, click: Click) -> None:
        super()._click(click)
        if self.message:
            self.message, self.until_s = "", self.ahead_s + 0.5


def test_what_was_said_counts_though_the_choice_is_taken_back() -> None:
    """A captcha that is cleared whatever came of the answer says only by its words what did."""
    page = Fleeting(says=["Verified"])
    outcome = solve(page, SURE, retry={"attempts": 1}, waits={"verify_s": 4})
    assert outcome.solved
    assert outcome.reason == "the page says 'Only lemons' in green"


class Waiting(FakePage):
    """A form's button waits for the captcha's own, which says nothing, or has a sign."""

    sign = ""

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        own = Element(60, 0, "button", Box(20, 404, 24, 24), self.sign)
        others = (
            replace(e, text="Create account", box=Box(20, 600, 100, 30), disabled=True)
            if e.text == "Verify"
            else e
            for e in seen.elements
        )
        return replace(seen, elements=(*others, own) if not self.message else seen.elements)

    def _click(self, click: Click) -> None:
        own = click.x_css < 44 and 404 <= click.y_css <= 428
        if own or click.y_css < 404 or click.x_css > 200:
            super()._click(replace(click, x_css=60.0, y_css=440.0) if own else click)


@pytest.mark.parametrize("sign", ["", "\u279c"])
def test_a_button_without_a_word_comes_before_one_that_stays_disabled(sign: str) -> None:
    """A hook beside the tiles submits; what waits for it is not pressed in vain."""
    page = Waiting()
    page.sign = sign
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


class Clearing(FakePage):
    """Takes back what was chosen without a word; only its pixels show that. Or it just sits."""

    sits: bool = False

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        return replace(seen, elements=tuple(replace(e, checked=None) for e in seen.elements))

    def _click(self, click: Click) -> None:
        submits = click.y_css >= 430 and click.x_css < 200
        if not submits:
            super()._click(click)
        elif not self.sits:
            self.answers.append(tuple(sorted(self.chosen)))
            self.chosen = set()


def test_a_choice_that_is_gone_from_the_pictures_was_wrong() -> None:
    """Where nothing else is said; it is asked for once. A page that only sits says nothing."""
    page = Clearing()
    outcome = solve(page, SURE, retry={"attempts": 1}, waits={"verify_s": 4})
    assert outcome.reason == "1 of 1 attempts: the captcha has taken back what was chosen"
    assert page.answers == [(0, 4, 8)]
    page = Clearing()
    page.sits = True
    outcome = solve(page, SURE, retry={"attempts": 1}, waits={"verify_s": 4})
    assert outcome.reason == "1 of 1 attempts: the page gave no verdict within 4 s"


class Growing(FakePage):
    """A page whose tiles come one by one."""

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        shown = 3 + int(self.ahead_s / 0.08)
        later = {1 + i for i in range(9) if i >= shown}
        return replace(seen, elements=tuple(e for e in seen.elements if e.id not in later))


def test_tiles_that_come_one_by_one_are_waited_for() -> None:
    """A grid that still grows is no grid to be answered."""
    page = Growing()
    outcome = solve(page, SURE)
    assert outcome.solved
    assert [attempt.grid for attempt in outcome.attempts] == [(3, 3)]


class Holed(FakePage):
    """A page that lacks a tile in the middle of its last row for most of a second."""

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        elements = (replace(e, clickable=e.role == "image") for e in seen.elements)
        missing = 8 if self.ahead_s < 0.7 else -1
        return replace(seen, elements=tuple(e for e in elements if e.id != missing))


def test_a_hole_in_the_grid_is_waited_for() -> None:
    """What has no tile yet may get one, though nothing was seen to come so far."""
    outcome = solve(Holed(), SURE)
    assert outcome.solved
    assert [attempt.grid for attempt in outcome.attempts] == [(3, 3)]


class Boxed(FakePage):
    """A page whose checkbox is ticked at once and opens the pictures half a second later."""

    ticked_s: float = math.inf

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        ticked = self.ahead_s >= self.ticked_s
        box = Element(20, 0, "checkbox", Box(20, 0, 16, 16), "I'm not a robot", checked=ticked)
        opened = seen.elements if self.ahead_s >= self.ticked_s + 0.5 else ()
        return replace(seen, elements=(box, *opened))

    def _click(self, click: Click) -> None:
        if click.y_css < 16:
            self.ticked_s = self.ahead_s
        else:
            super()._click(click)


def test_a_box_that_is_ticked_may_open_pictures_yet() -> None:
    """That the click itself ticked it is no sign that nothing more is asked."""
    page = Boxed()
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


class Shrinking(FakePage):
    """A page that draws chosen tiles smaller, beside a picture that is larger than all."""

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        smaller = (
            replace(
                e,
                box=e.box.grown(-6) if e.id - 1 in self.chosen else e.box,
                clickable=e.role == "image",
            )
            for e in seen.elements
        )
        beside = Element(30, 0, "image", Box(380, 80, 110, 110), source="sample", clickable=True)
        return replace(seen, elements=(*smaller, beside))


def test_a_tile_that_is_drawn_smaller_was_chosen() -> None:
    """Though the others alone are of one size then."""
    page = Shrinking()
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


def test_replacements_need_not_match() -> None:
    """Of pictures that take the place of chosen ones none has to be chosen, too."""
    page = Replacing()
    scorer = Fixed(lambda target: SURE if not page.exchanged else {})
    outcome = runner.run(flow.solve(Policy(), model="fixed"), unwrapped(page), scorer)
    assert outcome.solved
    assert page.answers == [(0, 4, 8)]


class Replacing(FakePage):
    """Each tile shows another picture once it is clicked, and keeps that one."""

    @property
    def exchanged(self) -> set[int]:
        return self.chosen

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        elements = tuple(
            replace(e, checked=None, source=f"{e.source}{'-new' * (e.id - 1 in self.exchanged)}")
            if e.role == "image"
            else e
            for e in seen.elements
        )
        return replace(seen, elements=elements)

    def _click(self, click: Click) -> None:
        assert not any(
            box.x <= click.x_css <= box.right and box.y <= click.y_css <= box.bottom
            for i, box in enumerate(self.tiles())
            if i in self.chosen
        ), "a picture that does not match was clicked"
        super()._click(click)


class Fading(Replacing):
    """Clicked tiles fade, and show another picture most of a second later; until then the page
    takes no answer."""

    def __init__(self) -> None:
        super().__init__(instruction="Select all images with a bus until there are none left")
        self.clicked_s: dict[int, float] = {}

    @property
    def exchanged(self) -> set[int]:
        return {i for i, at_s in self.clicked_s.items() if self.ahead_s - at_s > 0.9}

    def _click(self, click: Click) -> None:
        fading = any(self.ahead_s - at_s <= 0.9 for at_s in self.clicked_s.values())
        if fading and click.y_css > 430:
            self.message = "Loading"
            return
        before = set(self.chosen)
        super()._click(click)
        self.clicked_s |= dict.fromkeys(self.chosen - before, self.ahead_s)


def test_pictures_that_are_expected_are_waited_for() -> None:
    """Where it is said that clicked tiles get new ones, the last of them may take its time."""
    page = Fading()
    scorer = Fixed(lambda target: SURE if not page.clicked_s else {})
    outcome = runner.run(flow.solve(Policy(), model="fixed"), unwrapped(page), scorer)
    assert outcome.solved
    assert page.answers == [(0, 4, 8)]
    assert len(outcome.attempts) == 1


def test_the_deadline_ends_it() -> None:
    """The policy's deadline holds, whatever the page does, and the outcome says so."""
    outcome = solve(FakePage(says=["Try again"] * 99), SURE,
                    retry={"attempts": 99, "deadline_s": 3, "wait_s": 0})  # fmt: skip
    assert outcome.reason == "the deadline of 3 s has passed"
    assert 3 <= outcome.seconds < 5


def test_no_captcha() -> None:
    """A page without a captcha is an outcome that says what was looked for."""
    outcome = solve(FakePage(instruction="Our favourite places"), SURE, waits={"find_s": 1})
    assert outcome.status == "unsolved"
    assert outcome.reason == (
        "no captcha found on the page 'Form' within 1 s: expected an instruction "
        "such as 'Select all images with a bus' near a grid of pictures"
    )


def test_a_challenge_that_stays_is_exchanged() -> None:
    """Where the page keeps showing what was just rejected, another challenge is asked for."""
    page = FakePage(says=["Wrong"], renews=False)
    assert solve(page, SURE).solved
    assert page.challenge == 1  # by the reload button alone
    assert len(page.answers) == 2


def test_nothing_is_clicked_twice() -> None:
    """Tiles that are chosen already when the page opens are left alone."""
    page = FakePage(chosen={0})
    assert solve(page, SURE).solved
    assert page.answers == [(0, 4, 8)]


class Marked(FakePage):
    """A page whose tiles are found by their controls, without addresses, once one is marked."""

    def snapshot(self) -> Any:
        seen = super().snapshot()
        if not self.chosen:
            return seen
        elements = tuple(replace(element, source="") for element in seen.elements)
        return replace(seen, elements=elements)


def test_marked_tiles_are_no_new_pictures() -> None:
    """A decision is made once a challenge: what was clicked is not taken for a fresh picture."""
    asked = []

    def choose(target: Any) -> dict[int, float]:
        asked.append(target.concept)
        return SURE

    outcome = runner.run(flow.solve(Policy(), model="m"), unwrapped(Marked()), Fixed(choose))
    assert outcome.solved
    assert asked == ["bus"]
    assert outcome.attempts[0].rounds == ()


@pytest.mark.parametrize(
    ("instruction", "answer"),
    [("Select all images without a bus", (1, 2, 3, 5, 6, 7)), ("Click the image with a key", (0,))],
)
def test_negation_and_one(instruction: str, answer: tuple[int, ...]) -> None:
    """Everything except, and only one, are read from the instruction."""
    page = FakePage(instruction=instruction)
    assert solve(page, SURE, decide={"sure": 0}).solved
    assert page.answers == [answer]


class Beside(FakePage):
    """A page with a second captcha 400 px to the right of the first."""

    second: FakePage

    def snapshot(self) -> Snapshot:
        own = super().snapshot()
        moved = (
            replace(e, id=e.id + 100, box=e.box.moved(400, 0))
            for e in self.second.snapshot().elements
        )
        return replace(own, elements=(*own.elements, *moved))

    def _perform(self, action: Action) -> Any:
        if isinstance(action, Capture) and action.box.x >= 400:
            return Picture(self.second.pixels(), action.box, 1.0)
        if isinstance(action, Click) and action.x_css >= 400:
            return self.second._click(replace(action, x_css=action.x_css - 400))
        return super()._perform(action)


def test_two_captchas_are_both_solved() -> None:
    """Once one is accepted the other is answered, too, each with its own tiles."""
    page = Beside()
    page.second = FakePage(instruction="Select all images with a cat")
    right = {"bus": {0: 0.99, 4: 0.98}, "cat": {2: 0.99}}
    scorer = Fixed(lambda target: right[target.concept])
    outcome = runner.run(flow.solve(Policy(), model="fixed"), unwrapped(page), scorer)
    assert outcome.solved, outcome.reason
    assert [attempt.result for attempt in outcome.attempts] == ["accepted", "accepted"]
    assert (page.answers, page.second.answers) == ([(0, 4)], [(2,)])


class Typed(FakePage):
    """A page that asks for characters beside its pictures."""

    def snapshot(self) -> Snapshot:
        own = super().snapshot()
        ask = Element(50, 0, "text", Box(500, 20, 300, 20), "Type the characters you see")
        picture = Element(51, 0, "image", Box(500, 50, 160, 50))
        field = Element(52, 0, "input", Box(500, 110, 160, 20), "Characters")
        return replace(own, elements=(*own.elements, ask, picture, field))


def test_one_that_is_not_solved_is_named_beside() -> None:
    """A captcha of another kind that stands beside the solved one is told."""
    outcome = solve(Typed(), SURE)
    assert outcome.solved
    assert outcome.reason == (
        "the page says 'Verified'; left beside it: this captcha is a text captcha (characters to "
        "be typed) ('Type the characters you see'): only captchas that ask for pictures of "
        "something are solved"
    )
