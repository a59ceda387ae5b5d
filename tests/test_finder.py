"""Where the captcha is in a page: on snapshots of the fixture site, and on pages without one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agent import finder, recognizer, verifier
from agent import snapshot as snapshots
from agent.data import Box, Element, Frame, Snapshot, Widget
from agent.errors import UsageError
from fixtures.kinds import KINDS
from tests.snapshots.save import load
from tests.strangers import written

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


def test_pictures_in_other_places() -> None:
    """In one long row; small and far apart; in rows that are centred, though none is a button."""
    idle = replace(ASKS, text="Please click on the bus")

    def icons(*places: tuple[float, float], side: float = 50) -> list[Element]:
        return [
            Element(10 + n, 0, "image", Box(x, y, side, side)) for n, (x, y) in enumerate(places)
        ]

    row = icons(*((50 + n * 110.0, 100.0) for n in range(9)), side=100)
    apart = icons(*((50 + n * 130.0, 100.0) for n in range(4)), side=60)
    centred = icons((50, 100), (177, 100), (96, 168))
    for shown, places in ((row, 9), (apart, 4), (centred, 3)):
        below = replace(VERIFY, box=Box(50, 260, 100, 30))
        found = finder.find(snapshot(idle, *shown, below))
        assert found is not None
        assert [tile.id for tile in found.tiles] == list(range(10, 10 + places))


def test_numbers_in_words_are_no_names() -> None:
    """Pictures that are called "one", "two", "three" are counted; "north", "south" are named."""
    asks = replace(ASKS, text="Select bus")
    shown = tiles(1, 4)
    for names, found in (("one two three four", True), ("north south east west", False)):
        called = [
            Element(60 + tile.id, 0, "button", tile.box.grown(2), name)
            for tile, name in zip(shown, names.split(), strict=True)
        ]
        assert (finder.find(snapshot(asks, *shown, *called)) is not None) == found


def test_a_strip_of_squares_is_a_picture() -> None:
    """Though nothing tells that it can be clicked; a banner that is no row of squares is none."""
    asks = replace(ASKS, text="Select all pictures with a bus")
    below = replace(VERIFY, box=Box(50, 240, 100, 30))
    strip = Element(10, 0, "image", Box(50, 100, 720, 120))
    found = finder.find(snapshot(asks, strip, below))
    assert found is not None
    assert found.picture == strip
    assert finder.find(snapshot(asks, replace(strip, box=Box(50, 100, 660, 120)), below)) is None


def test_what_asks_may_stand_in_a_text_beside_a_painted_picture() -> None:
    """A picture in the middle of an article has nothing to do with what its text says."""
    before = "We have been getting a lot of messages here since March, and the three of us delete "
    text = (
        f"{before * 2} them each morning. So please mark every square that shows a bus. Thank you."
    )
    long = replace(ASKS, text=text, box=Box(50, 20, 700, 70))
    painted = Element(10, 0, "canvas", Box(50, 100, 400, 400))
    below = replace(VERIFY, box=Box(50, 520, 100, 30))
    assert finder.find(snapshot(long, painted, below)) is not None
    assert finder.find(snapshot(long, replace(painted, role="image"), below)) is None


def test_pictures_alone_may_be_clicked() -> None:
    """Where they are asked for plainly, and are as many as a captcha has: a click may answer."""
    idle = [replace(tile, clickable=False) for tile in tiles(1, 4)]
    asks = replace(ASKS, text="Please click on the icon: bus")
    found = finder.find(snapshot(asks, *idle))
    assert found is not None
    assert "nothing to confirm with" in found.evidence
    assert finder.find(snapshot(asks, *idle[:3])) is None
    assert finder.find(snapshot(replace(ASKS, text="Riding on a bus"), *idle)) is None


def test_a_page_is_known_to_keep_robots_out() -> None:
    """By its title or by a hidden field, too: then words that hardly ask may be the instruction."""
    hint = replace(ASKS, text="Busse, bitte, alle")
    go = replace(VERIFY, text="Next")
    page = snapshot(hint, *tiles(3, 3), go)
    assert finder.find(page) is None
    assert finder.find(replace(page, title="Captcha game")) is not None
    field = Element(90, 0, "token", Box(0, 0, 0, 0), "my_captcha_id")
    assert finder.find(replace(page, elements=(*page.elements, field))) is not None


def test_names_beside_the_pictures_of_a_list() -> None:
    """A menu of apps is no captcha, whatever their names read like."""
    lead = replace(ASKS, text="Select bus")
    shown = tiles(5, 1)
    names = [
        Element(60 + tile.id, 0, "text", tile.box.moved(110, 30), name)
        for tile, name in zip(shown, ("Labs", "Flautum", "Strawman", "Cable", "Heat"), strict=True)
    ]
    assert finder.find(snapshot(lead, *shown, *names)) is None
    assert finder.find(snapshot(lead, *shown)) is not None


def test_words_of_another_script_are_no_pictures() -> None:
    """Three buttons below a grid are no tiles because they speak Chinese; a symbol may be one."""
    asks = replace(ASKS, text="请选择所有猫")
    buttons = [
        Element(60 + n, 0, "button", Box(50 + 90 * n, 440, 80, 80), text, clickable=True)
        for n, text in enumerate(("下一个验证", "换一组", "关于我们"))
    ]
    found = finder.find(snapshot(asks, *tiles(3, 3), *buttons))
    assert found is not None
    assert found.tiles == tuple(tiles(3, 3))
    symbols = [replace(e, text=text) for e, text in zip(buttons, "🐱🐶🐭", strict=True)]
    found = finder.find(snapshot(asks, *symbols, VERIFY))
    assert found is not None
    assert found.tiles == tuple(symbols)


def test_pages_without_a_captcha() -> None:
    """A gallery, a product grid and a form are no captcha."""
    gallery = Element(1, 0, "text", Box(50, 60, 300, 24), "Our latest photos")
    form = Element(1, 0, "text", Box(50, 60, 300, 24), "Select your country")
    assert finder.find(snapshot(gallery, *tiles(3, 3))) is None
    assert finder.find(snapshot(form, VERIFY)) is None
    assert finder.find(snapshot(form, *tiles(4, 4), VERIFY)) is None
    assert finder.find(snapshot()) is None


@pytest.mark.parametrize("words", ["Gizmos with a bus let you in, all", "Busse, bitte, alle"])
def test_words_that_hardly_ask(words: str) -> None:
    """Beside pictures to click, where one is to verify something, they do; else they are words."""
    hint = replace(ASKS, text=words)
    found = finder.find(snapshot(hint, *tiles(3, 3), VERIFY))
    assert found is not None
    assert "in words that hardly ask" in found.evidence
    shop = replace(VERIFY, text="Next")
    assert finder.find(snapshot(hint, *tiles(3, 3), shop)) is None
    links = [replace(tile, role="link") for tile in tiles(3, 3)]
    assert finder.find(snapshot(hint, *links)) is None
    captions = [
        Element(60 + tile.id, 0, "text", tile.box.moved(0, 90), f"Tour {chr(65 + tile.id)}")
        for tile in tiles(3, 3)
    ]
    assert finder.find(snapshot(hint, *tiles(3, 3), *captions, VERIFY)) is None


def test_the_buttons_of_a_picture_are_no_tiles() -> None:
    """Icons below a painted challenge exchange it or read it out; a strip may be one, too."""
    for width, height in ((300, 300), (320, 64)):
        painted = Element(3, 0, "canvas", Box(50, 100, width, height))
        tools = [
            Element(20 + n, 0, "image", Box(50 + n * 50, height + 110, 44, 44), clickable=True)
            for n in range(3)
        ]
        verify = replace(VERIFY, box=Box(50, height + 170, 100, 30))
        found = finder.find(snapshot(ASKS, painted, *tools, verify))
        assert found is not None
        assert found.picture == painted


def test_a_strip_of_icons_that_something_lies_over() -> None:
    """Nothing shows that it can be clicked; a decoration at the page's top is farther away."""
    strip = Element(3, 0, "background", Box(50, 400, 320, 64))
    asks = replace(ASKS, box=Box(50, 370, 300, 24), text="Select the image of a car")
    decoration = [replace(e, clickable=False, box=Box(e.box.x, 60, 110, 62)) for e in tiles(1, 6)]
    sign_in = replace(VERIFY, box=Box(50, 480, 100, 30), text="Sign in")
    found = finder.find(snapshot(*decoration, asks, strip, sign_in))
    assert found is not None
    assert found.picture == strip


