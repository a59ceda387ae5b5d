"""captcha-agent: carries end-to-end tests past the image captchas of sites you own.

    from agent import solve
    outcome = solve(page)          # a Playwright page that is on the site
    assert outcome.solved, outcome.reason

Names are imported when they are first used: `import agent` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.data import Attempt, Decision, Grid, Outcome
    from agent.errors import (
        CaptchaAgentError,
        MissingError,
        ScopeError,
        SiteError,
        UsageError,
    )
    from agent.policy import Policy
    from agent.runner import solve, solve_async
    from agent.scorer import Scorer, load_scorer
    from agent.segmenter import split
    from agent.waiting import Stop

__version__ = "0.1.0"

_HOMES = {
    "Attempt": "agent.data",
    "CaptchaAgentError": "agent.errors",
    "Decision": "agent.data",
    "Grid": "agent.data",
    "MissingError": "agent.errors",
    "Outcome": "agent.data",
    "Policy": "agent.policy",
    "ScopeError": "agent.errors",
    "Scorer": "agent.scorer",
    "SiteError": "agent.errors",
    "Stop": "agent.waiting",
    "UsageError": "agent.errors",
    "load_scorer": "agent.scorer",
    "solve": "agent.runner",
    "solve_async": "agent.runner",
    "split": "agent.segmenter",
}

__all__ = [
    "Attempt",
    "CaptchaAgentError",
    "Decision",
    "Grid",
    "MissingError",
    "Outcome",
    "Policy",
    "ScopeError",
    "Scorer",
    "SiteError",
    "Stop",
    "UsageError",
    "load_scorer",
    "solve",
    "solve_async",
    "split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'agent' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
