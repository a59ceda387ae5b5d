"""Writes a report's folder: JSON, pictures, and one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import io
import os
import platform
import shlex
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from PIL import Image

from agent import redaction, report
from agent.data import STAGES, Attempt, Outcome
from agent.errors import UsageError
from agent.report.drawing import annotate

_PACKAGES = ("captcha-agent", "playwright", "onnxruntime", "numpy", "pillow")


def write(outcome: Outcome, folder: Path) -> Path:
    """Write all files of the report; return the HTML page's path."""
    outcome = redaction.outcome(outcome)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        content = redaction.to_json(report.to_json(outcome), indent=2)
        _put(folder / "outcome.json", content.encode())
        shown = []
        for number, attempt in enumerate(outcome.attempts, start=1):
            drawn = _pictures(attempt)
            for name, png in drawn.items():
                _put(folder / f"attempt-{number}{name}.png", png)
            shown.append(_attempt(attempt, drawn))
        page = folder / "index.html"
        _put(page, _html(outcome, shown).encode())
    except OSError as error:
        raise UsageError(
            f"the report can't be written to {folder}: {error.strerror or error}; "
            "name another folder with --report"
        ) from error
    return page


def _put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content)
    os.replace(partial, path)


def _pictures(attempt: Attempt) -> dict[str, bytes]:
    """PNGs by what follows `attempt-N` in their names."""
    pictures = {}
    if attempt.picture is not None:
        drawn = annotate(attempt.picture, attempt.boxes, attempt.probabilities, attempt.selected)
        pictures[""] = _png(drawn)
        pictures["-picture"] = _png(Image.fromarray(attempt.picture.pixels))
    if attempt.after is not None:
        pictures["-after"] = _png(Image.fromarray(attempt.after.pixels))
    return pictures


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _attempt(attempt: Attempt, pictures: dict[str, bytes]) -> dict[str, Any]:
    """One attempt as the template shows it."""
    total = sum(attempt.seconds.values()) or 1.0
    return {
        "attempt": attempt,
        "picture": _data_uri(pictures.get("")),
        "after": _data_uri(pictures.get("-after")),
        "chosen": ", ".join(str(index + 1) for index in attempt.selected) or "none",
        "tiles": [
            {"number": index + 1, "probability": p, "selected": index in attempt.selected}
            for index, p in enumerate(attempt.probabilities)
        ],
        "stages": [
            {"name": stage, "seconds": attempt.seconds.get(stage, 0.0),
             "share": 100 * attempt.seconds.get(stage, 0.0) / total}
            for stage in STAGES
        ],
        "total": total,
    }  # fmt: skip


def _data_uri(png: bytes | None) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode() if png else ""


def _html(outcome: Outcome, attempts: list[dict[str, Any]]) -> str:
    loader = PackageLoader("agent.report", "")
    environment = Environment(
        loader=loader, autoescape=True, finalize=_plain, trim_blocks=True, lstrip_blocks=True
    )
    command = ["captcha-agent", "solve", outcome.url]
    command += ["--policy", outcome.policy, "--model", outcome.model]
    return environment.get_template("report.html").render(
        outcome=outcome,
        url=outcome.url,
        attempts=attempts,
        command=shlex.join(command),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        environment=_environment(),
    )


def _plain(value: Any) -> Any:
    """Escaping leaves the characters that reorder or hide a text: they go, too."""
    return redaction.plain(value) if type(value) is str else value


def _environment() -> str:
    versions = [f"Python {platform.python_version()}", platform.platform(terse=True)]
    for name in _PACKAGES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return " · ".join(versions)