def test_the_page_around_a_frame_submits() -> None:
    """Where the pictures' frame has no button that says so, the form around it may have one."""
    inside = [replace(e, frame=1) for e in (ASKS, *tiles(3, 3))]
    hint = Element(3, 1, "button", Box(50, 430, 200, 20), "I can't make these out")
    sent = Element(4, 0, "button", Box(50, 500, 100, 30), "Register", submits=True)
    for elements, submit in (((hint, sent), sent), ((hint,), hint)):
        found = finder.find(snapshot(*inside, *elements))
        assert found is not None
        assert found.submit == submit


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


def test_a_form_is_submitted_by_its_own_button() -> None:
    """Whatever it says; but not by one that clears the choice, nor where another says "verify"."""
    sign = Element(3, 0, "button", Box(50, 450, 100, 30), "Sign my guestbook!!", submits=True)
    onwards = Element(4, 0, "button", Box(250, 500, 100, 30), "Next >>")
    found = finder.find(snapshot(ASKS, *tiles(3, 3), sign, onwards))
    assert found is not None
    assert found.submit == sign
    clear = replace(sign, text="Reset")
    found = finder.find(snapshot(ASKS, *tiles(3, 3), clear, onwards))
    assert found is not None
    assert found.submit == onwards
    found = finder.find(snapshot(ASKS, *tiles(3, 3), sign, replace(onwards, text="Verify")))
    assert found is not None
    assert found.submit == replace(onwards, text="Verify")


def test_a_form_is_submitted_however_far_below() -> None:
    """By its own button, where the captcha stands in the middle of it; never by another form's."""
    shown = [replace(tile, form=2) for tile in tiles(3, 3)]
    search = Element(3, 0, "button", Box(50, 440, 80, 30), "Page", submits=True, form=1)
    send = Element(4, 0, "button", Box(50, 1900, 80, 30), "Create profile", submits=True, form=2)
    found = finder.find(snapshot(ASKS, *shown, search, send))
    assert found is not None
    assert found.submit == send
    found = finder.find(snapshot(ASKS, *shown, search))
    assert found is not None
    assert found.submit is None


def test_a_text_may_submit() -> None:
    """Where no button does, and it says nothing else: a script may listen to it."""
    text = replace(VERIFY, role="text", text="VERIFY", box=Box(50, 450, 100, 30))
    found = finder.find(snapshot(ASKS, *tiles(3, 3), text))
    assert found is not None
    assert found.submit == text
    found = finder.find(snapshot(ASKS, *tiles(3, 3), replace(text, text="Next to the park")))
    assert found is not None
    assert found.submit is None


def test_the_name_of_a_page_tells_no_button() -> None:
    """Only a sentence does: "random page" in a menu says nothing of a button "Page"."""
    page = Element(3, 0, "button", Box(400, 440, 80, 30), "Page")
    menu = Element(5, 0, "text", Box(400, 200, 80, 20), "Random page")
    done = Element(4, 0, "button", Box(50, 440, 80, 30), "Those it is", submits=True)
    for text, submit in (("Random page", done), ("Press Page to go on", page)):
        found = finder.find(snapshot(ASKS, *tiles(3, 3), replace(menu, text=text), page, done))
        assert found is not None
        assert found.submit == submit


