"""Which buttons belong to a captcha's pictures, and what each is for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agent import words
from agent.data import Box, Element, Widget
from agent.grids import Pictures, gap

_REACH_CSS, _REACH_TILES = 320.0, 4.0  # how far from the pictures their buttons may lie
_CONTROL_REACH = 0.6  # of a tile's height, how far its own checkbox or button may lie from it
_ROW_REACH = 6.0  # of a tile's width, how far beside it in a list its control may lie
_SEVERAL = 3  # buttons with the same words are each of a line of their own
_LONGEST = 64  # characters of a button's text
_LEAST_NAME = 3  # characters of a button's text that a sentence may name
_LEAST_SAID = 2  # words more than the name has such a sentence: "random page" is none
_CLOSE_CSS = 80.0  # how far above the pictures, or without a text, a button belongs to them
_SAME_ROW_CSS = 8.0
_SURELY = 0.9  # of a button's text are words for what it is looked for
_HARDLY = 0.5  # of the text of a button that a sentence names say that it does something else
_ELSEWHERE = 0.5  # for one in another layer than the pictures
_ARROWS = frozenset(">\u203a\u00bb\u2192\u279c\u2794\u27a4\u276f\u25b6")
_ABOVE = 0.7  # for one that stands above them: the form's own, where a box with them opens below
_OTHERS: tuple[words.Meaning, ...] = ("reload", "skip", "open", "other")


def nearest(
    elements: Iterable[Element],
    pictures: Pictures,
    meaning: words.Meaning,
    *,
    abroad: bool = False,
) -> Element | None:
    """The nearest button whose words say what it is for, or None. A link may do, but to confirm.

    It is in the pictures' frame or, where it is looked for `abroad`, in any other.
    """
    farthest = reach(pictures)

    def rating(element: Element) -> float:
        near = 1 - gap(element.box, pictures.area) / farthest
        if element.layer != pictures.elements[0].layer:
            near *= _ELSEWHERE  # below a modal with the pictures, or in a bar over them
        if meaning == "confirm" and element.box.bottom <= pictures.area.y:
            near *= _ABOVE
        return words.share(element.text, meaning) * near if near > 0 else 0.0

    found = [
        e
        for e in _buttons(elements, pictures, abroad=abroad)
        if rating(e) > 0 and (meaning == "reload" or e.role != "link")
    ]
    return max(found, key=rating, default=None)


def reach(pictures: Pictures) -> float:
    """How far from the pictures their buttons may lie: farther where all is drawn larger."""
    side = max((tile.box.height for tile in pictures.tiles), default=0.0)
    return max(_REACH_CSS, _REACH_TILES * side)


def confirm(elements: Sequence[Element], pictures: Pictures) -> Element | None:
    """The button that submits the choice: the one that a sentence names, by its words, or that of
    the form where no such words are nearer; else the nearest below, else the nearest; last what
    says so far above the pictures.

    A button may skip as long as nothing is chosen and confirm afterwards. One in the modal that
    the pictures are in comes before all that lie below it.
    """
    layer = pictures.elements[0].layer
    elements = [e for e in elements if not _of_another_form(e, pictures)]
    inside = [e for e in elements if e.layer == layer] if layer else []
    return _confirm(inside, pictures) or _confirm(elements, pictures)


def _of_another_form(element: Element, pictures: Pictures) -> bool:
    """Whether it is of a form that the pictures do not stand in: a search, a log-in."""
    return (
        0 not in (element.form, pictures.form)
        and element.frame == pictures.frame
        and element.form != pictures.form
    )


def of_their_form(element: Element, pictures: Pictures) -> bool:
    """Whether it submits the form that the pictures stand in, however far below them."""
    return (
        element.submits
        and element.frame == pictures.frame
        and element.form == pictures.form > 0
        and element.box.y >= pictures.area.y
    )


def _confirm(elements: Sequence[Element], pictures: Pictures) -> Element | None:
    # Farther above are the page's own: what one says there may mean anything, in any language.
    low = [e for e in elements if e.box.bottom >= pictures.area.y - _CLOSE_CSS]
    near = _near(low, pictures, abroad=False)
    button = (
        _saying(low, pictures, near, elements)
        # A frame may hold the pictures alone, its page the form.
        or _saying(
            elements, pictures, _near(elements, pictures, abroad=True), elements, abroad=True
        )
        or _likeliest(elements, pictures, [e for e in near if not _does_other(e)])
        or _saying(elements, pictures, _near(elements, pictures, abroad=False), elements)
    )
    if button is None:
        return _spoken(low, pictures)
    if not button.disabled:
        return button
    # It may wait for the captcha to be solved by what is nearer.
    apart = gap(button.box, pictures.area)
    beside = [e for e in low if e.box.y >= pictures.area.y and gap(e.box, pictures.area) < apart]
    return _spoken(beside, pictures) or button


def _spoken(elements: Iterable[Element], pictures: Pictures) -> Element | None:
    """A text that says nothing but to submit, or is an arrow close to the pictures: a script may
    listen to what shows no button.
    """
    found = [
        e
        for e in elements
        if e.role == "text"
        and e.frame == pictures.frame
        and e.layer == pictures.elements[0].layer
        and (
            words.share(e.text, "confirm") >= _SURELY
            or (e.text in _ARROWS and gap(e.box, pictures.area) <= _CLOSE_CSS)
        )
        and gap(e.box, pictures.area) <= reach(pictures)
    ]
    return min(found, key=lambda e: gap(e.box, pictures.area), default=None)


def _saying(
    elements: Iterable[Element],
    pictures: Pictures,
    near: Sequence[Element],
    page: Iterable[Element],
    *,
    abroad: bool = False,
) -> Element | None:
    """What of `elements` says by its words or its form that it submits, or is told so by a text of
    the `page`. `near` are the buttons among them that are near the pictures.
    """
    known = nearest(elements, pictures, "confirm", abroad=abroad)
    surely = known is not None and words.share(known.text, "confirm") >= _SURELY
    if known is not None and surely and not known.disabled:
        return known

    def apart(element: Element) -> float:
        return gap(element.box, pictures.area)

    below = [e for e in near if e.box.y >= pictures.area.y and not _does_other(e, least=_HARDLY)]
    told = min((e for e in below if _is_told(e, page)), key=apart, default=None)
    if told is not None or surely:
        return told or known
    own = min((e for e in near if e.submits and not _does_other(e)), key=apart, default=None)
    if known is not None and known.disabled:
        # It may wait for the captcha to be solved.
        nearer = [e for e in below if not e.disabled and apart(e) < apart(known)]
        return min(nearer, key=apart, default=known)
    if known is None or own is None:
        return known or own
    return known if apart(known) <= apart(own) else own


def _is_told(button: Element, page: Iterable[Element]) -> bool:
    """Whether a sentence there names the button: "mark all, then ring the bell"."""
    name = button.text.lower()
    if len(name) < _LEAST_NAME:
        return False
    longer = len(name.split()) + _LEAST_SAID
    whole = re.compile(rf"(?<!^)\b{re.escape(name)}\b")
    texts = (e.text.lower() for e in page if e.role == "text")
    return any(
        name in text and whole.search(text) and len(text.split()) >= longer for text in texts
    )


def _likeliest(
    elements: Iterable[Element], pictures: Pictures, others: Iterable[Element]
) -> Element | None:
    """What may submit by the place that it has, where no button says so."""
    middle = pictures.area.center[1]
    next_best = min(
        others,
        key=lambda e: (e.box.center[1] <= middle, gap(e.box, pictures.area)),
        default=None,
    )
    skip = nearest(elements, pictures, "skip")
    if skip is None or next_best is None:
        return skip or next_best
    beside = gap(next_best.box, pictures.area) <= gap(skip.box, pictures.area) + _SAME_ROW_CSS
    return next_best if beside else skip


def _near(elements: Iterable[Element], pictures: Pictures, *, abroad: bool) -> list[Element]:
    """The buttons near the pictures, but for those that each line of a list has."""
    found = _buttons(elements, pictures, abroad=abroad)
    buttons = [e for e in found if e.role == "button" or e.submits]
    said = Counter(e.text for e in buttons)
    return [
        e
        for e in buttons
        if said[e.text] < _SEVERAL
        and (gap(e.box, pictures.area) <= reach(pictures) or of_their_form(e, pictures))
    ]


def can_be_sent(elements: Iterable[Element], pictures: Pictures) -> bool:
    """Whether a button below the pictures sends their form, as it is now."""
    return any(
        e.submits and not e.disabled and e.box.y >= pictures.area.y and not _does_other(e)
        for e in _near(elements, pictures, abroad=False)
    )


def nameless(elements: Iterable[Element], widget: Widget) -> Element | None:
    """The last of the buttons without a word that lie below the pictures, or None.

    Not more than a guess: an arrow, or a hook, but it may be a bin as well.
    """
    own = {each for tile in widget.tiles for each in (tile.id, tile.parent)}
    found = [
        e
        for e in elements
        if e.role == "button"
        and not re.search(r"\w", e.text)
        and not words.share(e.text, "reload")
        and not e.disabled
        and e.frame == widget.pictures[0].frame
        and e.id not in own
        and e.box.y >= widget.area.bottom
        and gap(e.box, widget.area) <= _CLOSE_CSS
    ]
    return max(found, key=lambda e: (e.box.y, e.box.x), default=None)


def submits(button: Element) -> bool:
    """Whether a button says by its words or its form that it submits."""
    return button.submits or words.share(button.text, "confirm") > 0


def serves(button: Element) -> bool:
    """Whether its words say what it does for a captcha: submit, exchange, skip."""
    meanings: tuple[words.Meaning, ...] = ("confirm", "reload", "skip")
    return any(words.share(button.text, meaning) >= _SURELY for meaning in meanings)


def _does_other(button: Element, *, least: float = 0.0) -> bool:
    """Whether its words say so, more than `least` of them; of a form's own submit they must be all:
    "Add payee" submits.
    """
    least = _SURELY if button.submits else least
    return any(
        words.share(button.text, meaning) > (least if meaning == "other" else 0.0)
        for meaning in _OTHERS
    )


def controls(elements: Iterable[Element], pictures: Pictures) -> tuple[Element, ...]:
    """The checkbox, radio button or button of each tile, in order; () where they have none.

    A tile with several radio buttons has a question of its own, yes or no: the first, which is yes,
    is as good as a checkbox.
    """
    own = {tile.id for tile in pictures.tiles}
    # A button around a picture is the tile itself; one beside it is the tile's control.
    around = own | {tile.parent for tile in pictures.tiles}
    elements = [e for e in elements if e.frame == pictures.frame]
    in_rows = pictures.cols == 1 and len(pictures.tiles) > 1
    for role in ("checkbox", "radio", "button"):
        outside = around if role == "button" else own
        of_role = [e for e in elements if e.role == role and e.id not in outside]
        near = [_controls(of_role, tile, in_rows=in_rows) for tile in pictures.tiles]
        found = [each[0] for each in near if each]
        if found and len({e.id for e in found}) == len(near) and _in_line(found, in_rows):
            asked_each = role == "radio" and min(map(len, near)) > 1
            return tuple(replace(e, role="checkbox") if asked_each else e for e in found)
    return ()


def _in_line(controls: Sequence[Element], in_rows: bool) -> bool:
    """Whether the controls of a list stand below each other."""
    places = [control.box.x for control in controls]
    return not in_rows or max(places) - min(places) <= _SAME_ROW_CSS


def answer_at_once(controls: Sequence[Element]) -> bool:
    """Whether choosing one tile by its control is the whole answer: a button that does not stay
    pressed submits."""
    return bool(controls) and controls[0].role == "button" and controls[0].checked is None


def _controls(controls: Iterable[Element], tile: Element, *, in_rows: bool) -> list[Element]:
    """The control that the tile is in, then those that are smaller than the tile, the nearest
    first; beside it, where tiles are `in_rows`, a list."""
    below = _CONTROL_REACH * tile.box.height
    width = _ROW_REACH * tile.box.width if in_rows else tile.box.width
    around = Box(tile.box.x, tile.box.y, width, tile.box.height + below)
    near = [
        e
        for e in controls
        if e.id == tile.parent
        or (e.box.area < tile.box.area and around.overlap(e.box) > 0.6 * max(e.box.area, 1.0))
    ]
    return sorted(near, key=lambda e: (e.id != tile.parent, gap(e.box, tile.box), e.box.y))


def _buttons(elements: Iterable[Element], pictures: Pictures, *, abroad: bool) -> list[Element]:
    """Buttons in the pictures' frame, or in any other, that are no tiles, nor lie on them."""
    own = {(pictures.frame, each) for tile in pictures.tiles for each in (tile.id, tile.parent)}
    return [
        e
        for e in elements
        if e.role in ("button", "link", "image")
        and (e.role != "image" or e.clickable)
        and (e.frame != pictures.frame) == abroad
        and (e.frame, e.id) not in own
        and 0 < len(e.text) <= _LONGEST
        and e.box.overlap(pictures.area) < 0.5 * e.box.area
    ]
