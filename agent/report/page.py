"""Writes a report's folder: JSON, JUnit, pictures, and one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import io
import os
import platform
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader
from PIL import Image

from agent import redaction, report
from agent.data import STAGES, Attempt, Outcome, Picture, tile_numbers
from agent.errors import UsageError
from agent.report import why
from agent.report.drawing import annotate
from agent.report.junit import to_junit
from agent.report.saved import FORMAT, for_replay

_PACKAGES = ("captcha-agent", "playwright", "onnxruntime", "numpy", "pillow")


def write(outcome: Outcome, folder: Path, command: Sequence[str] = ()) -> Path:
    """Write all files of the report; return the HTML page's path."""
    outcome, made = redaction.outcome(outcome), datetime.now(UTC)
    words = [_told(word) for word in command] or _command(outcome)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _put(folder / "outcome.json", redaction.to_json(_saved(outcome, words), indent=2).encode())
        _put(folder / "junit.xml", to_junit(outcome, made))
        shown = []
        for number, attempt in enumerate(outcome.attempts, start=1):
            drawn = _pictures(attempt)
            for name, png in drawn.items():
                _put(folder / f"attempt-{number}{name}.png", png)
            shown.append(_attempt(attempt, drawn, outcome.rules))
        page = folder / "index.html"
        _put(page, _html(outcome, shown, words, made).encode())
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


def _command(outcome: Outcome) -> list[str]:
    """A command line for an outcome that came of none, from a test for instance."""
    command = ["captcha-agent", "solve", outcome.url]
    return [*command, "--policy", outcome.policy, "--model", outcome.model]


def _told(word: str) -> str:
    """A word of a command line, without what addresses must not tell; names of files stay."""
    return redaction.text(word) if "://" in word else word


def _saved(outcome: Outcome, command: Sequence[str]) -> dict[str, Any]:
    """What `solve --json` says, and what a replay needs."""
    content = report.to_json(outcome)
    for number, attempt in enumerate(outcome.attempts, start=1):
        content["attempts"][number - 1] |= for_replay(attempt, number)
    more = {"rules": outcome.rules, "command": list(command), "environment": _environment()}
    return {"format": FORMAT, **content, **more}


def _pictures(attempt: Attempt) -> dict[str, bytes]:
    """PNGs by what follows `attempt-N` in their names."""
    pictures = {}
    if attempt.picture is not None:
        drawn = annotate(attempt.picture, attempt.boxes, attempt.probabilities, attempt.selected)
        pictures[""] = _png(drawn)
        pictures["-picture"] = _plain_png(attempt.picture)
    for number, each in enumerate(attempt.rounds, start=1):
        likely = each.decision.probabilities.tolist()
        drawn = annotate(each.picture, attempt.boxes, likely, each.clicked)
        pictures[f"-round-{number}"] = _png(drawn)
    if attempt.sample is not None:
        pictures["-sample"] = _plain_png(attempt.sample)
    if attempt.after is not None:
        pictures["-after"] = _plain_png(attempt.after)
    return pictures


def _plain_png(picture: Picture) -> bytes:
    return _png(Image.fromarray(picture.pixels))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _attempt(attempt: Attempt, pictures: dict[str, bytes], rules: dict[str, Any]) -> dict[str, Any]:
    """One attempt as the template shows it."""
    total = sum(attempt.seconds.values()) or 1.0
    stages = [(stage, attempt.seconds.get(stage, 0.0)) for stage in STAGES]
    rounds = [name for name in pictures if name.startswith("-round-")]
    return {
        "attempt": attempt,
        "picture": _data_uri(pictures.get("")),
        "sample": _data_uri(pictures.get("-sample")),
        "after": _data_uri(pictures.get("-after")),
        "rounds": [_data_uri(pictures[name]) for name in rounds],
        "chosen": tile_numbers(attempt.selected),
        "why": _why(attempt, rules),
        "tiles": [_tile(attempt, index) for index in range(len(attempt.probabilities))],
        "stages": [{"name": name, "seconds": s, "share": 100 * s / total} for name, s in stages],
        "evidence": attempt.widget.evidence if attempt.widget else (),
        "total": total,
    }


def _why(attempt: Attempt, rules: dict[str, Any]) -> list[str]:
    decision = attempt.decision
    if decision is None:
        return []
    sentences = [
        why.asked(decision),
        why.rule(decision),
        why.judged(decision),
        why.sureness(attempt, rules.get("decide", {}).get("sure")),
        why.earlier(attempt),
    ]
    return [sentence for sentence in sentences if sentence]


def _tile(attempt: Attempt, index: int) -> dict[str, Any]:
    decision = attempt.decision
    return {
        "number": index + 1,
        "probability": attempt.probabilities[index],
        "alone": decision.alone[index] if decision and decision.alone is not None else None,
        "contrasts": decision.contrasts[index] if decision and decision.contrasts else (),
        "selected": index in attempt.selected,
    }


def _data_uri(png: bytes | None) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode() if png else ""


def _html(
    outcome: Outcome, attempts: list[dict[str, Any]], command: Sequence[str], made: datetime
) -> str:
    loader = PackageLoader("agent.report", "")
    environment = Environment(
        loader=loader, autoescape=True, finalize=_plain, trim_blocks=True, lstrip_blocks=True
    )
    rules = yaml.safe_dump(outcome.rules, sort_keys=False, allow_unicode=True)
    return environment.get_template("report.html").render(
        outcome=outcome,
        attempts=attempts,
        command=shlex.join(command),
        shortened=any("redacted" in word for word in command),
        rules=rules.splitlines() if outcome.rules else [],
        made=made.strftime("%Y-%m-%d %H:%M UTC"),
        environment=_environment(),
    )


def _plain(value: Any) -> Any:
    """Escaping leaves the characters that reorder or hide a text: they go, too."""
    return redaction.plain(value) if type(value) is str else value


def _environment() -> list[str]:
    versions = [f"Python {platform.python_version()}", platform.platform(terse=True)]
    for name in _PACKAGES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return versions