def test_a_modal_has_buttons_of_its_own() -> None:
    """In a modal the button of the page below is not meant, whatever it says."""
    over = [replace(tile, layer=1) for tile in tiles(3, 3)]
    yes = Element(3, 0, "button", Box(50, 450, 100, 30), "Good to go", layer=1)
    below = Element(4, 0, "button", Box(250, 450, 100, 30), "Verify")
    found = finder.find(snapshot(replace(ASKS, layer=1), *over, yes, below))
    assert found is not None
    assert found.submit == yes
    found = finder.find(snapshot(replace(ASKS, layer=1), *over, below))
    assert found is not None
    assert found.submit == below


def test_a_button_that_skips_is_no_confirm() -> None:
    """Beside another one that says nothing known; alone it may come to confirm."""
    none = Element(3, 0, "button", Box(50, 450, 120, 30), "No buses here")
    these = Element(4, 0, "button", Box(200, 450, 120, 30), "These are the buses")
    found = finder.find(snapshot(ASKS, *tiles(3, 3), none, these))
    assert found is not None
    assert (found.submit, found.skip) == (these, none)
    far = replace(these, text="Create my page", box=Box(50, 560, 120, 30))
    found = finder.find(snapshot(ASKS, *tiles(3, 3), none, far))
    assert found is not None
    assert found.submit == none


def test_a_button_that_a_sentence_names_confirms() -> None:
    """Whatever its words; a disabled one of the form may wait for that."""
    bell = Element(2, 0, "button", Box(240, 450, 100, 30), "Ring the bell")
    send = Element(3, 0, "button", Box(50, 500, 120, 30), "Enlist", disabled=True, submits=True)
    asks = replace(ASKS, text="Select all images with a bus, then ring the bell.")
    found = finder.find(snapshot(ASKS, *tiles(3, 3), bell, send))
    assert found is not None
    assert found.submit == send
    found = finder.find(snapshot(asks, *tiles(3, 3), bell, send))
    assert found is not None
    assert found.submit == bell


def test_a_disabled_button_may_wait_for_the_captcha() -> None:
    """One that hardly says "submit" and is disabled is the form's, where another lies nearer."""
    report = Element(2, 0, "button", Box(240, 440, 100, 30), "Report to the tower")
    apply = Element(3, 0, "button", Box(50, 500, 300, 30), "Submit my application", disabled=True)
    found = finder.find(snapshot(ASKS, *tiles(3, 3), report, apply))
    assert found is not None
    assert found.submit == report
    found = finder.find(snapshot(ASKS, *tiles(3, 3), report, replace(apply, disabled=False)))
    assert found is not None
    assert found.submit == replace(apply, disabled=False)
    verify = replace(apply, text="Verify")  # waits for a choice
    found = finder.find(snapshot(ASKS, *tiles(3, 3), report, verify))
    assert found is not None
    assert found.submit == verify


def test_buttons_that_stay_pressed_do_not_answer() -> None:
    """Below each tile one: those that stay pressed choose, others answer at once."""
    lettered = [
        Element(30 + number, 0, "button", Box(tile.box.x + 35, tile.box.bottom - 1, 30, 10), letter)
        for number, (tile, letter) in enumerate(zip(tiles(2, 2), "ABCD", strict=True))
    ]
    found = finder.find(snapshot(ASKS, *tiles(2, 2), *lettered, VERIFY))
    assert found is not None
    assert (found.controls, found.submit) == (tuple(lettered), None)
    pressed = [replace(button, checked=False) for button in lettered]
    verify = replace(VERIFY, box=Box(50, 360, 100, 30))
    found = finder.find(snapshot(ASKS, *tiles(2, 2), *pressed, verify))
    assert found is not None
    assert (found.controls, found.submit) == (tuple(pressed), verify)
    found = finder.find(snapshot(ASKS, *tiles(2, 2), *pressed))
    assert found is not None
    assert found.submit is None


@pytest.mark.parametrize("chosen", [0, 1])
def test_a_yes_or_no_below_each_tile_is_a_checkbox(chosen: int) -> None:
    """Its yes is what is clicked, whichever of the two is chosen now."""
    radios = [
        Element(30 + 2 * number + place, 0, "radio",
                Box(tile.box.x + 50 * place, tile.box.bottom, 13, 9), "yn"[place],
                checked=place == chosen)
        for number, tile in enumerate(tiles(2, 2)) for place in (0, 1)
    ]  # fmt: skip
    found = finder.find(snapshot(ASKS, *tiles(2, 2), *radios, VERIFY))
    assert found is not None
    assert [control.id for control in found.controls] == [30, 32, 34, 36]
    assert {control.role for control in found.controls} == {"checkbox"}


def test_no_button_far_above_confirms() -> None:
    """Unless it says so: the page's own head is there."""
    head = Element(2, 0, "button", Box(50, 10, 100, 30), "Articles")
    asks, shown = (
        [replace(e, box=replace(e.box, y=e.box.y + 200)) for e in several]
        for several in ([ASKS], tiles(3, 3))
    )
    found = finder.find(snapshot(*asks, *shown, head))
    assert found is not None
    assert found.submit is None
    found = finder.find(snapshot(*asks, *shown, replace(head, text="Verify")))
    assert found is not None
    assert found.submit is not None


