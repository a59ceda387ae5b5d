"""Solves the pages that others wrote and counts what was right.

    python -m tests.benchmarks.strangers [--of written|held_out|later|latest] [--wrong] [PAGE…]

Nothing is set. The right tiles are known, so that finding, acting and judging are measured alone;
with `--wrong` one wrong tile is chosen, and the page's "no" has to be understood.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from agent import runner
from agent.browser import BrowserChoice, open_page
from agent.policy import BrowserSettings, check
from tests.conftest import Fixed
from tests.strangers.written import (
    HELD_OUT,
    LATER,
    LATEST,
    WRITTEN,
    Asked,
    asked,
    made,
    serve,
    told,
)

POLICY = check(
    {"retry": {"attempts": 1, "deadline_s": 40}, "waits": {"find_s": 5, "verify_s": 5}},
    where="benchmark",
)
PAGES = {"written": WRITTEN, "held_out": HELD_OUT, "later": LATER, "latest": LATEST}


@dataclass(frozen=True)
class Counted:
    """One solve: its tiles were found, the answer was the one meant, the verdict the page's."""

    found: bool
    answered: bool
    judged: bool
    reason: str


def tried(page: Page, url: str, path: Path, *, wrong: bool, widget: str = "") -> Counted:
    """Solve a page once, with the right tiles or with a wrong one, or as a widget file says."""
    needs, answer = asked(path), made(path).answer
    others = [tile for tile in range(needs.rows * needs.cols) if tile not in answer]
    chosen = [_seen(needs, tile) for tile in (others[:1] if wrong else answer)]
    choices = iter([chosen] if needs.more else [])  # none of those that come later is right
    model: Any = Fixed(
        lambda target: dict.fromkeys(next(choices, []) if needs.more else chosen, 0.99)
    )
    page.goto(f"{url}/{path.stem}")
    for step in needs.steps:
        page.click(step)
    outcome = runner.solve(page, POLICY, model=model, widget=widget)
    says = told(page)
    last = outcome.attempts[-1] if outcome.attempts else None
    found = last is not None and last.grid == (needs.rows, needs.cols)
    answered = says == ("-" if wrong else "+")
    judged = answered and (
        last is not None and last.result == "rejected" if wrong else outcome.solved
    )
    return Counted(found, answered, judged, outcome.reason)


def _seen(needs: Asked, tile: int) -> int:
    """A tile of the page as the eye counts it: from left to right."""
    row, col = divmod(tile, needs.cols)
    return row * needs.cols + (needs.cols - 1 - col if needs.mirrored else col)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", choices=PAGES, default="written")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("pages", nargs="*")
    given = parser.parse_args()
    pages = PAGES[given.of]
    counts = []
    with serve() as url, open_page(BrowserChoice(), BrowserSettings()) as first:
        browser = first.context.browser
        assert browser is not None
        for name in given.pages or pages:
            with browser.new_context() as context:
                got = tried(context.new_page(), url, pages[name], wrong=given.wrong)
            counts.append(got)
            marks = "".join("ny"[done] for done in (got.found, got.answered, got.judged))
            print(f"{marks} {name}: {got.reason}", flush=True)
    for part in ("found", "answered", "judged"):
        print(f"{part} right: {sum(getattr(got, part) for got in counts)} of {len(counts)}")


if __name__ == "__main__":
    main()
