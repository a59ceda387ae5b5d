"""The options that several commands share. Each can be set by an environment variable, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem


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


def _policies(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    from agent import policy

    return _named(policy.names(), begun)


def _models(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    from agent.models import store

    return _named(store.names(), begun)


def _named(names: Iterable[str], begun: str) -> list[CompletionItem]:
    """What a shell offers: the names that begin so, and files."""
    found = [CompletionItem(name) for name in names if name.startswith(begun)]
    return [*found, CompletionItem(begun, type="file")]


as_json = option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
model_option = option(
    "--model",
    default="lite",
    show_default=True,
    metavar="NAME|FOLDER",
    help="The model package; torch:ARCH:WEIGHTS is open_clip itself.",
    shell_complete=_models,
)
policy_option = option(
    "--policy",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    help="The retry policy.",
    shell_complete=_policies,
)
widget_option = option(
    "--widget", default="", metavar="FILE", help="Says where the captcha's parts are."
)
allow_option = option(
    "--allow", multiple=True, metavar="HOST", help="A host beside loopback; repeatable."
)
success_option = option(
    "--success", default="", metavar="SPEC", help="selector:CSS, text:WORDS or url:GLOB."
)
timeout_option = option(
    "--timeout", type=click.FloatRange(0.1, 3600), metavar="S", help="Deadline of a solve."
)
verbose_option = option("-v", "--verbose", is_flag=True, help="Say what is found and why.")
browser_options = options(
    option("--headed", is_flag=True, help="Show the browser."),
    option(
        "--slow-mo", type=click.IntRange(0, 60_000), metavar="MS", help="Pause before each click."
    ),
    option(
        "--browser",
        type=click.Choice(["chromium", "firefox", "webkit"]),
        default="chromium",
        show_default=True,
        help="Which one to start.",
    ),
    option("--channel", default="", metavar="NAME", help="An installed one: chrome, msedge, …"),
    option("--executable-path", default="", metavar="FILE", help="The browser to start."),
    option("--connect", default="", metavar="ENDPOINT", help="A browser that runs already."),
)


debug_options = options(
    option("--step", is_flag=True, help="Wait for a key before each click, saying what comes."),
    option("--pause-on-failure", is_flag=True, help="Open Playwright's inspector; with --headed."),
    option(
        "--trace",
        is_flag=True,
        help="Add Playwright's trace.zip to the report: pictures of the page, texts, addresses, "
        "all that was loaded; without values of fields, cookies and what was sent.",
    ),
)
