"""Whole solves in a real browser, with an oracle in the model's place and with the model."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import async_playwright
from playwright.sync_api import Page

from agent import runner
from agent.browser import BrowserChoice, find_browser
from agent.policy import Policy, check
from fixtures.site import KINDS, THEMES, Server, serve
from tests.benchmarks import strangers as benchmark
from tests.conftest import Fixed, run_async
from tests.e2e.oracle import oracle
from tests.strangers import written
from tests.strangers.site import PAGES
from tests.strangers.site import serve as strangers

pytestmark = pytest.mark.e2e


def solve(page: Page, server: Server, url: str, policy: Policy | None = None) -> Any:
    return runner.solve(page, policy or Policy(), model=oracle(server), url=url)  # type: ignore[arg-type]


def context(page: Page, **settings: Any) -> Any:
    browser = page.context.browser
    assert browser is not None
    return browser.new_context(**settings)


SCALES = (1, 1.5, 2, 1, 1.5, 2, 3)  # three times as many pixels take three times as long


@pytest.mark.parametrize(("number", "kind"), list(enumerate(KINDS)))
def test_right_answers_are_accepted(site: Server, page: Page, number: int, kind: str) -> None:
    """With the right tiles known, each kind is solved at once, in turn in each theme and scale.

    All kinds in all themes are tried by tests/benchmarks/kinds.py.
    """
    theme, scale = THEMES[number % len(THEMES)], SCALES[number % len(SCALES)]
    with context(page, device_scale_factor=scale) as fresh:
        url = f"{site.url}/signup/{kind}?seed=5&theme={theme}"
        model: Any = oracle(site, theme)
        outcome = runner.solve(fresh.new_page(), "ci", model=model, url=url)
    assert outcome.solved, outcome.reason
    results = {"rounds": ["next_round", "accepted"], "expiry": ["expired", "accepted"]}
    assert [a.result for a in outcome.attempts] == results.get(kind, ["accepted"])
    assert site.solved(url)


@pytest.mark.parametrize("name", PAGES)
def test_strangers(page: Page, name: str) -> None:
    """Captchas that others wrote are solved with nothing set."""
    with strangers() as (url, books):

        def choose(_: Any) -> dict[int, float]:
            assert books.challenge is not None
            return dict.fromkeys(books.challenge.answer, 0.99)

        model: Any = Fixed(choose)
        outcome = runner.solve(page, "ci", model=model, url=f"{url}/{name}")
    assert outcome.solved, outcome.reason
    assert books.passed
    assert [attempt.result for attempt in outcome.attempts] == ["accepted"]


# One of each sort; tests/benchmarks/strangers.py counts all pages.
OTHERS_WROTE = (
    "anchors-javascript", "canvas-arcade", "canvas-overlay-squares", "chat-bubble",
    "circle-one", "cookie-banner", "css-labels-dutch", "describedby-below", "dialog-robot",
    "farm-replace", "guestbook2004", "iframe-modal", "iot-tiny", "japanese-form", "lazy-gallery",
    "listbox-keys", "object-tiles", "paywall-choice", "permits-gov", "placeholder-instruction",
    "riffshop-tailwind", "rtl-shop", "sample-above", "scene-canvas-game", "sprite-enquete",
    "sprite-small", "svg-board", "tortuga-boletin", "which-is-immediate",
)  # fmt: skip


@pytest.mark.parametrize("name", OTHERS_WROTE)
def test_pages_that_others_wrote(page: Page, name: str) -> None:
    """On whole pages, written without a look at the finder, the right answer is seen accepted."""
    path = written.WHOLE[name]
    with written.serve() as url:
        got = benchmark.tried(page, url, path, wrong=False)
    assert (got.found, got.answered, got.judged) == (True, True, True), got.reason


@pytest.mark.parametrize("name", written.NAMED)
def test_widget_files(page: Page, name: str) -> None:
    """What the finder does not find is solved with a widget file that names it."""
    path = written.NAMED[name]
    with written.serve() as url:
        alone = benchmark.tried(page, url, path, wrong=False)
        file = str(path.with_suffix(".yaml"))
        named = benchmark.tried(page, url, path, wrong=False, widget=file)
    assert not alone.found
    assert named.judged, named.reason


def test_a_captcha_taller_than_the_window(page: Page, site: Server) -> None:
    """What lies over the page gets a window that it fits into, for as long as it takes."""
    page.set_viewport_size({"width": 1280, "height": 360})
    url = f"{site.url}/signup/modal?seed=1"
    assert runner.solve(page, "ci", model=oracle(site), url=url).solved
    assert page.viewport_size == {"width": 1280, "height": 360}


SCROLLS = """<body style="height: 3000px">
<div style="position: fixed; left: 200px; top: 40px; width: 360px; height: 420px; overflow: auto">
<p>Select all images with a bus</p><p></p>
<button style="margin-top: 300px">Verify</button><p role="status"></p></div><script>
const [, grid, says] = document.querySelectorAll('p');
for (let i = 0; i < 9; i++) {
  const tile = grid.appendChild(document.createElement('canvas')), pen = tile.getContext('2d');
  tile.width = tile.height = 100;
  tile.style = 'margin: 4px; cursor: pointer';
  for (let n = 0; n < 200; n++) {
    pen.fillStyle = `hsl(${n * 37 + i * 50}, 60%, 50%)`;
    pen.fillRect(n * 29 % 100, n * 53 % 100, 20, 20);
  }
  tile.onclick = () => tile.style.outline = tile.style.outline ? '' : '4px solid blue';
}
document.querySelector('button').onclick = () => {
  const chosen = [...grid.children].map((tile, i) => tile.style.outline && i).join('');
  says.textContent = chosen === '04' ? 'Verified' : 'Wrong';
};
</script>"""


def test_a_button_below_the_fold_of_a_modal(page: Page, site: Server) -> None:
    """It is scrolled into view in the box that it lies in, then clicked where it is."""
    page.route("**/form", lambda route: route.fulfill(body=SCROLLS, content_type="text/html"))
    scorer: Any = Fixed(lambda target: {0: 0.99, 4: 0.99})
    outcome = runner.solve(page, "ci", model=scorer, url=f"{site.url}/form")
    assert outcome.solved, outcome.reason
    assert len(outcome.attempts) == 1


@pytest.mark.parametrize("width", [360, 1280])
def test_small_windows(site: Server, page: Page, width: int) -> None:
    """The widget is scrolled into view, in a narrow and low window, too."""
    page.set_viewport_size({"width": width, "height": 420})
    outcome = solve(page, site, f"{site.url}/signup/canvas?seed=6")
    assert outcome.solved, outcome.reason


_WIDE = "addEventListener('DOMContentLoaded', () => document.body.style.width = '900px')"


@pytest.mark.parametrize("kind", ["picture", "tiles"])
def test_pages_from_right_to_left_that_are_wider_than_the_window(
    site: Server, page: Page, kind: str
) -> None:
    """They start at their right end: what lies to the left of it is seen and clicked, too."""
    page.set_viewport_size({"width": 400, "height": 700})
    page.add_init_script(_WIDE)
    url = f"{site.url}/signup/{kind}?seed=6&theme=rtl"
    outcome = runner.solve(page, Policy(), model=oracle(site, "rtl"), url=url)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") > 400
    assert outcome.solved, outcome.reason


def test_the_whole_form(site: Server, page: Page) -> None:
    """After the captcha is solved the form goes through, and without it it does not."""
    page.goto(f"{site.url}/signup/tiles?seed=8")
    for name, value in (("name", "Ada"), ("email", "ada@shop.test"), ("password", "lovelace")):
        page.fill(f"[name={name}]", value)
    page.click("text=Create account >> nth=-1")
    assert "Please solve the captcha first" in page.content()
    page.go_back()
    for name, value in (("name", "Ada"), ("email", "ada@shop.test"), ("password", "lovelace")):
        page.fill(f"[name={name}]", value)
    outcome = runner.solve(page, Policy(), model=oracle(site))  # type: ignore[arg-type]
    assert outcome.solved, outcome.reason
    page.click("text=Create account >> nth=-1")
    assert "Welcome, Ada" in page.content()


def test_a_wrong_answer_is_seen(site: Server, page: Page) -> None:
    """A rejection is reported with what the page said."""
    policy = check({"retry": {"attempts": 1}, "decide": {"sure": 0}}, where="test")
    nothing = Fixed(lambda target: dict.fromkeys(range(9), 0.9))
    url = f"{site.url}/signup/tiles?seed=9"
    outcome = runner.solve(page, policy, model=nothing, url=url)  # type: ignore[arg-type]
    assert outcome.status == "unsolved"
    assert "Not quite" in outcome.reason
    assert not site.solved(url)


def test_expired_challenges(page: Page) -> None:
    """A challenge that expires is told from a wrong answer and another one is asked for."""
    with serve(expires_s=0) as server:
        policy = check({"retry": {"attempts": 2}}, where="test")
        outcome = solve(page, server, f"{server.url}/signup/tiles?seed=1", policy)
    results = [(attempt.result, attempt.reason) for attempt in outcome.attempts]
    assert [result for result, _ in results] == ["expired", "expired"], results


def test_async_pages(site: Server) -> None:
    """`solve_async` does on an async page what `solve` does on a sync one."""

    async def go() -> Any:
        async with async_playwright() as playwright:
            path = find_browser(BrowserChoice(), playwright)  # type: ignore[arg-type]
            browser = await playwright.chromium.launch(executable_path=path)
            page = await browser.new_page()
            url = f"{site.url}/signup/picture?seed=5"
            outcome = await runner.solve_async(page, Policy(), model=oracle(site), url=url)  # type: ignore[arg-type]
            await browser.close()
            return outcome

    outcome = run_async(go())
    assert outcome.solved, outcome.reason
    assert outcome.attempts[0].grid == (4, 4)
