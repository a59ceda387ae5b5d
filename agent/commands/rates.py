"""Solve rates as a table for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table

from agent.audit import Audit

_TITLES = ("kind", "n", "solved", "first answer", "reloads", "median s", "p95 s")


def rates_table(title: str, audits: Iterable[Audit]) -> Table:
    """One row an audit; fits 80 columns."""
    table = Table(
        title=title,
        title_justify="left",
        caption="In brackets: 95 % confidence intervals.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for name in _TITLES:
        table.add_column(name, justify="left" if name == "kind" else "right", no_wrap=True)
    for audit in audits:
        table.add_row(
            audit.name,
            str(len(audit.outcomes)),
            str(audit.solved),
            str(audit.first),
            str(audit.reloads),
            f"{audit.median_s:.1f}",
            f"{audit.p95_s:.1f}",
        )
    return table


def show_rates(
    title: str, audits: Iterable[Audit], seconds: float, reports: str, notes: Iterable[str] = ()
) -> None:
    """Print the table, `notes` below it, how long all took, and where `reports` lie if any do."""
    console = Console()
    console.print(rates_table(title, audits))
    for note in notes:
        console.print(note, markup=False, highlight=False)
    console.print(f"{seconds:.1f} s in all, browser start included.", highlight=False)
    if reports:
        console.print(f"Reports: {reports}/", soft_wrap=True, markup=False, highlight=False)
