"""The table: what goes wrong, at which moments, and what must come of it."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import signal
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Route

from agent.waiting import CutError, call
from tests.faults.world import MOMENTS, RULES, Expected, Fault, World

Damage = Callable[[World], Any]

SOLVED = Expected("solved", "the page (says|matches) .*|the hidden field .* was filled in")
NO_VERDICT = Expected("unsolved", r"1 of 1 attempts: the page gave no verdict within 1\.5 s")
NOT_CHECKED = Expected(
    "unsolved", "1 of 1 attempts: the page says 'The answer could not be checked: Failed to fetch'"
)
NO_PICTURES = Expected("unsolved", r"\d of 9 pictures did not load within 1\.5 s")
GONE = "the captcha went away"
WENT_AWAY = Expected("unsolved", f"{GONE}, and the page does not say what came of it")
LOST = Expected(
    "unsolved",
    "navigation_lost: (the page was left for another one before the answer was submitted"
    r"|the site answered with HTTP status 4\d\d|the page went to (about:blank|an error page))",
)
# A click that was meant for a tile may meet a link that has moved there.
LEFT = Expected("unsolved", f"{LOST.reason}|{WENT_AWAY.reason}")
LATE = Expected("unsolved", r"the deadline of \d+ s has passed( while [a-z ,]+)?")
CLOSED = Expected("error", "the page or the browser was closed: .*")


def everywhere(expected: Expected, **others: Expected) -> dict[str, Expected]:
    """The same at each moment, but for those that are named."""
    return {moment: others.get(moment, expected) for moment in MOMENTS}


def early(expected: Expected) -> dict[str, Expected]:
    """What must come of it before the answer is submitted; after that it makes no difference."""
    return everywhere(expected, verify=SOLVED)


PATIENT: dict[str, Any] = {"waits": {**RULES["waits"], "find_s": 10}}
"""Where a slow machine may need longer to see what it has to; what fails must fail soon."""
ONCE: dict[str, Any] = {"retry": {**RULES["retry"], "attempts": 1}}


# --- what the server answers --------------------------------------------------------------------


def answers(pattern: str, *, times: int = 10_000, **answer: Any) -> Damage:
    return lambda world: world.respond(pattern, lambda route: route.fulfill(**answer), times=times)


def fails(pattern: str, code: str) -> Damage:
    return lambda world: world.respond(pattern, lambda route: route.abort(code))


def stays_silent(pattern: str) -> Damage:
    return lambda world: world.respond(pattern, lambda route: None)


VERIFY, PICTURES, PAGE = "**/captcha/verify", "**/captcha/*.jpg", "**/signup/tiles*"


def down(status: int) -> Expected:
    return Expected(
        "unsolved", rf"1 of 1 attempts: the site answered /captcha/verify with HTTP status {status}"
    )


def answered(expected: Expected) -> dict[str, Expected]:
    """As `early`, for what the first screenshot has nothing to do with."""
    return dict.fromkeys(("look", "click", "submit"), expected) | {"verify": SOLVED}


ANSWERS = [
    Fault("verify: connection refused", fails(VERIFY, "connectionrefused"),
          answered(NOT_CHECKED), rules=ONCE),
    Fault("verify: connection cut", fails(VERIFY, "connectionreset"),
          answered(NOT_CHECKED), rules=ONCE),
    Fault("verify: no answer", stays_silent(VERIFY), answered(NO_VERDICT), rules=ONCE),
    Fault("verify: status 404", answers(VERIFY, status=404, json={"error": "gone"}),
          answered(NO_VERDICT), rules=ONCE),
    Fault("verify: status 500", answers(VERIFY, status=500, json={"error": "oops"}),
          answered(down(500)), rules=ONCE),
    Fault("verify: no JSON", answers(VERIFY, status=200, body="<html>"),
          answered(NO_VERDICT), rules=ONCE),
    Fault("verify: status 503 once, Retry-After",
          answers(VERIFY, times=1, status=503, headers={"Retry-After": "1"}, json={"error": "-"}),
          answered(SOLVED)),
    Fault("verify: status 503, Retry-After too long",
          answers(VERIFY, status=503, headers={"Retry-After": "90"}, json={"error": "busy"}),
          answered(Expected("unsolved", "server_error: the site answered /captcha/verify with HTTP "
                         "status 503; the next try would be in 90 s, after the deadline of 20 s"))),
    Fault("verify: status 429",
          answers(VERIFY, status=429, headers={"Retry-After": "1"}, json={"error": "slow down"}),
          answered(Expected("unsolved",
                         "blocked: the site answered /captcha/verify with HTTP status 429"))),
]  # fmt: skip


# --- the page itself, when it is opened and when it is loaded again -------------------------------


def reloaded(damage: Damage) -> Damage:
    """Do it, and load the page again where it was opened already."""

    def both(world: World) -> None:
        damage(world)
        if "/signup/" in world.page.url:
            with contextlib.suppress(PlaywrightError):
                world.page.reload(wait_until="domcontentloaded", timeout=1000)

    return both


def refused(opening: str, reason: str, submitted: Expected) -> dict[str, Expected]:
    return {
        "look": Expected("error", opening),
        "capture": Expected("unsolved", f"{GONE}: {reason}"),
        "click": LOST,
        "submit": submitted,
    }


def http(status: int) -> tuple[str, str]:
    reason = f"the site answered with HTTP status {status}"
    return f".*: {reason}; expected a page with a captcha", reason


OOPS = Expected("unsolved", f"{GONE}: the site answered with HTTP status 500")
BLOCKED = Expected("unsolved", "blocked: the site answered /signup/tiles with HTTP status 429")
UNREACHABLE = (".* the page could not be opened: net::ERR_.*", "the page went to an error page")
OPENINGS = [
    Fault(f"page: {name}", reloaded(damage), refused(*reasons, after), before_opening=True)
    for name, damage, reasons, after in [
        ("connection refused", fails(PAGE, "connectionrefused"), UNREACHABLE, LOST),
        ("connection cut", fails(PAGE, "connectionreset"), UNREACHABLE, LOST),
        ("status 404", answers(PAGE, status=404, body="<p>Not here"), http(404), LOST),
        ("status 500", answers(PAGE, status=500, body="<p>Oops"), http(500), OOPS),
        ("status 429", answers(PAGE, status=429, body="<p>Slow down"), http(429), BLOCKED),
    ]
]


# --- pictures of another challenge ----------------------------------------------------------------


def served(*, size: int, kind: str = "PNG", frames: int = 1) -> Damage:
    """Pictures of this size for all tiles; those of two challenges that follow are not the same."""
    bodies = itertools.cycle([picture(size, kind, frames, hue) for hue in (0, 60, 120, 180)])
    content_type = f"image/{kind.lower()}"
    return lambda world: world.respond(
        PICTURES, lambda route: route.fulfill(body=next(bodies), content_type=content_type)
    )


@cache
def picture(size: int, kind: str, frames: int, hue: int) -> bytes:
    """A square picture that is not of one colour, unless it is a single pixel."""
    buffer = io.BytesIO()
    shade = Image.radial_gradient("L").resize((size, size))
    flat = Image.new("L", shade.size, 200)
    shade = Image.merge("HSV", (flat.point(lambda _: hue), flat, shade)).convert("RGB")
    shades = [shade, shade.rotate(90).point(lambda value: value // 2)][:frames]
    more: dict[str, Any] = {"save_all": True, "append_images": shades[1:], "duration": 120}
    shades[0].save(buffer, kind, **(more if frames > 1 else {}))
    return buffer.getvalue()


def exchanged(damage: Damage) -> Damage:
    """Do it, and have another challenge shown where one is shown already."""

    def both(world: World) -> None:
        damage(world)
        world.exchange()

    return both


def pictures(name: str, damage: Damage, expected: dict[str, Expected], **rules: Any) -> Fault:
    return Fault(f"pictures: {name}", exchanged(damage), expected, rules, before_opening=True)


def once(pattern: str, *, count: int, **answer: Any) -> Damage:
    """Wrong for one challenge only: the one that takes its place is as it should be."""
    return answers(pattern, times=count, **answer)


def until_clicked(expected: Expected) -> dict[str, Expected]:
    """Later, the answer may be with the server before the pictures are exchanged."""
    return dict.fromkeys(MOMENTS[:3], expected)


PICTURE_FAULTS = [
    pictures("missing", answers(PICTURES, status=404), until_clicked(NO_PICTURES)),
    pictures("missing in one challenge", once(PICTURES, count=9, status=404),
             until_clicked(SOLVED), **PATIENT),
    pictures("corrupt", answers(PICTURES, body=b"\xff\xd8\xff nonsense", content_type="image/jpeg"),
             until_clicked(NO_PICTURES)),
    pictures("no answer", stays_silent(PICTURES), until_clicked(NO_PICTURES)),
    pictures("connection cut", fails(PICTURES, "connectionreset"), until_clicked(NO_PICTURES)),
    pictures("huge", served(size=4000), until_clicked(SOLVED), **PATIENT),  # decoding takes seconds
    pictures("1 px", served(size=1), until_clicked(NO_PICTURES)),
    pictures("animated", served(size=80, kind="GIF", frames=2), until_clicked(SOLVED)),
]  # fmt: skip


# --- the widget under one's hands -----------------------------------------------------------------


def script(code: str) -> Damage:
    return lambda world: world.run(f"() => {{ {code} }}")


WIDGET = "const w = document.querySelector('.captcha'); if (!w) return;"
WIDGETS = [
    Fault("widget: removed", script(f"{WIDGET} w.remove()"),
          everywhere(WENT_AWAY, look=Expected("unsolved", "no captcha found on the page .*"),
                     click=LEFT, verify=SOLVED)),
    Fault("widget: hidden for a moment",
          script(f"{WIDGET} w.style.display = 'none'; setTimeout(() => w.style.display = '', 400)"),
          everywhere(SOLVED)),
    Fault("widget: another challenge", lambda world: world.exchange(), everywhere(SOLVED)),
    # Once it has passed it has no stage any more.
    Fault("widget: elements made anew",
          script(f"{WIDGET} const s = w.querySelector('.stage') || w; "
                 "s.replaceChildren(...[...s.children])"), everywhere(SOLVED)),
    Fault("widget: moves away",
          script(f"{WIDGET} w.style.marginTop = '260px'"), everywhere(SOLVED)),
    Fault("widget: moves all the time",
          script(f"{WIDGET} let n = 0; "
                 "setInterval(() => w.style.marginTop = `${n++ % 2 * 9}px`, 90)"),
          dict.fromkeys(("click", "submit", "verify"), SOLVED), rules=PATIENT),
    Fault("widget: covered for a moment",
          script("const c = document.createElement('div'); c.style.cssText = 'position: fixed; "
                 "inset: 0; background: white; z-index: 99'; document.body.append(c); "
                 "setTimeout(() => c.remove(), 500)"), everywhere(SOLVED)),
]  # fmt: skip


# --- the page goes elsewhere, or somebody gets in between -----------------------------------------


def moved(path: str) -> Damage:
    return lambda world: world.page.goto(
        path if ":" in path else world.site.url + path, wait_until="domcontentloaded"
    )


def in_front(world: World) -> None:
    world.page.context.new_page().bring_to_front()


DETOURS = [
    Fault("page: goes to another one", moved("/"),
          {"look": Expected("unsolved", "no captcha found on the page .*"), "capture": WENT_AWAY,
           "click": LOST, "submit": SOLVED}, rules={"success": "text:Verified"}),
    Fault("page: about:blank", moved("about:blank"),
          {"look": Expected("unsolved", "no captcha found on the page .*"),
           "capture": Expected("unsolved", f"{GONE}: the page went to about:blank"),
           "click": LOST, "submit": LOST}),
    Fault("page: loaded again", lambda world: world.page.reload(), everywhere(SOLVED)),
    Fault("page: popup", script("open('/welcome')"), everywhere(SOLVED)),
    Fault("page: popup that takes the focus", in_front, everywhere(SOLVED)),
    Fault("page: alert", script("setTimeout(() => alert('Our new trips are here'))"),
          everywhere(SOLVED)),
    Fault("page: question", script("setTimeout(() => confirm('Do you like it here?'))"),
          everywhere(SOLVED)),
    Fault("page: asks before it is left", script("onbeforeunload = (e) => e.preventDefault()"),
          everywhere(SOLVED)),
    Fault("page: download",
          script("const a = document.createElement('a'); a.download = 'a.txt'; "
                 "a.href = 'data:text/plain,a'; a.click()"), everywhere(SOLVED)),
    Fault("page: focus lost",
          script("document.activeElement.blur(); window.dispatchEvent(new Event('blur'))"),
          everywhere(SOLVED)),
    Fault("page: never idle",
          script("setInterval(() => fetch('/').catch(() => 0), 50); const t = () => { "
                 "document.title = Math.random(); requestAnimationFrame(t) }; t()"),
          everywhere(SOLVED)),
]  # fmt: skip


# --- page, browser and clock ----------------------------------------------------------------------


def hangs(world: World) -> None:
    world.run("() => { setTimeout(() => { while (true); }) }")


def crashes(world: World) -> None:
    session = world.page.context.new_cdp_session(world.page)
    with contextlib.suppress(PlaywrightError, CutError):
        call(lambda: session.send("Page.crash"), 0.5)  # nobody is left to answer it


def kill_browser(world: World) -> None:
    """Kill the browser's own process; its number is known by its protocol."""
    browser = world.page.context.browser
    assert browser is not None
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    (number,) = (one["id"] for one in found["processInfo"] if one["type"] == "browser")
    os.kill(number, signal.SIGKILL)


