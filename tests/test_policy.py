"""Policies: what is shipped, what is refused, and how it says so."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent import policy
from agent.errors import UsageError

FOLDER = Path(__file__).parent.parent / "policies"


@pytest.mark.parametrize("name", ["audit", "ci", "debug", "default", "strict"])
def test_shipped_policies_are_valid(name: str) -> None:
    """Each shipped policy loads under its own name, and tells editors its schema."""
    assert policy.load(name).name == name
    first = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=policy.schema.json"


def test_the_default_policy_is_the_default() -> None:
    """What `default.yaml` spells out is what a Policy is without it."""
    loaded = policy.load("default")
    assert loaded == policy.Policy(description=loaded.description)


def test_the_shipped_schema_is_the_present_one() -> None:
    """`policies/policy.schema.json` is what `captcha-agent policy schema` prints."""
    shipped = (FOLDER / "policy.schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == policy.schema()


def test_strict_and_audit() -> None:
    """Strict submits only what is very sure; audit answers whatever is shown; neither goes on."""
    strict, audit = policy.load("strict"), policy.load("audit")
    assert (strict.decide.sure, strict.reactions.unsure) == (0.9, "stop")
    assert audit.reactions.unsure == "submit"
    for rules in (strict, audit):
        assert (rules.retry.attempts, rules.limits.reloads) == (1, 0)
        reactions = rules.reactions.model_dump()
        del reactions["unsure"]
        assert set(reactions.values()) == {"stop"}


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
        "policy 'nightly' is unknown: use one of audit, ci, debug, default, strict, "
        "or the path of a .yaml file"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"retry": {"atempts": 3}},
            "shop.yaml: retry.atempts: unknown key; did you mean 'attempts'? allowed: attempts, "
            "deadline_s, attempt_deadline_s, wait_s, wait_max_s, backoff, jitter, seed",
        ),
        (
            {"retry": {"attempts": 0}},
            "shop.yaml: retry.attempts: must be at least 1 (got 0)",
        ),
        (
            {"reactions": {"rejected": "again"}},
            "shop.yaml: reactions.rejected: must be 'retry', 'reload', 'wait' or 'stop' "
            "(got 'again')",
        ),
        (
            {"block_outside_requests": "navigations"},
            "shop.yaml: block_outside_requests: must be true or false (got 'navigations')",
        ),
        (
            {"block_outside": True},
            "shop.yaml: block_outside: unknown key; did you mean 'block_outside_requests'? "
            "allowed: extends, name, description, allow, block_outside_requests, retry, limits, "
            "reactions, decide, waits, browser, success, report",
        ),
        ([1, 2], "shop.yaml: must be a mapping of keys to values (got [1, 2])"),
    ],
)
def test_wrong_policies(content: Any, message: str) -> None:
    """A wrong policy is refused with file, key, what came and what is allowed."""
    with pytest.raises(UsageError) as caught:
        policy.check(content, where="shop.yaml")
    assert str(caught.value) == message


def test_dump_can_be_loaded_again() -> None:
    """`policy show` prints a policy that is valid and equal."""
    loaded = policy.load("ci")
    assert policy.check(yaml.safe_load(policy.dump(loaded)), where="dump") == loaded


def test_waits_grow_to_their_limit() -> None:
    """Waits between attempts grow by the back-off and stop at the largest."""
    retry = policy.Retry(wait_s=1, backoff=3, wait_max_s=5)
    assert [retry.wait_before(n) for n in (1, 2, 3, 4)] == [0, 1, 3, 5]


@given(st.integers(0, 9), st.integers(2, 9), st.floats(0, 1))
def test_jitter_stays_within_its_share(seed: int, attempt: int, jitter: float) -> None:
    """A wait with jitter is off by its share at most, never above the largest, and repeatable."""
    plain = policy.Retry(wait_s=1, backoff=2, wait_max_s=50)
    retry = plain.model_copy(update={"jitter": jitter, "seed": seed})
    wait_s, middle_s = retry.wait_before(attempt), plain.wait_before(attempt)
    assert middle_s * (1 - jitter) <= wait_s <= min(middle_s * (1 + jitter), 50)
    assert retry.wait_before(attempt) == wait_s


def test_jitter_differs_by_seed_and_attempt() -> None:
    """Two seeds give two series of waits, and no series is the same share each time."""
    series = [
        [policy.Retry(wait_s=1, backoff=1, jitter=0.5, seed=seed).wait_before(n) for n in (2, 3)]
        for seed in (1, 2)
    ]
    assert len({wait for waits in series for wait in waits}) == 4


def test_schema_forbids_unknown_keys() -> None:
    """The JSON Schema for editors refuses what the loader refuses."""
    schema = policy.schema()
    assert schema["additionalProperties"] is False
    assert "attempts" in schema["$defs"]["Retry"]["properties"]
    assert next(iter(schema["properties"])) == "extends"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_content_is_a_policy_or_an_error(content: Any) -> None:
    """Whatever a file holds, the answer is a policy or a UsageError."""
    with contextlib.suppress(UsageError):
        assert isinstance(policy.check(content, where="fuzz"), policy.Policy)
