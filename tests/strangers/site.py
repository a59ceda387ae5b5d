"""Small image captchas as different people would write them, each a page of its own.

The server makes the challenge and checks the answer; a page knows opaque picture names alone.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask, Response, abort, jsonify, redirect, render_template, request
from werkzeug.serving import make_server

from fixtures.challenge import Challenge, concepts, make
from fixtures.kinds import KINDS

PAGES = sorted(path.stem for path in (Path(__file__).parent / "templates").glob("*.html"))
_LIKE = {"one": "icons", "squares": "cut", "eight": "tiles-3x4", "six": "tiles-2x3"}
_COUNTS = {"eight": 8}


class Strangers:
    """The pages' books: the challenge that was shown last, and whether it was answered right."""

    def __init__(self) -> None:
        self.challenge: Challenge | None = None
        self.name = ""
        self.passed = False
        self._pictures: dict[str, bytes] = {}

    def show(self, page: str) -> dict[str, Any]:
        """Make a challenge for a page: what its template needs."""
        form = page.rpartition("-")[2]
        kind = KINDS[_LIKE.get(form, "tiles")]
        count = _COUNTS.get(form, kind.rows * kind.cols)
        noise = np.random.default_rng()
        made = next(
            made
            for seed in range(99)
            if (made := make(kind, f"{page}:{seed}", noise)).answer
            and max(made.answer) < count
            and len(concepts()[made.concept].plural) < 14
        )
        self.challenge, self.name, self.passed = made, secrets.token_urlsafe(9), False
        names = [secrets.token_urlsafe(9) for _ in made.pictures][:count]
        self._pictures = dict(zip(names, made.pictures, strict=False))
        concept = concepts()[made.concept]
        return {
            "id": self.name, "pictures": [f"/p/{name}.jpg" for name in names],
            "a": f"{concept.article} {concept.name}", "plural": concept.plural, "one": concept.name,
        }  # fmt: skip

    def picture(self, name: str) -> bytes:
        return self._pictures.get(name, b"")

    def check(self, name: str, chosen: set[int]) -> bool:
        """Whether the answer is right; a challenge is good for one."""
        right = name == self.name and self.challenge is not None and self.challenge.passes(chosen)
        self.passed, self.name = right, ""
        return right


def create_app(books: Strangers) -> Flask:
    app = Flask(__name__)

    @app.get("/inside")
    def inside() -> str:
        return "<title>Inside</title><h1>Your orders</h1><p>Nothing here yet.</p>"

    @app.get("/<page>")
    def show(page: str) -> str:
        if page not in PAGES:
            abort(404)
        return render_template(f"{page}.html", **books.show(page), wrong="wrong" in request.args)

    @app.get("/p/<name>.jpg")
    def picture(name: str) -> Response:
        return Response(books.picture(name), mimetype="image/jpeg")

    @app.post("/check")
    def check() -> Response:
        body = request.get_json()
        return jsonify({"ok": books.check(body["id"], set(body["chosen"]))})

    @app.post("/<page>")
    def submit(page: str) -> Any:
        chosen = {int(value) for value in request.form.getlist("t")}
        if books.check(request.form["id"], chosen):
            return redirect("/inside", 303) if page != "labels" else "<p>Thank you, Ada.</p>"
        return redirect(f"/{page}?wrong", 303)

    return app


@contextmanager
def serve() -> Iterator[tuple[str, Strangers]]:
    """The pages on a free loopback port: their address, and what only tests may know."""
    books = Strangers()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, create_app(books), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", books
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
