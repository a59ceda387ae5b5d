"""Many challenges in a row: the solve rate with its confidence interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.data import Outcome
from agent.measures import wilson


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `n`, and the 95 % Wilson score interval of the share."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        return self.hits / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.share, self.n)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.0%} ({low:.0%}-{high:.0%})"


@dataclass(frozen=True, slots=True)
class Audit:
    """What many solves of one kind of challenge came to."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def solved(self) -> Rate:
        return Rate(sum(outcome.solved for outcome in self.outcomes), len(self.outcomes))

    @property
    def first(self) -> Rate:
        """Solved with the first answer; challenges exchanged before it do not count."""
        at_once = sum(outcome.solved and answers(outcome) == 1 for outcome in self.outcomes)
        return Rate(at_once, len(self.outcomes))

    @property
    def answered(self) -> Rate:
        """Of all answers that were submitted, those that were accepted."""
        given = sum(answers(outcome) for outcome in self.outcomes)
        return Rate(sum(outcome.solved for outcome in self.outcomes), given)

    @property
    def reloads(self) -> int:
        return sum(len(outcome.attempts) - answers(outcome) for outcome in self.outcomes)

    @property
    def median_s(self) -> float:
        return _quantile([outcome.seconds for outcome in self.outcomes], 0.5)

    @property
    def p95_s(self) -> float:
        return _quantile([outcome.seconds for outcome in self.outcomes], 0.95)

    def by_kind(self) -> tuple[Audit, ...]:
        """The same outcomes, by the kind of the last challenge; "none" where none was found."""
        kinds: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            kind = outcome.attempts[-1].kind if outcome.attempts else "none"
            kinds.setdefault(kind, []).append(outcome)
        return tuple(Audit(kind, tuple(kinds[kind])) for kind in sorted(kinds))

    def failures(self) -> dict[str, int]:
        """Reasons of what was not solved, the commonest first."""
        return dict(Counter(o.reason for o in self.outcomes if not o.solved).most_common())

    def to_json(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return {
            "name": self.name,
            "n": len(self.outcomes),
            "solved": _rate_json(self.solved),
            "first_answer": _rate_json(self.first),
            "answers_accepted": _rate_json(self.answered),
            "reloads": self.reloads,
            "seconds": {"median": round(self.median_s, 3), "p95": round(self.p95_s, 3)},
            "failures": self.failures(),
        }


def answers(outcome: Outcome) -> int:
    """How many answers were submitted that should have been the last one."""
    return sum(attempt.result not in ("reloaded", "next_round") for attempt in outcome.attempts)


def _rate_json(rate: Rate) -> dict[str, Any]:
    low, high = rate.interval
    return {
        "hits": rate.hits,
        "n": rate.n,
        "share": round(rate.share, 4),
        "interval95": [round(low, 4), round(high, 4)],
    }


def _quantile(values: Iterable[float], share: float) -> float:
    ordered: Sequence[float] = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0
