"""One process, many solves in a row: does its memory grow, does anything stay behind?

    captcha-agent site --port 8700 &
    python -m tests.benchmarks.soak --site http://127.0.0.1:8700 [--solves N] [--kind NAME…]

Each solve has a page of its own in one browser, as in a test suite. Memory is what the process
has resident, and what its browser's processes have (shared pages counted by their share). Linux
only: it reads /proc.
"""

from __future__ import annotations

import argparse
import gc
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from agent import runner
from agent.browser import BrowserChoice, fresh_page, open_browser
from agent.policy import BrowserSettings, load
from agent.scorer import load_scorer
from fixtures.site import KINDS

_EVERY = 100


@dataclass(frozen=True)
class Held:
    """What the process holds at one moment."""

    resident_mb: float
    browser_mb: float
    handles: int
    threads: int
    processes: int

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        children = _descendants()
        return cls(
            _kilobytes("self/status", "VmRSS:") / 1024,
            sum(_kilobytes(f"{pid}/smaps_rollup", "Pss:") for pid in children) / 1024,
            len(list(Path("/proc/self/fd").iterdir())),
            threading.active_count(),
            len(children),
        )

    def __str__(self) -> str:
        return (
            f"{self.resident_mb:6.1f} MB, {self.handles} handles, {self.threads} threads; "
            f"{self.processes} other processes, {self.browser_mb:.0f} MB"
        )


def main() -> None:
    """Solve, print what is held after each hundred, and at the end what it comes to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", required=True, help="where the fixture site is served")
    parser.add_argument("--solves", type=int, default=1000)
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=["tiles", "picture", "canvas"])
    given = parser.parse_args()
    scorer, rules = load_scorer(), load("ci")
    at_start, began_s = Held.now(), time.monotonic()
    print(f"{'start':>6}  {at_start}")
    failures: Counter[str] = Counter()
    marks: list[Held] = []
    with open_browser(BrowserChoice(), BrowserSettings()) as browser:
        for number in range(1, given.solves + 1):
            kind = given.kind[number % len(given.kind)]
            with fresh_page(browser) as page:
                url = f"{given.site}/signup/{kind}?seed={number}"
                outcome = runner.solve(page, rules, model=scorer, url=url)
            if not outcome.solved:
                failures[f"{kind}: {outcome.reason}"] += 1
            if number % _EVERY == 0:
                marks.append(Held.now())
                print(f"{number:>6}  {marks[-1]}", flush=True)
    at_end = Held.now()
    print(f"{'end':>6}  {at_end}")
    spent_s = time.monotonic() - began_s
    print(f"{given.solves - failures.total()} of {given.solves} solved in {spent_s:.0f} s")
    for reason, count in failures.most_common():
        print(f"  {count} × {reason}")
    print(f"left: {at_end.handles - at_start.handles} handles, {at_end.processes} processes")
    if len(marks) > 1:
        growth = marks[-1].resident_mb / marks[0].resident_mb - 1
        print(f"memory after the last against that after the {_EVERY}th: {growth:+.1%}")


def _kilobytes(file: str, name: str) -> int:
    """A number of a file in /proc; 0 where the process has ended meanwhile."""
    try:
        lines = Path("/proc", file).read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _descendants() -> list[int]:
    """The processes that this one started, and theirs."""
    found: list[int] = []
    todo = ["self"]
    while todo:
        for task in Path("/proc", todo.pop(), "task").glob("*/children"):
            try:
                children = task.read_text(encoding="ascii").split()
            except OSError:
                continue
            found += [int(child) for child in children]
            todo += children
    return found


if __name__ == "__main__":
    main()
