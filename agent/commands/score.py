"""`captcha-agent score` and `split`: pictures from files, no browser."""

from __future__ import annotations

import re
import textwrap
import time
from threading import Thread
from typing import Any

import click
from PIL import Image

from agent.cli import emit_json
from agent.data import THRESHOLD, Decision
from agent.errors import UsageError
from agent.pictures import open_picture
from agent.scorer import load_scorer


def run(
    images: tuple[str, ...],
    *,
    instruction: str,
    reference: str,
    grid: str,
    model: str,
    policy: str,
    threads: int | None,
    draw: str,
    as_json: bool,
) -> None:
    """Score the tiles in `images`, or the squares of the one image."""
    start_s = time.monotonic()
    if bool(instruction) == bool(reference):
        raise UsageError("score: give either --instruction TEXT or --reference IMAGE")
    if grid and len(images) != 1:
        raise UsageError(f"--grid {grid}: cuts one IMAGE (got {len(images)})")
    threshold = _threshold(policy)
    scorer = load_scorer(model, threads=threads)
    Thread(target=scorer.warm).start()  # while the pictures are decoded
    pictures = [open_picture(path) for path in images]
    sample = open_picture(reference) if reference else None
    cols, found = len(pictures), None
    if grid:
        from agent import segmenter

        rows, cols = _rows_cols(grid)
        found = segmenter.split(pictures[0], rows=rows, cols=cols)
        decision = scorer.score_grid(
            pictures[0], found, instruction, reference=sample, threshold=threshold
        )
    else:
        decision = scorer.score(pictures, instruction, reference=sample, threshold=threshold)
    seconds = time.monotonic() - start_s
    if draw:
        from agent.report import drawing

        _save(drawing.scored(pictures, found, decision), draw)
    content = _json(decision, images, cols, instruction, scorer.name, seconds)
    if as_json:
        emit_json(content)
    else:
        _show(content)


def _threshold(policy: str) -> float:
    """The threshold of the policy, where one is given."""
    if not policy:
        return THRESHOLD
    from agent.policy import load  # pydantic takes as long to import as lite takes to load

    return load(policy).decide.threshold


def _json(
    decision: Decision, images: tuple[str, ...], cols: int, text: str, model: str, seconds: float
) -> dict[str, Any]:
    tiles = [
        {
            "index": index,
            "row": index // cols,
            "col": index % cols,
            "image": images[index] if len(images) > 1 else images[0],
            "probability": round(float(probability), 4),
            "selected": index in decision.selected,
        }
        for index, probability in enumerate(decision.probabilities)
    ]
    return {
        "instruction": text,
        "target": decision.target.concept if decision.target else "",
        "model": model,
        "confidence": round(decision.confidence, 4),
        "tiles": tiles,
        "seconds": round(seconds, 3),
    }


def _show(content: dict[str, Any]) -> None:
    asked = f"{content['instruction'] or 'as the reference'}  →  {content['target']}"
    click.echo(textwrap.fill(asked, 79))
    for tile in content["tiles"]:
        bar = "█" * round(tile["probability"] * 20)
        mark = "✓" if tile["selected"] else " "
        place = f"{tile['row'] + 1},{tile['col'] + 1}"
        name = tile["image"] if len(tile["image"]) <= 32 else "…" + tile["image"][-31:]
        click.echo(f"{mark} {place:<5} {tile['probability']:.2f} {bar:<20} {name}")
    click.echo(f"sure to {content['confidence']:.2f}, {content['seconds']:.2f} s")


def split(image: str, *, grid: str, draw: str, as_json: bool) -> None:
    """Print the tile grid found in a picture."""
    from agent import segmenter

    picture = open_picture(image)
    rows, cols = _rows_cols(grid) if grid else (None, None)
    found = segmenter.split(picture, rows=rows, cols=cols)
    boxes = [[round(v) for v in (b.x, b.y, b.width, b.height)] for b in found.boxes]
    if draw:
        from agent.report import drawing

        _save(drawing.outlined(picture, found), draw)
    if as_json:
        confidence = round(found.confidence, 4)
        emit_json(
            {"rows": found.rows, "cols": found.cols, "boxes": boxes, "confidence": confidence}
        )
        return
    click.echo(f"{found.rows} rows x {found.cols} columns, sure to {found.confidence:.2f}")
    for x, y, width, height in boxes:
        click.echo(f"  x {x:>5}  y {y:>5}  {width} x {height}")


def _save(drawn: Image.Image, path: str) -> None:
    try:
        drawn.save(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"--draw {path}: cannot be written: {error}") from error


def _rows_cols(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]|1\d|20)[x×*]([1-9]|1\d|20)", text.strip().lower())
    if match is None:
        raise UsageError(f"--grid {text}: must be ROWSxCOLUMNS, such as 3x3 or 4x4 (at most 20x20)")
    return int(match[1]), int(match[2])
