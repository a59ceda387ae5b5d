"""All that is read from others, with odd and damaged input: answered or refused, never more.

A short part of what `make fuzz` does, always the same inputs.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import CaptchaAgentError
from tests.fuzz.corpus import seeds
from tests.fuzz.targets import TARGETS

_PIECES = st.binary(max_size=8) | st.sampled_from(
    [b": ", b"\n", b"- ", b"[", b"{", b"&a ", b"*a", b"!!", b".nan", b"\xff\xff\xff\xff", b"\0" * 4]
)


@st.composite
def damaged(draw: st.DrawFn, target: str) -> bytes:
    """One of a target's examples, with parts of it overwritten, cut out, repeated or replaced."""
    data = draw(st.sampled_from(seeds(target)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 16)))
        middle = draw(_PIECES) + data[start:stop] * draw(st.integers(0, 3))
        data = data[:start] + middle + data[stop:]
    return data


@pytest.mark.parametrize("target", TARGETS)
def test_examples(target: str) -> None:
    """Each example that fuzzing begins with is read, or refused with one of our errors."""
    for data in seeds(target):
        with contextlib.suppress(CaptchaAgentError):
            TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_damaged(target: str) -> None:
    """Whatever is damaged is read, or refused with one of our errors."""

    @settings(max_examples=250, deadline=None, derandomize=True, database=None)
    @given(damaged(target))
    def check(data: bytes) -> None:
        with contextlib.suppress(CaptchaAgentError):
            TARGETS[target](data)

    check()
