"""What a page shows: a captcha, a closed, a solved, an unsupported one, two of them, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent import finder, flow, recognizer, runner
from agent.data import Action, Box, Click, Element, Outcome, Snapshot
from agent.policy import check
from tests.conftest import FakePage, Fixed, unwrapped
from tests.snapshots.save import load
from tests.test_finder import ASKS, VERIFY, snapshot, tiles

UNSUPPORTED = load("unsupported")
SAID = yaml.safe_load(Path(__file__).with_name("unsupported.yaml").read_text(encoding="utf-8"))
NAMES = {
    "text": "a text captcha (characters to be typed)", "arithmetic": "a sum to be worked out",
    "slider": "a slider", "rotation": "a picture to be rotated",
    "puzzle": "a puzzle of pieces to be moved", "order": "pictures to be clicked in an order",
    "count": "things to be counted", "comparison": "pictures to be compared with each other",
    "audio": "a sound to be listened to", "work": "a proof of work (nothing is asked)",
}  # fmt: skip


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported_captchas_are_named(name: str) -> None:
    """What can't be solved is said by its name, with the words by which it is known."""
    sight = recognizer.recognize(UNSUPPORTED[name])
    assert sight.what == "unsupported", sight
    assert sight.reason.startswith(f"this captcha is {NAMES[name]} (")
    assert sight.reason.endswith("only captchas that ask for pictures of something are solved")


@pytest.mark.parametrize("language", SAID)
def test_unsupported_captchas_in_thirteen_languages(language: str) -> None:
    """They are named by what they say; an ordinary page beside the same things is none."""
    named = {text: kind for kind, texts in SAID[language].items() for text in texts}
    roles = ("image", "audio", "slider", "input", "button")
    shown = [
        Element(10 + row, 0, role, Box(20, 100 + 40 * row, 200, 38))
        for row, role in enumerate(roles)
    ]
    guard = Element(2, 0, "text", Box(20, 20, 300, 20), "Captcha")
    wrong = {}
    for text, kind in named.items():
        says = Element(1, 0, "text", Box(20, 60, 600, 24), text)
        sight = recognizer.recognize(snapshot(says, *shown, *([] if kind == "none" else [guard])))
        expected = "" if kind == "none" else f"this captcha is {NAMES[kind]} ({text!r})"
        if not sight.reason.startswith(expected) or (not expected and sight.reason):
            wrong[text] = sight.reason
    assert wrong == {}


def test_no_instruction_is_taken_for_an_unsupported_one() -> None:
    """ "In order to continue" asks for no order."""
    asks = replace(ASKS, text="Select all images with a bus in order to continue")
    assert recognizer.recognize(snapshot(asks, *tiles(3, 3), VERIFY)).what == "widget"
    asks = replace(ASKS, text="Click the pictures with a bus in order of size")
    assert recognizer.recognize(snapshot(asks, *tiles(3, 3), VERIFY)).what == "unsupported"


class Shows(FakePage):
    """A page that shows a fixed Snapshot, and counts what is clicked, and where."""

    seen: Snapshot
    places: tuple[tuple[float, float], ...] = ()

    def _perform(self, action: Action) -> Any:
        if isinstance(action, Click):
            self.clicks += 1
            self.places += ((action.x_css, action.y_css),)
        value = super()._perform(action) if not isinstance(action, Click) else None
        return self.seen if isinstance(value, Snapshot) else value


def solve(page: FakePage, **policy: Any) -> Outcome:
    rules = check({"waits": {"find_s": 2, "verify_s": 2}, **policy}, where="test")
    scorer = Fixed(lambda target: {0: 0.99, 4: 0.98})
    return runner.run(flow.solve(rules, model="fixed"), unwrapped(page), scorer)


def shows(seen: Snapshot) -> Shows:
    page = Shows()
    page.seen = seen
    return page


@pytest.mark.parametrize("name", ["slider", "order"])
def test_nothing_is_clicked_on_an_unsupported_captcha(name: str) -> None:
    """Its name is the reason of the outcome, and the page is left as it is."""
    page = shows(UNSUPPORTED[name])
    outcome = solve(page)
    assert (outcome.status, page.clicks) == ("unsolved", 0)
    assert outcome.reason.startswith(f"this captcha is {NAMES[name]}")


