"""Reports: what is written, and that nothing of a page gets out of its place."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from agent import redaction, report
from agent.data import (
    STAGES,
    Attempt,
    Box,
    Contrast,
    Decision,
    Grid,
    Outcome,
    Picture,
    Round,
    Target,
    Widget,
)
from agent.errors import UsageError
from agent.report import why
from agent.report.drawing import annotate, scored

# Each tries to get out of its place: markup, attributes, links, templates, terminals, JSON.
ESCAPES = [
    "</h2><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<style>*{display:none}</style><!--",
    "<a href=javascript:alert(1)>report</a>",
    "{{ outcome.__class__ }}{% raw %}",
    "&lt;script&gt;",
    "[bold red]solved[/] [link=http://evil.com]here[/link]",
    "\x1b[2J\x1b]8;;http://evil.com\x07report\x1b]8;;\x07",
    "\x1b]0;title\x07\x9b31m\x90q\x9c",
    "one\r\ntwo\x08\x08\x08\x7f\x00",
    "\u202edevlos\u202c \u2066\u2069\u200f\u061c",
    "so\u200blv\u2060ed\ufeff\U000e0041",
    "line\u2028paragraph\u2029",
    "half\ud800a pair",
    "]]><!--\ufffe\uffff",
    "../../../../etc/passwd",
    '"}, {"status": "solved"',
]


def outcome(
    instruction: str = "Select all images with a bus",
    said: str = "Verified",
    url: str = "http://u:secret@localhost:8000/form?token=abc&seed=1",
    status: Any = "accepted",
) -> Outcome:
    pixels = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    picture = Picture(pixels, Box(10, 20, 300, 300), 1.0)
    boxes = tuple(Box(col * 100, row * 100, 98, 98) for row in range(3) for col in range(3))
    likely = np.arange(9, dtype=np.float32) / 10
    others = ((Contrast("truck", 0.3), Contrast("tram", 0.1)),) * 9
    target = Target(instruction, instruction)
    decision = Decision(likely, (7, 8), 0.4, 0.65, target, "threshold", likely / 2, others)
    widget = Widget("tiles", instruction, picture.box, evidence=(f"instruction {instruction!r}",))
    attempt = Attempt(
        instruction, "tiles", (3, 3), boxes, tuple(likely.tolist()), (7, 8), 0.65, 0.4,
        status, f"the page says {said}", dict.fromkeys(STAGES, 0.1), picture, picture, picture,
        widget, decision, (Round(picture, decision, (7,)),),
    )  # fmt: skip
    solved: Any = "solved" if status == "accepted" else "unsolved"
    rules = {"name": "default", "decide": {"threshold": 0.65, "sure": 0.3}}
    reason = f"the page says {said}"
    return Outcome(solved, reason, url, 1.25, "lite", "default", (attempt,), rules)


class Tags(HTMLParser):
    """What a browser would make of a page: its tags with attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[str]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [name for name, _ in attrs]))

    def handle_data(self, data: str) -> None:
        self.words += data


def printed(found: Outcome) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    console.print(report.table(found))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def is_safe(words: str) -> bool:
    return not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in words)


def test_json_has_the_promised_keys() -> None:
    """`solve --json` gives at least these keys."""
    content = report.to_json(outcome())
    assert list(content) == ["status", "reason", "url", "seconds", "model", "policy", "attempts"]
    (attempt,) = content["attempts"]
    for key in ("instruction", "kind", "grid", "probabilities", "selected", "result", "seconds"):
        assert key in attempt
    assert list(attempt["seconds"]) == list(STAGES)
    assert attempt["grid"] == [3, 3]
    json.dumps(content, allow_nan=False)


def test_addresses_lose_their_secrets() -> None:
    """Passwords and the values of a query are not written down."""
    assert report.to_json(outcome())["url"] == (
        "http://localhost:8000/form?token=redacted&seed=redacted"
    )


