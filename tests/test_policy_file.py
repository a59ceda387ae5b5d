"""Policy files: what extends what, and which line is to blame."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import policy, policy_file
from agent.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, so that messages name a file as it is given."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(name: str) -> str:
    with pytest.raises(UsageError) as caught:
        policy.load(name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: shop\nretry:\n  wait_s: 1\n  attempts: 0\n",
         "shop.yaml:4: retry.attempts: must be at least 1 (got 0)"),
        ("retry: {attempts: 101}", "shop.yaml:1: retry.attempts: must be at most 100 (got 101)"),
        ("retry:\n  attempts: many\n",
         "shop.yaml:2: retry.attempts: must be a whole number (got 'many')"),
        ("retry:\n  deadline_s: 0\n", "shop.yaml:2: retry.deadline_s: must be more than 0 (got 0)"),
        ("retry:\n  wait_s: .nan\n",
         "shop.yaml:2: retry.wait_s: must be a finite number (got nan)"),
        ("retry:\n- attempts\n",
         "shop.yaml:1: retry: must be a mapping of keys to values (got ['attempts'])"),
        ("allow:\n  - a.example\n  - 7\n",
         "shop.yaml:3: allow.1: must be text: put it in quotes (got 7)"),
        ("allow: a.example\n", "shop.yaml:1: allow: must be a list (got 'a.example')"),
        ("report: yes\n",
         "shop.yaml:1: report: must be 'always', 'on_failure' or 'never' (got True)"),
        ("\nlimits:\n  click: 3\n",
         "shop.yaml:3: limits.click: unknown key; did you mean 'clicks'? allowed: clicks, reloads"),
        ("retry:\n  attempts: 0\nwaits:\n  poll_s: 0\n",
         "shop.yaml:2: retry.attempts: must be at least 1 (got 0)\n"
         "shop.yaml:4: waits.poll_s: must be more than 0 (got 0)"),
        ("retry:\n  attempts: 1\n  wait_s: 2\n  attempts: 3\n",
         "shop.yaml:4: retry.attempts: is given twice (first in line 2)"),
        ("on: 3\n", "shop.yaml:1: a key must be text: put it in quotes (got True)"),
        ("- 1\n", "shop.yaml:1: must be a mapping of keys to values (got [1])"),
        ("retry: [", "shop.yaml:1: is not valid YAML: expected the node content, "
         "but found '<stream end>'"),
        ("a: 1\n---\nb: 2\n", "shop.yaml:2: is not valid YAML: but found another document"),
        ("name: !!python/object:os.system x\n", "shop.yaml:1: name: must be without a tag (got "
         "tag:yaml.org,2002:python/object:os.system)"),
        ("retry: !!int\n", "shop.yaml:1: retry: '' is no int"),
        ("name: !!bool perhaps\n", "shop.yaml:1: name: 'perhaps' is no bool"),
        ("retry: !shop {}\n", "shop.yaml:1: retry: must be without a tag (got !shop)"),
        ("a: &a [*a]\n", "shop.yaml:1: " + ".".join(["a", *["0"] * 20])
         + ": at most 10000 values, 20 deep, aliases expanded"),
        ("retry: " + "[" * 2000, "shop.yaml: is nested too deeply"),
        ("extends: nightly\n", "shop.yaml:1: extends: policy 'nightly' is unknown: use one of "
         "audit, ci, debug, default, strict, or the path of a .yaml file"),
        ("name: x\nextends: [ci]\n",
         "shop.yaml:2: extends: must be a policy's name or file (got ['ci'])"),
        ("extends: ../none.yaml\n", "shop.yaml:1: extends: ../none.yaml: no such file"),
        ("extends: ./shop.yaml\n",
         "shop.yaml:1: extends: goes in a circle: shop.yaml -> shop.yaml"),
    ],
)  # fmt: skip
def test_wrong_files_name_the_line(folder: Path, text: str, message: str) -> None:
    """Whatever is wrong in a file is told with its line, its key, and what is allowed."""
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    assert refusal("shop.yaml") == message


def test_files_that_cannot_be_read(folder: Path) -> None:
    """A file that is missing, a folder, or no text is named."""
    assert refusal("none.yaml") == "none.yaml: cannot be read: No such file or directory"
    (folder / "sub").mkdir()
    assert refusal("./sub") == "sub: cannot be read: Is a directory"
    (folder / "latin.yaml").write_bytes(b"name: caf\xe9")
    assert refusal("latin.yaml") == "latin.yaml: must be text in UTF-8 (byte 9 is not)"
    (folder / "bell.yaml").write_text("name: \a")
    assert refusal("bell.yaml").startswith("bell.yaml: is not valid YAML: unacceptable character")


def test_aliases_do_not_explode(folder: Path) -> None:
    """A billion laughs are no more than the values that a policy may hold."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (folder / "laughs.yaml").write_text("\n".join(lines))
    assert refusal("laughs.yaml").endswith("at most 10000 values, 20 deep, aliases expanded")


