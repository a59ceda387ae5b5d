"""Vendors' widgets: known by address and key, clicked through with test keys, else refused."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route

from agent import runner, vendors
from agent.data import Box, Frame, Outcome, Snapshot
from agent.errors import ScopeError
from agent.policy import check
from fixtures.site import Server
from tests.conftest import Fixed

RECAPTCHA = "https://www.google.com/recaptcha/api2/anchor?ar=1&k={key}&co=aHR0"
HCAPTCHA = (
    "https://newassets.hcaptcha.com/captcha/v1/x/static/hcaptcha.html#frame=checkbox&sitekey={key}"
)
TURNSTILE = "https://challenges.cloudflare.com/cdn-cgi/challenge-platform/x/{key}/auto/normal/"
TESTED = [
    (RECAPTCHA, "reCAPTCHA", "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI"),
    (HCAPTCHA, "hCaptcha", "10000000-ffff-ffff-ffff-000000000001"),
    (TURNSTILE, "Turnstile", "1x00000000000000000000AA"),
]  # fmt: skip
OTHERS = [
    "6LdyC2cUAAAAACGuDKpXeDorzUDWXmdqeg-xy696", "a5f74b19-9e45-40e0-b45d-47ff91b7a6c2",
    "0x4AAAAAAADnPIDROrmt1Wwj",
]  # fmt: skip


def page_with(*urls: str, keys: tuple[str, ...] = (), scripts: tuple[str, ...] = ()) -> Snapshot:
    top = Frame("http://localhost/", Box(0, 0, 800, 600), 0, keys, scripts)
    frames = [Frame(url, Box(10, 10, 304, 78), n + 1) for n, url in enumerate(urls)]
    return Snapshot("http://localhost/", "", (), (top, *frames), 800, 600)


@pytest.mark.parametrize(("url", "name", "key"), TESTED)
def test_test_keys_are_known(url: str, name: str, key: str) -> None:
    """A frame with a published test key is known as a test widget of its vendor."""
    found = vendors.embedded(page_with(url.format(key=key)))
    assert found is not None
    assert (found.vendor.name, found.key) == (name, key)
    assert found.test is not None
    assert found.test.passes


@pytest.mark.parametrize(("url", "name", "key"), TESTED)
@pytest.mark.parametrize("other", OTHERS)
def test_other_keys_are_refused(url: str, name: str, key: str, other: str) -> None:
    """Any other key is refused, on one's own page too; the message names the key that would do."""
    if name == "reCAPTCHA" and len(other) < 30:
        return
    found = vendors.embedded(page_with(url.format(key=other), keys=(key,)))
    assert found is not None
    if name == "Turnstile" and "x" not in other[:2]:
        return
    assert found.test is None
    assert vendors.refusal(found).startswith(
        f"refused: this is a widget of {name} with the site key '{other}', which is no test key; "
        f"vendors' captchas are not solved. In tests use the published key '{key}': see "
    )


def test_keys_and_scripts_of_the_page() -> None:
    """Before its frame is there a widget is known by its script and the key on the page."""
    script = "https://js.hcaptcha.com/1/api.js"
    assert vendors.embedded(page_with(scripts=(script,))) is None
    found = vendors.embedded(page_with(scripts=(script,), keys=("not-a-test-key",)))
    assert found is not None
    assert found.test is None
    script = (
        "https://www.google.com/recaptcha/api.js?render=6LdyC2cUAAAAACGuDKpXeDorzUDWXmdqeg-xy696"
    )
    found = vendors.embedded(page_with(scripts=(script,)))
    assert found is not None
    assert found.test is None


def test_vendors_without_test_keys() -> None:
    """A vendor that publishes no test key is refused whatever its key is."""
    found = vendors.embedded(page_with("https://client-api.arkoselabs.com/fc/gc/"))
    assert found is not None
    assert vendors.refusal(found) == (
        "refused: this is a widget of Arkose Labs, which publishes no test key: switch it off "
        "under test, or put an image captcha of your own in its place"
    )


@pytest.mark.parametrize(
    "url",
    ["https://www.google.com/maps/embed", "https://hcaptcha.com.evil.test/", "http://localhost/recaptcha/",
     "https://nothcaptcha.com/", "https://google.com.test/recaptcha/api.js"],
)  # fmt: skip
def test_other_addresses_are_no_vendors(url: str) -> None:
    """Addresses that only look alike belong to nobody."""
    assert vendors.of(url) is None


