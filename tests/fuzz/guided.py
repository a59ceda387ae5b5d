"""Fuzzes one target, led by what its code has not done yet: libFuzzer by way of atheris.

    python -m tests.fuzz.guided TARGET [libFuzzer's arguments]

`tests.fuzz` runs it for each target.
"""

from __future__ import annotations

import sys

import atheris

import agent.segmenter  # noqa: F401 -- before: atheris would keep every array that is compared

with atheris.instrument_imports(include=["agent", "yaml", "PIL"]):
    from agent.errors import CaptchaAgentError
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Runs until libFuzzer ends the process, at the first finding with status 77."""
    target = TARGETS[sys.argv.pop(1)]

    def once(data: bytes) -> None:
        try:
            target(data)
        except CaptchaAgentError:
            return

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