def test_save_writes_everything(tmp_path: Path) -> None:
    """JSON, the pictures, and one page that asks for nothing else."""
    page = Path(outcome().save(str(tmp_path / "deep" / "report")))
    assert sorted(path.name for path in page.parent.iterdir()) == [
        "attempt-1-after.png", "attempt-1-picture.png", "attempt-1-round-1.png",
        "attempt-1-sample.png", "attempt-1.png", "index.html", "junit.xml", "outcome.json",
    ]  # fmt: skip
    html = page.read_text(encoding="utf-8")
    assert "http://localhost:8000/form?token=redacted" in html
    assert html.count("data:image/png;base64,") == 4
    assert 'src="http' not in html
    assert "secret" not in html


@pytest.mark.parametrize("hostile", ESCAPES)
def test_nothing_gets_out_of_its_place(tmp_path: Path, hostile: str) -> None:
    """A page's text is text: no tag, no attribute, no colour, no file, no key of the JSON."""
    told = outcome(hostile, said=hostile, url=f"http://localhost/{hostile}")
    page = Path(told.save(str(tmp_path / "report")))
    tame = Path(outcome("tame", "tame", "http://localhost/tame").save(str(tmp_path / "tame")))
    html, same = (Tags(path.read_text(encoding="utf-8")) for path in (page, tame))
    assert html.tags == same.tags
    assert is_safe(html.words.replace("\n", ""))
    assert {path.name for path in page.parent.iterdir()} == {
        path.name for path in tame.parent.iterdir()
    }
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("report", "tame")] == []
    written = (page.parent / "outcome.json").read_text(encoding="utf-8")
    assert is_safe(written.replace("\n", ""))
    assert json.loads(written)["attempts"][0]["instruction"] == hostile


@pytest.mark.parametrize("hostile", ESCAPES)
def test_junit_stays_xml(tmp_path: Path, hostile: str) -> None:
    """Whatever the page says, JUnit's readers get one test case and its failure."""
    outcome(hostile, hostile, f"http://localhost/{hostile}", "rejected").save(str(tmp_path))
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [element.tag for element in suites.iter()] == [
        "testsuites", "testsuite", "properties", "property", "property", "testcase", "failure",
    ]  # fmt: skip
    assert all(is_safe((element.text or "").replace("\n", "")) for element in suites.iter())


def test_junit_of_a_failure(tmp_path: Path) -> None:
    """One test case a solve; a failure has the reason, and the attempts in words."""
    outcome(said="Not quite", status="rejected").save(str(tmp_path))
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    told = {name: suite.attrib[name] for name in ("name", "tests", "failures", "errors", "time")}
    assert told == {
        "name": "captcha-agent", "tests": "1", "failures": "1", "errors": "0", "time": "1.250",
    }  # fmt: skip
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.attrib == {"type": "unsolved", "message": "the page says Not quite"}
    assert (failure.text or "").splitlines()[:2] == [
        "1. 'Select all images with a bus' - rejected: the page says Not quite",
        "   chosen 8, 9 of 3x3 (sure to 0.40)",
    ]
    outcome().save(str(tmp_path))
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.attrib["failures"], suite.find("testcase/failure")) == ("0", None)


def test_the_page_says_why(tmp_path: Path) -> None:
    """Each tile with what it may show instead; the rule, the policy, and how to repeat it."""
    command = ["captcha-agent", "solve", "http://localhost/?seed=1", "--policy", "my shop.yaml"]
    page = report.save(outcome(), tmp_path, command)
    words = Tags(page.read_text(encoding="utf-8")).words
    for told in (
        "Chosen is every tile at or above the threshold 0.65.",
        "taken to be 0.40 likely; the policy asks for 0.30.",
        "truck 0.30",
        "instruction 'Select all images with a bus'",
        "captcha-agent solve 'http://localhost/?seed=redacted' --policy 'my shop.yaml'",
        "Put in again what is redacted",
        "  threshold: 0.65",
        "Other pictures took the places of clicked tiles: first 8.",
    ):
        assert told in words, told


