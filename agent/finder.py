"""Snapshot → Widget: where the instruction, the pictures and the buttons of a captcha are.

Found as a person finds it: a sentence that asks for pictures, pictures in a grid (or one large
picture) near it that can be clicked, and something to confirm with. No class names, no ids, no
vendor's selectors. Each sign weighs something; the best candidate is taken, with its reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from agent import asking, buttons, instruction, marks
from agent.asking import Asked
from agent.data import Box, Element, Kind, Snapshot, Widget
from agent.grids import PICTURES, Pictures, candidates, gap

_LEAST_RATING = 0.35
_REACH_CSS = 360.0  # how far from the pictures their instruction may lie
_NEAR_CSS = 600.0  # the same of all that may belong to them
_TALLEST_CSS = 900.0  # of a captcha's pictures together
_LONG_TEXT = 160  # characters that a text has beside the instruction in it
_SENTENCE_WORDS = 4
_SMALL_CSS = 44.0  # the side of an avatar, which is there to be looked at
_LEAST_SAMPLE_CSS = 24.0
_LEAST_IDLE = 4  # tiles that may be there to be clicked though nothing says so, and no button is
_LISTED = 6.0  # of a picture's width, how far beside it in a list its name may lie
_CAPTIONED = 0.6  # of the pictures have names of their own: goods, people, places
_COUNTED = re.compile(
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six)teen", re.I
)


@dataclass(frozen=True)
class _Page:
    """What is looked through, in the parts that several questions need."""

    elements: Sequence[Element]
    title: str

    @cached_property
    def lines(self) -> list[Asked]:
        return asking.lines(self.elements)

    @cached_property
    def asked(self) -> list[Asked]:
        return asking.asking(self.elements, self.lines, self.title)

    @cached_property
    def around(self) -> list[Element]:
        """What lies so close to an instruction that it may belong to its captcha."""
        return [
            e
            for e in self.elements
            if e.submits
            or any(gap(e.box, asked.box) <= _REACH_CSS + _TALLEST_CSS for asked in self.asked)
        ]

    def near(self, pictures: Pictures) -> list[Element]:
        """What lies so close to pictures that it may belong to them."""
        reach = max(_NEAR_CSS, buttons.reach(pictures))
        return [
            e
            for e in self.around
            if gap(e.box, pictures.area) <= reach or buttons.of_their_form(e, pictures)
        ]


def find(snapshot: Snapshot) -> Widget | None:
    """The captcha of a page, or None where nothing looks like one."""
    found = find_all(snapshot)
    return found[0] if found else None


@lru_cache(maxsize=32)  # two looks each of as many pages as one process may work on at once
def find_all(snapshot: Snapshot) -> tuple[Widget, ...]:
    """All captchas of a page, the likeliest first; no two share pictures or instruction."""
    page = _Page(snapshot.elements, snapshot.title)
    named = marks.widget(snapshot, find_all)
    if named is not None:
        return (named,)
    if not page.asked:
        return ()
    rated = [
        (rating, pictures, asked, reasons)
        for pictures in candidates(page.around)
        for rating, asked, reasons in _rate(page, pictures)
        if rating >= _LEAST_RATING
    ]
    rated.sort(key=lambda item: -item[0])
    widgets: list[Widget] = []
    taken: list[tuple[Pictures, Asked]] = []
    for _, pictures, asked, reasons in rated:
        if not any(_clash(pictures, asked, *other) for other in taken):
            taken.append((pictures, asked))
            widgets.append(_widget(page, pictures, asked, reasons))
    return tuple(widgets)


def _clash(pictures: Pictures, asked: Asked, other: Pictures, before: Asked) -> bool:
    return (
        pictures.area.overlap(other.area) > 0
        or asked.box.overlap(before.box) > 0
        or asked.box.overlap(other.area) > 0.5 * asked.box.area
    )


Signs = list[tuple[float, str]]
"""What speaks for or against a captcha: a weight, and the reason in words ("" where obvious)."""


def _rate(page: _Page, pictures: Pictures) -> Iterator[tuple[float, Asked, list[str]]]:
    """How well each sentence goes together with the pictures, and by what signs."""
    near = [
        asked
        for asked in page.asked
        if gap(asked.box, pictures.area) <= _REACH_CSS and asked.element not in pictures.tiles
    ]
    own = _signs_of(page.near(pictures), pictures) if near else None
    if own is None:
        return
    for asked in near:
        signs = [*_signs_between(pictures, asked), *own]
        reasons = [text for weight, text in signs if weight and text]
        yield sum(weight for weight, _ in signs), asked, reasons


def _signs_between(pictures: Pictures, asked: Asked) -> Signs:
    distance = gap(asked.box, pictures.area)
    first = pictures.elements[0]
    abroad = asked.element.frame != pictures.frame
    painted = pictures.picture is not None and pictures.picture.role == "canvas"
    return [
        (asking.likeness(asked.text), f"instruction {asked.text!r}"),
        (-distance / _REACH_CSS / 2, f"{distance:.0f} px away"),
        (-0.3 * (not asking.known(asked.text)), "asks for something unknown"),
        (-0.5 * (not asking.asks_plainly(asked.text)), "in words that hardly ask"),
        (-(0.3 if painted else 0.8) * _is_quoted(asked), "in the middle of a text"),
        (-0.15 * abroad, "the instruction is in another frame"),
        # A frame with pictures alone has these to be clicked.
        (-0.6 * (abroad and _clickable(pictures) < 0.5), ""),
        (-0.2 * (asked.element.layer != first.layer), "the instruction is in another layer"),
    ]


def _is_quoted(asked: Asked) -> bool:
    """Whether it is a sentence of a text that goes on about other things."""
    return len(asked.element.text) > len(asked.text) + _LONG_TEXT


def _signs_of(elements: Sequence[Element], pictures: Pictures) -> Signs | None:
    """The signs that pictures carry without their instruction; None where nothing can be done."""
    shown, clickable = pictures.elements, _clickable(pictures)
    confirm = buttons.confirm(elements, pictures)
    controls = buttons.controls(elements, pictures)
    idle = clickable < 0.5 and not controls
    dead = idle and confirm is None
    if dead and len(pictures.tiles) < _LEAST_IDLE:
        return None
    small = max(pictures.elements[0].box.width, pictures.elements[0].box.height) < _SMALL_CSS
    return [
        (0.5 * bool(pictures.tiles), ""),
        (0.2 * (clickable >= 0.5), "they can be clicked"),
        (0.2 * bool(controls), "each has a control"),
        (0.2 * (confirm is not None), ""),
        (-0.6 * (sum(e.covered for e in shown) > len(shown) / 2), "covered by something"),
        (-0.3 * pictures.scattered, "in no lattice"),
        (-1.2 * _bare(elements, pictures), "nothing is pictured"),
        (-0.6 * (len(pictures.tiles) == 2), "two pictures only"),
        (-0.5 * dead, "nothing to confirm with"),
        (-0.2 * idle, "nothing shows that they can be clicked"),
        (-0.2 * (idle and confirm is not None and not buttons.submits(confirm)), ""),
        (-1.2 * (idle and small), "small, and nothing to click"),
        (-2.0 * _captioned(elements, pictures), "each has a name of its own"),
        (-1.2 * _links(elements, pictures), "they lead to other pages"),
    ]


def _clickable(pictures: Pictures) -> float:
    """The share of pictures that show that they can be clicked."""
    shown = pictures.elements
    return sum(e.clickable and e.role != "link" for e in shown) / len(shown)


def _bare(elements: Sequence[Element], pictures: Pictures) -> bool:
    """Whether the tiles are boxes without a picture: keys, days, seats. A symbol is a picture."""
    if pictures.picture or any(tile.role in PICTURES for tile in pictures.tiles):
        return False
    if any(not tile.text.isascii() and not _has_letters(tile.text) for tile in pictures.tiles):
        return False
    own = {(tile.frame, tile.id) for tile in pictures.tiles}
    return not any(e.role in PICTURES and (e.frame, e.parent) in own for e in elements)


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))


def _links(elements: Sequence[Element], pictures: Pictures) -> bool:
    """Whether most pictures are links to other pages, as in a gallery."""
    links = {(e.frame, e.id) for e in elements if e.role == "link"}
    shown = pictures.elements
    return sum((e.frame, e.parent) in links for e in shown) > len(shown) / 2


def _captioned(elements: Sequence[Element], pictures: Pictures) -> bool:
    """Whether the pictures have names of their own, or whole sentences, below or in them, or beside
    them in a list.
    """
    if len(pictures.tiles) < 2:
        return False
    wide = _LISTED if pictures.cols == 1 else 1.0
    names: list[str] = []
    for tile in pictures.tiles:
        near = Box(tile.box.x, tile.box.y, tile.box.width * wide, tile.box.height * 1.5)
        said = [
            e.text
            for e in elements
            if e.role in ("text", "button", "link")
            and e.frame == tile.frame
            and e.id != tile.id
            and not (e.role == "button" and buttons.serves(e))
            and near.overlap(e.box) > 0.5 * e.box.area
        ]
        words = re.sub(r"[\W\d_]+", " ", " ".join(dict.fromkeys(said))).strip()
        if words:
            names.append(words)
    if len({name[:-1] for name in names}) == 1 or all(map(_COUNTED.fullmatch, names)):
        return False  # numbers, be it by letters, or "this one it is" on a button of each
    sentences = [name for name in names if len(name.split()) >= _SENTENCE_WORDS]
    return max(len(set(names)), len(sentences)) >= _CAPTIONED * len(pictures.tiles)


def _widget(page: _Page, pictures: Pictures, asked: Asked, reasons: Sequence[str]) -> Widget:
    text = _with_what_belongs(page, pictures, asked)
    near = page.near(pictures)
    sample = _sample(near, pictures, asked)
    controls = buttons.controls(near, pictures)
    own = {control.id for control in controls}
    others = [element for element in near if element.id not in own]
    # "Find all that show the same": no button of one tile can be the whole answer to that; nor
    # where the form can be sent right away.
    at_once = (
        buttons.answer_at_once(controls)
        and not instruction.wants_all(text)
        and not buttons.can_be_sent(others, pictures)
    )
    submit = None if at_once else buttons.confirm(others, pictures)
    kind: Kind = "picture" if pictures.picture else "reference" if sample else "tiles"
    what = f"{pictures.rows}x{pictures.cols} pictures" if pictures.tiles else "one large picture"
    widget = Widget(
        kind=kind,
        instruction=text,
        area=pictures.area,
        tiles=pictures.tiles if pictures.picture else _as_loaded(near, pictures.tiles),
        rows=pictures.rows,
        cols=pictures.cols,
        picture=pictures.picture,
        controls=controls,
        emphasis=asked.emphasis,
        sample=sample,
        submit=submit,
        reload=buttons.nearest(near, pictures, "reload"),
        skip=buttons.nearest(near, pictures, "skip"),
    )
    told = [
        f"{name} {button.text!r}"
        for name, button in (
            ("confirmed with", widget.submit),
            ("exchanged with", widget.reload),
            ("skipped with", widget.skip),
        )
        if button
    ]
    return replace(widget, evidence=(what, *reasons, *told))


def _as_loaded(elements: Sequence[Element], tiles: tuple[Element, ...]) -> tuple[Element, ...]:
    """The tiles, where one that is a button has loaded only when the picture in it has: it may
    still have none.
    """
    inner = {(e.frame, e.parent): e for e in elements if e.role in PICTURES}
    return tuple(
        _with_its_picture(tile, inner.get((tile.frame, tile.id)))
        if tile.role not in PICTURES and tile.text.isascii()  # a symbol is a picture
        else tile
        for tile in tiles
    )


def _with_its_picture(tile: Element, shown: Element | None) -> Element:
    return replace(
        tile,
        loaded=shown is not None and shown.loaded,
        failed=shown is not None and shown.failed,
    )


def _with_what_belongs(page: _Page, pictures: Pictures, asked: Asked) -> str:
    """The instruction with a line close to it or to the pictures that goes on with it."""
    near = [
        line.text
        for line in page.lines
        if gap(line.box, asked.box) <= asking.JOINED_CSS
        or gap(line.box, pictures.area) <= asking.JOINED_CSS
    ]
    return asking.completed(asked.text, near)


def _sample(elements: Sequence[Element], pictures: Pictures, asked: Asked) -> Element | None:
    """The picture that is asked for in the place of a word: the nearest to the instruction, which
    may stand at the other side of the tiles.
    """
    target = asking.read(asked.text)
    if target is None or not target.reference:
        return None
    others = [
        e
        for e in elements
        if e.role in PICTURES
        and e.frame == pictures.frame
        and e not in pictures.elements
        and min(e.box.width, e.box.height) >= _LEAST_SAMPLE_CSS
        and e.box.overlap(pictures.area) < 0.2 * e.box.area
        and e.box.area < 4 * pictures.elements[0].box.area
    ]
    beside = [e for e in others if gap(e.box, asked.box) <= _REACH_CSS / 2]
    beside = beside or [e for e in others if gap(e.box, pictures.area) <= _REACH_CSS / 2]
    return min(beside, key=lambda e: gap(e.box, asked.box), default=None)
