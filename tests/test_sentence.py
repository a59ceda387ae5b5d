"""Sentences of all languages, as sites write them and as templates."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import language, lexicon
from agent.errors import UsageError
from agent.instruction import is_instruction, read
from fixtures.challenge import concepts as fixture_concepts


def pairs(name: str) -> list[tuple[str, str]]:
    """Sentences, and what they mean, of a file beside this one."""
    said: dict[str, str] = yaml.safe_load((Path(__file__).parent / name).read_text("utf-8"))
    lines = [line for text in said.values() for line in text.splitlines()]
    return [(text, meaning) for text, _, meaning in (line.partition(" => ") for line in lines)]


PAIRS, MORE = pairs("instructions.yaml"), pairs("more_instructions.yaml")


@pytest.mark.parametrize(("text", "meaning"), [pair for pair in PAIRS if pair[1] != "-"])
def test_what_sites_ask(text: str, meaning: str) -> None:
    """What is asked for is understood, and the sentence alone tells that it is asked for."""
    assert meaning_of(text) == meaning
    assert is_instruction(text.replace("**", "")) >= 0.5


@pytest.mark.parametrize(("text", "meaning"), [pair for pair in MORE if pair[1] != "-"])
def test_what_sites_ask_in_other_words(text: str, meaning: str) -> None:
    """What is asked for is understood; that it is asked for may be told by what is around it."""
    assert meaning_of(text) == meaning
    assert is_instruction(text.replace("**", "")) >= 0.2


def meaning_of(text: str) -> str:
    """The concept in English, whether it is wanted, one, none allowed, of squares, how many."""
    emphasis = re.findall(r"\*\*(.+?)\*\*", text)
    plain = text.replace("**", "")
    target = read(plain, emphasis=emphasis)
    found = [target.concept or "sample"]
    found += ["not"] * (not target.wanted) + ["one"] * (not target.many)
    found += ["skip"] * target.none_allowed + ["squares"] * target.squares
    found += [str(target.count)] * (target.count is not None)
    assert target.instruction == plain
    return ", ".join(found)


@pytest.mark.parametrize("text", [text for text, meaning in PAIRS + MORE if meaning == "-"])
def test_what_other_pages_say(text: str) -> None:
    """It is not taken for an instruction, though it may have the same words."""
    assert is_instruction(text) < 0.5


# How each language asks for {}; a noun's form need not agree with the sentence's case.
TEMPLATES = {
    "de": "Wählen Sie alle Bilder mit {}",
    "fr": "Sélectionnez toutes les images contenant {}",
    "es": "Selecciona todas las imágenes con {}",
    "it": "Seleziona tutte le immagini con {}",
    "pt": "Selecione todas as imagens com {}",
    "nl": "Selecteer alle afbeeldingen met {}",
    "pl": "Wybierz wszystkie zdjęcia, na których widać {}",
    "tr": "{} içeren tüm resimleri seçin",
    "ru": "Выберите все изображения, где есть {}",
    "ja": "{}の画像をすべて選択してください",
    "ko": "{}이 있는 이미지를 모두 선택하세요",
    "zh": "请选择所有包含{}的图片",
}


@pytest.mark.parametrize("code", language.CODES)
def test_each_noun(code: str) -> None:
    """Each listed form, singular or plural, is read as its concept and makes an instruction."""
    wrong = []
    for form in lexicon.forms(code):
        text = TEMPLATES[code].format(form.text)
        try:
            concept = read(text).concept
        except UsageError as error:
            concept = str(error)
        if concept != form.concept or is_instruction(text) < 0.5:
            wrong.append((form.text, form.concept, concept))
    assert wrong == []


def test_a_noun_with_two_plurals() -> None:
    """Both count, beside a plural that only adds letters, too."""
    wortel = [(form.text, form.plural) for form in lexicon.forms("nl") if form.concept == "carrot"]
    assert wortel == [("wortel", False), ("wortels", True), ("wortelen", True)]


@pytest.mark.parametrize("code", language.CODES)
def test_no_form_means_two_things(code: str) -> None:
    """A form, accents and all, belongs to one concept."""
    meanings: dict[str, set[str]] = {}
    for form in lexicon.forms(code):
        meanings.setdefault(form.text.lower(), set()).add(form.concept)
    assert {text: names for text, names in meanings.items() if len(names) > 1} == {}


@pytest.mark.parametrize("code", language.CODES)
def test_the_lexicon_covers_the_concepts(code: str) -> None:
    """At least 300 nouns, and each concept that the fixture site asks for."""
    known = {form.concept for form in lexicon.forms(code)}
    assert len(known) >= 300
    assert set(fixture_concepts()) - known == set()


@pytest.mark.parametrize("code", language.CODES)
def test_every_language_has_the_same_nouns(code: str) -> None:
    """A concept that one language has, each has."""
    names = {form.concept for form in lexicon.forms(code)}
    assert names == {form.concept for form in lexicon.forms("de")}


UNKNOWN = [
    ("Wählen Sie alle Bilder mit Waschmaschinen", "German", "Waschmaschinen", "de"),
    ("Selecciona todas las imágenes con lavadoras", "Spanish", "lavadoras", "es"),
    ("Wybierz wszystkie zdjęcia z pralkami", "Polish", "pralkami", "pl"),
    ("Выберите все изображения со стиральными машинками", "Russian", "стиральными машинками", "ru"),
    ("洗濯機の画像をすべて選択してください", "Japanese", "洗濯機", "ja"),
    ("세탁기가 있는 이미지를 모두 선택하세요", "Korean", "세탁기가", "ko"),
    ("请选择所有包含洗衣机的图片", "Chinese", "洗衣机", "zh"),
]


@pytest.mark.parametrize(("text", "name", "words", "code"), UNKNOWN)
def test_an_unknown_noun(text: str, name: str, words: str, code: str) -> None:
    """The answer names the words, the language, and how to make them known."""
    assert is_instruction(text) >= 0.5
    with pytest.raises(UsageError) as caught:
        read(text)
    assert str(caught.value) == (
        f"the instruction {text!r} asks in {name} for {words!r}, which the lexicon does not know: "
        "ask in English, or add it to a YAML file that CAPTCHA_AGENT_NOUNS names, for instance "
        f"'{code}: {{ENGLISH NAME: {words}}}'"
    )


@pytest.fixture
def own_nouns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of the user's own nouns, empty, that is in use until the test ends."""

    def forget() -> None:
        for cached in (lexicon.forms, language.load):
            cached.cache_clear()

    path = tmp_path / "nouns.yaml"
    monkeypatch.setenv(lexicon.VARIABLE, str(path))
    forget()
    yield path
    forget()


