"""What somebody typed, and what the browser keeps, is in no report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from agent import runner
from agent.data import Look
from agent.driver import Driver
from agent.policy import check
from agent.scope import Scope
from fixtures.site import Server
from tests.conftest import Fixed

pytestmark = pytest.mark.e2e

SECRET = "correct horse"


def fill(page: Page, url: str) -> None:
    """A form with everything in it that must stay there."""
    page.goto(f"{url}/signup/tiles?seed=9&key={SECRET}")
    page.context.add_cookies([{"name": "session", "value": SECRET, "url": url}])
    for name in ("name", "email", "password"):
        page.fill(f"[name={name}]", SECRET)
    page.evaluate(
        """(secret) => {
          localStorage.token = secret;
          document.forms[0].insertAdjacentHTML('beforeend',
            '<textarea></textarea><input type=hidden name=csrf><input type=password>');
          document.querySelector('textarea').value = secret;
          document.querySelector('[name=csrf]').value = secret;
          document.querySelector('[type=password]:not([name])').value = secret;
        }""",
        SECRET,
    )


def test_a_look_reads_no_field(site: Server, page: Page) -> None:
    """A snapshot says that a field is there, and of a hidden one that it is filled in: no more."""
    fill(page, site.url)
    driver = Driver(page, Scope())
    snapshot = runner.step(driver.perform(Look())).value
    runner.step(driver.close())
    assert any(element.text == "csrf" and element.checked for element in snapshot.elements)
    assert SECRET not in repr(snapshot.elements)


def test_no_report_shows_them(site: Server, page: Page, tmp_path: Path) -> None:
    """A failed solve writes the most: still nothing of it."""
    fill(page, site.url)
    everything: Any = Fixed(lambda target: dict.fromkeys(range(9), 0.9))
    rules = check({"retry": {"attempts": 1}, "reactions": {"unsure": "submit"}}, where="test")
    outcome = runner.solve(page, rules, model=everything)
    assert outcome.status == "unsolved"
    outcome.save(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 6
    for path in tmp_path.iterdir():
        for form in (SECRET, SECRET.replace(" ", "%20"), SECRET.replace(" ", "+")):
            assert form.encode() not in path.read_bytes()