def jump(world: World) -> None:
    """The wall clock of page and test goes a day ahead; `time.time` is put back by the test."""
    real = time.time
    time.time = lambda: real() + 86_400
    world.run("() => { const now = Date.now; Date.now = () => now() + 86_400_000 }")


def endless(world: World) -> None:
    """Every right answer is followed by one more challenge."""

    def one_more(route: Route) -> None:
        series = world.page.evaluate("() => document.querySelector('.captcha').dataset.series")
        url = f"{world.site.url}/captcha/new"
        shown = route.fetch(url=url, method="POST", post_data={"series": series}).json()
        route.fulfill(json={"result": "next", "next": shown})

    world.respond(VERIFY, one_more)


KILLED = "browser: killed"
MACHINE = [
    Fault("page: computes for ever", hangs, dict.fromkeys(MOMENTS[:4], LATE),
          rules={"retry": {"deadline_s": 6}}),
    Fault("page: crashes", crashes,
          everywhere(Expected("unsolved", "the page could not be looked at: .*crashed.*"))),
    Fault("page: closed", lambda world: world.page.close(), everywhere(CLOSED)),
    Fault(KILLED, kill_browser, everywhere(CLOSED)),
    Fault("clock: a day ahead", jump, everywhere(SOLVED)),
    Fault("challenges without end", endless,
          dict.fromkeys(("look", "submit"),
                        Expected("unsolved", "all 12 clicks of the policy are used up")),
          rules={"limits": {"clicks": 12}}),
]  # fmt: skip

FAULTS = (
    *ANSWERS,
    *OPENINGS,
    *PICTURE_FAULTS,
    *WIDGETS,
    *DETOURS,
    *MACHINE,
)
CELLS = [(fault, moment) for fault in FAULTS for moment in fault.expected]

QUICK = CELLS[2::3]  # what `make test` tries, too: each fault and each moment is among these