def test_the_users_own_nouns(own_nouns: Path) -> None:
    """A user's noun is known, in each form that is listed, and goes before a shipped one."""
    own_nouns.write_text(
        "de: {washing machine: Waschmaschine+n, ant: Bus/Busse}\n", encoding="utf-8"
    )
    asked = "Wählen Sie alle Bilder mit {}"
    assert read(asked.format("Waschmaschinen")).concept == "washing machine"
    assert read(asked.format("Bussen")).concept == "ant"
    assert read(asked.format("Hunden")).concept == "dog"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", "expected languages with nouns"),
        ("de: Bus", "de: expected nouns"),
        ("de: {bus: [Bus]}", "de.bus: expected words (got ['Bus'])"),
        ("de: {bus: ''}", "de.bus: expected words (got '')"),
        ("de: {bus: 'Bus, ...'}", "de.bus: expected words (got 'Bus, ...')"),
        ("de: {'': Bus}", "de.: expected words (got 'Bus')"),
        ("xx: {bus: Bus}", "xx: no such language; expected one of " + ", ".join(language.CODES)),
    ],
)
def test_the_users_own_nouns_are_checked(own_nouns: Path, content: str, problem: str) -> None:
    """What is wrong in the file is named with its place and an example."""
    own_nouns.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read("Wählen Sie alle Bilder mit Bussen")
    assert str(caught.value) == (
        f"{lexicon.VARIABLE}: {own_nouns}: {problem}, "
        "for instance 'de: {licence plate: Nummernschild/Nummernschilder}'"
    )


def test_a_missing_file_of_nouns(own_nouns: Path) -> None:
    """It is an error to name a file that is not there."""
    with pytest.raises(UsageError, match=rf"{lexicon.VARIABLE}: .*nouns.yaml: cannot be read: "):
        read("Wählen Sie alle Bilder mit Bussen")


def test_english_needs_no_other_language() -> None:
    """A plain English instruction is read without loading a language's file."""
    language.load.cache_clear()
    for text in ("Select all images with a bus", "Click every square that contains mice"):
        assert read(text).concept in ("bus", "mouse")
    assert language.load.cache_info().currsize == 0


@settings(deadline=None)  # the first text loads the languages
@given(st.sampled_from(list(TEMPLATES)), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_read_or_refused(code: str, before: str, noun: str) -> None:
    """Whatever a page says in whichever language, the answer is a Target or a UsageError."""
    text = before + TEMPLATES[code].format(noun)
    assert 0 <= is_instruction(text) <= 1
    with contextlib.suppress(UsageError):
        assert read(text).instruction == text
