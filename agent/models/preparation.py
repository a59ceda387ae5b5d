"""Makes a package from an open_clip model: locked, step by step, measured, moved into place.

What a step has made is written down with its SHA-256 in a folder that is named after the source,
so that an interrupted preparation goes on where it stopped. The finished package is renamed into
place at once: others see all of it or nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from agent import concepts, places
from agent.errors import CaptchaAgentError, UsageError
from agent.models import assembly, parity
from agent.models.card import CARD, Card, TextInput, read_card, write_card
from agent.models.compression import Precision
from agent.models.encoder import CONCEPTS, Encoder
from agent.models.source import Loaded, Source, load
from agent.models.store import (
    PARTIAL,
    Package,
    check_name,
    lock_path,
    models_folder,
    open_package,
    replace,
    sha256,
)

STEPS = ("image", "text", "tokenizer", "parity", "concepts")
_FORMAT = 1  # of partial folders: raised when a step's result changes
_JOURNAL = "steps.json"
_TRIAL = 16  # pictures on which the image tower is tried before anything else is made

Told = Callable[[str, int, int], None]
"""Progress: the step, how much of it is done, out of how much."""
Made = tuple[tuple[str, ...], dict[str, Any]]
"""What a step leaves: the names of its files, and what is to be known about them."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made."""

    name: str
    source: Source
    precision: Precision
    licence: str


def prepare(order: Order, told: Told = lambda *_: None) -> Package:
    """The finished package, made unless it is there already.

    A second process that prepares the same name waits for the first. Raises UsageError where the
    export disagrees with its source, MissingError where open_clip or the weights are missing.
    """
    root = models_folder()
    partial = root / PARTIAL
    partial.mkdir(parents=True, exist_ok=True)
    digest = order.source.digest()
    with FileLock(lock_path(check_name(order.name))):
        if (found := _present(root / order.name, order, digest)) is not None:
            return found
        folder = partial / f"{order.name}-{_key(order, digest)}"
        folder.mkdir(exist_ok=True)
        for leftover in folder.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover)
        _Work(order, digest, folder, told).finish()
        replace(folder, root / order.name)
        (root / order.name / _JOURNAL).unlink()
    return open_package(order.name)


def _key(order: Order, digest: str) -> str:
    parts = [_FORMAT, order.source.arch, order.source.tag, digest, order.precision]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _present(folder: Path, order: Order, digest: str) -> Package | None:
    """The package that is there already, whole and from the same source, or None."""
    if folder.is_symlink() or not (folder / CARD).is_file():
        return None
    try:
        card = read_card(folder)
    except UsageError:
        return None
    if (card.source, card.source_sha256, card.precision) != (
        order.source.text, digest, order.precision,
    ):  # fmt: skip
        return None
    package = Package(folder, card)
    try:
        for file in card.files:
            package.checked(file)
    except CaptchaAgentError:
        return None  # damaged: made again
    return package


