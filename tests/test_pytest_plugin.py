"""The pytest plugin, tested by pytest inside pytest."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from flask import Flask

from fixtures.site import create_app, serve
from fixtures.store import Store

ROOT = Path(__file__).parent.parent

# Stands in for the browser: what each solve comes to is named by the test.
CANNED = """
import numpy as np
import pytest
from agent import instruction, runner, testing
from agent.data import STAGES, Attempt, Box, Grid, Outcome, Picture
from tests.conftest import Fixed

BUS = instruction.read("Select all images with a bus")

def attempt(result, selected, reason="the page says 'Not quite'"):
    pixels = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    boxes = tuple(Box(col * 30, row * 30, 29, 29) for row in range(3) for col in range(3))
    likely = tuple(0.91 if index in selected else 0.02 for index in range(9))
    return Attempt("Select all images with a bus", "tiles", (3, 3), boxes, likely, selected, 0.5,
                   0.83, result, reason, dict.fromkeys(STAGES, 0.1),
                   Picture(pixels, Box(0, 0, 90, 90), 1.0))

@pytest.fixture
def comes_to(monkeypatch):
    def set_up(status, *attempts):
        asked = []
        def solve(page, policy, *, model, allow, success):
            asked.append((policy, model, allow, success))
            for shown in attempts:
                model.scores_on(shown.picture, Grid(3, 3, shown.boxes), BUS)
            reason = attempts[-1].reason if attempts else "no captcha found"
            return Outcome(status, reason, "http://localhost/", 1.0, "lite", policy.name, attempts)
        monkeypatch.setattr(runner, "solve", solve)
        monkeypatch.setattr(testing, "load_scorer", lambda model: Fixed(lambda target: {}))
        return asked
    return set_up
"""


@pytest.fixture
def canned(pytester: pytest.Pytester) -> pytest.Pytester:
    """A test folder whose captchas come to what each test names, without a browser."""
    pytester.makeconftest(CANNED)
    return pytester


def failure(result: pytest.RunResult) -> list[str]:
    """The lines of pytest's `E` column."""
    lines = [line[1:].rstrip() for line in result.outlines if re.match(r"E( {3}|$)", line)]
    return textwrap.dedent("\n".join(lines)).splitlines()


def test_a_failure_says_what_was_seen(canned: pytest.Pytester) -> None:
    """Instruction, choice, scores and report are in the failure, this package's code is not."""
    canned.makepyfile("""
        from conftest import attempt

        def test_it(captcha, comes_to):
            comes_to("unsolved", attempt("reloaded", (1,), "sure to 0.41 only"),
                     attempt("rejected", (0, 4)))
            captcha.solve(object())
    """)
    result = canned.runpytest_inprocess("-p", "no:playwright")
    page = (
        canned.path
        / "captcha-report"
        / "test_a_failure_says_what_was_seen.py-test_it"
        / "index.html"
    )
    assert failure(result) == [
        "Failed: captcha.solve: unsolved: the page says 'Not quite'",
        "1. 'Select all images with a bus' - reloaded: sure to 0.41 only",
        "   chosen 2 of 3x3 (sure to 0.83)",
        "   0.02  0.91* 0.02",
        "   0.02  0.02  0.02",
        "   0.02  0.02  0.02",
        "2. 'Select all images with a bus' - rejected: the page says 'Not quite'",
        "   chosen 1, 5 of 3x3 (sure to 0.83)",
        "   0.91* 0.02  0.02",
        "   0.02  0.91* 0.02",
        "   0.02  0.02  0.02",
        f"report: {page}",
    ]
    assert page.is_file()
    assert "agent/testing.py" not in result.stdout.str()


@pytest.mark.parametrize(
    ("right", "blame"),
    [
        ("[0, 4]", "The widget is broken: the right answer of attempt 1 did not pass."),
        ("[0, 5]", "The scorer was wrong in 1 of 1 challenges."),
    ],
)
def test_an_oracle_knows_whom_to_blame(canned: pytest.Pytester, right: str, blame: str) -> None:
    """With an oracle the failure says whether the scorer was wrong or the widget is broken."""
    canned.makepyfile(f"""
        from conftest import attempt

        def test_it(captcha, comes_to):
            captcha.oracle(lambda page: {right})
            comes_to("unsolved", attempt("rejected", (0, 4)))
            captcha.solve(object())
    """)
    lines = failure(canned.runpytest_inprocess("-p", "no:playwright"))
    assert blame in lines
    numbers = "1, 5" if right == "[0, 4]" else "1, 6"
    assert f"   chosen 1, 5 of 3x3 (sure to 0.83); right by the oracle: {numbers}" in lines


