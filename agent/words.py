"""Looks up what a button or a message means, from the phrases in `words.yaml`."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Literal

import yaml

Verdict = Literal["expired", "blocked", "rejected", "next_round", "accepted"]
Meaning = Literal["confirm", "reload", "skip", "open", "other", "human"] | Verdict


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    text = resources.files("agent").joinpath("words.yaml").read_text(encoding="utf-8")
    patterns = {}
    for meaning, phrases in yaml.safe_load(text).items():
        longest_first = sorted(phrases, key=len, reverse=True)
        alternatives = "|".join(re.escape(phrase) for phrase in longest_first)
        patterns[meaning] = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)")
    return patterns


def share(text: str, meaning: Meaning) -> float:
    """How much of `text` is made of phrases with this meaning, in [0, 1]; 0 means none."""
    text = text.lower().replace("\u2019", "'").strip()
    found = sum(len(match) for match in _patterns()[meaning].findall(text))
    return found / len(text) if found else 0.0
