"""Many pages at once in one process, against the same pages one after another.

    python -m tests.benchmarks.load [--pages N] [--answer-s S] [--processes N] [--runs N]

The pages share one browser, one scorer and one event loop. The site takes its time over every
answer, as one on a network does. Then as many pages in each of several processes at once, each
with a browser and a scorer of its own. Results must be the same each time.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from playwright.async_api import async_playwright

from agent import runner
from agent.browser import BrowserChoice, find_browser
from agent.data import Outcome
from agent.policy import load
from agent.scorer import load_scorer
from fixtures.site import serve

Result = tuple[str, str, tuple[tuple[str, tuple[int, ...]], ...]]
_KINDS = ("tiles", "picture", "canvas", "icons")


def main() -> None:
    """Measure both ways in turn, compare what they came to, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=16)
    parser.add_argument("--answer-s", type=float, default=0.2)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    measure = partial(_timed, given.pages, given.answer_s)
    alone, together = [], []
    for _ in range(given.runs):
        alone.append(measure(_one_after_another))
        together.append(measure(_at_once))
    expected = alone[0][1]
    for _, results in (*alone, *together):
        _same(expected, results)
    slow, fast = (statistics.median(seconds for seconds, _ in runs) for runs in (alone, together))
    solved = sum(status == "solved" for status, _, _ in expected)
    print(f"{given.pages} pages, {solved} solved, each time with the same answers")
    print(f"one after another {slow:.1f} s, at once {fast:.1f} s: {slow / fast:.1f} times sooner")
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.processes, mp_context=spawned) as pool:
        began_s = time.monotonic()
        every = list(pool.map(measure, [_one_after_another] * given.processes))
        spent_s = time.monotonic() - began_s
    for _, results in every:
        _same(expected, results)
    print(f"{given.processes} processes, {given.pages} pages each: {spent_s:.1f} s, same answers")


def _timed(pages: int, answer_s: float, way: Callable[..., Any]) -> tuple[float, list[Result]]:
    """(seconds without the browser's start, what each page came to), on a site of its own."""
    with serve(secret=b"the same pictures each time", answer_s=answer_s) as server:
        urls = [
            f"{server.url}/signup/{_KINDS[number % len(_KINDS)]}?seed={number}"
            for number in range(1, pages + 1)
        ]
        return asyncio.run(_with_browser(urls, way))


async def _with_browser(urls: Sequence[str], way: Callable[..., Any]) -> Any:
    scorer = load_scorer()
    async with async_playwright() as playwright:
        path = find_browser(BrowserChoice(), playwright)  # type: ignore[arg-type]
        browser = await playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
        began_s = time.monotonic()
        outcomes = await way(browser, urls, scorer)
        spent_s = time.monotonic() - began_s
        await browser.close()
    return spent_s, [_result(outcome) for outcome in outcomes]


async def _one_after_another(browser: Any, urls: Sequence[str], scorer: Any) -> list[Outcome]:
    return [await _solve(browser, url, scorer) for url in urls]


async def _at_once(browser: Any, urls: Sequence[str], scorer: Any) -> list[Outcome]:
    return await asyncio.gather(*(_solve(browser, url, scorer) for url in urls))


async def _solve(browser: Any, url: str, scorer: Any) -> Outcome:
    context = await browser.new_context()
    try:
        page = await context.new_page()
        return await runner.solve_async(page, load("ci"), model=scorer, url=url)
    finally:
        await context.close()


def _result(outcome: Outcome) -> Result:
    attempts = tuple((attempt.result, attempt.selected) for attempt in outcome.attempts)
    return outcome.status, outcome.reason, attempts


def _same(expected: Sequence[Result], found: Sequence[Result]) -> None:
    for number, (one, other) in enumerate(zip(expected, found, strict=True), start=1):
        if one != other:
            raise SystemExit(f"seed {number}: {one} one after another, {other} here")


if __name__ == "__main__":
    main()