def test_extends_is_merged_deeply(folder: Path) -> None:
    """What a policy leaves out is as in the one it extends; lists are replaced."""
    (folder / "sub").mkdir()
    (folder / "base.yaml").write_text(
        "extends: ci\nname: base\ndescription: Ours.\nallow: [a.example, b.example]\n"
        "retry: {attempts: 7, wait_s: 1}\n"
    )
    (folder / "sub" / "shop.yaml").write_text(
        "extends: ../base.yaml\nretry:\n  wait_s: 2\nallow: [c.example]\n"
    )
    rules, ci = policy.load("sub/shop.yaml"), policy.load("ci")
    assert (rules.name, rules.description) == ("shop", "")
    assert (rules.retry.attempts, rules.retry.wait_s) == (7, 2)
    assert (rules.retry.deadline_s, rules.waits) == (ci.retry.deadline_s, ci.waits)
    assert rules.allow == ("c.example",)


def test_what_is_wrong_below_is_told_there(folder: Path) -> None:
    """A wrong value is looked for where it is set, not where it is inherited."""
    (folder / "base.yaml").write_text("name: base\nretry:\n  attempts: 0\n")
    (folder / "shop.yaml").write_text("extends: base.yaml\nretry:\n  wait_s: -1\n")
    assert refusal("shop.yaml") == (
        "base.yaml:3: retry.attempts: must be at least 1 (got 0)\n"
        "shop.yaml:3: retry.wait_s: must be at least 0 (got -1)"
    )


def test_circles_and_long_chains_end(folder: Path) -> None:
    """Policies that extend each other in a circle, or too many of them, are refused."""
    (folder / "a.yaml").write_text("extends: b.yaml\n")
    (folder / "b.yaml").write_text("name: b\nextends: ./a.yaml\n")
    assert refusal("a.yaml") == "b.yaml:2: extends: goes in a circle: a.yaml -> b.yaml -> a.yaml"
    for number in range(12):
        (folder / f"p{number}.yaml").write_text(f"extends: p{number + 1}.yaml\n")
    (folder / "p12.yaml").write_text("name: last\n")
    assert refusal("p0.yaml") == "p9.yaml:1: extends: at most 10 policies extend each other"
    assert policy.load("p4.yaml").name == "p4"


def test_the_readme_shows_a_valid_policy(folder: Path) -> None:
    """The README's policy is valid, and the message below it is what a wrong one gets."""
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    block = text.partition("```yaml\n# shop.yaml\n")[2].partition("```")[0]
    shop = folder / "shop.yaml"
    shop.write_text(f"# shop.yaml\n{block}", encoding="utf-8")
    assert policy.load("shop.yaml").limits.clicks == 100
    shop.write_text(shop.read_text().replace("attempts: 4", "attempts: 0"), encoding="utf-8")
    assert refusal("shop.yaml") in text


@given(st.text())
def test_any_text_is_content_or_an_error(text: str) -> None:
    """Whatever a file holds, the answer is a mapping whose keys have places, or a UsageError."""
    with contextlib.suppress(UsageError):
        content = policy_file.parse(text, "fuzz.yaml")
        assert {(key,) for key in content.values} <= set(content.places)
