"""Retry policies: YAML in, a validated `Policy` out.

The parameters are the policy: nothing is retried that no policy names, every wait has a bound
and every number its unit in the name. An unknown key is an error, never ignored.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent import yaml_file
from agent.data import THRESHOLD
from agent.errors import UsageError
from agent.places import policies_folder

Seconds = Annotated[float, Field(ge=0, le=3600)]
Share = Annotated[float, Field(ge=0, le=1)]
Reaction = Literal["retry", "reload", "stop"]
"""retry: answer what is shown now; reload: ask for another challenge first; stop: give up."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Retry(_Part):
    """How often and how long to try."""

    attempts: int = Field(3, ge=1, le=100, description="answers submitted at most")
    reloads: int = Field(8, ge=0, le=100, description="challenges exchanged unanswered at most")
    deadline_s: float = Field(60, gt=0, le=3600, description="for everything, from the first look")
    wait_s: Seconds = Field(0.2, description="before the second attempt; grows by `backoff`")
    wait_max_s: Seconds = Field(5, description="no wait between attempts is longer")
    backoff: float = Field(2, ge=1, le=10, description="each wait is this many times the last")

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before attempt number `attempt` (the first is 1: no wait)."""
        if attempt <= 1:
            return 0.0
        return float(min(self.wait_s * self.backoff ** (attempt - 2), self.wait_max_s))


class Reactions(_Part):
    """What to do when an answer did not pass, by what the page said."""

    rejected: Reaction = Field("retry", description="the page said no")
    expired: Reaction = Field("reload", description="the challenge was too old")
    error: Reaction = Field("reload", description="no verdict was seen, or a click did nothing")
    unsure: Literal["submit", "reload", "stop"] = Field(
        "reload", description="the choice is less sure than `decide.sure`"
    )


class Decide(_Part):
    """From probabilities to a choice."""

    threshold: Share = Field(THRESHOLD, description="a tile at or above it is chosen")
    sure: Share = Field(0.5, description="least confidence in the whole choice to submit it")


class Waits(_Part):
    """How long to wait for what the page does."""

    find_s: Seconds = Field(10, description="for a captcha to appear, its pictures loaded")
    click_s: Seconds = Field(1, description="for a clicked tile to change")
    verify_s: Seconds = Field(10, description="for the page's verdict")
    poll_s: float = Field(0.1, gt=0, le=10, description="between two looks while waiting")


class BrowserSettings(_Part):
    """How the command line starts the browser (a page that you hand over stays as it is)."""

    headless: bool = True
    slow_mo_ms: int = Field(0, ge=0, le=60_000, description="pause after each browser action")


class Policy(_Part):
    """Everything that decides how a captcha is tried, and how often."""

    name: str = Field("default", min_length=1, max_length=80)
    description: str = ""
    allow: tuple[str, ...] = Field((), description="hosts beside loopback, `*.example.com` too")
    block_outside_requests: bool = Field(
        False,
        description="stop pictures, scripts, calls and web sockets that leave the scope, too; "
        "pages, frames, popups and submits always are",
    )
    retry: Retry = Field(default_factory=Retry)
    reactions: Reactions = Field(default_factory=Reactions)
    decide: Decide = Field(default_factory=Decide)
    waits: Waits = Field(default_factory=Waits)
    browser: BrowserSettings = Field(default_factory=BrowserSettings)
    success: str = Field("", description="what success looks like, see `--success`")
    report: Literal["always", "on_failure", "never"] = "on_failure"


def names() -> tuple[str, ...]:
    """The shipped policies' names."""
    return tuple(sorted(path.stem for path in policies_folder().glob("*.yaml")))


def load(name_or_file: str) -> Policy:
    """Read a shipped policy by name, or one's own by path.

    Raises UsageError for an unknown name, an unreadable file, or a policy that is wrong: the
    message names the file, the key, what came and what is allowed.
    """
    if "/" not in name_or_file and "\\" not in name_or_file and "." not in name_or_file:
        path = policies_folder() / f"{name_or_file}.yaml"
        if not path.is_file():
            raise UsageError(
                f"policy {name_or_file!r} is unknown: use one of {', '.join(names())}, "
                "or the path of a .yaml file"
            )
    else:
        path = Path(name_or_file)
    where = path.name if path.parent == policies_folder() else str(path)
    return check(yaml_file.read(path), where=where)


def check(content: Any, *, where: str) -> Policy:
    """Validate what a policy file holds; `where` names it in the message of a UsageError."""
    if content is None:
        content = {}
    if not isinstance(content, dict):
        came = yaml_file.shown(content)
        raise UsageError(f"{where}: must be a mapping of keys to values (got {came})")
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors(include_url=False)]
        raise UsageError(yaml_file.problems(where, lines)) from error


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        allowed = _keys(problem["loc"][:-1])
        close = difflib.get_close_matches(str(problem["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{key}: unknown key; {hint}allowed: {', '.join(allowed)}"
    message = problem["msg"].replace("Input should be", "must be")
    return f"{key}: {message} (got {yaml_file.shown(problem['input'])})"


def _keys(location: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Policy
    for part in location:
        nested = model.model_fields[str(part)].annotation
        if not (isinstance(nested, type) and issubclass(nested, BaseModel)):
            break
        model = nested
    return list(model.model_fields)


def dump(policy: Policy) -> str:
    """The policy as YAML, every default filled in."""
    return yaml.safe_dump(policy.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def schema() -> dict[str, Any]:
    """The policies' JSON Schema."""
    return Policy.model_json_schema()
