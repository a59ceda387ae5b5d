"""Which captcha of a later look is which of an earlier one."""

from __future__ import annotations

from agent import matching
from agent.data import Box, Element, Widget


def widget(instruction: str, x: float, y: float = 100, source: str = "") -> Widget:
    box = Box(x, y, 300, 300)
    tile = Element(1, 0, "image", Box(x, y, 100, 100), source=source)
    return Widget("tiles", instruction, box, (tile,))


BUS, CAT = widget("Select all images with a bus", 0), widget("Select all images with a cat", 400)


def test_two_captchas_side_by_side() -> None:
    """Each is found again, whatever the order and though one asks something else now."""
    dog = widget("Select all images with a dog", 0)
    assert matching.successor(BUS, [CAT, dog], beside=[CAT]) is dog
    assert matching.successor(CAT, [dog, CAT], beside=[BUS]) is CAT


def test_what_moves_up_is_not_what_stood_there() -> None:
    """Where the solved one vanishes and its neighbour takes its place, it is the neighbour."""
    moved = widget(CAT.instruction, 0)
    assert matching.successor(BUS, [moved], beside=[CAT]) is None
    assert matching.remaining(BUS, [CAT], [moved]) is moved


def test_one_that_comes_back_elsewhere() -> None:
    """What is like nothing seen before is what became of the one that is gone."""
    other = widget("Select all images with a dog", 900)
    assert matching.successor(BUS, [CAT, other], beside=[CAT]) is other
    assert matching.successor(BUS, [], beside=[CAT]) is None


def test_others_of_a_look() -> None:
    """The other captchas of a look are told from the one in question by place and words."""
    assert matching.others(BUS, [CAT, widget(BUS.instruction, 10)]) == [CAT]


def test_exchanged() -> None:
    """Another question or other addresses are another challenge; unknown addresses tell nothing."""
    first, second = widget("q", 0, source="a"), widget("q", 0, source="b")
    assert matching.exchanged(first, second)
    assert matching.exchanged(first, BUS)
    assert not matching.exchanged(first, widget("q", 0))


def test_what_is_counted_in_a_question_is_not_the_question() -> None:
    """A sentence that says how many are chosen asks the same as before."""
    none, one = (widget(f"Pick 3 guitars ({chosen} of 3)", 0, source="a") for chosen in (0, 1))
    assert not matching.exchanged(none, one)
    assert matching.successor(none, [CAT, one], beside=[CAT]) is one
