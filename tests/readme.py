"""Writes the README's tables of commands and options: `python -m tests.readme`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from agent.cli import cli

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- Written by `make readme`. -->\n"
END = "<!-- As far as that. -->\n"


def commands(root: click.Group = cli, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that lead to it."""
    for name, command in root.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name, command


def blocks(heading: str, language: str) -> list[str]:
    """The fenced blocks of a language in the section under a heading of the README."""
    text = README.read_text(encoding="utf-8")
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"the README has no heading {heading!r}"
    lines = iter(rest.splitlines())
    inside: list[str] | None = None
    made = []
    for line in lines:
        if inside is None:
            if line.startswith("#") and len(line.partition(" ")[0]) <= len(level):
                break
            inside = [] if line == f"```{language}" else None
        elif line == "```":
            made.append("\n".join(inside) + "\n")
            inside = None
        else:
            inside.append(line)
    return made


def tables() -> str:
    """The commands, and the options with the commands that take them."""
    rows = ["| command | does |", "| --- | --- |"]
    options: dict[tuple[str, str], list[str]] = {}
    for path, command in commands():
        arguments = [p.make_metavar(click.Context(command)) for p in command.params
                     if isinstance(p, click.Argument)]  # fmt: skip
        rows.append(f"| `{_cell(' '.join([path, *arguments]))}` | {_sentence(command)} |")
        for option in command.params:
            if isinstance(option, click.Option):
                options.setdefault(_described(option, command), []).append(path)
    rows += ["", "| option | of | what |", "| --- | --- | --- |"]
    for (names, what), paths in options.items():
        rows.append(f"| `{_cell(names)}` | {_of(paths)} | {what} |")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _of(paths: list[str]) -> str:
    others = [path for path, _ in commands() if path not in paths]
    return f"all but {', '.join(others)}" if len(others) < len(paths) else ", ".join(paths)


def _sentence(command: click.Command) -> str:
    return (command.help or "").partition("\n\n")[0].replace("\n", " ").strip()


def _described(option: click.Option, command: click.Command) -> tuple[str, str]:
    names = ", ".join(option.opts)
    if not option.is_flag:
        number = isinstance(option.type, click.types.IntParamType)
        shape = "N" if number else option.make_metavar(click.Context(command))
        names += f" {'WHICH' if isinstance(option.type, click.Choice) else option.metavar or shape}"
    what = option.help or ""
    if isinstance(option.type, click.Choice):
        what += f" One of {', '.join(option.type.choices)}."
    if option.show_default:
        what += f" Default: {option.default}."
    return names, what


def rewritten(text: str) -> str:
    """The README with its tables as they are now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
