"""Outcome → JSON, a table for the terminal, JUnit, annotated pictures and one HTML page.

All are redacted (`agent.redaction`); a page's text names no file and is no markup anywhere.

Pillow and jinja2 are imported when a report is saved: printing JSON needs neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import redaction
from agent.data import Attempt, Decision, Outcome, tile_numbers
from agent.redaction import plain

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

__all__ = ["save", "table", "to_json"]


def to_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data, redacted, with the keys that `solve --json` promises."""
    outcome = redaction.outcome(outcome)
    return {
        "status": outcome.status,
        "reason": outcome.reason,
        "url": outcome.url,
        "seconds": round(outcome.seconds, 3),
        "model": outcome.model,
        "policy": outcome.policy,
        "attempts": [_attempt(attempt) for attempt in outcome.attempts],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "instruction": attempt.instruction,
        "kind": attempt.kind,
        "grid": list(attempt.grid),
        "boxes": [[round(v, 1) for v in (b.x, b.y, b.width, b.height)] for b in attempt.boxes],
        "probabilities": [round(p, 4) for p in attempt.probabilities],
        "threshold": attempt.threshold,
        "selected": list(attempt.selected),
        "confidence": round(attempt.confidence, 4),
        "result": attempt.result,
        "reason": attempt.reason,
        "seconds": {stage: round(value, 4) for stage, value in attempt.seconds.items()},
        "evidence": list(attempt.widget.evidence if attempt.widget else ()),
        **(_why(attempt.decision) if attempt.decision else {}),
    }


def _why(decision: Decision) -> dict[str, Any]:
    """What chose, each tile seen alone, and what it may show instead."""
    alone = [] if decision.alone is None else decision.alone.tolist()
    return {
        "rule": decision.rule,
        "alone": [round(p, 4) for p in alone],
        "contrasts": [
            [{"concept": each.concept, "probability": round(each.probability, 4)} for each in tile]
            for tile in decision.contrasts
        ],
    }


def table(outcome: Outcome) -> Table | Text:
    """What came of it, and the attempts as a table of at most 80 columns, if there were any."""
    from rich.table import Table
    from rich.text import Text

    outcome = redaction.outcome(outcome)
    style = "bold green" if outcome.solved else "bold red"
    title = Text(f"{outcome.status}: {plain(outcome.reason)}", style)
    if not outcome.attempts:
        return title
    shown = Table(title=title, title_justify="left", title_style="", width=79)
    shown.add_column("#", justify="right")
    shown.add_column("instruction", ratio=3)
    shown.add_column("chosen", ratio=1)
    shown.add_column("sure", justify="right")
    shown.add_column("result")
    shown.add_column("s", justify="right")
    for number, attempt in enumerate(outcome.attempts, start=1):
        shown.add_row(
            str(number),
            Text(plain(attempt.instruction)),
            tile_numbers(attempt.selected),
            f"{attempt.confidence:.2f}",
            attempt.result,
            f"{sum(attempt.seconds.values()):.1f}",
        )
    return shown


def save(outcome: Outcome, folder: str | Path, command: Sequence[str] = ()) -> Path:
    """Write `index.html`, `outcome.json`, `junit.xml` and the pictures; return the page's path.

    `command` are the words of the command line that repeats it.

    Raises UsageError where the folder can't be written to.
    """
    from agent.report.page import write

    return write(outcome, Path(folder), command)
