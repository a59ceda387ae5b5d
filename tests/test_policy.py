"""Policies: what is shipped, what is refused, and how it says so."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent import policy
from agent.errors import UsageError


@pytest.mark.parametrize("name", ["default", "ci", "debug"])
def test_shipped_policies_are_valid(name: str) -> None:
    """Each shipped policy loads under its own name."""
    assert policy.load(name).name == name


def test_other_requests_pass_unless_asked_to_be_blocked() -> None:
    """Blocking what a page loads from other hosts changes the page: nobody gets it unasked."""
    shipped = [policy.load(name) for name in policy.names()]
    assert [rules.block_outside_requests for rules in shipped] == [False] * len(shipped)
    assert policy.check({"block_outside_requests": True}, where="x").block_outside_requests


def test_unknown_policy_names_the_known_ones() -> None:
    """An unknown name is answered with those that there are."""
    with pytest.raises(UsageError) as caught:
        policy.load("nightly")
    assert str(caught.value) == (
        "policy 'nightly' is unknown: use one of ci, debug, default, or the path of a .yaml file"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"retry": {"atempts": 3}},
            "shop.yaml: retry.atempts: unknown key; did you mean 'attempts'? allowed: attempts, "
            "reloads, deadline_s, wait_s, wait_max_s, backoff",
        ),
        (
            {"retry": {"attempts": 0}},
            "shop.yaml: retry.attempts: must be greater than or equal to 1 (got 0)",
        ),
        (
            {"reactions": {"rejected": "again"}},
            "shop.yaml: reactions.rejected: must be 'retry', 'reload' or 'stop' (got 'again')",
        ),
        (
            {"block_outside_requests": "navigations"},
            "shop.yaml: block_outside_requests: must be a valid boolean, unable to interpret input "
            "(got 'navigations')",
        ),
        (
            {"block_outside": True},
            "shop.yaml: block_outside: unknown key; did you mean 'block_outside_requests'? "
            "allowed: name, description, allow, block_outside_requests, retry, reactions, decide, "
            "waits, browser, success, report",
        ),
        ([1, 2], "shop.yaml: must be a mapping of keys to values (got [1, 2])"),
    ],
)
def test_wrong_policies(content: Any, message: str) -> None:
    """A wrong policy is refused with file, key, what came and what is allowed."""
    with pytest.raises(UsageError) as caught:
        policy.check(content, where="shop.yaml")
    assert str(caught.value) == message


def test_missing_and_broken_files(tmp_path: Path) -> None:
    """A file that can't be read, or is no YAML, is named in the message."""
    missing = tmp_path / "none.yaml"
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read: No such file"):
        policy.load(str(missing))
    broken = tmp_path / "broken.yaml"
    broken.write_text("retry: [")
    with pytest.raises(UsageError, match=r"broken\.yaml: is not valid YAML"):
        policy.load(str(broken))


def test_dump_can_be_loaded_again() -> None:
    """`policy show` prints a policy that is valid and equal."""
    loaded = policy.load("ci")
    assert policy.check(yaml.safe_load(policy.dump(loaded)), where="dump") == loaded


def test_waits_grow_to_their_limit() -> None:
    """Waits between attempts grow by the back-off and stop at the largest."""
    retry = policy.Retry(wait_s=1, backoff=3, wait_max_s=5)
    assert [retry.wait_before(n) for n in (1, 2, 3, 4)] == [0, 1, 3, 5]


def test_schema_forbids_unknown_keys() -> None:
    """The JSON Schema for editors refuses what the loader refuses."""
    schema = policy.schema()
    assert schema["additionalProperties"] is False
    assert "attempts" in schema["$defs"]["Retry"]["properties"]


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_content_is_a_policy_or_an_error(content: Any) -> None:
    """Whatever a file holds, the answer is a policy or a UsageError."""
    with contextlib.suppress(UsageError):
        assert isinstance(policy.check(content, where="fuzz"), policy.Policy)
