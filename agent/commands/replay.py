"""`captcha-agent replay`: a report's attempts once more, with another model or policy if given."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

import click

from agent import policy as policies
from agent.cli import emit_json
from agent.data import tile_numbers
from agent.errors import UsageError
from agent.redaction import plain
from agent.replay import Replayed, replay
from agent.report import saved
from agent.scorer import load_scorer

_WIDTH = 79
_MOST_MOVED = 16  # tiles whose probabilities are printed; JSON has all


def run(path: str, *, model: str, policy: str, as_json: bool) -> None:
    """Replay the report at `path`, with its own model and policy where none is given."""
    found = saved.read(path)
    rules = (
        policies.load(policy)
        if policy
        else policies.check(found.rules, where=f"{path}: the policy in it")
    )
    scorer = load_scorer(model or found.model)
    replayed = replay(found, scorer, rules)
    if not any(each.decision for each in replayed):
        raise UsageError(f"{path}: no attempt in it can be tried again: none has a picture")
    used = {"model": (found.model, scorer.name), "policy": (found.policy, rules.name)}
    if as_json:
        emit_json(_json(path, used, replayed))
    else:
        _show(used, replayed)


def _json(
    path: str, used: dict[str, tuple[str, str]], replayed: Iterable[Replayed]
) -> dict[str, Any]:
    return {
        "report": path,
        **{name: {"then": then, "now": now} for name, (then, now) in used.items()},
        "attempts": [
            {
                "instruction": each.then.instruction,
                "then": {
                    "grid": list(each.then.grid),
                    "probabilities": [round(p, 4) for p in each.then.probabilities],
                    "selected": list(each.then.decided),
                    "confidence": round(each.then.confidence, 4),
                    "step": each.then.step,
                    "result": each.then.result,
                },
                "now": _now(each),
                "changes": list(each.changes),
            }
            for each in replayed
        ],
    }


def _now(each: Replayed) -> dict[str, Any] | None:
    if each.decision is None or each.grid is None:
        return None
    return {
        "grid": list(each.grid),
        "probabilities": [round(float(p), 4) for p in each.decision.probabilities],
        "selected": list(each.decision.selected),
        "confidence": round(each.decision.confidence, 4),
        "rule": each.decision.rule,
        "step": each.step,
    }


def _show(used: dict[str, tuple[str, str]], replayed: tuple[Replayed, ...]) -> None:
    for name, (then, now) in used.items():
        click.echo(f"{name}: {then}" + (f" → {now}" if now != then else ""))
    for number, each in enumerate(replayed, start=1):
        click.echo()
        for line in _lines(number, each):
            click.echo(line)


def _lines(number: int, each: Replayed) -> list[str]:
    then, decision = each.then, each.decision
    rows, cols = then.grid
    head = _wrapped(f"{number}. {then.instruction!r}, {rows}x{cols}", "   ")
    told = (
        f"then: chose {tile_numbers(then.decided)}, sure to {then.confidence:.2f}; {then.result}: "
        f"{then.reason}"
    )
    head += _wrapped(f"   {told}", " " * 9)
    if decision is None:
        what = (
            "no grid of tiles is seen in its picture" if each.grid else "there is no picture of it"
        )
        return [*head, f"   now:  can't be tried again: {what}"]
    verb = {"submit": "would submit", "reload": "would reload", "stop": "would stop"}
    now = f"now:  chooses {tile_numbers(decision.selected)}, sure to {decision.confidence:.2f}; "
    head += _wrapped(f"   {now}{verb[each.step or 'submit']}", " " * 9)
    for tile in each.moved[:_MOST_MOVED]:
        before, after = then.probabilities[tile], decision.probabilities[tile]
        head.append(f"   tile {tile + 1:>2}: {before:.2f} → {after:.2f}")
    if len(each.moved) > _MOST_MOVED:
        head.append(f"   … and {len(each.moved) - _MOST_MOVED} more tiles (--json has all)")
    changes = "; ".join(each.changes) or "nothing"
    return [*head, *_wrapped(f"   what changes: {changes}", " " * 17)]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(plain(text), _WIDTH, subsequent_indent=indent)