def test_the_lower_one_of_two_buttons_confirms() -> None:
    """A form's own may stand above a box with the pictures that opens below it."""
    above = Element(3, 0, "button", Box(50, 66, 300, 34), "Submit")
    below = Element(2, 0, "button", Box(300, 460, 80, 30), "Submit")
    found = finder.find(snapshot(ASKS, above, *tiles(3, 3), below))
    assert found is not None
    assert found.submit == below


def test_words_beside_the_pictures_confirm_before_what_is_disabled() -> None:
    """The form's own button may wait for the captcha: what only says "Check" is nearer."""
    send = Element(2, 0, "button", Box(50, 500, 100, 30), "Send", disabled=True)
    check = Element(3, 0, "text", Box(50, 440, 60, 20), "CHECK")
    for shown in (check, replace(check, text="Only humans")):
        found = finder.find(snapshot(ASKS, *tiles(3, 3), shown, send))
        assert found is not None
        assert found.submit == (check if shown == check else send)


def test_a_picture_may_submit_its_form() -> None:
    """However far below the pictures it is."""
    shown = [replace(tile, form=1) for tile in tiles(1, 4)]
    sends = Element(2, 0, "image", Box(50, 900, 140, 40), "Go on", clickable=True, submits=True)
    found = finder.find(snapshot(ASKS, *shown, replace(sends, form=1)))
    assert found is not None
    assert found.submit is not None
    other = finder.find(snapshot(ASKS, *shown, replace(sends, form=2)))
    assert other is not None
    assert other.submit is None


def test_a_line_below_says_that_all_are_asked_for() -> None:
    """The question alone would be one for a single picture."""
    asks = replace(ASKS, text="Click: FISH")
    below = Element(2, 0, "text", Box(50, 440, 300, 20), "Select all, click again to undo.")
    found = finder.find(snapshot(asks, *tiles(3, 3), below, replace(VERIFY, text="Post")))
    assert found is not None
    assert found.instruction == "Click: FISH. Select all, click again to undo."


def test_avatars_are_no_captcha() -> None:
    """Small pictures that nothing can be done with are none, while the captcha is still to come."""
    idle = [replace(tile, clickable=False) for tile in tiles(4, 1)]
    small = [
        replace(tile, box=Box(tile.box.x, tile.box.y * 0.4, 40, 40), clickable=False)
        for tile in tiles(4, 1)
    ]
    post = replace(VERIFY, text="Post it", box=Box(50, 300, 100, 30))
    asks = replace(ASKS, text="Tap each flower", box=Box(50, 10, 300, 24))
    assert finder.find(snapshot(asks, *small, post)) is None
    assert finder.find(snapshot(asks, *idle, replace(post, box=Box(50, 560, 100, 30)))) is not None


def test_buttons_have_loaded_when_their_pictures_have() -> None:
    """A grid of buttons waits for the pictures in them, however these are drawn meanwhile."""
    made = tiles(3, 3, role="button")
    inner = [
        Element(100 + e.id, 0, "image", Box(e.box.x, e.box.y, 16 + e.id, 16), parent=e.id,
                loaded=e.id != 12, failed=e.id == 12)
        for e in made
    ]  # fmt: skip
    found = finder.find(snapshot(ASKS, *made, *inner, VERIFY))
    assert found is not None
    assert [(tile.loaded, tile.failed) for tile in found.tiles] == [
        (tile.id != 12, tile.id == 12) for tile in made
    ]
    found = finder.find(snapshot(ASKS, *made, *inner[:7], VERIFY))
    assert found is not None
    assert [tile.loaded for tile in found.tiles] == [True, True, False, *[True] * 4, False, False]


SITE, STRANGERS, LATEST = load("site"), load("strangers"), load("latest")
MISSED = {
    "forager-wp": "what is clicked there is thrown out: what is wanted is all but what is named",
    "whale-postcard": "hardly asks, on a page that speaks of no robots",
    "arena-queue": "its pictures stand in a ring",
    "lens-club-contest": "its pictures stand in columns of their own heights",
    "vhs-kursbuchung": "the question stands in a paragraph at the other end of the page",
    "hajz-mawid": "asks in Arabic",
    "wiki-uprava": "asks in Czech",
    "wijnhandel-slak-op-de-wijnrank": "hardly asks, on a page that speaks of no robots",
    "ashen-lantern-clan": "the right things are moved to another place, none is chosen",
    "listener-poll": "nothing shows that its one picture can be clicked, and no button is there",
}
MISTAKEN = {
    "baggage-desk": "bags to choose from stand between the question and its picture",
    "shashin-print-order": "photographs to print have buttons, the canvas has none",
}
OPENED = {
    "non-sono-un-robot", "none-lettings", "robot-checkbox-modal", "cadastro-cursos",
    "forum-post-reply", "password-reset", "rastro-anuncio", "react-signup-demo",
    "kristal-diyar-kayit", "larkfield-bank-signin", "lit-gate-docs", "npm-react-demo",
    "redelivery-slot", "rota-expressa-rastreio", "oferta-spedytor", "picklock-demo",
    "visita-espacio", "dongne-gaip-bottom-sheet-badge", "saas-invoice-export-shadow-scene",
    "blog-comment-plugin-two-rounds-iframe", "fromagerie-des-aubrets", "gherkin-gate-demo",
    "viacao-reclamacao", "korean-shop-review",
    "gribnaya-karta-wiki", "nanhu-hangmo-club", "bootstrap5-modal-signup", "flask-login-es",
    "react-tailwind-portfolio", "recap-clone", "ru-hackathon", "react-tailwind-bus",
    "utility-meter-iframes", "fr_covoiturage_vue",
}  # fmt: skip
ORDINARY = load("ordinary") | load("ordinary_later")


