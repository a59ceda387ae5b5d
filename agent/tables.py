"""Reads the tables that come with this package: words, phrases, nouns, concepts, vendors."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

import yaml


def table(*path: str) -> Any:
    """What a YAML file says that lies below `agent/`."""
    return yaml.load(_text(path), Loader=yaml.CSafeLoader)  # ten times as fast as in Python


def documents(*path: str) -> Iterator[Any]:
    """What a YAML file says, one part after the other, each read once it is asked for."""
    return yaml.load_all(_text(path), Loader=yaml.CSafeLoader)


def _text(path: tuple[str, ...]) -> str:
    return resources.files("agent").joinpath(*path).read_text(encoding="utf-8")
