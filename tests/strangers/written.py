"""Whole pages with a captcha as other people write it, whose own script checks the answer.

`held_out/` was written after the finder had learnt from `written/`, `later/` after both, `latest/`
after all of these; what is in `named/` is solved with the widget file beside it; `painted/` has its
questions in pictures. A page begins with a comment that says what it needs: `rows`, `cols`,
`concept`, how many are `right`, their size `px`, `shown` as tiles, as one sheet or as one scene,
whether a `sample` stands above, how many `more` come later, what a tester clicks before there is a
captcha (`steps`), whether its rows go on from right to left (`mirrored`). It gets a script `kit`,
which keeps the right tiles to itself and notes in `localStorage` what was answered.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from flask import Flask, abort, render_template_string
from markupsafe import Markup
from PIL import Image
from playwright.sync_api import Page
from werkzeug.serving import make_server

from fixtures import render
from fixtures.challenge import concepts

FOLDER = Path(__file__).parent
WRITTEN, HELD_OUT, LATER, LATEST, NAMED, PAINTED = (
    {path.stem: path for path in sorted((FOLDER / name).glob("*.html"))}
    for name in ("written", "held_out", "later", "latest", "named", "painted")
)
WHOLE = WRITTEN | HELD_OUT | LATER | LATEST
_SEEN = 0.05  # of a square that a thing covers, where it counts
_SCRIPT = """<script>const kit = (() => {{
  const right = {right};
  return Object.assign({shown}, {{ check(chosen) {{
    const ok = [...new Set([...chosen].map(Number))].sort((a, b) => a - b).join() === right;
    localStorage.setItem('told', (localStorage.getItem('told') || '') + (ok ? '+' : '-'));
    return ok;
  }} }});
}})();</script>"""


@dataclass(frozen=True)
class Asked:
    """What a page's first line asks of the kit."""

    rows: int
    cols: int
    concept: str
    px: int
    right: int = 0
    shown: Literal["tiles", "sheet", "scene"] = "tiles"
    sample: bool = False
    more: int = 0
    steps: tuple[str, ...] = ()
    mirrored: bool = False


@dataclass(frozen=True)
class Made:
    """The pictures of one page, as `data:` URLs, and the right tiles, row by row."""

    answer: frozenset[int]
    shown: dict[str, Any] = field(repr=False)


def asked(path: Path) -> Asked:
    """What the page needs."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return Asked(**yaml.safe_load(first.removeprefix("<!--").removesuffix("-->")))


@lru_cache(maxsize=64)
def made(path: Path) -> Made:
    """The challenge of a page: the same in each run."""
    needs = asked(path)
    random = np.random.default_rng(list(path.stem.encode()))
    shown: dict[str, Any] = {"photos": [_address(_other(needs, random), 240) for _ in range(8)]}
    if needs.shown == "scene":
        answer, shown["scene"] = _scene(needs, random)
        return Made(answer, shown)
    count = needs.rows * needs.cols
    answer = frozenset(int(i) for i in random.permutation(count)[: needs.right])
    tiles = [
        (_match if index in answer else _other)(needs, random).resize((needs.px, needs.px))
        for index in range(count)
    ]
    if needs.shown == "sheet":
        whole = Image.new("RGB", (needs.cols * needs.px, needs.rows * needs.px))
        for index, tile in enumerate(tiles):
            whole.paste(tile, (index % needs.cols * needs.px, index // needs.cols * needs.px))
        shown["sheet"] = _address(whole)
    else:
        shown["tiles"] = [_address(tile) for tile in tiles]
    if needs.sample:
        shown["sample"] = _address(_match(needs, random), needs.px)
    shown["more"] = [_address(_other(needs, random), needs.px) for _ in range(needs.more)]
    return Made(answer, shown)


def _scene(needs: Asked, random: render.Random) -> tuple[frozenset[int], str]:
    others = [_drawing(_another(needs, random), random) for _ in range(2)]
    drawings = [*others, _drawing(needs.concept, random)]
    picture, covered = render.scene(drawings, needs.rows, needs.cols, random)
    seen = np.flatnonzero(covered[-1].ravel() > _SEEN)
    size = (needs.cols * needs.px, needs.rows * needs.px)
    return frozenset(int(square) for square in seen), _address(picture.resize(size))


def _match(needs: Asked, random: render.Random) -> Image.Image:
    return render.tile(_drawing(needs.concept, random), random)


def _other(needs: Asked, random: render.Random) -> Image.Image:
    return render.tile(_drawing(_another(needs, random), random), random)


def _another(needs: Asked, random: render.Random) -> str:
    wanted = concepts()[needs.concept]
    others = [
        other.name
        for other in concepts().values()
        if other.name not in (wanted.name, *wanted.not_beside)
        and wanted.name not in other.not_beside
    ]
    return str(random.choice(others))


def _drawing(concept: str, random: render.Random) -> Path:
    drawings = concepts()[concept].drawings
    return drawings[int(random.integers(len(drawings)))]


def _address(picture: Image.Image, px: int | None = None) -> str:
    buffer = io.BytesIO()
    (picture.resize((px, px)) if px else picture).save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def told(page: Page) -> str:
    """What the page's script thought of each answer so far: + or -."""
    return str(page.evaluate("localStorage.getItem('told') || ''"))


def create_app() -> Flask:
    app = Flask(__name__)

    @app.get("/<name>")
    def show(name: str) -> str:
        path = {**WHOLE, **NAMED, **PAINTED}.get(name)
        if path is None:
            abort(404)
        challenge = made(path)
        right = json.dumps(",".join(map(str, sorted(challenge.answer))))
        kit = Markup(_SCRIPT.format(right=right, shown=json.dumps(challenge.shown)))
        return render_template_string(path.read_text("utf-8"), kit=kit, **challenge.shown)

    return app


@contextmanager
def serve() -> Iterator[str]:
    """The pages on a free loopback port: their address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
