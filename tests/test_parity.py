"""The same script through the sync and the async loop gives the same outcome."""

from __future__ import annotations

from typing import Any

import pytest

from agent import flow, runner
from agent.policy import Policy
from tests.conftest import FakePage, Fixed, run_async, unwrapped

SCRIPTS: list[dict[str, Any]] = [
    {},
    {"says": ["Try again", "Verified"]},
    {"says": ["Expired", "Wrong", "Nope, failed"]},
    {"deaf": {4}},
    {"instruction": "Our favourite places"},
    {"instruction": "Select all images with"},
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_sync_and_async_agree(script: dict[str, Any]) -> None:
    """Both loops carry the same observations and so reach equal outcomes."""
    scorer = Fixed(lambda target: {0: 0.9, 4: 0.99})
    first, second = FakePage(**_fresh(script)), FakePage(**_fresh(script))
    now = runner.run(flow.solve(Policy(), model="m"), unwrapped(first), scorer)
    later = run_async(runner.run_async(flow.solve(Policy(), model="m"), second, scorer))
    # Scoring is timed by the real clock; everything else must be equal.
    assert [_untimed(a) for a in now.attempts] == [_untimed(a) for a in later.attempts]
    assert (now.status, now.reason, now.url) == (later.status, later.reason, later.url)
    assert first.answers == second.answers


def _fresh(script: dict[str, Any]) -> dict[str, Any]:
    return {key: value.copy() if hasattr(value, "copy") else value for key, value in script.items()}


def _untimed(attempt: Any) -> Any:
    return (attempt.instruction, attempt.probabilities, attempt.selected, attempt.result,
            attempt.reason, attempt.boxes)  # fmt: skip