@pytest.mark.parametrize(
    ("status", "attempts", "call", "message"),
    [
        ("solved", 'attempt("accepted", (3,), "the page says \'Verified\'")', "solve_wrong(page)",
         "captcha.solve_wrong: a wrong answer on purpose was accepted: the page says 'Verified'"),
        ("unsolved", 'attempt("error", (3,), "no verdict")', "solve_wrong(page)",
         "captcha.solve_wrong: a wrong answer on purpose was not rejected: no verdict"),
        ("unsolved", "", "solve_wrong(page)",
         "captcha.solve_wrong: a wrong answer on purpose was not rejected: no captcha found"),
        ("unsolved", 'attempt("error", (3,), "no verdict")', "answer(page, [3])",
         "captcha.answer: the tiles could not be answered: no verdict"),
        ("unsolved", 'attempt("rejected", (3,))', "solve_wrong(page)", ""),
        ("unsolved", 'attempt("rejected", (3,))', "answer(page, [3])", ""),
    ],
)  # fmt: skip
def test_what_each_method_expects(
    canned: pytest.Pytester, status: str, attempts: str, call: str, message: str
) -> None:
    """A wrong answer must be rejected; given tiles must be judged, whatever the judgement."""
    canned.makepyfile(f"""
        from conftest import attempt

        def test_it(captcha, comes_to):
            page = object()
            comes_to({status!r}, {attempts})
            assert not captcha.{call}.solved
    """)
    lines = failure(canned.runpytest_inprocess("-p", "no:playwright"))
    assert lines[:1] == ([f"Failed: {message}"] if message else [])


def test_a_later_failure_shows_the_captcha(canned: pytest.Pytester) -> None:
    """Whatever a test fails by, what became of its captchas stands in its report, once."""
    canned.makepyfile("""
        from conftest import attempt

        def test_it(captcha, comes_to):
            comes_to("solved", attempt("accepted", (0,), "the page says 'Verified'"))
            captcha.solve(object())
            assert False
    """)
    result = canned.runpytest_inprocess("-p", "no:playwright", "--junitxml=all.xml")
    result.stdout.fnmatch_lines([
        "*- captcha -*",
        "solved: the page says 'Verified'",
        "1. 'Select all images with a bus' - accepted: the page says 'Verified'",
        "report: *captcha-report*index.html",
    ])  # fmt: skip
    assert result.stdout.str().count("- captcha -") == 1
    assert 'name="captcha_report"' in (canned.path / "all.xml").read_text(encoding="utf-8")


def test_where_settings_come_from(canned: pytest.Pytester) -> None:
    """The marker goes before the command line, that before the ini file."""
    canned.makeini("""
        [pytest]
        captcha_policy = debug
        captcha_report = from-ini
        captcha_allow =
            a.example
            *.b.example
    """)
    canned.makepyfile("""
        import pytest
        from agent.policy import Policy
        from conftest import attempt

        MINE = Policy(name="mine", report="never")

        def test_options(captcha, comes_to):
            asked = comes_to("solved", attempt("accepted", (0,)))
            captcha.solve(object())
            ((policy, model, allow, success),) = asked
            assert (policy.name, allow, success) == ("debug", ("a.example", "*.b.example"), "")

        @pytest.mark.captcha(policy=MINE, success="text:Thanks")
        def test_marker(captcha, comes_to):
            asked = comes_to("solved", attempt("accepted", (0,)))
            captcha.solve(object())
            ((policy, model, allow, success),) = asked
            assert (policy.name, success) == ("mine", "text:Thanks")
    """)
    result = canned.runpytest_inprocess("-p", "no:playwright", "--strict-markers")
    result.assert_outcomes(passed=2)
    # "debug" always writes a report, "mine" never.
    assert [path.name for path in (canned.path / "from-ini").iterdir()] == [
        "test_where_settings_come_from.py-test_options"
    ]
    result = canned.runpytest_inprocess(
        "-p", "no:playwright", "--captcha-policy=cii", "-k", "options"
    )
    assert failure(result)[-1] == (
        "agent.errors.UsageError: policy 'cii' is unknown: use one of audit, ci, debug, "
        "default, strict, or the path of a .yaml file"
    )


def test_unknown_settings_of_the_marker(canned: pytest.Pytester) -> None:
    """A misspelt setting is an error that names those there are."""
    canned.makepyfile("""
        import pytest

        @pytest.mark.captcha(polcy="ci")
        def test_it(captcha): ...
    """)
    result = canned.runpytest_inprocess("-p", "no:playwright")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*marker captcha: polcy is unknown; "
            "allowed: policy=..., model=..., allow=..., success=..."
        ]
    )


def test_screenshots_are_attached(canned: pytest.Pytester) -> None:
    """pytest-html and Allure get each annotated screenshot of a failed test."""
    canned.makepyfile("""
        from conftest import attempt

        def test_it(captcha, comes_to):
            comes_to("unsolved", attempt("rejected", (0,)), attempt("rejected", (1,)))
            captcha.solve(object())
    """)
    canned.runpytest_inprocess(
        "-p", "no:playwright", "--html=all.html", "--self-contained-html", "--alluredir=allure"
    )
    html = (canned.path / "all.html").read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == 2
    shots = sorted((canned.path / "allure").glob("*.png"))
    written = canned.path / "captcha-report" / "test_screenshots_are_attached.py-test_it"
    assert {shot.read_bytes() for shot in shots} == {
        (written / f"attempt-{number}.png").read_bytes() for number in (1, 2)
    }


