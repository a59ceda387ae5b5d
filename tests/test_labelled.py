"""Folders of labelled tiles: what each picture shows, and what is wrong with a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from agent import labelled
from agent.errors import UsageError


def lay(folder: Path, **labels: int) -> Path:
    """A folder with so many different pictures of each label."""
    for number, (label, count) in enumerate(labels.items()):
        place = folder / label.replace("__", " ")
        place.mkdir(parents=True)
        for shade in range(count):
            Image.new("RGB", (8, 8), (number * 20, shade, 0)).save(place / f"{shade}.png")
    return folder


def test_labels_are_concepts(tmp_path: Path) -> None:
    """A folder's name is read as an instruction's noun; an unknown one stays as it is."""
    found = labelled.read(lay(tmp_path, buses=4, traffic__signals=4, zorb=5, _other=6))
    assert found.labels == ("bus", "traffic light", "zorb")
    assert found.counts == {"bus": 4, "traffic light": 4, "zorb": 5}
    assert (len(found.files), found.others) == (19, 6)
    assert found.truth.sum(axis=0).tolist() == [4, 4, 5]


def test_a_picture_in_two_folders_shows_both(tmp_path: Path) -> None:
    """The same picture counts once, whatever its names are."""
    lay(tmp_path, bus=5, tree=5)
    (tmp_path / "tree" / "again.png").write_bytes((tmp_path / "bus" / "0.png").read_bytes())
    (tmp_path / "bus" / "again.png").write_bytes((tmp_path / "bus" / "1.png").read_bytes())
    found = labelled.read(tmp_path)
    assert len(found.files) == 10
    assert found.truth[0].tolist() == [1, 1]
    assert found.counts == {"bus": 5, "tree": 6}


def test_kin(tmp_path: Path) -> None:
    """A car is a vehicle; whether a picture of a vehicle shows a car is not known."""
    found = labelled.read(lay(tmp_path, car=4, vehicle=4, tree=4))
    of = dict(zip(found.labels, found.truth.T.tolist(), strict=True))
    shown = [file.parent.name for file in found.files]
    assert dict(zip(shown, of["vehicle"], strict=True)) == {"car": 1, "tree": 0, "vehicle": 1}
    assert dict(zip(shown, of["car"], strict=True)) == {"car": 1, "tree": 0, "vehicle": -1}


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    """What a system writes into folders by itself is no picture."""
    lay(tmp_path, bus=4, _other=4)
    (tmp_path / ".git").mkdir()
    (tmp_path / "bus" / ".DS_Store").write_bytes(b"x")
    assert len(labelled.read(tmp_path).files) == 8


def test_what_is_missing(tmp_path: Path) -> None:
    """No folder, no labels, too few pictures of a label or without it: each says what to do."""
    expected = "expected one folder a label with its pictures, such as"
    no_labels = lay(tmp_path / "empty", _other=4)
    few = lay(tmp_path / "few", bus=3, tree=4)
    alone = lay(tmp_path / "alone", bus=6, _other=2)
    for folder, message in (
        (tmp_path / "none", f"/none: no such folder; {expected}"),
        (no_labels, f"/empty: holds no labels; {expected}"),
        (few, "/few: 3 different pictures of 'bus' are too few; at least 4 are needed"),
        (alone, "/alone: 2 different pictures without 'bus' are too few; at least 4 are needed: "
         f"add other labels, or pictures of none in {alone / '_other'}"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            labelled.read(folder)
        assert message in str(caught.value)


def test_what_contradicts_itself(tmp_path: Path) -> None:
    """Two folders of one label, a folder within a label, a picture of both something and none."""
    twice = lay(tmp_path / "twice", bus=4, buses=4)
    within = lay(tmp_path / "within", bus=4, _other=4)
    (within / "bus" / "old").mkdir()
    both = lay(tmp_path / "both", bus=4, _other=4)
    (both / "bus" / "x.png").write_bytes((both / "_other" / "0.png").read_bytes())
    nothing = lay(tmp_path / "nothing", bus=4, not__a__bus=4)
    for folder, message in (
        (nothing, f"{nothing / 'not a bus'}: a label must be a noun for what its pictures show, "
         f"such as 'traffic light'; pictures of none go to {nothing / '_other'}"),
        (twice, f"{twice / 'buses'}: means 'bus' as {twice / 'bus'} does; put them together"),
        (within, f"{within / 'bus' / 'old'}: a label's folder holds pictures alone; move this "
         "folder away"),
        (both, f"{both / 'bus' / 'x.png'}: the same picture as {both / '_other' / '0.png'}; what "
         "lies in _other must show no label"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            labelled.read(folder)
        assert message in str(caught.value)
