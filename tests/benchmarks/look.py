"""Times a look at a page of 3,000 elements and the search in it: where the time goes.

    python -m tests.benchmarks.look [--elements N] [--runs N] [--against LOOK.JS]

`--against` runs another `look.js` in turn with the present one, run by run on the same page.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from agent import driver, finder, recognizer, runner, snapshot
from agent.browser import BrowserChoice, open_page
from agent.data import Look
from agent.policy import BrowserSettings
from agent.scope import Scope
from fixtures.site import serve

_GOOD = """<li><a href="/p/{n}"><img src="{src}" width=120 height=120 alt="Mug {n}">
<h3>Mug {n}</h3></a>
<p>Stoneware, <b>{n} ml</b>, glazed by hand. Choose from {n} colours.</p><span>€ {n}.00</span>
<button>Add to cart</button></li>"""
_PIXEL = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>"
    "<circle r='{n}' fill='red'/></svg>"
)
_PAGE = """<!doctype html><title>Shop</title><base href="{url}"><style>
header{{position:sticky;top:0;background:#fff}}
ul{{display:grid;grid-template-columns:repeat(6,1fr)}}
.tile{{display:inline-block;width:90px;height:90px}} .tile img{{width:90px;height:90px}}</style>
<header><a href="/">Home</a> <a href="/cart">Cart</a></header><ul>{goods}</ul>
<form><p>Select all images with a bus</p><div style="width:300px">{tiles}</div>
<button type=button>Verify</button></form>"""
_PER_GOOD = 8


def _page(url: str, elements: int) -> str:
    def drawn(n: int) -> str:
        return _PIXEL.format(n=n % 9 + 1).replace("#", "%23").replace('"', "'")

    goods = "".join(_GOOD.format(n=n, src=drawn(n)) for n in range(elements // _PER_GOOD))
    tiles = "".join(
        f'<label class=tile><input type=checkbox hidden><img src="{drawn(n)}"></label>'
        for n in range(9)
    )
    return _PAGE.format(url=url, goods=goods, tiles=tiles)


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start_s = time.perf_counter()
    value = call()
    return (time.perf_counter() - start_s) * 1000, value


def _parts(page: Page, script: str) -> dict[str, float]:
    """Milliseconds of one look's parts, and its size; the script runs as the driver runs it."""
    inside = (
        "(marks) => { const start = performance.now(); "
        f"({script})(marks); return performance.now() - start }}"
    )
    in_page = float(page.evaluate(inside, {}))
    evaluated, text = _timed(lambda: page.evaluate(script, {}))
    parsed, _ = _timed(lambda: snapshot.elements(json.loads(text)["elements"], 0, (0.0, 0.0)))
    return {
        "in the page": in_page, "evaluated": evaluated, "parsed": parsed,
        "kilobytes": len(text) / 1000,
    }  # fmt: skip


def _whole(page: Page) -> dict[str, float]:
    """Milliseconds of a whole look and of what follows; `find` is asked of a fresh look."""
    hands = driver.Driver(page, Scope())
    runner.step(hands.perform(Look()))  # shuts the gate, once
    finder.find_all.cache_clear()
    looked, seen = _timed(lambda: runner.step(hands.perform(Look())))
    found, sight = _timed(lambda: recognizer.recognize(seen.value))
    runner.step(hands.close())
    assert sight.widget is not None, sight.reason
    return {"look": looked, "find": found, "look and find": looked + found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    scripts = {"look.js": driver._LOOK}
    if given.against:
        scripts[str(given.against)] = given.against.read_text(encoding="utf-8")
    with serve() as site, open_page(BrowserChoice(), BrowserSettings()) as page:
        page.goto(site.url)
        page.set_content(_page(site.url, given.elements))
        print("elements:", page.evaluate("document.querySelectorAll('*').length"))
        print("first:", _whole(page))
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in [*scripts, "whole"]}
        for _ in range(given.runs):
            for name, script in scripts.items():
                runs[name].append(_parts(page, script))
            runs["whole"].append(_whole(page))
    for name, rows in runs.items():
        medians = {part: statistics.median(row[part] for row in rows) for part in rows[0]}
        print(f"{name}:", ", ".join(f"{part} {value:.1f}" for part, value in medians.items()))


if __name__ == "__main__":
    main()
