"""`captcha-agent policy …`: which policies there are, one in full, is one valid, their schema."""

from __future__ import annotations

from pathlib import Path

import click

from agent import policy, redaction
from agent.cli import emit_json


def show_all(*, as_json: bool) -> None:
    """Name the shipped policies."""
    found = [(name, policy.load(name).description) for name in policy.names()]
    if as_json:
        emit_json({"policies": [{"name": name, "description": text} for name, text in found]})
        return
    for name, text in found:
        click.echo(f"{name:<10} {text}")


def show(name: str, *, as_json: bool) -> None:
    """Print a policy with all defaults filled in."""
    loaded = policy.load(name)
    if as_json:
        emit_json(loaded.model_dump(mode="json"))
    else:
        click.echo(policy.dump(loaded), nl=False)


def check(file: str, *, as_json: bool) -> None:
    """Validate a policy file."""
    loaded = policy.load(str(Path(file)) if "/" in file else f"./{file}")
    if as_json:
        emit_json({"file": file, "valid": True, "name": loaded.name})
    else:
        click.echo(f"{file}: is a valid policy")


def schema() -> None:
    """Print the policies' JSON Schema, for editors."""
    click.echo(redaction.to_json(policy.schema(), indent=2))
