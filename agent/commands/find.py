"""`captcha-agent find`: which captcha a page shows, and why; nothing is clicked."""

from __future__ import annotations

from typing import Any

import click
from PIL import Image, ImageDraw

from agent import finder, recognizer, runner, vendors, widget_file
from agent.browser import open_page
from agent.cli import emit_json
from agent.commands import browsing
from agent.data import Box, Capture, Describe, Element, Look, Picture, Sight, Snapshot, Wait
from agent.driver import Driver
from agent.errors import ScopeError, UsageError
from agent.policy import Policy
from agent.redaction import plain
from agent.scope import Scope

_COLORS = {"tiles": (0, 114, 178), "submit": (0, 158, 115), "instruction": (213, 94, 0)}
_OTHER = (204, 121, 167)


def run(
    url: str,
    *,
    policy: str,
    allow: tuple[str, ...],
    widget: str,
    draw: str,
    as_json: bool,
    **given: Any,
) -> int:
    """Say what captcha is found at `url`; returns the exit status."""
    rules = browsing.adjusted(policy, given)
    scope = Scope(allow=(*rules.allow, *allow))
    scope.check(url)
    parts = widget_file.load(widget) if widget else None
    with open_page(browsing.browser_choice(given), rules.browser) as page:
        driver = Driver(page, scope, parts, block_outside=rules.block_outside_requests)
        within_s = rules.retry.deadline_s
        runner.step(driver.open(url, timeout_s=within_s), within_s)
        snapshot, sight = _look(driver, rules)
        found = _parts(snapshot, sight)
        selectors = {name: _selector(driver, elements) for name, elements in found.items()}
        if draw:
            _draw(driver, snapshot, found, draw)
    boxes = {name: [_box(e.box) for e in elements] for name, elements in found.items()}
    if as_json:
        emit_json(_json(sight, boxes, selectors))
    else:
        _print(sight, selectors, len(finder.find_all(snapshot)))
    return 0 if sight.what in ("widget", "opener", "solved") else 1


def _look(driver: Driver, rules: Policy) -> tuple[Snapshot, Sight]:
    """Look until something is seen twice, or the policy's patience is at its end."""
    before: Sight | None = None
    waited_s = 0.0
    while True:
        observation = runner.step(driver.perform(Look()), rules.retry.deadline_s)
        snapshot: Snapshot = observation.value
        vendor = vendors.embedded(snapshot)
        if vendor is not None and vendor.test is None:
            raise ScopeError(vendors.refusal(vendor))
        sight = recognizer.recognize(snapshot)
        if (sight == before and sight.what != "nothing") or waited_s > rules.waits.find_s:
            return snapshot, sight
        before, waited_s = sight, waited_s + rules.waits.poll_s + observation.took_s
        runner.step(driver.perform(Wait(rules.waits.poll_s)))


def _parts(snapshot: Snapshot, sight: Sight) -> dict[str, tuple[Element, ...]]:
    """The elements of what was found, by the names that a widget file has for them."""
    widget = sight.widget
    if widget is None:
        return {"opener": (sight.opener,)} if sight.opener else {}
    asked = [e for e in snapshot.elements if e.text and e.text == widget.instruction]
    single = {
        "instruction": asked[0] if asked else None,
        "picture": None if widget.tiles else widget.picture,
        "sample": widget.sample,
        "submit": widget.submit,
        "reload": widget.reload,
        "skip": widget.skip,
    }
    many = {"tiles": widget.tiles, "controls": widget.controls}
    found = {name: (element,) for name, element in single.items() if element is not None}
    return found | {name: elements for name, elements in many.items() if elements}


def _selector(driver: Driver, elements: tuple[Element, ...]) -> str:
    return str(runner.step(driver.perform(Describe(elements))).value or "")


def _box(box: Box) -> list[float]:
    return [round(value, 1) for value in (box.x, box.y, box.width, box.height)]


def _json(sight: Sight, boxes: dict[str, Any], selectors: dict[str, str]) -> dict[str, Any]:
    widget = sight.widget
    content: dict[str, Any] = {"found": sight.what, "reason": sight.reason}
    if widget is not None:
        content |= {
            "kind": widget.kind,
            "instruction": widget.instruction,
            "grid": [widget.rows, widget.cols],
            "evidence": list(widget.evidence),
        }
    return {**content, "boxes": boxes, "widget": selectors}


def _print(sight: Sight, selectors: dict[str, str], count: int) -> None:
    if sight.what == "nothing":
        click.echo("No captcha found: no sentence that asks for pictures near pictures to click.")
        return
    click.echo(f"# {sight.what}: {plain(sight.reason)}")
    if count > 1:
        click.echo(f"# {count} captchas on the page; this is the likeliest.")
    if selectors:
        click.echo("# A widget file to start from; what you leave out is found as ever.")
        click.echo(widget_file.dump(selectors), nl=False)


def _draw(
    driver: Driver, snapshot: Snapshot, found: dict[str, tuple[Element, ...]], path: str
) -> None:
    """Draw the page with a frame around each part."""
    whole = Box(0, 0, snapshot.width_css, snapshot.height_css)
    picture: Picture | None = runner.step(driver.perform(Capture(whole))).value
    if picture is None:
        raise UsageError(f"--draw {path}: the page could not be drawn")
    image = Image.fromarray(picture.pixels)
    pen = ImageDraw.Draw(image)
    for name, elements in found.items():
        color = _COLORS.get(name, _OTHER)
        for number, element in enumerate(elements, start=1):
            box = picture.from_css(element.box)
            pen.rectangle((box.x, box.y, box.right, box.bottom), outline=color, width=3)
            label = f"{number}" if len(elements) > 1 else name
            pen.text((box.x + 5, box.y + 3), label, fill=color, stroke_width=2, stroke_fill="white")
    try:
        image.save(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"--draw {path}: cannot be written: {error}") from error
