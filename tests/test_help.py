"""Help texts, environment variables and shell completion of every command."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from agent.cli import cli
from tests.command_lines import parse
from tests.readme import commands
from tests.test_cli import run

COMMANDS = dict(commands())
OPTIONS = [
    (path, option)
    for path, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option)
]


@pytest.mark.parametrize("path", COMMANDS)
def test_help_has_examples(path: str) -> None:
    """Each command's help ends with examples, and each of them is a command line that parses."""
    command = COMMANDS[path]
    head, *examples = (command.epilog or "").splitlines()[1:]
    assert head == "Examples:"
    assert any(f"captcha-agent {path}" in example for example in examples)
    for example in examples:
        parse(example)


@pytest.mark.parametrize("path", COMMANDS)
def test_help_fits(path: str) -> None:
    """No line of a help text is longer than 80 columns, and each option says what it does."""
    command = COMMANDS[path]
    with click.Context(command, info_name=path, max_content_width=80) as context:
        assert max(map(len, command.get_help(context).splitlines())) <= 80
    assert command.help
    silent = [o.name for o in command.params if isinstance(o, click.Option) and not o.help]
    assert silent == []


@pytest.mark.parametrize("group", [cli, cli.commands["policy"], cli.commands["models"]])
def test_the_list_of_commands_fits(group: click.Command) -> None:
    """What each command does is said whole, within 80 columns."""
    with click.Context(group, max_content_width=80) as context:
        lines = group.get_help(context).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines[1:] if line.endswith("...")] == []  # the first is the usage


@pytest.mark.parametrize(("path", "option"), OPTIONS, ids=lambda part: getattr(part, "name", part))
def test_every_option_has_a_variable(
    path: str, option: click.Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CAPTCHA_AGENT_ and an option's long name in capitals sets it."""
    long = next(name for name in option.opts if name.startswith("--"))
    variable = "CAPTCHA_AGENT_" + long.removeprefix("--").replace("-", "_").upper()
    text, value = _example(option)
    monkeypatch.setenv(variable, text)
    needed = ["x" for p in COMMANDS[path].params if isinstance(p, click.Argument)]
    if path == "completion":
        needed = ["bash"]
    context = COMMANDS[path].make_context(path, needed)
    assert context.params[option.name or ""] == value


def _example(option: click.Option) -> tuple[str, object]:
    """What a variable may hold, and what the command then gets."""
    if option.is_flag:
        return "1", True
    if isinstance(option.type, click.Choice):
        last = option.type.choices[-1]
        return last, last
    if isinstance(option.type, click.FloatRange):
        return "7.5", 7.5
    if isinstance(option.type, click.types.IntParamType):
        return "7", 7
    return ("a b", ("a", "b")) if option.multiple else ("a b", "a b")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    """The script names the program and the variable by which it asks it."""
    done = run("completion", shell)
    assert done.returncode == 0, done.stderr
    assert f"_CAPTCHA_AGENT_COMPLETE={shell}_complete" in done.stdout
    assert "captcha-agent" in done.stdout


@pytest.mark.parametrize(
    ("words", "begun", "offered"),
    [
        ("captcha-agent po", "po", ["plain,policy"]),
        ("captcha-agent solve --policy d", "d", ["plain,debug", "plain,default", "file,d"]),
        ("captcha-agent score --model l", "l", ["plain,lite", "file,l"]),
        ("captcha-agent solve --browser f", "f", ["plain,firefox"]),
    ],
)
def test_what_is_completed(words: str, begun: str, offered: list[str]) -> None:
    """Commands, choices, and the names of policies and models, beside files."""
    code = "import sys; sys.argv = ['captcha-agent']; from agent.cli import main; main()"
    asked = {
        "_CAPTCHA_AGENT_COMPLETE": "fish_complete", "COMP_WORDS": words, "COMP_CWORD": begun,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, env={**os.environ, **asked},
    )  # fmt: skip
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == offered
