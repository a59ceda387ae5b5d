"""Where the captcha is in a page: on snapshots of the fixture site, and on pages without one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page

from agent import finder, runner, verifier
from agent.data import Box, Element, Frame, Look, Snapshot, Widget
from agent.driver import Driver
from agent.errors import UsageError
from agent.scope import Scope
from fixtures.site import KINDS, Server

URL = "http://localhost/"


def snapshot(*elements: Element, url: str = URL) -> Snapshot:
    return Snapshot(url, "", elements, (Frame(url, Box(0, 0, 800, 900)),), 800, 900)


def tiles(
    rows: int, cols: int, *, role: str = "image", x: float = 50, jitter: float = 0
) -> list[Element]:
    return [
        Element(10 + r * cols + c, 0, role,
                Box(x + c * 110 + jitter * (r % 2), 100 + r * 110 - jitter * (c % 2), 100, 100),
                source=f"{r}-{c}", clickable=True)
        for r in range(rows) for c in range(cols)
    ]  # fmt: skip


ASKS = Element(1, 0, "text", Box(50, 60, 300, 24), "Select all images with a bus")
VERIFY = Element(2, 0, "button", Box(50, 800, 100, 30), "Verify")


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 3), (4, 4), (3, 5), (5, 5)])
@pytest.mark.parametrize("jitter", [0, 1])
def test_grids_of_pictures(shape: tuple[int, int], jitter: float) -> None:
    """Grids are found row by row, whatever the order of their elements."""
    made = tiles(*shape, jitter=jitter)
    found = finder.find(snapshot(ASKS, *reversed(made), VERIFY))
    assert found is not None
    assert (found.rows, found.cols) == shape
    assert [tile.id for tile in found.tiles] == [tile.id for tile in made]
    assert found.instruction == "Select all images with a bus"


def test_pages_without_a_captcha() -> None:
    """A gallery, a product grid and a form are no captcha."""
    gallery = Element(1, 0, "text", Box(50, 60, 300, 24), "Our latest photos")
    form = Element(1, 0, "text", Box(50, 60, 300, 24), "Select your country")
    assert finder.find(snapshot(gallery, *tiles(3, 3))) is None
    assert finder.find(snapshot(form, VERIFY)) is None
    assert finder.find(snapshot(form, *tiles(4, 4), VERIFY)) is None
    assert finder.find(snapshot()) is None


def test_the_gallery_beside_it_is_not_taken() -> None:
    """Of two grids the one beside the instruction and not the one far from it is the captcha."""
    far = [Element(e.id + 100, 0, "image", e.box.moved(0, 2000)) for e in tiles(4, 4)]
    found = finder.find(snapshot(*far, ASKS, *tiles(3, 3), VERIFY))
    assert found is not None
    assert found.rows == 3


def test_buttons_are_known_by_their_words() -> None:
    """Confirm and reload are told apart, and both from the form's own button."""
    reload = Element(3, 0, "button", Box(250, 450, 100, 30), "New challenge")
    near = Element(4, 0, "button", Box(50, 450, 100, 30), "Verify")
    form = Element(5, 0, "button", Box(50, 520, 300, 40), "Create account")
    found = finder.find(snapshot(ASKS, *tiles(3, 3), reload, near, form))
    assert found is not None
    assert (found.submit, found.reload) == (near, reload)


@pytest.mark.e2e
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1, 2])
def test_fixture_site(site: Server, page: Page, kind: str, scale: int) -> None:
    """On each kind of the fixture site the widget is found with its buttons."""
    browser = page.context.browser
    assert browser is not None
    with browser.new_context(device_scale_factor=scale) as context:
        fresh = context.new_page()
        driver = Driver(fresh, Scope())
        runner.step(driver.open(f"{site.url}/signup/{kind}", timeout_s=20))
        fresh.wait_for_selector(".stage > *")
        seen = runner.step(driver.perform(Look()))
        found = finder.find(seen.value)
        assert found is not None
        assert found.submit is not None
        assert found.reload is not None
        assert (found.submit.text, found.reload.text) == ("Verify", "New challenge")
        assert seen.value.scale == scale
        assert len(found.tiles) == (9 if kind == "tiles" else 0)
        assert abs(found.area.width - found.area.height) <= 2


# --- what came of it ----------------------------------------------------------------------------


def widget(*elements: Element) -> Widget:
    found = finder.find(snapshot(*elements))
    assert found is not None
    return found


BEFORE = (ASKS, *tiles(3, 3), VERIFY)


def status(text: str) -> Element:
    return Element(90, 0, "status", Box(50, 500, 200, 20), text)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Verified", "accepted"), ("Success!", "accepted"), ("Thank you", "accepted"),
        ("Please try again", "rejected"), ("That was not correct", "rejected"),
        ("Could not be verified", "rejected"), ("Incorrect", "rejected"),
        ("The challenge has expired, please try again", "expired"),
    ],
)  # fmt: skip
def test_words_of_the_page(text: str, result: str) -> None:
    """New words on the page say what came of an answer; a no beats a yes."""
    verdict = verifier.judge(snapshot(*BEFORE), snapshot(*BEFORE, status(text)), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == result
    assert verdict.reason == f"the page says {text!r}"


def test_old_words_say_nothing() -> None:
    """What could be read before the answer is no verdict on it."""
    before = snapshot(*BEFORE, status("Verified accounts only"))
    assert verifier.judge(before, before, widget(*BEFORE)) is None


def test_a_vanished_widget_is_no_success() -> None:
    """That the widget is gone proves nothing; a token or another page does."""
    token = Element(80, 0, "token", Box(0, 0, 0, 0), "captcha_token", checked=False)
    filled = Element(80, 0, "token", Box(0, 0, 0, 0), "captcha_token", checked=True)
    before = snapshot(*BEFORE, token)
    assert verifier.judge(before, snapshot(token), widget(*BEFORE)) is None
    verdict = verifier.judge(before, snapshot(filled), widget(*BEFORE))
    assert verdict is not None
    assert verdict.reason == "the hidden field 'captcha_token' was filled in"
    moved = verifier.judge(before, snapshot(token, url=URL + "home"), widget(*BEFORE))
    assert moved is not None
    assert moved.reason == "the page moved on to http://localhost/home"


def test_other_pictures_are_a_rejection() -> None:
    """Another challenge in place of the answered one means no."""
    others = [replace(tile, source="new" + tile.source) for tile in tiles(3, 3)]
    verdict = verifier.judge(snapshot(*BEFORE), snapshot(ASKS, *others, VERIFY), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == "rejected"


def test_success_as_the_user_says() -> None:
    """Where the user says what success looks like, nothing else counts as success."""
    said = snapshot(*BEFORE, status("Verified"))
    assert verifier.judge(snapshot(*BEFORE), said, widget(*BEFORE), "url:*/home") is None
    home = verifier.judge(
        snapshot(*BEFORE), snapshot(url=URL + "home"), widget(*BEFORE), "url:*/home"
    )
    assert home is not None
    assert home.result == "accepted"
    with pytest.raises(UsageError, match="must be selector:CSS, text:WORDS or url:GLOB"):
        verifier.check_success("title:x")