WIDGET = """<!doctype html><body style="margin:0">
<div role=checkbox aria-checked=false tabindex=0 style="width:28px;height:28px;margin:24px 14px"
  onclick="parent.postMessage('{token}', '*')"></div>
<script>onload = () => {{ if ({unasked}) parent.postMessage('{token}', '*') }}</script>"""
PAGE = """<!doctype html><title>Form</title><form><h1>Join</h1><div {key}>
<iframe src="{frame}" width=304 height=78></iframe>
<textarea name="{field}" style="display:none"></textarea></div></form><script>
onmessage = (e) => {{ document.querySelector('textarea').value = e.data }}</script>"""


def solve(
    page: Page,
    site: Server,
    url: str,
    key: str,
    token: str,
    *,
    unasked: bool = False,
    block: bool = False,
) -> Outcome:
    """Solve a page that stands in for one with the vendor's widget, at the vendor's own address."""
    vendor = vendors.of(url)
    assert vendor is not None
    frame = url.format(key=key)
    body = WIDGET.format(token=token, unasked="true" if unasked else "false")
    at = frame.partition("#")[0]

    def serve(route: Route) -> None:
        route.fulfill(content_type="text/html", body=body)

    def form(route: Route) -> None:
        content = PAGE.format(frame=frame, field=vendor.field, key=f'data-sitekey="{key}"')
        route.fulfill(content_type="text/html", body=content)

    page.context.route(lambda asked: asked.partition("#")[0] == at, serve)
    page.context.route(f"{site.url}/join", form)
    rules = {"waits": {"verify_s": 5}, "block_outside_requests": block}
    policy = check(rules, where="test")

    def never(_: Any) -> dict[int, float]:
        raise AssertionError("the scorer ran on a vendor's widget")

    model: Any = Fixed(never)
    return runner.solve(page, policy, model=model, url=f"{site.url}/join")


TOKENS = ["03AGdBq-any", "10000000-aaaa-bbbb-cccc-000000000001", "XXXX.DUMMY.TOKEN.XXXX"]


@pytest.mark.e2e
@pytest.mark.parametrize(("widget", "token"), list(zip(TESTED, TOKENS, strict=True)))
@pytest.mark.parametrize("unasked", [False, True])
def test_test_widgets_are_clicked_through(
    site: Server, page: Page, widget: tuple[str, str, str], token: str, unasked: bool
) -> None:
    """With a test key the widget is clicked, its token awaited and compared; nothing is scored."""
    url, name, key = widget
    outcome = solve(page, site, url, key, token, unasked=unasked)
    assert outcome.solved, outcome.reason
    what = "a token" if name == "reCAPTCHA" else "its documented dummy token"
    assert outcome.reason == f"{name}'s test widget gave {what}"
    assert outcome.attempts == ()


@pytest.mark.e2e
@pytest.mark.parametrize(("widget", "token"), list(zip(TESTED, TOKENS, strict=True)))
def test_blocking_other_requests_lets_test_widgets_load(
    site: Server, page: Page, widget: tuple[str, str, str], token: str
) -> None:
    """A policy that blocks what loads from outside leaves the vendor's frame alone."""
    url, _, key = widget
    outcome = solve(page, site, url, key, token, block=True)
    assert outcome.solved, outcome.reason


@pytest.mark.e2e
def test_another_token_is_no_success(site: Server, page: Page) -> None:
    """A token that is not the documented one is said to be another."""
    url, _, key = TESTED[1]
    outcome = solve(page, site, url, key, "real-token")
    assert outcome.reason.startswith(f"hCaptcha's test key '{key}' gave another token than")


@pytest.mark.e2e
def test_a_production_key_on_loopback_is_refused(site: Server, page: Page) -> None:
    """A production widget is refused on one's own machine, too, and nothing in it is clicked."""
    clicked = []
    page.on("console", lambda message: clicked.append(message.text))
    with pytest.raises(ScopeError, match="which is no test key; vendors' captchas are not solved"):
        solve(page, site, TURNSTILE, OTHERS[2], "token")
    assert clicked == []


@pytest.mark.e2e
def test_a_test_key_that_never_passes(site: Server, page: Page) -> None:
    """A key that is published to fail gives no token, and the reason says that it is meant to."""
    url, _, _ = TESTED[2]
    outcome = solve(page, site, url, "2x00000000000000000000AB", "")
    assert outcome.reason == (
        "Turnstile's test widget gave no token within 5 s, as this test key is meant to"
    )
