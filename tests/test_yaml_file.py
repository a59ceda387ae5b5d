"""YAML that others wrote: plain data is read, all else is refused by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import policy, widget_file, yaml_file
from agent.errors import UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.yaml"


def message(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        yaml_file.read(path)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: [x, 2.5, true, null]", {"a": 1, "b": ["x", 2.5, True, None]}),
        ("day: 2001-13-45", {"day": "2001-13-45"}),
        ("", None),
    ],
)
def test_plain_data(file: Path, text: str, expected: object) -> None:
    """Mappings, lists, texts and numbers; what looks like a date stays a text."""
    file.write_text(text)
    assert yaml_file.read(file) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x [1]\nb: *x", "line 2: aliases (*) are not read: write the value itself"),
        ("a: &x [*x]", "line 1: aliases (*) are not read: write the value itself"),
        ("a:\n  b: !!int x",
         "line 2: tags (tag:yaml.org,2002:int) are not read: write the value without"),
        ("!!python/object/apply:os.system [id]",
         "line 1: tags (tag:yaml.org,2002:python/object/apply:os.system) are not read: write the "
         "value without"),
        ("[" * 21, "line 1: is nested more than 20 levels deep"),
        ("a: " + "1" * 5000, "line 1: no number has 5000 characters"),
        ("a: 0b_", "is not valid YAML: invalid literal for int() with base 2: ''"),
    ],
)  # fmt: skip
def test_more_than_plain_data(file: Path, text: str, expected: str) -> None:
    """What would build objects, unfold without end or take for ever is named with its line."""
    file.write_text(text)
    assert message(file) == expected


def test_files_that_are_none(file: Path) -> None:
    """A missing file, a folder, other bytes and a file without end are each told."""
    assert message(file) == "cannot be read: No such file or directory"
    assert message(file.parent) == "cannot be read: Is a directory"
    file.write_bytes(b"a: \xff")
    assert message(file) == "must be text in UTF-8 (byte 3 is not)"
    file.write_text("a: " + "x" * yaml_file.MOST_BYTES)
    assert message(file) == "is too large, at most 500 kB are read"
    assert message(Path("/dev/zero")) == "is too large, at most 500 kB are read"


def test_many_problems_are_cut_short(file: Path) -> None:
    """A policy or widget file in which all is wrong gets a message that can be read."""
    file.write_text("\n".join(f"key{n}: 1" for n in range(500)))
    for load in (policy.load, widget_file.load):
        with pytest.raises(UsageError) as caught:
            load(str(file))
        lines = str(caught.value).splitlines()
        assert len(lines) == 11
        assert lines[-1] == f"{file}: and 490 more problems"


def test_long_values_are_cut_short(file: Path) -> None:
    """What came is shown, but not all of it."""
    file.write_text("attempts: [" + "[1, 2], " * 2000 + "3]")
    with pytest.raises(UsageError) as caught:
        policy.check({"retry": yaml_file.read(file)}, where="shop.yaml")
    assert len(str(caught.value)) < 300
