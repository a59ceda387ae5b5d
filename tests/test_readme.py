"""The README's tables, recipes and CI files, as they stand there."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from agent import __version__, vendors
from agent.models.source import read_source
from fixtures.site import Server
from tests.browsers import debugged
from tests.command_lines import parse
from tests.readme import README, blocks, rewritten

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FENCED = re.findall(r"^```(sh|yaml|dockerfile)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
LINES = [line for _, block in FENCED for line in block.splitlines()]
CALLS = [line for line in LINES if re.search(r"captcha-agent [a-z]", line)]
GITHUB, GITLAB = blocks("## In CI", "yaml")
Shell = Callable[[str], str]


def test_the_tables_are_current() -> None:
    """`make readme` changes nothing."""
    assert rewritten(TEXT) == TEXT


@pytest.mark.parametrize("line", CALLS)
def test_every_command_line_parses(line: str) -> None:
    """Each command of each block exists and takes the options given."""
    parse(line)


def test_versions() -> None:
    """What the README pins is this version, on a Python that it runs on."""
    assert PROJECT["version"] == __version__
    pinned = re.findall(r"captcha-agent(?:==|-)(\d[\w.]*\d)", TEXT)
    assert len(pinned) >= 5
    assert set(pinned) == {__version__}
    least = int(PROJECT["requires-python"].removeprefix(">=3."))
    pythons = re.findall(r'python(?::|-version: ")3\.(\d+)', TEXT)
    assert len(pythons) == 3
    assert all(int(minor) >= least for minor in pythons)


def test_prepared_models_exist() -> None:
    """Each model that the README prepares is a preset, or one that is named in full."""
    prepared = [parse(line) for line in CALLS if "models prepare" in line]
    sources = [str(context.params["source"]) for context in prepared]
    assert len(sources) >= 3
    for source in sources:
        if not source.endswith(".safetensors"):
            read_source(source)


def test_test_keys() -> None:
    """Each test key in the README is one that is known to pass."""
    section = TEXT.partition("### Vendors' widgets")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| `(\S+)` \|$", section, re.MULTILINE)
    assert len(rows) == 3
    known = yaml.safe_load((Path(vendors.__file__).parent / "vendors.yaml").read_text())
    for name, key in rows:
        assert known[name]["tests"][key]["passes"] is True


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs a block in bash, in an empty folder; all that it started ends with it."""
    program = tmp_path / "bin" / "captcha-agent"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m agent.cli "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CAPTCHA_AGENT_MODELS": str(tmp_path / "models"),
        "CAPTCHA_AGENT_POLICY": "ci",
    }
    work = tmp_path / "work"
    work.mkdir()

    def run(block: str) -> str:
        with (tmp_path / "said").open("w+") as said:
            process = subprocess.Popen(
                ["bash", "-euc", block], stdout=said, stderr=said, cwd=work, env=environment,
                start_new_session=True,
            )  # fmt: skip
            try:
                status = process.wait(timeout=100)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            said.seek(0)
            text = said.read()
        assert status == 0, text
        return text

    return run


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def on(server: Server, block: str) -> str:
    """A block with the fixture site's address in the place of the README's."""
    return block.replace("http://localhost:8000", server.url)


def without_installs(commands: list[str]) -> str:
    """The commands of a CI file but those that install, on a port of their own."""
    kept = [command for command in commands if not re.match(r"pip|apt-get", command)]
    return "\n".join(kept).replace("8000", str(free_port()))


@pytest.mark.e2e
@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_ci_files(system: str, shell: Shell, tmp_path: Path) -> None:
    """Each CI file is valid YAML, and its commands solve the captcha."""
    commands: list[str]
    if system == "github":
        job: Any = yaml.safe_load(GITHUB)["jobs"]["captcha"]
        commands = [step["run"] for step in job["steps"] if "run" in step]
    else:
        job = yaml.safe_load(GITLAB)["captcha"]
        commands = job["before_script"] + job["script"]
    assert any(command.startswith("pip install") for command in commands)
    said = shell(without_installs(commands))
    assert len(re.findall("^ok ", said, re.MULTILINE)) == 4
    assert "solved" in said


@pytest.mark.e2e
def test_a_widget_file(site: Server, shell: Shell) -> None:
    """The widget file that `find` prints is one that `solve` takes."""
    (block,) = blocks("### A widget file", "sh")
    assert "solved" in shell(on(site, block))


@pytest.mark.e2e
def test_an_audit(site: Server, shell: Shell, tmp_path: Path) -> None:
    """An audit writes one JSON object, and its progress elsewhere."""
    (block,) = blocks("### How good is it on my captcha?", "sh")
    said = shell(on(site, block).replace("-n 50", "-n 2"))
    found = yaml.safe_load((tmp_path / "work" / "audit.json").read_text())
    assert found["n"] == found["solved"]["n"] == 2
    assert re.match(r"1/2 \w+ +answers ", said)
    assert [kind["n"] for kind in found["kinds"]] == [2]
    assert sum(found["failures"].values()) == 2 - found["solved"]["hits"]


@pytest.mark.e2e
def test_pictures_of_ones_own(site: Server, shell: Shell, tmp_path: Path) -> None:
    """What is learnt from labelled tiles scores and solves."""
    for label, concept in (("bus", "bus"), ("traffic light", "traffic-light"), ("_other", "cow")):
        place = tmp_path / "work" / "tiles" / label
        place.mkdir(parents=True)
        for file in (ROOT / "fixtures" / "pictures" / concept).glob("*.webp"):
            Image.open(file).convert("RGB").save(place / f"{file.stem}.png")
    (block,) = blocks("### One's own pictures", "sh")
    said = shell(on(site, block))
    assert "use it with --model ours" in said
    assert "solved" in said


STAGED = "http://staging.example.com"


@pytest.mark.e2e
def test_a_staging_host(site: Server, shell: Shell, staging: str) -> None:
    """The host is refused until it is allowed, by an option or by a policy."""
    (block,) = blocks("### A staging host", "sh")
    page = f"{STAGED}:{site.url.rpartition(':')[2]}/signup/tiles?seed=1"
    block = block.replace("https://staging.example.com/join", page)
    shell(f"captcha-agent solve {page} && exit 1 || test $? = 3")
    said = shell(f"export CAPTCHA_AGENT_CONNECT={staging}\n{block}")
    assert "staging.yaml: is a valid policy" in said


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[str]:
    """A browser that finds the staging host on this machine; its debugging port."""
    rules = "--host-resolver-rules=MAP staging.example.com 127.0.0.1"
    with debugged(tmp_path / "profile", rules) as (_, address):
        yield address
