"""Models worth preparing, with what they are good for and what they cost (`presets.yaml`)."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from agent.tables import table

# Weights whose licence is for research alone, by the tags under which open_clip offers them.
_RESEARCH_TAGS = ("dfndr2b", "datacompdr", "datacompdr_lt")


class Preset(BaseModel):
    """One entry of `presets.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    licence: str
    research_only: bool = False
    top1: float = Field(description="ImageNet zero-shot, per cent, as published")
    parameters: tuple[float, float] = Field(description="millions: picture, text")
    download_mb: int


@cache
def presets() -> dict[str, Preset]:
    """All presets by name."""
    content = table("models", "presets.yaml")
    return {name: Preset(**preset) for name, preset in content.items()}


def licence(source: str) -> tuple[str, bool]:
    """The licence of a source's weights as far as it is known, and whether it is research only."""
    for preset in presets().values():
        if preset.source == source:
            return preset.licence, preset.research_only
    if source.partition(":")[2] in _RESEARCH_TAGS:
        return "research only, by the publisher's page", True
    return "not known here: see the page of the weights", False
