"""The words of the training: captions of the drawings, ImageNet's class names, WordNet's nouns,
and which of them may name the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from agent import concepts

BACKGROUND = "background"
"""The caption of a picture, or a square of one, that shows no thing at all."""


def kin(names: Sequence[str], sentences: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which captions must not count as wrong for each other: shape (n, n).

    `sentences` are the captions' unit sentence embeddings, shape (n, d): what a sentence encoder
    finds nearly equal is no contrast, either.
    """
    close = sentences @ sentences.T > 0.75
    entries = [_entry_of(name) for name in names]
    for i, first in enumerate(entries):
        if first is None:
            continue
        apart = set(concepts.others(first))
        for j, second in enumerate(entries):
            if second is not None and second not in apart:
                close[i, j] = close[j, i] = True
    return close


@cache
def everyday() -> dict[str, list[str]]:
    """Everyday words, with the names of the ImageNet classes whose photographs show them."""
    text = resources.files("agent.models.lite").joinpath("everyday.yaml").read_text("utf-8")
    content: dict[str, list[str]] = yaml.safe_load(text)
    return content


@cache
def _entry_of(name: str) -> str | None:
    found = concepts.entry(name)
    return found.name if found else None


def imagenet_hypernyms(wordnet: Path, wnids: Sequence[str]) -> dict[str, list[int]]:
    """Every noun above an ImageNet class, with the classes (positions in `wnids`) below it.

    `wordnet` is the folder of WordNet 3.0's `data.noun`, `wnids` are ImageNet's synset ids.
    """
    parents, lemmas = _nouns(wordnet)
    below: dict[str, list[int]] = {}
    for position, wnid in enumerate(wnids):
        seen, todo = set(), [wnid[1:]]
        while todo:
            synset = todo.pop()
            if synset in seen:
                continue
            seen.add(synset)
            todo += parents[synset]
            for lemma in lemmas[synset]:
                below.setdefault(lemma, []).append(position)
    return below


def nouns(wordnet: Path) -> list[str]:
    """All lower-case nouns of WordNet of at most three words."""
    _, lemmas = _nouns(wordnet)
    every = {lemma for names in lemmas.values() for lemma in names}
    return sorted(lemma for lemma in every if re.fullmatch(r"[a-z][a-z'-]*( [a-z'-]+){0,2}", lemma))


@cache
def _nouns(wordnet: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    parents: dict[str, list[str]] = {}
    lemmas: dict[str, list[str]] = {}
    for line in (wordnet / "data.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        lemmas[fields[0]] = [word.replace("_", " ") for word in fields[4 : 4 + 2 * count : 2]]
        pointers = fields[5 + 2 * count :]
        parents[fields[0]] = [
            pointers[at + 1] for at in range(0, len(pointers) - 3, 4) if pointers[at] in ("@", "@i")
        ]
    return parents, lemmas


class Sentences:
    """MiniLM sentence embeddings, unit length, 384 numbers each, from the packaged model."""

    def __init__(self, folder: Path) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(folder), device="cpu")

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        embedded = self._model.encode(
            list(texts), batch_size=256, convert_to_tensor=True, normalize_embeddings=True,
            show_progress_bar=False,
        )  # fmt: skip
        return torch.as_tensor(embedded).clone()
