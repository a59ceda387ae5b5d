"""What a look reads of a page: on pages that are made to show one thing, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from agent import driver, runner
from agent.data import Element, Look, Snapshot
from agent.scope import Scope
from fixtures.site import Server

pytestmark = pytest.mark.e2e

DOTS = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='60' height='120'>"
    "<circle cx='30' cy='%d' r='20'/></svg>"
)
STYLE = "<style>i { display: block; width: 60px; height: 60px }</style>"


def look(page: Page, site: Server, body: str) -> Snapshot:
    page.goto(site.url)
    page.set_content(body)
    return again(page)


def again(page: Page) -> Snapshot:
    snapshot: Snapshot = runner.step(driver.Driver(page, Scope()).perform(Look())).value
    return snapshot


def of_role(snapshot: Snapshot, *roles: str) -> list[Element]:
    return [e for e in snapshot.elements if e.role in roles]


def test_which_form_something_stands_in(page: Page, site: Server) -> None:
    """Be it by its place or by its `form` attribute; a button without words says "Submit"."""
    body = (
        "<form id=search><input name=q><input type=submit value=Go></form>"
        f'<form id=join><p><img width=60 height=60 src="{DOTS % 30}"></p></form>'
        "<input type=submit form=join><button>Help</button>"
    )
    seen = look(page, site, body)
    found = {e.text: e.form for e in of_role(seen, "button")}
    assert found == {"Go": 1, "Submit": 2, "Help": 0}
    assert [e.form for e in of_role(seen, "image")] == [2]


def test_what_tells_that_a_background_is_another(page: Page, site: Server) -> None:
    """A move of a picture that is shown once is a state; of a part of a sheet another picture."""
    alone, sheet = (f"background: url(&quot;{DOTS % y}&quot;)" for y in (30, 90))
    tiles = f'<i style="{alone}"></i><i style="{sheet}"></i><i style="{sheet}"></i>'
    before = look(page, site, STYLE + tiles)
    page.evaluate(
        "document.querySelectorAll('i').forEach(i => i.style.backgroundPosition = '0 60px')"
    )
    pairs = zip(of_role(before, "background"), of_role(again(page), "background"), strict=True)
    assert [old.source == new.source for old, new in pairs] == [True, False, False]


@pytest.mark.parametrize(("state", "told"), [("true", True), ("false", False), ("undefined", None)])
def test_a_state_that_is_none_tells_nothing(
    page: Page, site: Server, state: str, told: bool | None
) -> None:
    """Scripts write `undefined` there: then the pixels tell whether a tile is chosen."""
    body = f"<div role=checkbox aria-checked={state} style='width: 60px; height: 60px'></div>"
    assert [e.checked for e in of_role(look(page, site, body), "checkbox")] == [told]


def test_where_words_stand_below_a_block(page: Page, site: Server) -> None:
    """Words in no block of their own have the place where they are, not that of all around them."""
    body = "<div><span style='display: block'>Select all images with</span><b>buses</b></div>"
    lead, words = of_role(look(page, site, body), "text")
    assert words.text == "buses"
    assert words.box.y >= lead.box.bottom - 1


def test_a_picture_that_submits(page: Page, site: Server) -> None:
    """It is of its form, and called by its value where it has no other name."""
    body = f"<form><input type=image value='Go on' width=90 height=40 src=\"{DOTS % 30}\"></form>"
    (sends,) = of_role(look(page, site, body), "image")
    assert (sends.text, sends.submits, sends.form) == ("Go on", True, 1)


def test_what_a_script_listens_to_can_be_clicked(page: Page, site: Server) -> None:
    """By `onclick`, as React leaves it there as well; what stands in it, too. Not a whole page."""
    body = "<i id=one></i><i></i><div id=two><i></i></div>" + STYLE
    body += f'<style>i {{ background: url("{DOTS % 30}") }}</style>'
    look(page, site, body)
    page.evaluate("one.onclick = two.onclick = document.body.onclick = () => {}")
    assert [e.clickable for e in of_role(again(page), "background")] == [True, False, True]


def test_a_button_of_a_component_says_what_is_handed_to_it(page: Page, site: Server) -> None:
    """Its words stand in the page, in the place of a slot."""
    look(page, site, "<my-button>Confirm</my-button>")
    page.evaluate(
        """() => {
            const root = document.querySelector('my-button').attachShadow({ mode: 'open' });
            root.innerHTML = '<button><slot></slot></button>';
        }"""
    )
    assert [e.text for e in of_role(again(page), "button")] == ["Confirm"]
