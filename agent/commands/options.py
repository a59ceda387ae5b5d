"""The options that several commands share. Each can be set by an environment variable, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def option(*names: str, **settings: Any) -> Callable[[Any], Any]:
    """A click option that an environment variable CAPTCHA_AGENT_… can set, too."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "CAPTCHA_AGENT_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=False, **settings)


def options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in the order in which `--help` shows them."""

    def decorate(command: Any) -> Any:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


as_json = option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
model_option = option(
    "--model",
    default="lite",
    show_default=True,
    metavar="NAME|FOLDER",
    help="The model package; torch:ARCH:WEIGHTS is open_clip itself.",
)
policy_option = option(
    "--policy", default="default", show_default=True, metavar="NAME|FILE", help="The retry policy."
)
widget_option = option(
    "--widget", default="", metavar="FILE", help="Says where the captcha's parts are."
)
allow_option = option(
    "--allow", multiple=True, metavar="HOST", help="A host beside loopback; repeatable."
)
browser_options = options(
    option("--headed", is_flag=True, help="Show the browser."),
    option(
        "--slow-mo", type=click.IntRange(0, 60_000), metavar="MS", help="Pause after each step."
    ),
    option(
        "--browser",
        type=click.Choice(["chromium", "firefox", "webkit"]),
        default="chromium",
        show_default=True,
    ),
    option("--channel", default="", metavar="NAME", help="An installed one: chrome, msedge, …"),
    option("--executable-path", default="", metavar="FILE", help="The browser to start."),
)
