"""The command line: options, help texts and exit statuses. The work is done elsewhere."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import click

from agent import __version__, redaction
from agent.commands import examples, groups
from agent.commands.options import (
    allow_option,
    as_json,
    browser_options,
    debug_options,
    model_option,
    option,
    policy_option,
    success_option,
    timeout_option,
    verbose_option,
    widget_option,
)
from agent.errors import CaptchaAgentError, ScopeError

# A search of all installed packages for plugins that this program has no use for takes 20 ms.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

EXAMPLES = """\b
Examples:
  captcha-agent demo
  captcha-agent solve http://localhost:8000/signup --report report/
  captcha-agent score tiles/*.png --instruction "Select all images with a bus"
  captcha-agent score photo.png --grid 4x4 --instruction "Squares with a bus"
  captcha-agent policy show default > my.yaml

\b
Exit status: 0 solved or done; 1 tried, not solved; 2 wrong usage;
3 refused, the page is out of scope; 4 a browser, model or package is missing.
"""


def main() -> NoReturn:
    """Entry point of the console script: runs a command, turns errors into exit statuses."""
    status = _run()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking a model's memory apart piece by piece takes 60 ms; the system does it in none, and
    # does not wait for a thread that hangs.
    os._exit(status)


def _run() -> int:
    signal.signal(signal.SIGTERM, _end)
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("captcha-agent: stopped by Ctrl-C", err=True)
        return 130
    except CaptchaAgentError as error:
        _tell(error)
        return error.exit_status
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _end(number: int, _: Any) -> NoReturn:
    """Unwind as on Ctrl-C where SIGTERM would kill: what is open is closed."""
    click.echo("captcha-agent: stopped by SIGTERM", err=True)
    sys.exit(128 + number)


def _tell(error: CaptchaAgentError) -> None:
    by_variable = click.BOOL.convert(os.environ.get("CAPTCHA_AGENT_JSON") or "no", None, None)
    if "--json" in sys.argv or by_variable:
        status = "refused" if isinstance(error, ScopeError) else "error"
        emit_json({"status": status, "reason": str(error)})
    for line in str(error).splitlines():
        click.echo(f"captcha-agent: {redaction.plain(line)}", err=True)


def emit_json(content: Any) -> None:
    """Write the one JSON object that `--json` promises to standard output."""
    click.echo(redaction.to_json(content))


@click.group(
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(__version__, prog_name="captcha-agent")
def cli() -> None:
    """Carries end-to-end tests past the image captchas of sites you own."""


@cli.command("solve")
@click.argument("url")
@policy_option
@model_option
@allow_option
@widget_option
@success_option
@browser_options
@debug_options
@option("--report", default="", metavar="FOLDER", help="Where the report goes.")
@timeout_option
@as_json
@verbose_option
def solve_command(url: str, **given: Any) -> None:
    """Open URL, find the captcha, solve it, say how it went."""
    from agent.commands import solve

    sys.exit(solve.run(url, **given))


@cli.command("find")
@click.argument("url")
@policy_option
@allow_option
@widget_option
@browser_options
@option("--draw", default="", metavar="OUT.png", help="Draw the page with what was found.")
@as_json
def find_command(url: str, **given: Any) -> None:
    """Open URL, say what captcha is there and why; click nothing.

    Prints a widget file to start from.
    """
    from agent.commands import find

    sys.exit(find.run(url, **given))


@cli.command("demo")
@option(
    "-n", "--count", default=1, type=click.IntRange(1, 100_000), help="Challenges of each kind."
)
@option(
    "--kind",
    "kinds",
    multiple=True,
    help="Instead of three: this kind, or all.",
)
@option("--seed", default=1, show_default=True, help="The first challenge's seed.")
@option("--policy", default="ci", show_default=True, metavar="NAME|FILE", help="The retry policy.")
@model_option
@browser_options
@option(
    "--report",
    default="captcha-report",
    show_default=True,
    metavar="FOLDER",
    help="Where the reports go.",
)
@as_json
def demo_command(**given: Any) -> None:
    """Solve challenges of the fixture site in a real browser."""
    from agent.commands import demo

    sys.exit(demo.run(**given))


@cli.command("site")
@option("--port", default=0, type=click.IntRange(0, 65535), help="0 takes a free one.")
@option("--seed", default=None, type=int, help="Make the challenges repeatable.")
def site_command(port: int, seed: int | None) -> None:
    """Serve the fixture site alone, on loopback, until interrupted."""
    from agent.commands import demo

    demo.serve(port, seed)


@cli.command("score")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@option("--instruction", default="", metavar="TEXT", help="What the captcha asks for.")
@option("--reference", default="", metavar="IMAGE", help="Which tiles match this picture.")
@option("--grid", default="", metavar="RxC", help="One IMAGE is cut into rows x columns.")
@model_option
@option("--policy", default="", metavar="NAME|FILE", help="Take its threshold; else 0.5.")
@option("--threads", type=click.IntRange(1, 256), help="Threads of the model; default: all cores.")
@option("--draw", default="", metavar="OUT.png", help="Draw the tiles with their probabilities.")
@as_json
def score_command(images: tuple[str, ...], **given: Any) -> None:
    """Say which of these tiles match an instruction. Needs no browser."""
    from agent.commands import score

    score.run(images, **given)


@cli.command("split")
@click.argument("image")
@option("--grid", default="", metavar="RxC", help="Rows x columns, where they are known.")
@option("--draw", default="", metavar="OUT.png", help="Draw the tiles found.")
@as_json
def split_command(image: str, **given: Any) -> None:
    """Print the tile grid found in a picture. Needs no browser."""
    from agent.commands import score

    score.split(image, **given)


@cli.command("replay")
@click.argument("report")
@option("--model", default="", metavar="NAME|FOLDER", help="Another model than the report's.")
@option("--policy", default="", metavar="NAME|FILE", help="Another policy than the report's.")
@as_json
def replay_command(report: str, **given: Any) -> None:
    """Decide the attempts of a saved REPORT again, without the site.

    Says what was chosen then, what would be now, and what changes.
    """
    from agent.commands import replay

    replay.run(report, **given)


@cli.command("doctor")
@browser_options
@model_option
@as_json
def doctor_command(**given: Any) -> None:
    """Check browser, model and machine; say what is missing."""
    from agent.commands import doctor

    sys.exit(doctor.run(**given))


@cli.command("audit")
@click.argument("url")
@option(
    "-n",
    "--count",
    default=20,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Challenges to solve.",
)
@policy_option
@model_option
@allow_option
@widget_option
@success_option
@browser_options
@option("--report", default="", metavar="FOLDER", help="Where reports of failures go.")
@timeout_option
@as_json
@verbose_option
def audit_command(url: str, **given: Any) -> None:
    """Solve many fresh challenges at URL; say how often it succeeds.

    Gives solve rate and first-answer rate with 95 % confidence intervals, times, and what went
    wrong how often. Each challenge gets a browser context of its own.
    """
    from agent.commands import audit

    sys.exit(audit.run(url, **given))


@cli.command("calibrate")
@click.argument("folder")
@model_option
@option("--name", default="", metavar="NAME", help="What to call it; default: MODEL-FOLDER.")
@as_json
def calibrate_command(folder: str, **given: Any) -> None:
    """Learn to do better on one's own captcha from labelled tiles.

    FOLDER holds one folder a label, named after what its pictures show ("traffic light"), with at
    least four pictures; "_other" holds what shows none of them. What is learnt becomes a model
    package of its own, where it does better on held-out pictures.
    """
    from agent.commands import calibrate

    sys.exit(calibrate.run(folder, **given))


@cli.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print what lets SHELL complete commands and options."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(cli, {}, "captcha-agent", "_CAPTCHA_AGENT_COMPLETE").source())


cli.add_command(groups.policy_group)
cli.add_command(groups.models_group)
examples.add_to(cli)


if __name__ == "__main__":
    main()
