"""Retry policies: a YAML file in, a validated `Policy` out.

The parameters are the policy: nothing is retried that no policy names, every wait has a bound
and every number its unit in the name. An unknown key is an error, never ignored.
"""

from __future__ import annotations

import difflib
import random
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent import policy_file, yaml_file
from agent.data import THRESHOLD
from agent.errors import UsageError
from agent.policy_file import Keys, Place, names

__all__ = ["Policy", "check", "dump", "load", "names", "schema"]

Seconds = Annotated[float, Field(ge=0, le=3600)]
Share = Annotated[float, Field(ge=0, le=1)]
Reaction = Literal["retry", "reload", "wait", "stop"]
"""retry: after the wait between attempts, answer what is shown then; reload: ask for another
challenge first, and load the captcha's page again where the captcha is gone; wait: as long as the
site asks for by Retry-After, else as between attempts, then look again whether a verdict has
come, else retry; stop: give up."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


class Retry(_Part):
    """How often and how long to try."""

    attempts: int = Field(3, ge=1, le=100, description="answers submitted at most")
    deadline_s: float = Field(60, gt=0, le=3600, description="for everything, opening the page too")
    attempt_deadline_s: float | None = Field(
        None,
        gt=0,
        le=3600,
        description="for one answer, from the first click to the verdict; null: no other bound",
    )
    wait_s: Seconds = Field(0.2, description="before the second attempt; grows by `backoff`")
    wait_max_s: Seconds = Field(5, description="no wait between attempts is longer")
    backoff: float = Field(2, ge=1, le=10, description="each wait is this many times the last")
    jitter: Share = Field(0, description="each wait is longer or shorter by up to this share of it")
    seed: int | None = Field(
        None, ge=0, description="makes the jitter repeatable; null: another one each time"
    )

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before attempt number `attempt` (the first is 1: no wait)."""
        if attempt <= 1:
            return 0.0
        wait_s = min(self.wait_s * self.backoff ** (attempt - 2), self.wait_max_s)
        drawn = random.Random(None if self.seed is None else f"{self.seed}:{attempt}")
        return min(wait_s * (1 + self.jitter * drawn.uniform(-1, 1)), self.wait_max_s)


class Limits(_Part):
    """What is done at most, in all attempts together."""

    clicks: int = Field(300, ge=1, le=100_000, description="clicks and keys pressed")
    reloads: int = Field(8, ge=0, le=100, description="challenges exchanged, pages loaded again")


class Reactions(_Part):
    """What to do when an answer did not pass, by what the page said: looked up by the verdict."""

    rejected: Reaction = Field("retry", description="the page said no")
    expired: Reaction = Field("reload", description="the challenge was too old")
    unsure: Literal["submit", "reload", "stop"] = Field(
        "reload", description="the choice is less sure than `decide.sure`"
    )
    blocked: Reaction = Field("stop", description="too many tries (HTTP status 429, or in words)")
    server_error: Reaction = Field("wait", description="the site answered with HTTP status 5xx")
    navigation_lost: Reaction = Field(
        "stop", description="the page went elsewhere without a verdict"
    )
    unknown: Reaction = Field("reload", description="no verdict was seen")
    error: Reaction = Field("reload", description="a tile did not react to being clicked")


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
    slow_mo_ms: int = Field(
        0, ge=0, le=60_000, description="pause before each click or key; no deadline counts it"
    )


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
    limits: Limits = Field(default_factory=Limits)
    reactions: Reactions = Field(default_factory=Reactions)
    decide: Decide = Field(default_factory=Decide)
    waits: Waits = Field(default_factory=Waits)
    browser: BrowserSettings = Field(default_factory=BrowserSettings)
    success: str = Field("", description="what success looks like, see `--success`")
    report: Literal["always", "on_failure", "never"] = "on_failure"

    def keeps_report(self, *, failed: bool) -> bool:
        """Whether a report is written of what has failed, or has not."""
        return self.report == "always" or (self.report == "on_failure" and failed)


def load(name_or_file: str) -> Policy:
    """Read a shipped policy by name, or one's own by path, with what it extends.

    Raises UsageError for an unknown name, an unreadable file, or a policy that is wrong: the
    message names the file, the line, the key, what came and what is allowed.
    """
    path = policy_file.find(name_or_file)
    content = policy_file.read(path)
    return _validated(content.values, content.places, where=str(path))


def check(content: Any, *, where: str) -> Policy:
    """Validate a policy that is data already; `where` names it in the message of a UsageError."""
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise UsageError(
            f"{where}: must be a mapping of keys to values (got {yaml_file.shown(content)})"
        )
    return _validated(content, {}, where=where)


def _validated(values: dict[str, Any], places: dict[Keys, Place], *, where: str) -> Policy:
    try:
        return Policy.model_validate(values)
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_url=False):
            keys = problem["loc"]
            known = (places[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in places)
            lines.append(f"{next(known, where)}: {_explain(problem)}")
        raise UsageError(yaml_file.listed(lines, where)) from error


# Pydantic's kinds of problems, in words of ours; of all others its own words are taken.
_MUST = {
    "greater_than_equal": "be at least {ge:g}",
    "greater_than": "be more than {gt:g}",
    "less_than_equal": "be at most {le:g}",
    "literal_error": "be {expected}",
    "int_type": "be a whole number",
    "int_parsing": "be a whole number",
    "int_from_float": "be a whole number",
    "float_type": "be a number",
    "float_parsing": "be a number",
    "finite_number": "be a finite number",
    "bool_type": "be true or false",
    "bool_parsing": "be true or false",
    "string_type": "be text: put it in quotes",
    "tuple_type": "be a list",
    "model_type": "be a mapping of keys to values",
}


def _explain(problem: Any) -> str:
    key = policy_file.dotted(problem["loc"])
    if problem["type"] == "extra_forbidden":
        allowed = _keys(problem["loc"][:-1])
        close = difflib.get_close_matches(str(problem["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{key}: unknown key; {hint}allowed: {', '.join(allowed)}"
    must = _MUST.get(problem["type"])
    if must is None:
        message = problem["msg"].replace("Input should be", "must be")
    else:
        message = "must " + must.format(**problem.get("ctx", {}))
    return f"{key}: {message} (got {yaml_file.shown(problem['input'])})"


def _keys(location: Keys) -> list[str]:
    model: type[BaseModel] = Policy
    for part in location:
        nested = model.model_fields[str(part)].annotation
        if not (isinstance(nested, type) and issubclass(nested, BaseModel)):
            break
        model = nested
    return [*(["extends"] if model is Policy else []), *model.model_fields]


def dump(policy: Policy) -> str:
    """The policy as YAML, every default filled in."""
    return yaml.safe_dump(policy.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def schema() -> dict[str, Any]:
    """The JSON Schema of policy files, for editors."""
    made = Policy.model_json_schema()
    extends = {
        "type": "string",
        "title": "Extends",
        "description": "a shipped policy's name, or a file (from this one's folder): what this "
        "policy leaves out is as there",
    }
    made["properties"] = {"extends": extends, **made["properties"]}
    made["properties"]["name"]["description"] = "default: as the file is called"
    return made
