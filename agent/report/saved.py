"""What `outcome.json` holds beyond `solve --json`, and how it is read again.

Names of pictures are those of files in the report's own folder; nothing else is ever opened.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from agent.data import Attempt, Box, Element, Picture, Step, Target, Widget
from agent.errors import UsageError
from agent.pictures import open_picture

FORMAT = 1
"""Of `outcome.json`; another number is another way to write it."""

_OUTCOME = "outcome.json"
_FILE = re.compile(r"\w[\w.-]*", re.ASCII)


class _Widget(msgspec.Struct):
    rows: int | None
    cols: int | None
    tiles: list[tuple[float, float, float, float]]
    reload: bool


class _Captured(msgspec.Struct):
    file: str
    box: tuple[float, float, float, float]
    scale: Annotated[float, msgspec.Meta(gt=0)]


class _Attempt(msgspec.Struct):
    instruction: str
    grid: tuple[int, int]
    probabilities: list[float]
    decided: list[int]
    confidence: float
    result: str
    reason: str
    step: Step
    target: Target | None = None
    widget: _Widget | None = None
    picture: _Captured | None = None
    sample: _Captured | None = None


class _Outcome(msgspec.Struct):
    format: int
    model: str
    policy: str
    rules: dict[str, Any]
    attempts: list[_Attempt]


@dataclass(frozen=True, slots=True)
class SavedAttempt:
    """An attempt that can be tried again: what was decided then, and on what.

    `picture`, `widget` and `target` are None where the report holds no picture of it. `widget` has
    no more of the page than a second try needs.
    """

    instruction: str
    grid: tuple[int, int]
    probabilities: tuple[float, ...]
    decided: tuple[int, ...]
    confidence: float
    result: str
    reason: str
    step: Step
    target: Target | None = None
    widget: Widget | None = None
    picture: Picture | None = None
    sample: Picture | None = None


@dataclass(frozen=True, slots=True)
class SavedOutcome:
    """A report that was read again; `rules` is the policy that was in force, as plain data."""

    model: str
    policy: str
    rules: dict[str, Any]
    attempts: tuple[SavedAttempt, ...]


def for_replay(attempt: Attempt, number: int) -> dict[str, Any]:
    """What `read` needs of attempt `number` (from 1) beyond what `solve --json` says of it."""
    decision, widget = attempt.decision, attempt.widget
    content: dict[str, Any] = {
        "decided": list(decision.selected if decision else attempt.selected),
        "step": attempt.step,
        "target": asdict(decision.target) if decision and decision.target else None,
    }
    if widget is not None:
        content["widget"] = {
            "rows": widget.rows,
            "cols": widget.cols,
            "tiles": [_numbers(tile.box) for tile in widget.tiles],
            "reload": widget.reload is not None,
        }
    for name, picture in (("picture", attempt.picture), ("sample", attempt.sample)):
        if picture is not None:
            file = f"attempt-{number}-{name}.png"
            box = _numbers(picture.box)
            content[name] = {"file": file, "box": box, "scale": picture.scale}
    return content


def _numbers(box: Box) -> list[float]:
    return [box.x, box.y, box.width, box.height]


def read(path: str) -> SavedOutcome:
    """Read a report by its folder, or by a file in it.

    Raises UsageError where that is no report, one of another format, or a picture of it is missing
    or damaged: the message says which file, and what is wrong with it.
    """
    given = Path(path)
    folder = given if given.is_dir() else given.parent
    file = folder / _OUTCOME
    if not given.exists() or not file.is_file():
        raise UsageError(
            f"{path}: is no report: expected a folder with {_OUTCOME}, as --report writes it"
        )
    found = _decode(file)
    attempts = [
        _attempt(attempt, folder, f"{file}: attempt {number}")
        for number, attempt in enumerate(found.attempts, start=1)
    ]
    return SavedOutcome(found.model, found.policy, found.rules, tuple(attempts))


def _decode(file: Path) -> _Outcome:
    class Format(msgspec.Struct):
        format: int = 0

    try:
        content = file.read_bytes()
        written = msgspec.json.decode(content, type=Format).format
        if written != FORMAT:
            raise UsageError(
                f"{file}: has format {written or 'none'}, this captcha-agent reads {FORMAT}: "
                "make the report anew, or use the version that wrote it"
            )
        return msgspec.json.decode(content, type=_Outcome)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: is no report that can be read: {error}") from error


def _attempt(saved: _Attempt, folder: Path, where: str) -> SavedAttempt:
    count = saved.grid[0] * saved.grid[1]
    if len(saved.probabilities) != count or any(not 0 <= i < count for i in saved.decided):
        raise UsageError(
            f"{where}: expected {count} probabilities and tiles of 0 to {count - 1} "
            f"(got {len(saved.probabilities)}, {saved.decided})"
        )
    picture = _picture(saved.picture, folder, where)
    return SavedAttempt(
        saved.instruction,
        saved.grid,
        tuple(saved.probabilities),
        tuple(saved.decided),
        saved.confidence,
        saved.result,
        saved.reason,
        saved.step,
        saved.target,
        _widget(saved, picture) if picture else None,
        picture,
        _picture(saved.sample, folder, where),
    )


def _widget(saved: _Attempt, picture: Picture) -> Widget | None:
    if saved.widget is None:
        return None
    tiles = [
        Element(number, 0, "image", Box(*box)) for number, box in enumerate(saved.widget.tiles)
    ]
    button = Element(len(tiles), 0, "button", picture.box) if saved.widget.reload else None
    return Widget(
        "tiles",
        saved.instruction,
        picture.box,
        tuple(tiles),
        saved.widget.rows,
        saved.widget.cols,
        reload=button,
    )


def _picture(saved: _Captured | None, folder: Path, where: str) -> Picture | None:
    if saved is None:
        return None
    path = folder / saved.file
    is_name = _FILE.fullmatch(saved.file) is not None
    if not is_name or path.resolve().parent != folder.resolve():
        raise UsageError(
            f"{where}: the picture {saved.file!r} must be the name of a file in the report's folder"
        )
    pixels = np.asarray(open_picture(path))
    return Picture(pixels, Box(*saved.box), saved.scale)