def test_solved_already() -> None:
    """A captcha that was passed before is not answered again."""
    token = Element(80, 0, "token", Box(0, 0, 0, 0), "captcha_token", checked=True)
    page = shows(snapshot(token))
    outcome = solve(page)
    assert (outcome.status, page.clicks) == ("solved", 0)
    assert outcome.reason == (
        "already solved: the hidden field 'captcha_token' is filled in already"
    )
    robot = Element(1, 0, "checkbox", Box(9, 9, 20, 20), "I'm not a robot", checked=True)
    assert recognizer.recognize(snapshot(robot)).what == "solved"
    which = replace(token, text="captcha_sid")  # says which captcha it is, not what was answered
    assert recognizer.recognize(snapshot(which)).what == "nothing"


def test_a_checkbox_is_called_what_stands_beside_it() -> None:
    """One without a name of its own opens a captcha, or was checked, by the words in its row."""
    robot = Element(1, 0, "checkbox", Box(20, 20, 26, 26), checked=False)
    beside = Element(2, 0, "text", Box(56, 20, 140, 26), "I'm not a robot")
    sight = recognizer.recognize(snapshot(robot, beside))
    assert sight.what == "opener"
    assert sight.opener is not None
    assert sight.opener.box == robot.box
    assert recognizer.recognize(snapshot(replace(robot, checked=True), beside)).what == "solved"
    below = replace(beside, box=Box(20, 60, 140, 26))
    assert recognizer.recognize(snapshot(robot, below)).opener == below


@pytest.mark.parametrize("role", ["checkbox", "button"])
def test_what_is_called_captcha_opens_one(role: str) -> None:
    """A checkbox or a button of a form, not a link, a tag of an article or the words of a menu."""
    named = Element(1, 0, role, Box(9, 9, 90, 20), "Captcha", form=1)
    assert recognizer.recognize(snapshot(named)).opener == named
    assert recognizer.recognize(snapshot(replace(named, role="link"))).what == "nothing"
    assert recognizer.recognize(snapshot(replace(named, form=0))).what == "nothing"
    assert recognizer.recognize(snapshot(replace(named, text="About captchas"))).what == "nothing"
    ticked = replace(named, role="checkbox", checked=True)
    assert recognizer.recognize(snapshot(ticked)).what == "solved"


def test_a_checkbox_is_called_what_its_button_says() -> None:
    """Where it has no name of its own: the whole button need not open anything."""
    button = Element(1, 0, "button", Box(0, 0, 300, 60), "I'm not a robot - powered by a library")
    box = Element(2, 0, "checkbox", Box(16, 16, 28, 28), parent=1, checked=False)
    sight = recognizer.recognize(snapshot(button, box))
    assert sight.opener is not None
    assert sight.opener.id == box.id


def test_what_asks_for_a_captcha_opens_one() -> None:
    """ "Captcha?" may be no more than words; without asking they are a label's."""
    asks = Element(1, 0, "text", Box(9, 9, 90, 20), "\u00bfCaptcha?")
    assert recognizer.recognize(snapshot(asks)).opener == asks
    assert recognizer.recognize(snapshot(replace(asks, text="Captcha:"))).what == "nothing"


def test_the_checkbox_in_a_box_is_what_opens() -> None:
    """It stands before the words; a button behind them is for something else."""
    box = Element(1, 0, "button", Box(0, 0, 300, 60), "I'm not a robot", clickable=True)
    inner = Element(2, 0, "button", Box(16, 16, 28, 28), parent=1, clickable=True)
    assert recognizer.recognize(snapshot(box, inner)).opener == inner
    behind = replace(inner, box=Box(256, 16, 28, 28))
    assert recognizer.recognize(snapshot(box, behind)).opener == box


def test_words_beside_what_is_drawn_open_a_captcha() -> None:
    """Nothing shows that there is a checkbox: the words are clicked, then what stands beside."""
    words = Element(1, 0, "text", Box(100, 100, 120, 20), "I'm not a robot")
    page = shows(snapshot(words))
    outcome = solve(page)
    assert outcome.reason == (
        'the captcha stays closed: opened beside "I\'m not a robot", no pictures within 2 s'
    )
    assert page.places == ((160, 110), (80, 110), (240, 110))
    beside = Element(2, 0, "button", Box(230, 95, 80, 30), "Subscribe")
    page = shows(snapshot(words, beside))
    solve(page)
    assert page.places == ((160, 110), (80, 110), (160, 110))
    box = replace(words, role="button", clickable=True)
    page = shows(snapshot(box))
    solve(page)
    assert page.places == ((160, 110), (110, 110), (110, 110))
    longer = replace(words, text="How we tell that you are not a robot, and why we ask for that")
    assert recognizer.recognize(snapshot(longer)).what == "nothing"


