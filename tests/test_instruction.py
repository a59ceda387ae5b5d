"""Instruction texts and what they ask for."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import UsageError
from agent.instruction import is_instruction, read
from fixtures.challenge import concepts

# text, concept, then letters: n = not wanted, 1 = only one, 0 = none is possible, s = squares
READ = [
    ("Select all images with a bus", "bus", ""),
    ("Select all images with buses", "bus", ""),
    ("SELECT ALL IMAGES WITH A BUS.", "bus", ""),
    ("Click every picture that shows fire hydrants", "fire hydrant", ""),
    ("Please choose all photos containing dogs", "dog", ""),
    ("Pick all the tiles with cherries", "cherry", ""),
    ("Select all squares with traffic lights", "traffic light", "s"),
    ("Click every square that contains mice", "mouse", "s"),
    ("Select all squares showing wolves", "wolf", "s"),
    ("Select every square that contains stairs.", "stairs", "s"),
    ("Click the key", "key", "1"),
    ("Click on the umbrella", "umbrella", "1"),
    ("Find the cat", "cat", "1"),
    ("Choose the picture of an elephant", "elephant", "1"),
    ("Select the image with a clock", "clock", "1"),
    ("Please click each image containing a bicycle. If there are none, click skip", "bicycle", "0"),
    ("Select all images with\nbuses\nClick verify once there are none left", "bus", "0"),
    ("Select all squares with a motorcycle If there are none, click skip", "motorcycle", "0s"),
    ("Pick all the tiles that do NOT contain a car", "car", "n"),
    ("Select all images without a horse", "horse", "n"),
    ("Select everything except dogs", "dog", "n"),
    ("Which pictures show a pair of scissors?", "scissors", ""),
    ("Select all images of \u201cred cars\u201d", "red car", ""),
    ("Tap all birds", "bird", ""),
    ("Click all ice cream cones", "ice cream cone", ""),
    ("Mark every photo where you can see people", "people", ""),
    ("Select all images with &quot;sheep&quot;", "sheep", ""),
    ("Select all images that contain strawberries", "strawberry", ""),
    ("Select all pictures with leaves", "leaf", ""),
    ("Select all pictures with glasses", "glasses", ""),
]


@pytest.mark.parametrize(("text", "concept", "letters"), READ)
def test_read(text: str, concept: str, letters: str) -> None:
    """The concept in singular, and whether it is wanted, one, none allowed, of squares."""
    target = read(text)
    assert target.concept == concept
    assert target.wanted == ("n" not in letters)
    assert target.many == ("1" not in letters)
    assert target.none_allowed == ("0" in letters)
    assert target.squares == ("s" in letters)


def test_emphasis_names_the_concept() -> None:
    """Words that the page shows in bold are what is asked for."""
    assert (
        read("Select all images with a fire engine", emphasis=("fire engine",)).concept
        == "fire engine"
    )
    assert read("Select all images with a bus", emphasis=("Select all",)).concept == "bus"


@pytest.mark.parametrize("text", ["Match this picture", "Select all images that match the sample"])
def test_reference(text: str) -> None:
    """A sample picture takes the place of a word."""
    assert read(text).reference


@pytest.mark.parametrize("text", ["", "Select all images", "Please verify you are human", "42"])
def test_names_nothing(text: str) -> None:
    """An instruction that names nothing is refused with an example of one that does."""
    with pytest.raises(UsageError) as caught:
        read(text)
    assert str(caught.value) == (
        f"the instruction {text!r} names nothing to look for; "
        "expected a sentence such as 'Select all images with a bus'"
    )


@pytest.mark.parametrize(("text", "_concept", "_letters"), READ)
def test_instructions_look_like_instructions(text: str, _concept: str, _letters: str) -> None:
    """What captchas say is taken for an instruction, at least where it names pictures."""
    pictures = any(word in text.lower() for word in ("image", "picture", "photo", "tile", "square"))
    assert is_instruction(text) >= (0.5 if pictures else 0.4)


@pytest.mark.parametrize(
    "text",
    ["Select your country", "Click here to read our terms", "Create account", "Sign up", "Password",
     "Choose your pictures for the album", "Plan trips with friends. Free for five travellers.",
     "Not quite - please try again.", "Latest photos", "Our cats", "Picture 3", "x" * 500],
)  # fmt: skip
def test_other_texts_do_not(text: str) -> None:
    """What other pages say is not."""
    assert is_instruction(text) < 0.5


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever a page says, the answer is a Target or a UsageError."""
    assert 0 <= is_instruction(text) <= 1
    with contextlib.suppress(UsageError):
        assert read(text).instruction == text


@pytest.mark.parametrize("name", concepts())
def test_the_fixture_sites_words(name: str) -> None:
    """Each concept of the fixture site is understood, in singular and plural."""
    concept = concepts()[name]
    assert read(f"Select all squares showing {concept.plural}").concept == name
    assert (
        read(f"Select all images with {concept.article} {name}".replace("  ", " ")).concept == name
    )
