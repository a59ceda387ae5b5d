"""Prints the cells that were run as a table: a line a fault, a column a moment."""

from __future__ import annotations

import pytest

from tests.faults.world import MOMENTS

RAN = pytest.StashKey[dict[tuple[str, str], str]]()


@pytest.fixture
def note(request: pytest.FixtureRequest) -> dict[tuple[str, str], str]:
    """What came of each cell, by fault and moment."""
    return request.config.stash.setdefault(RAN, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran = terminalreporter.config.stash.get(RAN, {})
    if len(ran) < 2:
        return
    terminalreporter.section(f"faults: {len(ran)} cells")
    width = max(len(name) for name, _ in ran)
    heads = "".join(f"{moment:>10}" for moment in MOMENTS)
    terminalreporter.write_line(f"{'':{width}}{heads}")
    for name in dict.fromkeys(name for name, _ in ran):
        cells = "".join(f"{ran.get((name, moment), '-'):>10}" for moment in MOMENTS)
        terminalreporter.write_line(f"{name:{width}}{cells}")
