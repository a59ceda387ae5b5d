"""Widget files: YAML that says where the parts of a captcha are, in the place of the finder.

Each part is a CSS selector that is looked for in every frame and open shadow root; what a file
leaves out is found as ever.
"""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent import yaml_file
from agent.errors import UsageError

_PARTS = (
    "instruction", "tiles", "picture", "controls", "sample", "submit", "reload", "skip", "opener",
)  # fmt: skip


class WidgetFile(BaseModel):
    """The parts that a user names: selectors, and the grid of a single picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instruction: str = Field("", description="the sentence that asks for pictures")
    tiles: str = Field("", description="all tiles, in any order")
    picture: str = Field("", description="the one picture that holds all tiles")
    controls: str = Field("", description="the checkbox, radio button or button of each tile")
    sample: str = Field("", description="the picture that stands in the place of a word")
    submit: str = ""
    reload: str = ""
    skip: str = ""
    opener: str = Field("", description="what has the pictures shown")
    rows: int | None = Field(None, ge=1, le=20)
    cols: int | None = Field(None, ge=1, le=20)

    @property
    def marks(self) -> dict[str, str]:
        """The selectors by the names of their parts."""
        named = ((part, getattr(self, part)) for part in _PARTS)
        return {part: selector for part, selector in named if selector}


def load(path: str) -> WidgetFile:
    """Read a widget file. Raises UsageError that names file, key, value and what is allowed."""
    content = yaml_file.read(path)
    if not isinstance(content, dict):
        raise UsageError(f"{path}: must be a mapping of parts to CSS selectors")
    try:
        return WidgetFile.model_validate(content)
    except ValidationError as error:
        allowed = ", ".join(WidgetFile.model_fields)
        lines = [
            f"{'.'.join(map(str, problem['loc']))}: {_reason(problem, allowed)}"
            for problem in error.errors(include_url=False)
        ]
        raise UsageError(yaml_file.problems(path, lines)) from error


def _reason(problem: Any, allowed: str) -> str:
    if problem["type"] == "extra_forbidden":
        return f"unknown key; allowed: {allowed}"
    message = problem["msg"].replace("Input should be", "must be")
    return f"{message} (got {yaml_file.shown(problem['input'])})"


def dump(parts: dict[str, Any]) -> str:
    """A widget file to start from."""
    return yaml.safe_dump(parts, sort_keys=False, allow_unicode=True, width=100)
