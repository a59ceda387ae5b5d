"""The command line: options, help texts and exit statuses. The work is done elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from agent import __version__, redaction
from agent.errors import CaptchaAgentError, ScopeError

# A search of all installed packages for plugins that this program has no use for takes 20 ms.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

EXAMPLES = """\b
Examples:
  captcha-agent demo
  captcha-agent solve http://localhost:8000/signup --report report/
  captcha-agent score tiles/*.png --instruction "Select all images with a bus"
  captcha-agent score photo.png --grid 4x4 --instruction "Select all squares with a bus"
  captcha-agent policy show default > my.yaml

\b
Exit status: 0 solved or done; 1 tried, not solved; 2 wrong usage;
3 refused, the page is out of scope; 4 a browser, model or package is missing.
"""


def main() -> NoReturn:
    """Entry point of the console script: runs a command, turns errors into exit statuses."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("captcha-agent: stopped", err=True)
        sys.exit(130)
    except CaptchaAgentError as error:
        _fail(error)
    # Taking a model's memory apart piece by piece takes 60 ms; the system does it in none.
    sys.stdout.flush()
    os._exit(0)


def _fail(error: CaptchaAgentError) -> NoReturn:
    if "--json" in sys.argv:
        status = "refused" if isinstance(error, ScopeError) else "error"
        emit_json({"status": status, "reason": str(error)})
    for line in str(error).splitlines():
        click.echo(f"captcha-agent: {redaction.plain(line)}", err=True)
    sys.exit(error.exit_status)


def emit_json(content: Any) -> None:
    """Write the one JSON object that `--json` promises to standard output."""
    click.echo(redaction.to_json(content))


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
@option("--success", default="", metavar="SPEC", help="selector:CSS, text:WORDS or url:GLOB.")
@browser_options
@debug_options
@option("--report", default="", metavar="FOLDER", help="Where the report goes.")
@option("--timeout", type=click.FloatRange(0.1, 3600), metavar="S", help="Deadline for all.")
@as_json
@option("-v", "--verbose", is_flag=True, help="Say what is found and why.")
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
@option("--report", default="captcha-report", show_default=True, metavar="FOLDER")
@as_json
def demo_command(**given: Any) -> None:
    """Solve each kind of the fixture site's challenges in a real browser."""
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
    """Check browser, model, runtime and write access; say what is missing."""
    from agent.commands import doctor

    sys.exit(doctor.run(**given))


@cli.group("policy")
def policy_group() -> None:
    """Retry policies: list, show, check, schema."""


@policy_group.command("list")
@as_json
def policy_list(as_json: bool) -> None:
    """Name the shipped policies."""
    from agent import policy

    found = [(name, policy.load(name).description) for name in policy.names()]
    if as_json:
        emit_json({"policies": [{"name": name, "description": text} for name, text in found]})
        return
    for name, text in found:
        click.echo(f"{name:<10} {text}")


@policy_group.command("show")
@click.argument("name")
@as_json
def policy_show(name: str, as_json: bool) -> None:
    """Print the policy NAME (or FILE) with all defaults filled in."""
    from agent import policy

    loaded = policy.load(name)
    if as_json:
        emit_json(loaded.model_dump(mode="json"))
    else:
        click.echo(policy.dump(loaded), nl=False)


@policy_group.command("check")
@click.argument("file")
@as_json
def policy_check(file: str, as_json: bool) -> None:
    """Validate the policy FILE."""
    from agent import policy

    loaded = policy.load(str(Path(file)) if "/" in file else f"./{file}")
    if as_json:
        emit_json({"file": file, "valid": True, "name": loaded.name})
    else:
        click.echo(f"{file}: is a valid policy")


@policy_group.command("schema")
def policy_schema() -> None:
    """Print the policies' JSON Schema."""
    from agent import policy

    emit_json(policy.schema())


@cli.group("models")
def models_group() -> None:
    """Model packages: list, prepare, show, remove."""


@models_group.command("list")
@as_json
def models_list(as_json: bool) -> None:
    """Name the packages that are there and the presets that can be prepared."""
    from agent.commands import models

    models.show_all(as_json=as_json)


@models_group.command("prepare")
@click.argument("source", metavar="NAME|ARCH:WEIGHTS")
@option("--name", default="", help="What to call it; default: from the source.")
@option(
    "--precision",
    type=click.Choice(["int8", "float32"]),
    default="int8",
    show_default=True,
    help="int8 is smaller and faster, float32 closest to the source.",
)
@option("--accept-licence", is_flag=True, help="Take weights that are for research only.")
@as_json
def models_prepare(source: str, **given: Any) -> None:
    """Make a package from a preset or from any open_clip model.

    WEIGHTS is a tag of open_clip's, such as laion2b_s34b_b79k, or a .safetensors file.
    """
    from agent.commands import models

    models.prepare(source, **given)


@models_group.command("show")
@click.argument("name")
@as_json
def models_show(name: str, as_json: bool) -> None:
    """Print the card of the package NAME, or what a preset costs."""
    from agent.commands import models

    models.show(name, as_json=as_json)


@models_group.command("remove")
@click.argument("name")
@as_json
def models_remove(name: str, as_json: bool) -> None:
    """Delete the prepared package NAME."""
    from agent.commands import models

    models.remove(name, as_json=as_json)


if __name__ == "__main__":
    main()
