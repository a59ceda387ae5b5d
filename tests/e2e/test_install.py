"""The wheel, installed where nothing else is, away from this repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from agent import __version__

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.install]

HOLDS = (
    "agent/py.typed",
    "agent/_policies/default.yaml",
    "agent/_fixtures/site.py",
    "agent/_fixtures/kinds.yaml",
    "agent/_fixtures/LICENSES.md",
    "agent/languages/de.yaml",
    "agent/look.js",
    "agent/models/lite/image.onnx",
    "agent/models/lite/open_clip_model.safetensors",
    "agent/models/presets.yaml",
)


_OURS = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}


def call(*command: object, folder: Path) -> str:
    """What a command says; it sees neither this repository nor this environment."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in _OURS},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if not path.is_symlink())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check")
    call(*pip, "--no-deps", "--wheel-dir", folder, ROOT, folder=folder)
    (made,) = folder.glob("*.whl")
    return made


def test_what_is_in_the_wheel(wheel: Path) -> None:
    """Code, policies, fixture site and model, under one name; no tests, nothing twice."""
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in HOLDS if name not in names] == []
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"agent", f"captcha_agent-{__version__}.dist-info"}
    assert len(names) == len(set(names))


def test_it_runs_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    """In an empty environment and folder it explains itself, solves captchas, and is small."""
    place, work = tmp_path / "venv", tmp_path / "work"
    work.mkdir()
    venv.create(place, with_pip=True)
    empty = size(place)
    python, program = place / "bin" / "python", place / "bin" / "captcha-agent"
    call(
        python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, folder=work
    )
    where = call(python, "-c", "import agent; print(agent.__file__)", folder=work)
    assert where.startswith(str(place))
    assert "captcha-agent demo" in call(program, "--help", folder=work)
    assert "ci" in call(program, "policy", "list", folder=work)
    # Two, because a single one that is not solved is an exit status of its own.
    made = call(program, "demo", "--kind", "tiles", "-n", "2", "--json", folder=work)
    assert json.loads(made)["kinds"][0]["solved"]["hits"] >= 1
    packages = {path.name.partition("-")[0] for path in place.glob("lib/*/site-packages/*")}
    assert packages & {"torch", "open_clip", "open_clip_torch", "onnx"} == set()
    assert size(place) - empty < 450 * 2**20
