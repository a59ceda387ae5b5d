"""Saves what the look sees as test cases for the finder: python -m tests.snapshots.save [NAME…]

Writes one compressed JSON line a page: the fixture site's kinds and themes, strangers' captchas,
ordinary pages, captchas that are not solved. Run it again where `look.js` tells more than before.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from agent import runner, snapshot
from agent.browser import BrowserChoice, open_page
from agent.data import Look, Snapshot
from agent.driver import Driver
from agent.policy import BrowserSettings
from agent.scope import Scope
from fixtures.site import KINDS, THEMES
from fixtures.site import serve as serve_site
from tests.snapshots.ordinary import PAGES, UNSUPPORTED
from tests.strangers import site as strangers
from tests.strangers import written

FOLDER = Path(__file__).parent
_FRAME = (
    '<!doctype html><base href="{url}"><title>{name}</title>'
    '<nav><a href="/">Home</a> <a href="/help">Help</a></nav>{body}'
)


def load(name: str) -> dict[str, Snapshot]:
    """The saved Snapshots of `site`, `strangers`, `ordinary` and so on, by page."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        saved = [json.loads(line) for line in lines]
    return {entry["name"]: snapshot.from_json(entry["snapshot"]) for entry in saved}


def _look(page: Page, name: str) -> tuple[str, Any]:
    page.wait_for_load_state("networkidle")
    driver = Driver(page, Scope())
    seen = runner.step(driver.perform(Look()))
    driver.close()
    return name, snapshot.to_json(seen.value)


def _site(page: Page) -> Iterator[tuple[str, Any]]:
    with serve_site() as server:
        for kind in KINDS.values():
            for theme in THEMES:
                page.goto(f"{server.url}/signup/{kind.name}?seed=1&theme={theme}")
                page.wait_for_load_state("networkidle")
                if kind.place == "modal":
                    page.click(".robot")
                    page.wait_for_selector(".stage > *")
                yield _look(page, f"{kind.name} {theme}")


def _strangers(page: Page) -> Iterator[tuple[str, Any]]:
    with strangers.serve() as (url, _):
        for name in strangers.PAGES:
            page.goto(f"{url}/{name}")
            yield _look(page, name)


def _latest(page: Page) -> Iterator[tuple[str, Any]]:
    with written.serve() as url:
        for name, path in written.LATEST.items():
            page.goto(f"{url}/{name}")
            for step in written.asked(path).steps:
                page.click(step)
            page.wait_for_timeout(2500)  # some show their pictures one after the other
            yield _look(page, name)


def _bodies(page: Page, bodies: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    with serve_site() as server:
        for name, body in bodies.items():
            page.goto(server.url)
            page.set_content(_FRAME.format(url=server.url, name=name, body=body))
            yield _look(page, name)


def _whole(page: Page, folder: Path) -> Iterator[tuple[str, Any]]:
    """Pages that others wrote to be tempting; each was taken for a captcha once."""
    for path in sorted(folder.glob("*.html")):
        page.set_content(path.read_text(encoding="utf-8"))
        yield _look(page, path.stem)


def main() -> None:
    with open_page(BrowserChoice(), BrowserSettings()) as page:
        found = {
            "ordinary": _bodies(page, PAGES),
            "ordinary_later": _whole(page, FOLDER / "ordinary_later"),
            "unsupported": _bodies(page, UNSUPPORTED),
            "strangers": _strangers(page),
            "latest": _latest(page),
            "site": _site(page),
        }
        for name in sys.argv[1:] or found:
            with gzip.open(FOLDER / f"{name}.jsonl.gz", "wt", encoding="utf-8") as out:
                for title, content in found[name]:
                    json.dump({"name": title, "snapshot": content}, out)
                    out.write("\n")


if __name__ == "__main__":
    main()
