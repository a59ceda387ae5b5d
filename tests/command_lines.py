"""Reads command lines of captcha-agent as a shell does, without running them."""

from __future__ import annotations

import re
import shlex

import click

from agent.cli import cli


def parse(line: str) -> click.Context:
    """What a command line that holds `captcha-agent …` comes to; fails where it is wrong."""
    found = re.search(r"\bcaptcha-agent ((?:[^\"'|&;>)#`]|\"[^\"]*\"|'[^']*')*)", line)
    assert found is not None, line
    words = shlex.split(found[1])
    command: click.Command = cli
    path = "captcha-agent"
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, path = command.commands[words[0]], f"{path} {words.pop(0)}"
    return command.make_context(path, words)
