"""What `look.js` returned in each frame → Snapshot, and Snapshots to and from JSON.

A saved Snapshot is a test case for the finder: it holds what the page showed and nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from agent.data import Box, Element, Frame, Snapshot

_DEFAULTS = {
    field.name: field.default
    for field in dataclasses.fields(Element)
    if field.default is not dataclasses.MISSING
}


def elements(
    raw: Iterable[Mapping[str, Any]],
    frame: int,
    origin: tuple[float, float],
    *,
    scale: float = 1.0,
    layer: int = 0,
) -> list[Element]:
    """The elements of one frame, moved to where they are on the page.

    `origin` is where the frame's content starts there and `scale` its CSS pixels in those of the
    page; a frame in a layer over the page takes its content with it.
    """
    found = []
    for item in raw:
        known = {name: item[name] for name in item if name in _DEFAULTS}
        for name in ("bold", "parts"):
            if name in known:
                known[name] = tuple(known[name])
        if layer and not known.get("layer"):
            known["layer"] = layer
        x, y = item["x"] * scale + origin[0], item["y"] * scale + origin[1]
        place = Box(x, y, item["width"] * scale, item["height"] * scale)
        found.append(Element(item["id"], frame, item["role"], place, **known))
    return found


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """Plain data, lengths rounded to a tenth of a pixel, defaults left out."""
    return {
        "url": snapshot.url,
        "title": snapshot.title,
        "size": [snapshot.width_css, snapshot.height_css],
        "scale": snapshot.scale,
        "frames": [
            {"url": frame.url, "number": frame.number, **_box(frame.box), **_vendor(frame)}
            for frame in snapshot.frames
        ],
        "elements": [_element(element) for element in snapshot.elements],
    }


def from_json(content: Mapping[str, Any]) -> Snapshot:
    """The Snapshot that `to_json` made `content` of."""
    found: list[Element] = []
    for item in content["elements"]:
        found += elements([item], item.get("frame", 0), (0.0, 0.0))
    frames = tuple(
        Frame(
            item["url"],
            Box(item["x"], item["y"], item["width"], item["height"]),
            item["number"],
            tuple(item.get("keys", ())),
            tuple(item.get("scripts", ())),
        )
        for item in content["frames"]
    )
    width, height = content["size"]
    return Snapshot(
        content["url"], content["title"], tuple(found), frames, width, height, content["scale"]
    )


def _element(element: Element) -> dict[str, Any]:
    told = {
        name: getattr(element, name)
        for name, default in _DEFAULTS.items()
        if getattr(element, name) != default
    }
    frame = {"frame": element.frame} if element.frame else {}
    return {"id": element.id, "role": element.role, **_box(element.box), **frame, **told}


def _box(box: Box) -> dict[str, float]:
    return {name: round(getattr(box, name), 1) for name in ("x", "y", "width", "height")}


def _vendor(frame: Frame) -> dict[str, list[str]]:
    told = {"keys": list(frame.keys), "scripts": list(frame.scripts)}
    return {name: values for name, values in told.items() if values}