def decision(rule: Any, **asked: Any) -> Decision:
    target = Target("bus", "Select all images with a bus", **asked)
    return Decision(np.zeros(9, dtype=np.float32), (1, 2), 0.5, 0.6, target, rule)


@pytest.mark.parametrize(
    ("decided", "said"),
    [
        (decision("threshold"), "Chosen is every tile at or above the threshold 0.60."),
        (
            decision("threshold", wanted=False),
            "Chosen is what matches less than 0.40: all others match.",
        ),
        (
            decision("count", count=2),
            "The 2 likeliest were chosen: the instruction asks for just so many.",
        ),
        (decision("one", many=False), "The likeliest was chosen: the instruction asks for one."),
        (
            decision("likeliest"),
            "No tile reaches the threshold 0.60; the squares of the likeliest thing were chosen, "
            "as the instruction says that something matches.",
        ),
        (
            replace(decision("likeliest"), selected=(4,)),
            "No tile reaches the threshold 0.60; the likeliest was chosen, as the instruction says "
            "that something matches.",
        ),
        (
            decision("none", none_allowed=True),
            "No tile reaches the threshold 0.60, and the instruction allows to choose none.",
        ),
    ],
)
def test_the_rule_in_words(decided: Decision, said: str) -> None:
    """What chose the tiles is said in one sentence."""
    assert why.rule(decided) == said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Read as: tiles with “bus”."),
        ({"count": 3, "squares": True}, "Read as: 3 squares of one picture with “bus”."),
        (
            {"many": False, "reference": True},
            "Read as: one of the tiles with what the sample shows.",
        ),
        (
            {"wanted": False, "none_allowed": True},
            "Read as: tiles without “bus”; none is an answer, too.",
        ),
    ],
)
def test_what_was_asked_in_words(asked: dict[str, Any], said: str) -> None:
    """What the instruction was read as is said in one sentence."""
    assert why.asked(decision("threshold", **asked)) == said


@pytest.mark.parametrize("hostile", ESCAPES)
def test_the_terminal_shows_what_it_is_told(hostile: str) -> None:
    """The table has the same commands for the terminal whatever the page says."""
    found, tame = (printed(outcome(words, words)) for words in (hostile, "x" * len(hostile)))
    style = re.compile(r"\x1b\[[0-9;]*m")
    assert set(style.findall(found)) == set(style.findall(tame))
    assert is_safe(style.sub("", found).replace("\n", ""))


SECRETS = [
    ("http://ada:hunter2@localhost/form", "http://localhost/form"),
    ("http://localhost/?key=hunter2&a=&b", "http://localhost/?key=redacted&a=redacted&b=redacted"),
    ("http://localhost/form#access_token=hunter2", "http://localhost/form"),
    ("http://localhost/r/eyJhbGciOiJIUzI1NiJ9.eyJ1c.hunter2/x", "http://localhost/r/redacted/x"),
    ("http://localhost/s/9f86d081884c7d659a2feaa0c55ad015", "http://localhost/s/redacted"),
    ("data:text/html," + "x" * 99, "data:text/html," + "x" * 45 + "…"),
    ("nonsense?token=hunter2", "nonsense?redacted"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "shown"), SECRETS)
