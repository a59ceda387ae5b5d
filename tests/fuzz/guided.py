"""Fuzzes one target, led by what its code has not done yet: libFuzzer by way of atheris.

    python -m tests.fuzz.guided TARGET [libFuzzer's arguments]

`tests.fuzz` runs it for each target.
"""

from __future__ import annotations

import sys

import atheris

# Of the segmenter's arrays atheris would keep every one that is compared.
_LED_BY, _NOT_BY = ["agent", "yaml", "PIL"], ["agent.segmenter"]

with atheris.instrument_imports(include=_LED_BY, exclude=_NOT_BY):
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
