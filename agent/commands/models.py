"""`captcha-agent models …`: which packages there are, making one, its card, deleting it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, cast

import click
import msgspec
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agent.cli import emit_json
from agent.errors import CaptchaAgentError, UsageError
from agent.labelled import OTHERS
from agent.models import store
from agent.models.card import Calibration
from agent.models.costs import Costs, reckoned
from agent.models.presets import Preset, licence, presets
from agent.models.source import Source, need_open_clip, parameters, read_source

_SAID = {
    "weights": "loading the weights",
    "image": "exporting the image tower",
    "open_clip": "asking open_clip about the pictures",
    "text": "exporting the text tower",
    "tokenizer": "writing the tokenizer",
    "parity": "measuring against open_clip",
    "concepts": "embedding the concepts",
}


def show_all(*, as_json: bool) -> None:
    """List the packages that are there, and the presets that can be prepared."""
    there = [_listed(name) for name in store.names()]
    known = {model["name"] for model in there}
    offered = [_offered(name, preset) for name, preset in presets().items() if name not in known]
    if as_json:
        emit_json({"models": there, "presets": offered})
        return
    for model in there:
        _say(model["name"], model.get("damaged") or model["source"])
        if "damaged" not in model:
            _say("", f"{model['precision']}, {model['size_mb']} MB")
            _say("", f"licence: {model['licence']}")
        if "calibrated" in model:
            _say("", f"calibrated for {', '.join(model['calibrated'])}")
    click.echo("\ncaptcha-agent models prepare NAME makes one of (top-1 is ImageNet, zero-shot):")
    for preset in offered:
        _say(preset["name"], preset["source"])
        _say(
            "",
            f"top-1 {preset['top1']} %, download {preset['download_mb']} MB, "
            f"package {preset['package_mb']} MB",
        )
        _say("", f"licence: {preset['licence']}")


def _say(name: str, text: str) -> None:
    """One thing about a model, wrapped beside its name."""
    head, under = f"{name:<16} ", " " * 17
    click.echo(
        textwrap.fill(
            text, 80, initial_indent=head, subsequent_indent=under,
            break_long_words=False, break_on_hyphens=False,
        )
    )  # fmt: skip


def _listed(name: str) -> dict[str, Any]:
    try:
        package = store.open_package(name)
    except CaptchaAgentError as error:
        return {"name": name, "damaged": str(error)}
    card = package.card
    return {
        "name": name,
        "source": card.source,
        "precision": card.precision,
        "licence": card.licence,
        "size_mb": round(package.size_bytes / 1e6),
        "folder": str(package.folder),
        **({"calibrated": _labels(card.calibration)} if card.calibration else {}),
    }


def _labels(calibration: Calibration) -> list[str]:
    return [label for label in calibration.pictures if label != OTHERS]


def _offered(name: str, preset: Preset) -> dict[str, Any]:
    costs = reckoned(*preset.parameters, "int8", preset.download_mb)
    return {
        "name": name,
        **preset.model_dump(include={"source", "licence", "research_only", "top1"}),
        "download_mb": costs.download_mb,
        "package_mb": costs.package_mb,
        "memory_mb": costs.memory_mb,
    }


def show(name: str, *, as_json: bool) -> None:
    """Print a package's card, or a preset's facts where it is not prepared."""
    if name in presets() and name not in store.names():
        content = {**_offered(name, presets()[name]), "prepared": False}
    else:
        package = store.open_package(name)
        content = {**msgspec.to_builtins(package.card), "folder": str(package.folder)}
    if as_json:
        emit_json(content)
    else:
        click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), nl=False)


def remove(name: str, *, as_json: bool) -> None:
    """Delete a prepared package."""
    folder = store.remove(name)
    if as_json:
        emit_json({"removed": name, "folder": str(folder)})
    else:
        click.echo(f"removed {folder}")


def prepare(source: str, *, name: str, precision: str, accept_licence: bool, as_json: bool) -> None:
    """Make a package from an open_clip model, unless it is there already."""
    default_name, read = read_source(source)
    name = store.check_name(name or default_name)
    if name == store.SHIPPED:
        raise UsageError(f"--name {name}: that one comes with captcha-agent; take another name")
    need_open_clip()
    terms, research_only = licence(read.text)
    costs = _costs(read, precision)
    click.echo(_beforehand(name, read, precision, terms, costs), err=True)
    if research_only and not accept_licence:
        _ask(name, terms)

    from agent.models.preparation import Order, prepare

    chosen = cast(Literal["int8", "float32"], precision)
    with _progress() as told:
        package = prepare(Order(name, read, chosen, terms), told)
    if as_json:
        emit_json({**_listed(name), "parity": dict(package.card.parity)})
        return
    parity = package.card.parity
    click.echo(
        f"{package.folder}: {package.size_bytes / 1e6:.0f} MB, made from {package.card.source}"
    )
    click.echo(
        f"least cosine to open_clip's embeddings: {parity['image_least_cosine']} of "
        f"{parity['pictures']} pictures, {parity['text_least_cosine']} of {parity['texts']} texts"
    )
    click.echo(f"use it with --model {name}")


def _costs(source: Source, precision: str) -> Costs:
    sizes = {preset.source: preset.download_mb for preset in presets().values()}
    return reckoned(*parameters(source), precision, sizes.get(source.text, 0))


def _beforehand(name: str, source: Source, precision: str, terms: str, costs: Costs) -> str:
    get = "reads" if source.checkpoint else "downloads"
    return (
        f"{name}: {source.text} as {precision}, licence: {terms}\n"
        f"{get} {costs.download_mb} MB, needs about {costs.prepare_memory_mb} MB of memory to "
        f"make; then about {costs.package_mb} MB on disk, {costs.memory_mb} MB of memory to run"
    )


def _ask(name: str, terms: str) -> None:
    """Weights for research alone are taken only by somebody who says so."""
    if sys.stdin.isatty() and click.confirm(f"licence: {terms}. Use them all the same?", err=True):
        return
    raise UsageError(
        f"model {name!r}: the licence of these weights says: {terms}; where that is your case, "
        "say so with --accept-licence"
    )


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal; elsewhere a line on standard error for each step."""
    console = Console(stderr=True)
    if not console.is_terminal:
        begun: set[str] = set()

        def tell(step: str, done: int, total: int) -> None:
            if step not in begun:
                begun.add(step)
                click.echo(f"{_SAID[step]} …", err=True)

        yield tell
        return
    columns = (TextColumn("{task.description:<36}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, Any] = {}

        def move(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(_SAID[step], total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield move
