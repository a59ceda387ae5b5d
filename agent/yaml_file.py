"""Reads the YAML that others write: policies, widget files, nouns, the cards of model packages.

Only plain data is read: no tags, no aliases (a few lines of them unfold to more than any memory
holds), no deep nesting, no file larger than any of these ever is.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from agent.errors import UsageError

MOST_BYTES = 500_000
_DEEPEST = 20  # levels of nesting; a policy has two
_MOST_PROBLEMS = 10  # in one message
_LONGEST_NUMBER = 100  # characters: longer ones take long to convert


class _Loader(yaml.CSafeLoader):
    """Without dates: what looks like one stays a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read(path: str | Path) -> Any:
    """What the file holds: dicts, lists, texts, numbers, True, False and None.

    Raises UsageError, by file and line, where it cannot be read, is no YAML or more than plain
    data.
    """
    content = text(path)
    try:
        _check(path, content)
        return yaml.load(content, Loader=_Loader)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter two of odd numbers
        raise UsageError(f"{path}: is not valid YAML: {error}") from error


def text(path: str | Path, shown: str = "") -> str:
    """The file's text. Raises UsageError, by the file or how it is `shown`, where there is none."""
    name = shown or str(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        raise UsageError(f"{name}: is too large, at most {MOST_BYTES // 1000} kB are read")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: must be text in UTF-8 (byte {error.start} is not)") from error


def shown(value: Any) -> str:
    """What came, for a message: short, however long or deep the value is."""
    return f"{_SHORT.repr(value):.80}"


def problems(where: object, lines: Sequence[str]) -> str:
    """A message of what is wrong with a file, one problem a line."""
    return listed([f"{where}: {line}" for line in lines], where)


def listed(lines: Sequence[str], where: object) -> str:
    """Problems with their places as one message, not more of them than can be read."""
    kept = list(lines[:_MOST_PROBLEMS])
    if len(lines) > _MOST_PROBLEMS:
        kept.append(f"{where}: and {len(lines) - _MOST_PROBLEMS} more problems")
    return "\n".join(kept)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80
_SHORT.maxlist = _SHORT.maxdict = 8
_SHORT.maxlevel = 3


def _check(path: str | Path, text: str) -> None:
    """Raises UsageError for what is more than plain data, before any of it is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        problem = ""
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                problem = f"is nested more than {_DEEPEST} levels deep"
        elif isinstance(event, yaml.AliasEvent):
            problem = "aliases (*) are not read: write the value itself"
        elif isinstance(event, yaml.ScalarEvent) and _is_long_number(event):
            problem = f"no number has {len(event.value)} characters"
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            problem = f"tags ({tag}) are not read: write the value without"
        if problem:
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise UsageError(f"{path}: line {line}: {problem}")


def _is_long_number(event: yaml.ScalarEvent) -> bool:
    plain, value = event.implicit[0], event.value
    return plain and len(value) > _LONGEST_NUMBER and value[0] in "+-.0123456789"
