"""Instruction texts and what they ask for."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import UsageError
from agent.instruction import is_instruction, read, wants_all
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
    ("Click on all the pictures of dogs, then press Continue", "dog", ""),
    ("Which images show a bicycle?", "bicycle", ""),
    ("Tap every tile with a traffic light. If there are none, press Skip.", "traffic light", "0"),
    ("Select all squares with a box", "box", "s"),
    ("Select all boxes with a bus", "bus", ""),
    ("Please identify all squares that have a motorcycle in them", "motorcycle", "s"),
    ("To prove you are not a robot, click on every picture that has a boat in it.", "boat", ""),
    ("Security check: select all images with a bus", "bus", ""),
    ("Choose all the pictures that include stairs; if none do, click Skip", "stairs", "0"),
    ("Click on each photo of an airplane to continue your registration", "airplane", ""),
    ("Select the tiles that show part of a bus", "bus", ""),
    ("Click all pictures that aren't cats", "cat", "n"),
    ("Select every image except those with a car", "car", "n"),
    ("Click on the picture of a dog in order to continue", "dog", "1"),
    ("Touch the picture with the lion", "lion", "1"),
    ("Select at least two images with a boat", "boat", ""),
    ("One of these five is a clock. Which one? Click it.", "clock", "1"),
    ("Which of these nine pictures show a train?", "train", ""),
    ("Click away every bicycle", "bicycle", ""),
    ("Put a cross on every mushroom", "mushroom", ""),
    ("Click: FISH", "fish", "1"),
    ("Tap the red car", "red car", "1"),
    ("Click the wheelchair", "wheelchair", "1"),
]

# text, concept, how many tiles
COUNTED = [
    ("Prove you're human: pick the three cats", "cat", 3),
    ("Select 3 images containing a bridge", "bridge", 3),
    ("Select exactly two pictures of a cat", "cat", 2),
    ("Tap the two pictures that show a horse", "horse", 2),
    ("Step 2 of 3: select the four tiles with a boat", "boat", 4),
    ("Select all images with two dogs", "two dogs", None),
    ("Select at least two images with a boat", "boat", None),
    ("Select 99 images with a boat", "boat", None),
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


@pytest.mark.parametrize(("text", "concept", "count"), COUNTED)
def test_how_many(text: str, concept: str, count: int | None) -> None:
    """A number of tiles is read, a number of things in them or a least number is not."""
    target = read(text)
    assert (target.concept, target.count, target.many) == (concept, count, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Find the odd one out", "odd one out"),
        ("Which picture does not belong?", "does not belong"),
        ("Click the images in the following order", "in the following order"),
        ("Wählen Sie das Bild aus, das nicht dazugehört", "nicht dazugehört"),
        ("Sélectionnez l'image qui n'appartient pas au groupe", "n'appartient pas"),
        ("仲間はずれの画像を選んでください", "仲間はずれ"),
    ],
)
def test_what_is_not_supported(text: str, words: str) -> None:
    """What is no picture of one thing is found all the same, to say so."""
    assert is_instruction(text) >= 0.5
    with pytest.raises(UsageError) as caught:
        read(text)
    assert str(caught.value) == (
        f"the instruction {text!r} asks for {words!r}, which is not supported; "
        "expected a sentence such as 'Select all images with a bus'"
    )


def test_emphasis_names_the_concept() -> None:
    """Words that the page shows in bold are what is asked for."""
    assert (
        read("Select all images with a fire engine", emphasis=("fire engine",)).concept
        == "fire engine"
    )
    assert read("Select all images with a bus", emphasis=("Select all",)).concept == "bus"


@pytest.mark.parametrize(
    ("text", "all_of_them"),
    [
        ("Select all, click again to undo, then Post.", True),
        ("Wähle alle aus", True),
        ("Zaznacz wszystkie pasujące", True),
        ("All fields are required", False),
        ("Click the key", False),
    ],
)
def test_all_of_what_another_sentence_names(text: str, all_of_them: bool) -> None:
    """A line below may say that not only one is asked for."""
    assert wants_all(text) == all_of_them


@pytest.mark.parametrize("text", ["Match this picture", "Select all images that match the sample"])
def test_reference(text: str) -> None:
    """A sample picture takes the place of a word."""
    assert read(text).reference


@pytest.mark.parametrize(
    "text", ["", "Select all images", "Please verify you are human", "42", "I see a ___"]
)
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
     "Not quite - please try again.", "Latest photos", "Our cats", "Picture 3", "x" * 500,
     "Welcome! Click here to see all pictures of our cats", "Select a photo from your album",
     "Select all messages to delete them", "Choose a profile picture", "Select images to upload",
     "Check the box to accept our terms", "Find hotels with a pool", "Show more photos"],
)  # fmt: skip
def test_other_texts_do_not(text: str) -> None:
    """What other pages say is not."""
    assert is_instruction(text) < 0.5


@settings(deadline=None)  # the first text loads the languages
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