@pytest.mark.parametrize("name", SITE)
def test_fixture_site(name: str) -> None:
    """On each kind of the fixture site, in each theme, all parts of the widget are found."""
    kind = KINDS[name.split(maxsplit=1)[0]]
    sight = recognizer.recognize(SITE[name])
    assert sight.widget is not None, sight.reason
    found = sight.widget
    single = kind.pictures in ("photo", "canvas")
    assert (found.rows, found.cols) == ((None, None) if single else (kind.rows, kind.cols))
    assert len(found.tiles) == (0 if single else kind.rows * kind.cols)
    assert (found.picture is not None) == single
    own = {"corner": "checkbox", "radio": "radio", "submit": "button", "keyboard": "checkbox"}
    roles = {control.role for control in found.controls}
    assert roles == ({own[kind.choice]} if kind.choice in own else set())
    if kind.choice == "submit":
        assert found.submit is None
    else:
        assert found.submit is not None
        assert found.submit.text in ("Verify", "Skip")
    assert found.reload is not None
    assert found.reload.text == "New challenge"
    assert (found.sample is not None) == (kind.ask == "reference")


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers(name: str) -> None:
    """Captchas that others wrote are found, or what opens them."""
    sight = recognizer.recognize(STRANGERS[name])
    if name in ("details", "dialog"):
        assert sight.opener is not None
        return
    assert sight.widget is not None, sight.reason
    counts = {"inputs-one": 5, "auto-one": 5, "overlay-squares": 16, "listbox-eight": 8}
    counts["state-six"] = 6
    assert len(sight.widget.tiles) == counts.get(name, 9)


@pytest.mark.parametrize("name", LATEST)
def test_pages_that_others_wrote(name: str) -> None:
    """On whole pages the pictures are found, however the page is written."""
    sight = recognizer.recognize(LATEST[name])
    if name in MISSED:
        assert sight.widget is None
        return
    if name in OPENED:
        assert sight.opener is not None
        return
    assert sight.widget is not None, sight.reason
    needs = written.asked(written.LATEST[name])
    counts = {"heartline-dating": 4}  # the others are on the second page of a carousel
    expected = counts.get(name, needs.rows * needs.cols)
    found = sight.widget.picture or len(sight.widget.tiles) == expected
    assert bool(found) == (name not in MISTAKEN), sight.reason


@pytest.mark.parametrize(
    ("name", "submit"),
    [
        ("shrine-event-application", "この内容で申し込む"),  # the form can be sent
        ("teatr-bilety", "Получить билет →"),  # all are asked for
        ("sentiers-orbe-adhesion", None),  # "this one it is"; the form can't be sent yet
    ],
)
def test_whether_a_button_of_each_picture_is_the_answer(name: str, submit: str | None) -> None:
    """It is none where something else can send the choice, or has to."""
    widget = recognizer.recognize(LATEST[name]).widget
    assert widget is not None
    assert len(widget.controls) == len(widget.tiles)
    assert (widget.submit.text if widget.submit else None) == submit


def test_switches_beside_the_pictures_of_a_list() -> None:
    """They choose, as checkboxes do, far to the right as they are."""
    widget = recognizer.recognize(LATEST["community-radio-song-request"]).widget
    assert widget is not None
    assert [control.role for control in widget.controls] == ["checkbox"] * 6


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_pages(name: str) -> None:
    """Galleries, shops, pickers, games and forms are no captchas."""
    sight = recognizer.recognize(ORDINARY[name])
    assert sight.what == "nothing", sight.reason


def test_the_reasons_are_told() -> None:
    """What was found comes with its reasons, for `find` and the report."""
    sight = recognizer.recognize(SITE["corner light"])
    assert sight.reason.startswith("3x3 pictures; instruction ")
    assert sight.reason.endswith(
        "each has a control; confirmed with 'Verify'; exchanged with 'New challenge'"
    )


def test_json_keeps_a_snapshot() -> None:
    """A Snapshot that was saved and loaded again is found the same in."""
    for seen in (SITE["frames rtl"], STRANGERS["absolute"]):
        again = snapshots.from_json(json.loads(json.dumps(snapshots.to_json(seen))))
        assert again == seen


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


def test_what_can_be_pressed_now_has_passed() -> None:
    """Where the captcha stays as it is, that another button is no longer disabled is a yes."""
    locked = Element(90, 0, "button", Box(50, 700, 200, 30), "Create account", disabled=True)
    opened = replace(locked, disabled=False)
    menu = replace(opened, id=91, box=Box(600, 10, 100, 30))
    before = snapshot(*BEFORE, menu, locked)
    verdict = verifier.judge(before, snapshot(*BEFORE, menu, opened), widget(*BEFORE))
    assert verdict is not None
    assert (verdict.result, verdict.sure) == ("accepted", False)
    assert verifier.judge(before, before, widget(*BEFORE)) is None


def test_a_choice_that_is_taken_back_was_wrong() -> None:
    """Where nothing is said, that nothing is chosen any more is a no."""
    chosen = [replace(tile, checked=tile.id == 12) for tile in tiles(3, 3)]
    none = [replace(tile, checked=False) for tile in tiles(3, 3)]
    before, after = snapshot(ASKS, *chosen, VERIFY), snapshot(ASKS, *none, VERIFY)
    verdict = verifier.judge(before, after, widget(ASKS, *none, VERIFY))
    assert verdict is not None
    assert (verdict.result, verdict.sure) == ("rejected", False)
    assert verifier.judge(before, before, widget(ASKS, *none, VERIFY)) is None


def test_a_captcha_without_its_words_is_still_there() -> None:
    """Other words in its place are no success as long as its pictures stand there."""
    other = replace(ASKS, text="Bzzt! The launch is off")
    after = snapshot(other, *tiles(3, 3), VERIFY)
    assert verifier.judge(snapshot(*BEFORE), after, widget(*BEFORE)) is None


