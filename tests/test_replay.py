"""A saved attempt once more: what is read of a report, what would change, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from agent import flow, runner
from agent.data import Outcome
from agent.errors import UsageError
from agent.policy import Policy, check
from agent.replay import Replayed, replay
from agent.report import save, saved
from tests.conftest import FakePage, Fixed, unwrapped

SURE = {0: 0.99, 4: 0.98, 8: 0.97}


def solved(rules: Policy, chosen: dict[int, float], page: FakePage | None = None) -> Outcome:
    driver = unwrapped(page or FakePage())
    return runner.run(flow.solve(rules, model="fixed"), driver, fixed(chosen))


def fixed(chosen: dict[int, float]) -> Fixed:
    return Fixed(lambda target: chosen)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The report of a challenge that was exchanged for being unsure, and of one answered."""
    unsure = dict.fromkeys(range(9), 0.5)
    outcome = solved(check({"limits": {"reloads": 1}}, where="test"), unsure)
    assert [attempt.step for attempt in outcome.attempts] == ["reload", "submit"]
    save(outcome, tmp_path / "report")
    return tmp_path / "report"


def again(folder: Path, chosen: dict[int, float], **policy: Any) -> tuple[Replayed, ...]:
    found = saved.read(str(folder))
    rules = check(policy or found.rules, where="test")
    return replay(found, fixed(chosen), rules)


def test_the_same_scores_change_nothing(folder: Path) -> None:
    """With what was used then, each attempt is cut, scored and decided as it was."""
    found = saved.read(str(folder))
    assert (found.model, found.policy, len(found.attempts)) == ("fixed", "default", 2)
    for each in again(folder, dict.fromkeys(range(9), 0.5)):
        assert each.grid == each.then.grid == (3, 3)
        assert (each.moved, each.changes) == ((), ())
        assert each.decision is not None
        assert each.decision.confidence == pytest.approx(each.then.confidence, abs=1e-4)


def test_what_is_told_as_moved(folder: Path) -> None:
    """Not what rounding did to a saved number; what two digits can tell, wherever it lies."""
    then = saved.read(str(folder)).attempts[0]
    now = again(folder, {})[0].decision
    assert now is not None
    shifts = np.array([0, 0.0049, -0.0049, 0.006, -0.006, 0.5, 0, 0, 0], dtype=np.float32)
    moved = replace(now, probabilities=np.array(then.probabilities, dtype=np.float32) - shifts)
    assert Replayed(then, (3, 3), moved, "reload").moved == (3, 4, 5)


def test_other_scores_change_the_choice(folder: Path) -> None:
    """Another model: which tiles it would choose besides, which not, and what it would do."""
    first, second = again(folder, SURE)
    assert first.changes == (
        "would also choose 5, 9",
        "would submit, no longer ask for another challenge",
    )
    assert second.changes == ("would also choose 5, 9",)
    (_, other) = again(folder, {8: 0.99})
    assert other.changes == ("would also choose 9", "would leave out 1")
    assert first.moved == tuple(range(9))


def test_another_policy_changes_what_follows(folder: Path) -> None:
    """The policy's threshold, reactions and number of reloads decide as they do when solving."""
    unsure = dict.fromkeys(range(9), 0.5)
    stop = again(folder, unsure, reactions={"unsure": "stop"})
    assert [each.step for each in stop] == ["stop", "stop"]
    assert stop[0].changes == ("would stop without an answer, no longer ask for another challenge",)
    more = again(folder, unsure, limits={"reloads": 2})
    assert [each.step for each in more] == ["reload", "reload"]
    strict = again(folder, {0: 0.99, 1: 0.6}, decide={"threshold": 0.9})
    assert strict[0].decision is not None
    assert strict[0].decision.selected == (0,)


def test_pictures_of_before_count_no_more(folder: Path) -> None:
    """Where the picture is cut otherwise now, tiles are not compared by their numbers."""
    random = np.random.default_rng(0)
    wide = np.full((320, 320, 3), 255, dtype=np.uint8)
    for row in range(2):
        for col in range(2):
            tile = random.integers(0, 200, (150, 150, 3), dtype=np.uint8)
            wide[row * 170 : row * 170 + 150, col * 170 : col * 170 + 150] = tile
    Image.fromarray(wide).save(folder / "attempt-1-picture.png")
    edit(
        folder,
        lambda content: content["attempts"][0]["widget"].update(tiles=[], rows=None, cols=None),
    )
    first, _ = again(folder, SURE)
    assert first.grid == (2, 2)
    assert first.moved == ()
    assert first.changes[0] == "the picture is cut into 2x2 tiles, no longer 3x3"


def edit(folder: Path, change: Any) -> None:
    content = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    change(content)
    (folder / "outcome.json").write_text(json.dumps(content), encoding="utf-8")


def first(content: Any) -> Any:
    return content["attempts"][0]


BROKEN = [
    (lambda c: c.update(format=2), "outcome.json: has format 2, this captcha-agent reads 1: "),
    (lambda c: c.pop("format"), "outcome.json: has format none, this captcha-agent reads 1"),
    (lambda c: c.pop("attempts"), "outcome.json: is no report that can be read: Object mi"),
    (lambda c: first(c).update(decided=[9]),
     "outcome.json: attempt 1: expected 9 probabilities and tiles of 0 to 8 (got 9, [9])"),
    (lambda c: first(c)["picture"].update(file="gone.png"), "gone.png: cannot be read as"),
    (lambda c: first(c)["picture"].update(file="junit.xml"), "junit.xml: is no picture that"),
    (lambda c: first(c)["picture"].update(scale=0), "Expected `float` > 0.0 - at `$.attempts["),
    (lambda c: first(c)["picture"].update(file="../secret.png"),
     "outcome.json: attempt 1: the picture '../secret.png' must be the name of a file in"),
    (lambda c: first(c)["picture"].update(file="link.png"), "'link.png' must be the name of"),
    (lambda c: first(c)["picture"].update(file="."), "'.' must be the name of"),
    (lambda c: first(c)["picture"].update(file=""), "'' must be the name of"),
    (lambda c: first(c)["picture"].update(file="a\0b"), "'a\\x00b' must be the name of"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_damaged_reports(folder: Path, change: Any, message: str) -> None:
    """What is wrong with a report is said with its file; nothing outside its folder is opened."""
    outside = folder.parent / "secret.png"
    outside.write_bytes((folder / "attempt-1-picture.png").read_bytes())
    (folder / "link.png").symlink_to(outside)
    edit(folder, change)
    with pytest.raises(UsageError) as caught:
        saved.read(str(folder))
    assert message in str(caught.value)


def test_no_report(tmp_path: Path) -> None:
    """A folder without a report, and nothing at all, are told as that."""
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UsageError) as caught:
            saved.read(str(path))
        assert str(caught.value) == (
            f"{path}: is no report: expected a folder with outcome.json, as --report writes it"
        )
    (tmp_path / "outcome.json").write_bytes(b"\xff{")
    with pytest.raises(UsageError, match=r"outcome\.json: is no report that can be read: "):
        saved.read(str(tmp_path))


def test_a_file_of_a_report_names_it(folder: Path) -> None:
    """Its page does as well as its folder."""
    assert saved.read(str(folder / "index.html")) == saved.read(str(folder))