def test_importing_the_plugin_is_light() -> None:
    """Every pytest run loads the plugin: it brings no Playwright, ONNX Runtime, numpy, pydantic."""
    heavy = "{'playwright', 'onnxruntime', 'numpy', 'PIL', 'pydantic', 'yaml', 'jinja2'}"
    code = f"import sys, agent.pytest_plugin; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- in a real browser ----------------------------------------------------------------------------

# As the project itself starts a browser: the one that is installed, without sandbox as root.
BROWSER = """
import os
import pytest
from playwright.sync_api import sync_playwright
from agent.browser import BrowserChoice, find_browser

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args, playwright):
    path = find_browser(BrowserChoice(), playwright)
    sandbox = os.geteuid() != 0
    return {**browser_type_launch_args, "executable_path": path, "chromium_sandbox": sandbox}
"""


def recipes() -> list[str]:
    """The Python in the README's section on pytest: the tests, and a conftest with an oracle."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("\n## With pytest\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


@pytest.mark.e2e
def test_the_readme_recipe(pytester: pytest.Pytester) -> None:
    """The README's tests pass on the fixture site as they stand there, on two workers."""
    pytester.makeconftest(BROWSER)
    pytester.makepyfile(test_recipe=recipes()[0])
    with serve(seed=1) as server:
        result = pytester.runpytest_subprocess("--base-url", server.url, "-n", "2")
    result.assert_outcomes(passed=2)


@pytest.mark.e2e
def test_the_readme_oracle(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the README's oracle the same tests pass, and the right answer needs no model."""

    def knowing(store: Store) -> Flask:
        app = create_app(store)

        @app.get("/captcha/answer-for-tests")
        def right() -> list[int]:
            return sorted(list(store._open.values())[-1].challenge.answer)

        return app

    monkeypatch.setattr("fixtures.site.create_app", knowing)
    tests, conftest = recipes()
    pytester.makeconftest(BROWSER + conftest)
    pytester.makepyfile(test_recipe=tests.replace("captcha.solve(page)", "captcha.answer(page)"))
    with serve(seed=1) as server:
        options = ("--base-url", server.url, "--captcha-model", "none/at/all")
        result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=2)


KNOWING = """
from fixtures.site import serve

@pytest.fixture
def site():
    with serve(seed=1) as server:
        yield server

@pytest.fixture
def know(site):
    return lambda page: list(site._store._open.values())[-1].challenge.answer

@pytest.fixture
def captcha(captcha, know):
    captcha.oracle(know)
    return captcha
"""


@pytest.mark.e2e
def test_an_oracle_in_a_browser(pytester: pytest.Pytester) -> None:
    """Right tiles pass and wrong ones do not, sync and async; a broken widget is told as such."""
    pytester.makeconftest(BROWSER + KNOWING)
    pytester.makepyfile("""
        import asyncio
        import pytest
        from playwright.async_api import async_playwright
        from agent import answers, testing
        from agent.browser import BrowserChoice, find_browser
        from fixtures.challenge import Challenge

        async def sign_up(captcha, site, know):
            @captcha.oracle
            async def know_async(page):
                assert await page.locator(".question").is_visible()
                return know(page)

            async with async_playwright() as playwright:
                path = find_browser(BrowserChoice(), playwright)
                async with await playwright.chromium.launch(executable_path=path) as browser:
                    page = await browser.new_page()
                    await page.goto(f"{site.url}/signup/canvas")
                    rejected = await captcha.solve_wrong(page)
                    assert "Not quite" in rejected.reason
                    assert (await captcha.answer(page)).solved

        def test_async(captcha, site, know):
            asyncio.run(sign_up(captcha, site, know))

        def test_given_tiles(captcha, page, site):
            page.goto(f"{site.url}/signup/picture")
            page.locator(".squares").wait_for()
            (waiting,) = site._store._open.values()
            assert captcha.answer(page, waiting.challenge.answer).solved
            assert site.solved(f"{site.url}/signup/picture")

        @pytest.mark.captcha(policy="debug")
        def test_a_broken_widget(captcha, page, site, know, monkeypatch):
            monkeypatch.setattr(Challenge, "passes", lambda self, chosen: False)
            unerring = answers.right(answers.Oracle(know, page))
            monkeypatch.setattr(testing, "load_scorer", lambda model: unerring)
            page.goto(f"{site.url}/signup/tiles")
            captcha.solve(page)
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([
        "E*captcha.solve: unsolved: *Not quite*",
        "E*The widget is broken: the right answer of attempt 1 did not pass.",
    ])  # fmt: skip