def test_a_form_gives_way_to_words() -> None:
    """Where all that could be filled in is gone, new words are a yes, however far they stand."""
    field = Element(70, 0, "input", Box(50, 20, 200, 30), "Your name")
    said = Element(71, 0, "text", Box(50, 5000, 300, 24), "Pull up a chair")
    before = snapshot(*BEFORE, field)
    verdict = verifier.judge(before, snapshot(said), widget(*BEFORE))
    assert verdict is not None
    assert (verdict.result, verdict.sure) == ("accepted", False)
    assert verifier.judge(before, snapshot(field, said), widget(*BEFORE)) is None


def test_what_lay_below_a_captcha_is_no_other_one() -> None:
    """Pictures of the page that can be clicked again are not the captcha's next challenge."""
    seats = [replace(tile, id=tile.id + 60, layer=0) for tile in tiles(2, 3, x=100)]
    asks = replace(ASKS, id=59, text="Click the chair", box=Box(100, 60, 300, 24))
    modal = [replace(e, layer=1) for e in BEFORE]
    covered = [replace(seat, covered=True) for seat in seats]
    before, after = snapshot(asks, *covered, *modal), snapshot(asks, *seats)
    assert verifier.judge(before, after, widget(*modal)) is None
    other = [replace(seat, source=f"{seat.id}.png") for seat in seats]
    verdict = verifier.judge(before, snapshot(asks, *other), widget(*modal))
    assert verdict is not None
    assert verdict.result == "rejected"