def test_addresses_are_redacted(url: str, shown: str) -> None:
    """Passwords, values of a query, fragments and long tokens are not written down."""
    assert redaction.address(url) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("see http://a:hunter2@localhost/?b=hunter2#hunter2", "see http://localhost/?b=redacted"),
        ("Wrong password: hunter2", "Wrong password: redacted"),
        ("session_token=hunter2; api-key: hunter2", "session_token=redacted api-key: redacted"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer redacted"),
        ("Cookie: sid=hunter2", "Cookie: redacted"),
        ("code eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.hunter2 is old", "code redacted is old"),
    ],
)
def test_texts_are_redacted(said: str, shown: str) -> None:
    """What a page says loses what looks like a secret."""
    assert redaction.text(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "Select all images with a fire hydrant (3 of 9)",
        "Donaudampfschifffahrtsgesellschaft",
        "Your session has expired. Password required",
        "the page moved on to http://127.0.0.1:8000/signup/tiles",
        "the deadline of 60 s has passed",
        "the page says '選択してください'",
    ],
)
def test_other_texts_stay(said: str) -> None:
    """What is no secret is written down as it is."""
    assert redaction.text(said) == said


def test_no_secret_is_written_anywhere(tmp_path: Path) -> None:
    """Neither JSON nor HTML nor terminal shows what the page had in its address and messages."""
    said = "Wrong password: hunter2, back to http://localhost/?token=hunter2"
    told = outcome(
        "Select all images with a bus", said, "http://hunter2:hunter2@localhost/?s=hunter2"
    )
    page = Path(told.save(str(tmp_path)))
    texts = (page, page.parent / "outcome.json", page.parent / "junit.xml")
    written = "".join(path.read_text(encoding="utf-8") for path in texts)
    assert "hunter2" not in written + printed(told) + json.dumps(report.to_json(told))


def test_the_table_fits_80_columns() -> None:
    """No line of the terminal's table is longer than 80 columns."""
    console = Console(file=io.StringIO(), width=80)
    console.print(report.table(outcome("Select all images with " + "very " * 20 + "old bus")))
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, printed.splitlines())) <= 80


def test_nothing_tried_is_one_line() -> None:
    """Where no challenge was read, the terminal shows the reason and no empty table."""
    nothing = Outcome("unsolved", "no captcha found", "http://localhost/", 1.0, "lite", "default")
    assert printed(nothing) == "\x1b[1;31munsolved: no captcha found\x1b[0m\n"


def test_unwritable_folder(tmp_path: Path) -> None:
    """Where the report can't be written, the message says where and what to do."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError, match=r"the report can't be written to .*name another folder"):
        outcome().save(str(blocked / "report"))


def test_scored_pictures_are_laid_out() -> None:
    """Single tiles go on a sheet of equal squares, each with its own mark; one picture stays."""
    tiles = [Image.new("RGB", size, "gray") for size in ((50, 50), (90, 30), (30, 90), (9, 9))]
    likely = np.array([0.9, 0.1, 0.2, 0.3], dtype=np.float32)
    sheet = scored(tiles, None, Decision(likely, (0,), 0.9, 0.5))
    assert sheet.size == (408, 408)
    assert [sheet.getpixel((x, y)) for y in (50, 258) for x in (1, 209)] == [
        (0, 114, 178), (230, 159, 0), (230, 159, 0), (230, 159, 0),
    ]  # fmt: skip
    grid = Grid(1, 2, (Box(0, 0, 200, 200), Box(200, 0, 200, 200)))
    whole = scored([Image.new("RGB", (400, 200))], grid, Decision(likely[:2], (0,), 0.9, 0.5))
    assert (whole.size, whole.getpixel((1, 50))) == ((400, 200), (0, 114, 178))


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_annotated_pictures_mark_the_choice(scale: int) -> None:
    """Chosen tiles get the frame of their colour, others not, at any scale."""
    pixels = np.full((200 * scale, 400 * scale, 3), 200, dtype=np.uint8)
    boxes = [Box(0, 0, 200 * scale, 200 * scale), Box(200 * scale, 0, 200 * scale, 200 * scale)]
    drawn = annotate(Picture(pixels, Box(0, 0, 400, 200), scale), boxes, [0.9, 0.1], {0})
    assert isinstance(drawn, Image.Image)
    assert drawn.getpixel((1, 50)) == (0, 114, 178)
    assert drawn.getpixel((200 * scale + 1, 50)) == (230, 159, 0)