def test_a_closed_captcha_that_does_not_open() -> None:
    """A checkbox that opens nothing is clicked three times at most, and said to be stuck."""
    robot = Element(1, 0, "checkbox", Box(9, 9, 20, 20), "I'm not a robot", checked=False)
    page = shows(snapshot(robot))
    outcome = solve(page)
    assert outcome.status == "unsolved"
    assert page.clicks == 3
    assert outcome.reason == (
        'the captcha stays closed: opened with "I\'m not a robot", no pictures within 2 s'
    )


def test_stuck_pictures() -> None:
    """Pictures that never come are said to be missing, with their number."""
    coming = [replace(tile, loaded=tile.id % 4 != 0) for tile in tiles(3, 3)]
    outcome = solve(shows(snapshot(ASKS, *coming, VERIFY)))
    assert outcome.reason == "2 of 9 pictures did not load within 2 s"


def test_a_sample_that_never_comes() -> None:
    """A sample picture is waited for as the tiles are."""
    sample = Element(3, 0, "image", Box(380, 40, 60, 60), loaded=False)
    like = replace(ASKS, text="Select all images that look like the sample")
    outcome = solve(shows(snapshot(like, sample, *tiles(3, 3), VERIFY)))
    assert outcome.reason == "1 of 10 pictures did not load within 2 s"


def test_a_sample_that_is_nowhere() -> None:
    """It may still come, as what the question stands beside may be made later."""
    like = replace(ASKS, text="Select all images that look like the sample")
    outcome = solve(shows(snapshot(like, *tiles(3, 3), VERIFY)))
    assert outcome.reason == (
        f"the captcha can't be read: no sample picture was found near {like.text!r} within 2 s"
    )


@pytest.mark.parametrize(
    ("url", "status", "reason"),
    [
        ("http://localhost/", 404, "the site answered with HTTP status 404"),
        ("chrome-error://chromewebdata/", 0, "the page went to an error page"),
    ],
)
def test_an_error_page_is_named(url: str, status: int, reason: str) -> None:
    """Where no captcha is seen because the site answered with an error, that is what is said."""
    outcome = solve(shows(replace(snapshot(), url=url, status=status)))
    assert outcome.reason == f"no captcha found on the page '' within 2 s: {reason}"


class Vanishing(FakePage):
    """A page whose captcha is gone after the answer, without a word."""

    def snapshot(self) -> Snapshot:
        seen = super().snapshot()
        return replace(seen, elements=()) if self.answers else seen


def test_a_vanished_captcha_is_no_success() -> None:
    """Where the captcha is gone and nothing tells what came of it, nobody claims success."""
    page = Vanishing(says=[""])
    outcome = solve(page)
    assert outcome.status == "unsolved"
    assert outcome.attempts[0].reason == "the page gave no verdict within 2 s"
    assert outcome.reason == "the captcha went away, and the page does not say what came of it"
    assert page.clicks == 3  # two tiles and the button: nothing is clicked where it stood


class Changing(FakePage):
    """A page that answers with a captcha of another kind."""

    def snapshot(self) -> Snapshot:
        return UNSUPPORTED["rotation"] if self.answers else super().snapshot()


def test_replaced_by_another_kind() -> None:
    """A captcha that turns into an unsupported one is seen to be that."""
    outcome = solve(Changing(says=[""]))
    assert outcome.reason.startswith("this captcha is a picture to be rotated")


def test_two_captchas() -> None:
    """Two captchas on one page are told apart, each with its own pictures and question."""
    ask = replace(ASKS, id=100, text="Select all images with a cat", box=ASKS.box.moved(400, 0))
    beside = [replace(tile, id=tile.id + 100, box=tile.box.moved(400, 0)) for tile in tiles(3, 3)]
    seen = snapshot(ASKS, *tiles(3, 3), ask, *beside)
    found = finder.find_all(seen)
    asked = {widget.instruction: widget.area.x for widget in found}
    assert asked == {"Select all images with a bus": 50, "Select all images with a cat": 450}
    assert recognizer.recognize(seen, found[1]).widget == found[1]
