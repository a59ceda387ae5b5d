"""Solves every kind of the fixture site in every theme and prints the README's table.

    python -m tests.benchmarks.kinds [--seeds N] [--oracle] [--kind NAME…] [--theme NAME…]
                                     [--browser NAME] [--channel NAME] [--executable-path FILE]

Nothing is set: no widget file, no option. With `--oracle` the right tiles are known, so that
finding and acting are measured alone.
"""

from __future__ import annotations

import argparse
from typing import Any

from agent import runner
from agent.browser import BrowserChoice, open_page
from agent.policy import BrowserSettings, load
from agent.scorer import load_scorer
from fixtures.site import KINDS, THEMES, serve
from tests.e2e.oracle import oracle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--oracle", action="store_true")
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--theme", nargs="+", choices=THEMES, default=list(THEMES))
    parser.add_argument("--browser", default="chromium")
    parser.add_argument("--channel", default="")
    parser.add_argument("--executable-path", default="")
    given = parser.parse_args()
    choice = BrowserChoice(given.browser, given.channel, given.executable_path)
    print("| kind |", " | ".join(given.theme), "|")
    print("| --- |", " | ".join("--:" for _ in given.theme), "|")
    settings = BrowserSettings()
    with serve() as server, open_page(choice, settings) as page:
        for kind in given.kind:
            cells = [
                f"{_solved(page, server, kind, theme, given)}/{given.seeds}"
                for theme in given.theme
            ]
            print(f"| `{kind}` |", " | ".join(cells), "|", flush=True)


def _solved(page: Any, server: Any, kind: str, theme: str, given: argparse.Namespace) -> int:
    """How many of the seeds are solved, by the server's books."""
    count = 0
    for seed in range(1, given.seeds + 1):
        url = f"{server.url}/signup/{kind}?seed={seed}&theme={theme}"
        model: Any = oracle(server, theme) if given.oracle else load_scorer()
        outcome = runner.solve(page, load("ci"), model=model, url=url)
        count += outcome.solved and server.solved(url)
    return count


if __name__ == "__main__":
    main()
