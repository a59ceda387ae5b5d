"""Playwright's trace of a solve, without what was typed and what the browser keeps.

Playwright records every field's value, each request with its headers, cookies and body. None of
that stays: a trace is for seeing what the page showed, and is handed around.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Error as PlaywrightError

from agent.errors import UsageError

_VALUE = "__playwright_value_"  # what Playwright calls what a field holds now
_FIELDS = ("INPUT", "TEXTAREA")
_BUTTONS = ("submit", "button", "reset", "image", "checkbox", "radio")  # values that nobody types
_HEADERS = ("accept", "cache-control", "content-length", "content-type", "date", "server")
_HIDDEN = "redacted"


@contextmanager
def traced(page: Any, folder: str) -> Iterator[None]:
    """Trace what happens on `page` (sync) in the block, into `trace.zip` in `folder`.

    Does nothing without a folder. Raises UsageError where that can't be written to.
    """
    if not folder:
        yield
        return
    tracing = page.context.tracing
    tracing.start(screenshots=True, snapshots=True)
    try:
        yield
    finally:
        with tempfile.TemporaryDirectory() as scratch:
            whole = Path(scratch, "trace.zip")
            with contextlib.suppress(PlaywrightError):  # browser and trace may be gone
                tracing.stop(path=whole)
                _write(whole, Path(folder))


def _write(whole: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        redact(whole, folder / "trace.zip")
    except OSError as error:
        raise UsageError(
            f"the trace can't be written to {folder}: {error.strerror or error}; "
            "name another folder with --report"
        ) from error


def redact(source: Path, target: Path) -> None:
    """Copy a trace without values of fields, headers that identify, cookies and what was sent."""
    with zipfile.ZipFile(source) as whole:
        names = whole.namelist()
        sent: set[str] = set()
        logs = {name: whole.read(name) for name in names if name.endswith((".trace", ".network"))}
        cleaned = {name: _log(content, sent) for name, content in logs.items()}
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as kept:
            for name in names:
                if name not in sent:
                    kept.writestr(name, cleaned.get(name) or whole.read(name))


def _log(content: bytes, sent: set[str]) -> str:
    """One log of JSON lines; adds to `sent` the names of files that hold what was sent."""
    lines = []
    for line in content.splitlines():
        event = json.loads(line)
        if event.get("type") == "frame-snapshot":
            _clean_document(event["snapshot"]["html"])
        elif event.get("type") == "resource-snapshot":
            _clean_request(event["snapshot"], sent)
        lines.append(json.dumps(event, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def _clean_document(html: Any) -> None:
    """Empty the fields in a document: nodes are [name, attributes, children…], texts, or numbers
    that point to an earlier document.
    """
    nodes = [html]
    while nodes:
        node = nodes.pop()
        if not isinstance(node, list) or not node or not isinstance(node[0], str):
            continue
        if node[0] in _FIELDS and len(node) > 1 and isinstance(node[1], dict):
            typed = str(node[1].get("type", "")).lower() not in _BUTTONS
            for name in (_VALUE, "value"):
                if node[1].get(name) and typed:
                    node[1][name] = _HIDDEN
            del node[2:]  # what a text area holds from the start
        nodes += node[2:]


def _clean_request(entry: dict[str, Any], sent: set[str]) -> None:
    request, response = entry["request"], entry["response"]
    bodies = [request.pop("postData", None)]
    if request["url"].startswith("ws"):
        bodies.append(response.pop("content", None))  # what a web socket sent and received
        entry.pop("_webSocketMessages", None)
    for body in filter(None, bodies):
        # Named by file, and by sum before version 9 of the format.
        sent |= {body.get("_file", ""), f"resources/{body.get('_sha1', '')}"}
    for part in (request, response):
        part["cookies"] = []
        part["headers"] = [
            header for header in part.get("headers", ()) if header["name"].lower() in _HEADERS
        ]
