"""A policy file as plain data: every value with the line that sets it, `extends` merged in.

PyYAML alone forgets lines, lets a key be given twice and expands aliases without end; so the
values are built here from its nodes. What they mean is for `policy` to judge.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agent import yaml_file
from agent.errors import UsageError
from agent.places import policies_folder

Keys = tuple[str | int, ...]
"""Where a value lies: ("retry", "attempts"), or ("allow", 0)."""

_MOST_VALUES = 10_000  # with aliases expanded
_DEEPEST = 20
_LONGEST_CHAIN = 10  # of policies that extend each other
_SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}
_TIMESTAMP = "tag:yaml.org,2002:timestamp"  # no key is one: what looks like one is a text
_OWN = ("name", "description")  # what a policy does not inherit


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something is written; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Content:
    """What a policy file holds, and where each value is set."""

    values: dict[str, Any]
    places: dict[Keys, Place]


def names() -> tuple[str, ...]:
    """The shipped policies' names."""
    return tuple(sorted(path.stem for path in policies_folder().glob("*.yaml")))


def find(name_or_file: str, folder: Path | None = None) -> Path:
    """The file of a shipped policy's name, or of a path (from `folder`, where that is given).

    Raises UsageError for an unknown name.
    """
    if any(sign in name_or_file for sign in "/\\."):
        path = Path(name_or_file)
        return path if folder is None else Path(os.path.normpath(folder / path))
    path = policies_folder() / f"{name_or_file}.yaml"
    if not path.is_file():
        raise UsageError(
            f"policy {name_or_file!r} is unknown: use one of {', '.join(names())}, "
            "or the path of a .yaml file"
        )
    return path


def read(path: Path) -> Content:
    """The content of a policy file, laid over that of the policies it extends.

    A policy that has no name is called as its file. Raises UsageError that names file and line.
    """
    content = _read(path, ())
    content.values.setdefault("name", path.stem[:80])
    return content


def _read(path: Path, above: tuple[Path, ...]) -> Content:
    own = parse(yaml_file.text(path, _shown(path)), _shown(path))
    if "extends" not in own.values:
        return own
    base, place = own.values.pop("extends"), own.places[("extends",)]
    if not isinstance(base, str) or not base.strip():
        raise UsageError(
            f"{place}: extends: must be a policy's name or file (got {yaml_file.shown(base)})"
        )
    try:
        below = find(base, path.parent)
    except UsageError as error:
        raise UsageError(f"{place}: extends: {error}") from error
    chain = (*above, path)
    seen = [other.resolve() for other in chain]
    if below.resolve() in seen:
        circle = [*chain[seen.index(below.resolve()) :], below]
        raise UsageError(f"{place}: extends: goes in a circle: {' -> '.join(map(_shown, circle))}")
    if len(chain) >= _LONGEST_CHAIN:
        raise UsageError(f"{place}: extends: at most {_LONGEST_CHAIN} policies extend each other")
    if not below.is_file():
        raise UsageError(f"{place}: extends: {_shown(below)}: no such file")
    base_content = _read(below, chain)
    for key in _OWN:
        base_content.values.pop(key, None)
    return _merged(base_content, own)


def _merged(base: Content, own: Content) -> Content:
    """Mappings are merged key by key; everything else is replaced, lists too."""

    def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
        merged = dict(below)
        for key, value in above.items():
            old = merged.get(key)
            if isinstance(old, dict) and isinstance(value, dict):
                value = laid_over(old, value)  # noqa: PLW2901 - merged first
            merged[key] = value
        return merged

    return Content(laid_over(base.values, own.values), base.places | own.places)


def _shown(path: Path) -> str:
    return path.name if path.parent == policies_folder() else str(path)


def parse(text: str, file: str) -> Content:
    """The one mapping that a YAML text must hold. Raises UsageError that names `file` and line."""
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Content({}, {})
        builder = _Builder(loader, file)
        values = builder.value(node, ())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{file}:{line}: is not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:  # a character that YAML has no place for
        raise UsageError(f"{file}: is not valid YAML: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{file}: is nested too deeply") from error
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(values, dict):
        place = Place(file, node.start_mark.line + 1)
        raise UsageError(
            f"{place}: must be a mapping of keys to values (got {yaml_file.shown(values)})"
        )
    return Content(values, builder.places)


class _Builder:
    """Builds values from YAML nodes and notes where each is set."""

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self.places: dict[Keys, Place] = {}
        self._loader = loader
        self._file = file
        self._count = 0

    def value(self, node: yaml.Node, keys: Keys) -> Any:
        self._count += 1
        if self._count > _MOST_VALUES or len(keys) > _DEEPEST:
            raise self._error(
                node, keys, f"at most {_MOST_VALUES} values, {_DEEPEST} deep, aliases expanded"
            )
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return {key: self.value(child, (*keys, key)) for key, child in self._items(node, keys)}
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            for index, child in enumerate(node.value):
                self._note((*keys, index), child)
            return [self.value(child, (*keys, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, keys)
        raise self._error(node, keys, f"must be without a tag (got {node.tag})")

    def _items(self, node: yaml.MappingNode, keys: Keys) -> Iterator[tuple[str, yaml.Node]]:
        found: dict[str, int] = {}
        for key_node, child in node.value:
            key = self._scalar(key_node, keys) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise self._error(
                    key_node, keys, f"a key must be text: put it in quotes (got {key!r})"
                )
            line = key_node.start_mark.line + 1
            if key in found:
                raise self._error(
                    key_node, (*keys, key), f"is given twice (first in line {found[key]})"
                )
            found[key] = line
            self._note((*keys, key), key_node)
            yield key, child

    def _scalar(self, node: yaml.ScalarNode, keys: Keys) -> Any:
        if node.tag == _TIMESTAMP:
            return node.value
        if node.tag not in _SCALARS:
            raise self._error(node, keys, f"must be without a tag (got {node.tag})")
        try:
            return self._loader.construct_object(node)
        except ValueError as error:  # a number that there is not
            raise self._error(node, keys, f"{yaml_file.shown(node.value)}: {error}") from error
        except LookupError as error:  # "!!int" with nothing behind it, "!!bool perhaps"
            kind = node.tag.rpartition(":")[2]
            problem = f"{yaml_file.shown(node.value)} is no {kind}"
            raise self._error(node, keys, problem) from error

    def _note(self, keys: Keys, node: yaml.Node) -> None:
        self.places[keys] = Place(self._file, node.start_mark.line + 1)

    def _error(self, node: yaml.Node, keys: Keys, message: str) -> UsageError:
        place = Place(self._file, node.start_mark.line + 1)
        key = f"{dotted(keys)}: " if keys else ""
        return UsageError(f"{place}: {key}{message}")


def dotted(keys: Keys) -> str:
    """`retry.attempts`, as messages name a key."""
    return ".".join(map(str, keys))
