"""`captcha-agent calibrate FOLDER`: learns from labelled tiles, makes a model package of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent import labelled
from agent.calibrate import Calibrated, calibrate
from agent.cli import emit_json
from agent.data import Target
from agent.detection import Shown
from agent.errors import UsageError
from agent.labelled import OTHERS, Labelled
from agent.measures import Floats, Measured
from agent.models import calibrated
from agent.models.card import Calibration
from agent.pictures import open_picture
from agent.scorer import Embeddings, Scorer, load_scorer

_AT_ONCE = 32  # pictures decoded and embedded: bounds the memory
_SAID = {
    "pictures": "how the labels' pictures look",
    "words": "only scale and bias of what the words say: pictures did not help",
    "nothing": "nothing: neither pictures nor a new scale and bias did better",
}


def run(folder: str, *, model: str, name: str, as_json: bool) -> int:
    """Learn from the labelled tiles in `folder`; returns the exit status."""
    if model.startswith("torch:"):
        raise UsageError(
            f"--model {model}: is no package; make one with `captcha-agent models prepare "
            f"{model.removeprefix('torch:')}` and name that"
        )
    tiles = labelled.read(Path(folder))
    scorer = load_scorer(model)
    name = name or _default_name(scorer.name, Path(folder))
    calibrated.check_target(name)
    embeddings, shown = _look(scorer, tiles)

    def finish(logits: Floats) -> Floats:
        """Batch by batch, label by label, as the detector saw them."""
        finished = [
            np.column_stack(list(map(scorer.with_detector, logits[at : at + _AT_ONCE].T, of_batch)))
            for at, of_batch in zip(range(0, len(logits), _AT_ONCE), shown, strict=True)
        ]
        return np.concatenate(finished).astype(np.float64)

    before = _by_label(tiles, lambda concept: scorer.logits(embeddings, Target(concept, "")))
    found = calibrate(
        embeddings,
        tiles.truth,
        lambda scale: _by_label(tiles, lambda concept: scorer.margins(embeddings, concept, scale)),
        finish(before),
        finish,
    )
    place = _write(scorer, name, tiles, found) if found.learnt else None
    if as_json:
        emit_json(_json(scorer.name, name, tiles, found, place))
    else:
        _show(name, tiles, found, place)
    return 0 if place else 1


def _default_name(model: str, folder: Path) -> str:
    last = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-.")
    return f"{model}-{last or 'calibrated'}"


def _look(scorer: Scorer, tiles: Labelled) -> tuple[Embeddings, list[list[Shown | None]]]:
    """Embeddings (n, d) of the tiles, and what the detector says of each batch, label by label."""
    parts, shown = [], []
    with _progress(len(tiles.files)) as advance:
        for start in range(0, len(tiles.files), _AT_ONCE):
            files = tiles.files[start : start + _AT_ONCE]
            pictures = [open_picture(file) for file in files]
            parts.append(scorer.embed_images(pictures))
            shown.append([scorer.detect(pictures, Target(label, "")) for label in tiles.labels])
            advance(len(files))
    return np.concatenate(parts), shown


def _by_label(tiles: Labelled, of: Callable[[str], Any]) -> Floats:
    """(n, k): one column a label."""
    return np.column_stack([of(label) for label in tiles.labels]).astype(np.float64)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, else one line, on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        click.echo(f"looking at {total} pictures …", err=True)
        yield lambda count: None
        return
    with Progress(console=console) as bar:
        task = bar.add_task("looking at the pictures", total=total)
        yield lambda count: bar.advance(task, count)


def _write(scorer: Scorer, name: str, tiles: Labelled, found: Calibrated) -> Path:
    card = Calibration(
        base=scorer.name,
        date=date.today().isoformat(),
        pictures=_counts(tiles),
        before=_measured_json(found.before),
        after=_measured_json(found.after),
    )
    learnt = dict(zip(tiles.labels, found.learnt, strict=True))
    return calibrated.write(scorer.package, name, learnt, card).folder


def _counts(tiles: Labelled) -> dict[str, int]:
    return {**tiles.counts, **({OTHERS: tiles.others} if tiles.others else {})}


def _measured_json(measured: Measured) -> dict[str, Any]:
    return {
        name: {
            "value": round(interval["value"], 4),
            "interval95": [round(interval["low"], 4), round(interval["high"], 4)],
        }
        for name, interval in asdict(measured).items()
    }


def _json(
    base: str, name: str, tiles: Labelled, found: Calibrated, place: Path | None
) -> dict[str, Any]:
    return {
        "base": base,
        "learnt": found.how,
        "pictures": _counts(tiles),
        "n": len(tiles.files),
        "before": _measured_json(found.before),
        "after": _measured_json(found.after),
        **({"name": name, "folder": str(place)} if place else {}),
    }


def _show(name: str, tiles: Labelled, found: Calibrated, place: Path | None) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("on held-out pictures", "before", "after"):
        table.add_column(title, no_wrap=True)
    rows = (("log loss", "loss"), ("AUC", "auc"), ("tiles right", "accuracy"))
    for title, key in rows:
        table.add_row(title, str(getattr(found.before, key)), str(getattr(found.after, key)))
    console = Console()
    console.print(table)
    for label, count in _counts(tiles).items():
        click.echo(f"{count:>6} {label}")
    click.echo(
        f"n = {len(tiles.files)} pictures; means over labels, tiles that match counting as much "
        "as those\nthat don't; in brackets 95 % intervals."
    )
    click.echo(f"Learnt: {_SAID[found.how]}.")
    if place:
        click.echo(f"{place}: use it with --model {name}")
    else:
        click.echo("No package was written.")