def test_pictures_beside_a_captcha_are_not_what_became_of_it() -> None:
    """While its own cannot be seen, a gallery that stood there already is no next challenge."""
    gallery = [
        Element(60 + i, 0, "image", Box(520, 100 + i * 110, 100, 100), source=f"photo {i}",
                clickable=True)
        for i in range(5)
    ]  # fmt: skip
    before, after = snapshot(*BEFORE, *gallery), snapshot(ASKS, VERIFY, *gallery)
    assert verifier.judge(before, after, widget(*BEFORE)) is None
    fresh = [replace(e, source=f"other {e.id}") for e in gallery]
    verdict = verifier.judge(before, snapshot(ASKS, VERIFY, *fresh), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == "rejected"


def test_words_in_the_place_of_a_captcha_beside_other_pictures() -> None:
    """A picture that stands there now is the captcha's only where it is as large, or its own."""
    said = Element(71, 0, "text", Box(50, 80, 300, 24), "Who is watching?")
    faces = [Element(60 + i, 0, "image", Box(50 + i * 90, 120, 80, 80)) for i in range(3)]
    verdict = verifier.judge(snapshot(*BEFORE), snapshot(said, *faces), widget(*BEFORE))
    assert verdict is not None
    assert (verdict.result, verdict.sure) == ("accepted", False)
    as_large = [replace(face, box=tile.box) for face, tile in zip(faces, tiles(1, 3), strict=True)]
    assert verifier.judge(snapshot(*BEFORE), snapshot(said, *as_large), widget(*BEFORE)) is None


def test_a_part_of_what_could_be_read_is_no_verdict() -> None:
    """Something that comes between two sentences makes texts of their own of them."""
    whole = replace(status("Too many attempts. Pick three. The form sends itself."), role="text")
    parts = [replace(whole, text=text) for text in ("Too many attempts. Pick three.", "Hmmmm")]
    before, after = snapshot(*BEFORE, whole), snapshot(*BEFORE, *parts)
    assert verifier.judge(before, after, widget(*BEFORE)) is None
    told = status("Too many attempts from here.")
    verdict = verifier.judge(before, snapshot(*BEFORE, *parts, told), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == "blocked"


def test_what_is_written_on_a_chosen_tile_is_no_verdict() -> None:
    """Whatever its words and its colour: a stamp says that the tile is chosen."""
    stamp = Element(90, 0, "text", Box(60, 110, 80, 20), "Approved", tone="good")
    before = snapshot(*BEFORE)
    assert verifier.judge(before, snapshot(*BEFORE, stamp), widget(*BEFORE)) is None
    below = replace(stamp, box=Box(60, 450, 80, 20))
    verdict = verifier.judge(before, snapshot(*BEFORE, below), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == "accepted"


def test_what_is_said_over_a_tile_in_a_layer_is_a_verdict() -> None:
    """A message that lies over the page marks no tile."""
    over = Element(90, 0, "text", Box(60, 110, 80, 20), "Approved", layer=1)
    verdict = verifier.judge(snapshot(*BEFORE), snapshot(*BEFORE, over), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == "accepted"


def test_a_way_to_try_again_stands_below_any_verdict() -> None:
    """What a page says counts before what its links say; a link alone counts."""
    granted, denied = said("Access granted"), said("Not correct")
    again = Element(82, 0, "button", Box(50, 530, 90, 20), "Try again")
    for now, result in (
        ((granted, again), "accepted"), ((denied, again), "rejected"), ((again,), "rejected"),
    ):  # fmt: skip
        verdict = verifier.judge(snapshot(*BEFORE), snapshot(*now), widget(*BEFORE))
        assert verdict is not None
        assert verdict.result == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("10/10 correct!", "accepted"),
        ("3/10 correct!", "rejected"),
        ("Signal 5/9, correct!", "accepted"),
    ],
)
def test_a_score_says_yes_where_it_is_full(text: str, result: str) -> None:
    """Of a part of them, it says no, in whatever words."""
    verdict = verifier.judge(snapshot(*BEFORE), snapshot(*BEFORE, status(text)), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == result


def test_a_yes_far_away_is_all_that_is_said_there() -> None:
    """While the captcha still stands there, a text that says more may mean anything."""
    far = Element(90, 0, "text", Box(50, 2000, 300, 20), "Validation success")
    verdict = verifier.judge(snapshot(*BEFORE), snapshot(*BEFORE, far), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == "accepted"
    more = replace(far, text="Welcome to the stories of our success in the north")
    assert verifier.judge(snapshot(*BEFORE), snapshot(*BEFORE, more), widget(*BEFORE)) is None


def test_an_opener_that_is_not_to_be_pressed_any_more_has_passed() -> None:
    """It may be drawn, and be called what stands beside it; one that can be pressed is closed."""
    words = Element(84, 0, "text", Box(90, 30, 150, 20), "I'm not a robot")
    drawn = Element(83, 0, "button", Box(50, 28, 24, 24), "")
    before = snapshot(words, drawn, *BEFORE)
    verdict = verifier.judge(
        before, snapshot(words, replace(drawn, disabled=True)), widget(*BEFORE)
    )
    assert verdict is not None
    assert (verdict.result, verdict.sure) == ("accepted", False)
    assert verifier.judge(before, snapshot(words, drawn), widget(*BEFORE)) is None


def test_what_was_there_before_is_no_other_captcha() -> None:
    """A form that asks how many there are asked it before; asked for the first time, it is one."""
    asks = Element(84, 0, "text", Box(50, 20, 300, 20), "How many dogs are in the picture?")
    shown = Element(85, 0, "image", Box(400, 20, 200, 200))
    human = Element(86, 0, "text", Box(50, 0, 300, 16), "Against robots")
    send = Element(87, 0, "button", Box(50, 850, 90, 30), "Send", disabled=True)
    other, now = (human, asks, shown), replace(send, disabled=False)
    before = snapshot(*BEFORE, *other, send)
    verdict = verifier.judge(before, snapshot(*other, now), widget(*BEFORE))
    assert verdict is not None
    assert verdict.reason == "'Send' can be pressed now"
    verdict = verifier.judge(snapshot(*BEFORE, send), snapshot(*other, now), widget(*BEFORE))
    assert verdict is not None
    assert verdict.result == "rejected"


def test_a_nameless_checkbox_is_called_what_stands_beside_it() -> None:
    """Its tick tells that the captcha was passed."""
    words = Element(84, 0, "text", Box(90, 30, 150, 20), "I'm not a robot")
    box = Element(83, 0, "checkbox", Box(50, 28, 24, 24), "", checked=False)
    before = snapshot(words, box, *BEFORE)
    verdict = verifier.judge(before, snapshot(words, replace(box, checked=True)), widget(*BEFORE))
    assert verdict is not None
    assert verdict.reason == '"I\'m not a robot" is checked now'


def test_a_colour_tells_only_of_what_is_said() -> None:
    """A number or a link in the site's own red is no answer."""
    said = Element(90, 0, "text", Box(50, 500, 200, 20), "Bzzt, off you go", tone="bad")
    number = replace(said, text="A2405-7731")
    link = Element(91, 0, "link", said.box, "Get the guide")
    before = snapshot(*BEFORE)
    verdict = verifier.judge(before, snapshot(*BEFORE, said), widget(*BEFORE))
    assert verdict is not None
    assert (verdict.result, verdict.sure) == ("rejected", False)
    for now in ((number,), (link, replace(said, text=link.text))):
        assert verifier.judge(before, snapshot(*BEFORE, *now), widget(*BEFORE)) is None


def test_what_stands_behind_a_name_is_no_verdict() -> None:
    """A comment's author that is "not verified" says nothing of the answer."""
    before = snapshot(ASKS, *tiles(3, 3), VERIFY)
    widget = finder.find(before)
    assert widget is not None
    said = Element(70, 0, "text", Box(50, 120, 300, 24), "Sylvia (not verified)")
    posted = replace(said, id=71, box=Box(50, 150, 300, 24), text="Your comment has been posted.")
    verdict = verifier.judge(before, snapshot(said, posted), widget)
    assert verdict is not None
    assert verdict.reason == "the page says 'Your comment has been posted.'"
    verdict = verifier.judge(before, snapshot(replace(said, text="You are not verified")), widget)
    assert verdict is not None
    assert verdict.result == "rejected"


def test_a_count_that_goes_on_is_no_verdict() -> None:
    """What it stands in was there before, whatever it says; a "no" counts all the same."""
    note = Element(70, 0, "text", Box(50, 440, 300, 24), "Thank you for choosing. Taken: 0")
    before = snapshot(ASKS, *tiles(3, 3), VERIFY, note)
    widget = finder.find(before)
    assert widget is not None
    now = replace(note, text="Thank you for choosing. Taken: 3")
    assert verifier.judge(before, snapshot(ASKS, *tiles(3, 3), VERIFY, now), widget) is None
    lives = replace(note, text="Wrong answers: 0")
    before = snapshot(ASKS, *tiles(3, 3), VERIFY, lives)
    after = snapshot(ASKS, *tiles(3, 3), VERIFY, replace(lives, text="Wrong answers: 1"))
    verdict = verifier.judge(before, after, widget)
    assert verdict is not None
    assert verdict.result == "rejected"


def test_another_question_in_its_place_is_no_verdict() -> None:
    """A form that starts over, with what is asked first."""
    before = snapshot(ASKS, *tiles(3, 3), VERIFY)
    widget = finder.find(before)
    assert widget is not None
    asks = replace(ASKS, text="Choose all even numbers to go on")
    numbers = Element(71, 0, "text", Box(50, 150, 30, 24), "12")
    assert verifier.judge(before, snapshot(asks, numbers), widget) is None
    renewed = replace(asks, text="4 books were renewed until 30 June.")
    verdict = verifier.judge(before, snapshot(renewed, numbers), widget)
    assert verdict is not None
    assert verdict.result == "accepted"


def test_the_own_button_of_a_captcha_tells_nothing() -> None:
    """It can be pressed once something is chosen, while other tiles can't any more."""
    verify = replace(VERIFY, disabled=True)
    controls = [replace(tile, role="button") for tile in tiles(3, 3)]
    before = snapshot(ASKS, *controls, verify)
    widget = finder.find(snapshot(ASKS, *tiles(3, 3), verify))
    assert widget is not None
    rest = [replace(each, disabled=n > 2) for n, each in enumerate(controls)]
    after = snapshot(ASKS, *tiles(3, 3), *rest, VERIFY)
    before = snapshot(ASKS, *tiles(3, 3), *controls, verify)
    assert verifier.judge(before, after, widget) is None


def test_a_field_that_opens_has_passed() -> None:
    """As a button that can be pressed: what was kept from the visitor is open now."""
    field = Element(90, 0, "input", Box(50, 500, 200, 60), disabled=True)
    before, after = snapshot(*BEFORE, field), snapshot(replace(field, disabled=False))
    verdict = verifier.judge(before, after, widget(*BEFORE))
    assert verdict is not None
    assert (verdict.result, verdict.reason) == ("accepted", "a field can be filled in now")


def test_a_log_goes_on() -> None:
    """Of a text that had begun before the answer, what it went on with is the verdict."""
    log = status("06:12 pump off, remote: locked")
    longer = replace(log, text=f"{log.text} 06:13 remote: UNLOCKED")
    verdict = verifier.judge(snapshot(*BEFORE, log), snapshot(*BEFORE, longer), widget(*BEFORE))
    assert verdict is not None
    assert (verdict.result, verdict.reason) == (
        "accepted", "the page says '06:13 remote: UNLOCKED'",
    )  # fmt: skip


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


def test_a_form_that_is_loaded_again_is_no_success() -> None:
    """Where the same form is there without its captcha, that may still be loading."""
    field = Element(90, 0, "input", Box(50, 700, 200, 30), "Name")
    send = Element(91, 0, "button", Box(50, 750, 200, 30), "Create account")
    before = snapshot(*BEFORE, field, send)
    again = replace(snapshot(field, send), document=2.0)
    assert verifier.judge(before, again, widget(*BEFORE)) is None
    other = replace(snapshot(said("Off we go")), document=2.0)
    verdict = verifier.judge(before, other, widget(*BEFORE))
    assert verdict is not None
    assert verdict.reason == "the page was loaded anew, without a captcha"


def said(text: str, tone: str = "", role: str = "text") -> Element:
    return Element(81, 0, role, Box(50, 500, 300, 20), text, tone=tone)


@pytest.mark.parametrize(
    ("tone", "result", "reason"),
    [
        ("bad", "rejected", "the page says 'Only lemons' in red"),
        ("good", "accepted", "the page says 'Only lemons' in green"),
    ],
)
def test_unknown_words_are_known_by_their_colour(tone: str, result: str, reason: str) -> None:
    """Red means no and green means yes, unless the page goes on to say something else."""
    after = snapshot(*BEFORE, said("Only lemons", tone))
    verdict = verifier.judge(snapshot(*BEFORE), after, widget(*BEFORE))
    assert verdict is not None
    assert (verdict.result, verdict.reason, verdict.sure) == (result, reason, False)
    assert verifier.judge(snapshot(*BEFORE), snapshot(*BEFORE, said("Hm")), widget(*BEFORE)) is None


def test_what_lay_over_the_page_lets_it_through() -> None:
    """A captcha in a layer that vanishes has passed, unless its opener waits again."""
    below = Element(82, 0, "text", Box(50, 10, 300, 20), "Camp booking", covered=True)
    over = [replace(element, layer=1) for element in BEFORE]
    free = replace(below, covered=False)
    verdict = verifier.judge(snapshot(below, *over), snapshot(free), widget(*over))
    assert verdict is not None
    assert verdict.reason == "the captcha no longer lies over the page"
    opener = Element(83, 0, "button", Box(50, 50, 100, 30), "I'm not a robot")
    verdict = verifier.judge(snapshot(below, *over), snapshot(free, opener), widget(*over))
    assert verdict is not None
    assert verdict.reason == "the captcha is closed again"


def test_what_gives_way_to_other_words_has_passed() -> None:
    """Words in the captcha's place are a success, but not that something is loading."""
    verdict = verifier.judge(
        snapshot(*BEFORE), snapshot(said("Your first box is on its way")), widget(*BEFORE)
    )
    assert verdict is not None
    assert (verdict.result, verdict.sure) == ("accepted", False)
    loading = snapshot(said("Please wait"))
    assert verifier.judge(snapshot(*BEFORE), loading, widget(*BEFORE)) is None


@pytest.mark.parametrize("text", ["Message not sent", "Your order has not been sent", "Not saved"])
def test_a_yes_that_is_negated_is_none(text: str) -> None:
    """What was not sent was not accepted."""
    assert verifier.passed(snapshot(), snapshot(said(text))) is None


def test_a_tick_on_a_chosen_tile_is_no_yes() -> None:
    """Marks that tiles get while they are chosen say nothing of the answer."""
    after = snapshot(*BEFORE, replace(said("\u2713"), box=Box(60, 110, 20, 20)))
    assert verifier.judge(snapshot(*BEFORE), after, widget(*BEFORE)) is None


def test_a_token_beside_a_captcha_that_stays() -> None:
    """A hidden token that is filled in is a yes though the pictures stay."""
    token = Element(80, 0, "token", Box(0, 0, 0, 0), "pick-token", checked=False)
    after = snapshot(*BEFORE, replace(token, checked=True))
    verdict = verifier.judge(snapshot(*BEFORE, token), after, widget(*BEFORE))
    assert verdict is not None
    assert (verdict.result, verdict.sure) == ("accepted", False)


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
