"""Whatever goes wrong, and whenever: the right verdict, in time, a whole report, nothing left.

`make faults` runs all cells, or with FAULTS=REGEX some; `make test` runs a third of them.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from agent.browser import BrowserChoice, find_browser
from agent.data import Outcome
from agent.errors import CaptchaAgentError, MissingError, UsageError
from agent.models.store import open_package
from agent.report import save
from agent.scorer import load_scorer
from fixtures.site import Server, serve
from tests.faults.table import CELLS, KILLED, QUICK
from tests.faults.world import Fault, World

pytestmark = pytest.mark.e2e


def _name(fault: Fault, moment: str) -> str:
    return f"{fault.name} @ {moment}"


def _tried() -> list[tuple[Fault, str]]:
    pattern = os.environ.get("FAULTS")
    if pattern is None:
        return QUICK
    return [cell for cell in CELLS if re.search(pattern, _name(*cell))]


@pytest.fixture
def browser_of_its_own(_page: Page) -> Iterator[Browser]:
    shared = _page.context.browser
    assert shared is not None
    kinds: Any = SimpleNamespace(chromium=shared.browser_type)
    path = find_browser(BrowserChoice(), kinds)
    browser = shared.browser_type.launch(executable_path=path, chromium_sandbox=False)
    yield browser
    browser.close()


@pytest.fixture
def browser(request: pytest.FixtureRequest, _page: Page) -> Browser:
    """The one that all tests share, but where it is to be killed."""
    if request.node.callspec.params["fault"].name == KILLED:
        return request.getfixturevalue("browser_of_its_own")  # type: ignore[no-any-return]
    assert _page.context.browser is not None
    return _page.context.browser


@pytest.fixture
def site() -> Iterator[Server]:
    """A site of its own for each cell: its books tell of nothing but this solve."""
    with serve() as server:
        yield server


@pytest.mark.parametrize(
    ("fault", "moment"), [pytest.param(*cell, id=_name(*cell)) for cell in _tried()]
)
def test_fault(
    fault: Fault,
    moment: str,
    browser: Browser,
    site: Server,
    browser_files: Path,
    tmp_path: Path,
    note: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The solve ends as it must, in time and with a whole report; no file of it is left."""
    monkeypatch.setattr(time, "time", time.time)  # a fault may change it: it is put back
    note[fault.name, moment] = "FAILED"
    before = _files(browser_files)
    context = browser.new_context()
    world = World(context.new_page(), site, fault, moment)
    outcome = world.solve(tmp_path / "report")
    if fault.name != KILLED:
        context.close()
        left = _files(browser_files) - before
        assert left == set(), "temporary files are left"
    assert world.done, f"the moment never came: {outcome.status}: {outcome.reason}"
    expected = fault.expected[moment]
    results = [attempt.result for attempt in outcome.attempts]
    assert expected.fits(outcome), f"{outcome.status}: {outcome.reason} {results}"
    # What happens while the verdict is waited for may keep us from hearing of it.
    assert site.solved(world.url) in (
        {outcome.solved} if moment != "verify" else {outcome.solved, True}
    )
    note[fault.name, moment] = outcome.status


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- what is wrong on this machine ----------------------------------------------------------------


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    """Where the report's folder can't be made, the message says what to do."""
    (tmp_path / "file").write_text("in the way")
    outcome = Outcome("unsolved", "reason", "http://localhost/", 1.0, "lite", "default")
    with pytest.raises(UsageError) as caught:
        save(outcome, tmp_path / "file" / "report")
    assert str(caught.value) == (
        f"the report can't be written to {tmp_path / 'file' / 'report'}: Not a directory; "
        "name another folder with --report"
    )


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("damage", "file", "error", "message"),
    [
        (Path.unlink, "image.onnx", MissingError, "cannot be read: No such file or directory"),
        (Path.unlink, "model.yaml", MissingError, "no model package there"),
        (cut, "image.onnx", UsageError, "the file is damaged or altered"),
        (alter, "text.onnx", UsageError, "the file is damaged or altered"),
        (alter, "tokenizer.json", UsageError, "the file is damaged or altered"),
    ],
)
def test_a_model_with_a_damaged_file(
    tmp_path: Path, damage: Any, file: str, error: type[CaptchaAgentError], message: str
) -> None:
    """A model file that is gone, cut or altered is named before anything is scored with it."""
    package = shutil.copytree(open_package("lite").folder, tmp_path / "mine")
    damage(package / file)
    with pytest.raises(error) as caught:
        load_scorer(str(package))
    assert message in str(caught.value)