class _Work:
    """One preparation in its partial folder."""

    def __init__(self, order: Order, digest: str, folder: Path, told: Told) -> None:
        self._order, self._digest, self._folder, self._told = order, digest, folder, told
        self._steps = self._journal()

    def finish(self) -> None:
        """Do what is not done yet, measure, and write the card."""
        files, image = self._step("image", self._image)
        more, text = self._step("text", self._text)
        tokenizer, settings = self._step("tokenizer", self._tokenizer)
        files |= more | tokenizer
        facts = assembly.Facts(
            image=assembly.Graph(**image),
            text=assembly.Graph(**text),
            settings=TextInput(**settings),
        )
        card = self._card(facts, files)
        encoder = Encoder(Package(self._folder, card))
        _, measured = self._step("parity", lambda: self._parity(encoder))
        if found := parity.fault(measured, self._order.precision):
            shutil.rmtree(self._folder)
            raise parity.refuse(self._order.name, found, self._order.precision)
        known, _ = self._step("concepts", lambda: self._concepts(encoder))
        changes: dict[str, Any] = {"files": files | known, "parity": measured}
        if not parity.cells_hold(measured, self._order.precision) and "cells.onnx" in files:
            (self._folder / "cells.onnx").unlink()
            del changes["files"]["cells.onnx"]
            changes["cells"] = None
        write_card(self._folder, msgspec.structs.replace(card, **changes))

    @cached_property
    def _loaded(self) -> Loaded:
        self._told("weights", 0, 1)
        found = load(self._order.source)
        self._told("weights", 1, 1)
        return found

    @cached_property
    def _pictures(self) -> list[Path]:
        return parity.sample(places.pictures_folder())

    @cached_property
    def _expected(self) -> NDArray[np.float32]:
        found: NDArray[np.float32] = parity.expected_images(
            self._loaded, self._pictures, lambda done, total: self._told("open_clip", done, total)
        )
        return found

    def _image(self) -> Made:
        """Without the products that are worst in int8, where int8 is not good enough with them."""
        precision = self._order.precision
        made = assembly.write_image(self._loaded, self._folder, precision)
        if precision == "int8":
            facts = assembly.Facts(made, made, TextInput())
            card = self._card(facts, {file: sha256(self._folder / file) for file in made.files})
            encoder = Encoder(Package(self._folder, card))
            some = self._pictures[:_TRIAL]
            measured = parity.measure_images(encoder, some, self._expected[: len(some)])
            if parity.fault(measured, precision):
                made = assembly.write_image(self._loaded, self._folder, precision, spare=True)
        return made.files, asdict(made)

    def _text(self) -> Made:
        made = assembly.write_text(self._loaded, self._folder, self._order.precision)
        return made.files, asdict(made)

    def _tokenizer(self) -> Made:
        settings = assembly.write_tokenizer(self._loaded, self._folder)
        return ("tokenizer.json",), msgspec.structs.asdict(settings)

    def _parity(self, encoder: Encoder) -> Made:
        texts = [f"a photo of a {name}." for name in concepts.names()[::4]]
        measured = parity.measure_images(encoder, self._pictures, self._expected)
        measured |= parity.measure_texts(self._loaded, encoder, texts)
        measured |= parity.measure_cells(self._loaded, encoder, self._pictures[:4])
        return (), measured

    def _concepts(self, encoder: Encoder) -> Made:
        assembly.write_concepts(encoder, self._folder)
        return (CONCEPTS,), {}

    def _card(self, facts: assembly.Facts, files: dict[str, str]) -> Card:
        order = self._order
        return assembly.card(
            self._loaded,
            facts,
            name=order.name,
            source=order.source.text,
            source_sha256=self._digest,
            licence=order.licence,
            precision=order.precision,
            files=files,
        )

    def _step(self, name: str, make: Callable[[], Made]) -> tuple[dict[str, str], dict[str, Any]]:
        """A step's files with their SHA-256, and what it found; made unless it is done already."""
        self._told(name, 0, 1)
        if name not in self._steps:
            made, found = make()
            files = {file: sha256(self._folder / file) for file in made}
            self._steps[name] = {"files": files, "found": found}
            written = self._folder / f"{_JOURNAL}.new"
            written.write_text(json.dumps(self._steps), encoding="utf-8")
            written.replace(self._folder / _JOURNAL)
        self._told(name, 1, 1)
        return self._steps[name]["files"], self._steps[name]["found"]

    def _journal(self) -> dict[str, Any]:
        """The steps that are done: up to the first whose files are no longer what they were."""
        try:
            told = json.loads((self._folder / _JOURNAL).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        done = {}
        for name in STEPS:
            if name not in told or not all(
                (self._folder / file).is_file() and sha256(self._folder / file) == expected
                for file, expected in told[name]["files"].items()
            ):
                break
            done[name] = told[name]
        return done
