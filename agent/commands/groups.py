"""The commands of the groups `policy` and `models`."""

from __future__ import annotations

from typing import Any

import click

from agent.commands.options import as_json, option


@click.group("policy")
def policy_group() -> None:
    """Retry policies: list, show, check, schema."""


@policy_group.command("list")
@as_json
def policy_list(as_json: bool) -> None:
    """Name the shipped policies."""
    from agent.commands import policy

    policy.show_all(as_json=as_json)


@policy_group.command("show")
@click.argument("name")
@as_json
def policy_show(name: str, as_json: bool) -> None:
    """Print the policy NAME (or FILE) with all defaults filled in."""
    from agent.commands import policy

    policy.show(name, as_json=as_json)


@policy_group.command("check")
@click.argument("file")
@as_json
def policy_check(file: str, as_json: bool) -> None:
    """Validate the policy FILE."""
    from agent.commands import policy

    policy.check(file, as_json=as_json)


@policy_group.command("schema")
def policy_schema() -> None:
    """Print the policies' JSON Schema."""
    from agent.commands import policy

    policy.schema()


@click.group("models")
def models_group() -> None:
    """Model packages: list, prepare, show, remove."""


@models_group.command("list")
@as_json
def models_list(as_json: bool) -> None:
    """Name the packages there are and the presets to prepare."""
    from agent.commands import models

    models.show_all(as_json=as_json)


@models_group.command("prepare")
@click.argument("source", metavar="NAME|ARCH:WEIGHTS")
@option("--name", default="", help="What to call it; default: from the source.")
@option(
    "--precision",
    type=click.Choice(["int8", "float32"]),
    default="int8",
    show_default=True,
    help="int8 is smaller and faster, float32 closest to the source.",
)
@option("--accept-licence", is_flag=True, help="Take weights that are for research only.")
@as_json
def models_prepare(source: str, **given: Any) -> None:
    """Make a package from a preset or from any open_clip model.

    WEIGHTS is a tag of open_clip's, such as laion2b_s34b_b79k, or a .safetensors file.
    """
    from agent.commands import models

    models.prepare(source, **given)


@models_group.command("show")
@click.argument("name")
@as_json
def models_show(name: str, as_json: bool) -> None:
    """Print the card of the package NAME, or what a preset costs."""
    from agent.commands import models

    models.show(name, as_json=as_json)


@models_group.command("remove")
@click.argument("name")
@as_json
def models_remove(name: str, as_json: bool) -> None:
    """Delete the prepared package NAME."""
    from agent.commands import models

    models.remove(name, as_json=as_json)
