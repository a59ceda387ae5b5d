"""Pictographs in a sentence: "Tap the whales 🐋" says no more than "Tap the whales", "Tap all 🐋"
says which things by nothing else.
"""

from __future__ import annotations

import re
import unicodedata

from agent import concepts

# Pictures and signs of Unicode's symbol blocks, with what only says how they are drawn.
_PICTOGRAPH = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u231a\u231b\u23e9-\u23f3]"
    "[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]*"
)


def are_in(text: str) -> bool:
    """Whether a text has any."""
    return _PICTOGRAPH.search(text) is not None


def without(text: str) -> str:
    """The text without them."""
    return " ".join(_PICTOGRAPH.sub(" ", text).split())


def spelled(text: str) -> str:
    """The text with the things that they are pictures of, in English; without all others."""
    return " ".join(_PICTOGRAPH.sub(lambda sign: f" {_thing(sign[0][0])} ", text).split())


def _thing(sign: str) -> str:
    """The longest part of its Unicode name that a concept has: of "CAT FACE" the cat."""
    words = unicodedata.name(sign, "").lower().split()
    parts = [
        " ".join(words[start : start + length])
        for length in range(len(words), 0, -1)
        for start in range(len(words) - length + 1)
    ]
    return next((part for part in parts if concepts.entry(part) is not None), "")
