"""The pytest plugin: a fixture `captcha` beside pytest-playwright's `page`, sync or async.

Loaded at the start of every pytest run, so it imports nothing heavy: neither Playwright nor
ONNX Runtime nor numpy before a test first solves a captcha. Each process, so each worker of
pytest-xdist, loads a model once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agent.testing import Captcha

_MARKER = (
    "captcha(policy=..., model=..., allow=[...], success=...): how the fixture captcha solves in "
    "this test, whatever command line and ini file say"
)
_CAPTCHA = pytest.StashKey["Captcha"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Three options, each with a setting of the same name in the ini file, and one more there."""
    group = parser.getgroup("captcha", "image captchas of sites that you own")
    for name, metavar, default, text in (
        ("policy", "NAME|FILE", "ci", "retry policy"),
        ("model", "NAME|FOLDER", "lite", "model package that picks the tiles"),
        ("report", "FOLDER", "captcha-report", "where reports go, a folder for each test"),
    ):
        group.addoption(f"--captcha-{name}", metavar=metavar, help=f"{text} (default: {default})")
        parser.addini(f"captcha_{name}", f"{text} of the fixture captcha", default=default)
    parser.addini(
        "captcha_allow", "hosts with captchas beside loopback, *.localhost and *.test",
        type="linelist", default=[],
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known to `--strict-markers` and `--markers`."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def captcha(request: pytest.FixtureRequest) -> Captcha:
    """Solves the image captcha on a Playwright page, or answers it wrongly on purpose.

    solve(page), solve_wrong(page), answer(page, tiles), awaited on an async page; oracle(function).
    """
    from agent.testing import Captcha

    made = Captcha(folder=_folder(request.node), **_settings(request.node))
    request.node.stash[_CAPTCHA] = made
    return made


def _setting(config: pytest.Config, name: str) -> str:
    given = config.getoption(f"--captcha-{name}")
    return str(given if given is not None else config.getini(f"captcha_{name}"))


def _settings(node: Any) -> dict[str, Any]:
    """What holds for one test: its nearest marker, else the command line, else the ini file."""
    settings = {
        "policy": _setting(node.config, "policy"),
        "model": _setting(node.config, "model"),
        "allow": tuple(node.config.getini("captcha_allow")),
        "success": "",
    }
    for mark in reversed(list(node.iter_markers("captcha"))):
        unknown = [repr(value) for value in mark.args] + sorted(set(mark.kwargs) - set(settings))
        if unknown:
            raise pytest.UsageError(
                f"marker captcha: {unknown[0]} is unknown; allowed: "
                + ", ".join(f"{name}=..." for name in settings)
            )
        settings.update(mark.kwargs)
    return settings


def _folder(node: Any) -> Path:
    """The test's own folder, so that tests and workers do not write into each other's reports.

    As is pytest's custom, an option's path starts at the current folder, an ini file's at the root.
    """
    given = node.config.getoption("--captcha-report") is not None
    root = Path.cwd() if given else node.config.rootpath
    name = re.sub(r"[^\w.-]+", "-", node.nodeid, flags=re.ASCII).strip("-")
    return Path(root, _setting(node.config, "report"), name[-150:])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test's report what its captchas were, whatever it failed by."""
    report = yield
    made = item.stash.get(_CAPTCHA, None)
    if report.failed and made is not None:
        for shown in made.evidence():
            if shown.text:
                report.sections.append(("captcha", shown.text))
            if shown.page is not None:
                item.user_properties.append(("captcha_report", str(shown.page)))
            for picture in shown.pictures:
                _attach(item.config, report, picture)
    return report


def _attach(config: pytest.Config, report: pytest.TestReport, picture: Path) -> None:
    """Hand an annotated screenshot to the report plugins that are in use."""
    if config.pluginmanager.hasplugin("html"):
        from pytest_html import extras

        image = base64.b64encode(picture.read_bytes()).decode()
        report.extras = [*getattr(report, "extras", []), extras.png(image, name=picture.stem)]  # type: ignore[attr-defined]
    if config.pluginmanager.hasplugin("allure_pytest"):
        import allure

        kind = allure.attachment_type.PNG
        allure.attach.file(str(picture), name=picture.stem, attachment_type=kind)
