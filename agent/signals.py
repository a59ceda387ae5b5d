"""Ctrl-C and SIGTERM: the first one asks the work to stop, a second one ends it where it is."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from agent.waiting import CutError, Stop

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Interruption:
    """Which signal has come, if any; `stop` is asked by it."""

    def __init__(self) -> None:
        self.stop = Stop()
        self.number = 0

    @property
    def exit_status(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM, as of a process that the signal ended; else 0."""
        return 128 + self.number if self.number else 0


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """While the block runs, signals do not end it where it is but ask `Interruption.stop`.

    Where the block is cut short by that, the process exits with the signal's status.
    """
    interruption = Interruption()

    def handle(number: int, _: Any) -> None:
        interruption.number = number
        restore()
        interruption.stop.ask(f"stopped by {_NAMES[signal.Signals(number)]}")

    before = {number: signal.signal(number, handle) for number in _NAMES}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield interruption
    except CutError:
        if not interruption.number:
            raise
        click.echo(f"captcha-agent: {interruption.stop.reason}", err=True)
        sys.exit(interruption.exit_status)
    finally:
        restore()
