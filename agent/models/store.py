"""Model packages: where they are, whether their files are whole, which there are, removing one."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from agent.errors import MissingError, UsageError
from agent.models.card import CARD, Card, read_card

FOLDER_VARIABLE = "CAPTCHA_AGENT_MODELS"
SHIPPED = "lite"
PARTIAL = ".partial"  # in the folder of models: what is being prepared
CALIBRATION = "calibration.npz"
WEIGHTS = ".weights"  # a graph's own file of weights: checked when the graph is loaded
_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Package:
    """A model package: its folder and its card."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def size_bytes(self) -> int:
        """What its files take on disk; those that are gone take nothing."""
        paths = [self.folder / file for file in self.card.files]
        return sum(path.stat().st_size for path in paths if path.is_file())

    def checked(self, file: str) -> Path:
        """The path of one of its files, after a look at its SHA-256."""
        path = self.folder / file
        if path.is_symlink():
            raise UsageError(f"{path}: a package's files lie in its own folder (got a link)")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: a package's files are plain files (got something else)")
        _check_file(path, self.card.files[file])
        return path


def models_folder() -> Path:
    """Where prepared packages are kept: $CAPTCHA_AGENT_MODELS, else the platform's data folder."""
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(given)
    from platformdirs import user_data_path  # only where a package is not the shipped one

    return user_data_path("captcha-agent", appauthor=False) / "models"


def check_name(name: str) -> str:
    """`name`, where a package can be called that; else UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"model name {name!r}: must be at most 100 of a-z, 0-9, '.', '_' and '-', and start "
            "with a letter or digit"
        )
    return name


def open_package(name_or_folder: str) -> Package:
    """The package of a name ("lite", or a prepared one) or folder, its files checked.

    Files of weights are checked when they are loaded. Raises MissingError where the package is not
    there, UsageError where a file is wrong or altered.
    """
    folder = _folder(name_or_folder)
    if folder is None or not (folder / CARD).is_file():
        raise MissingError(f"model {name_or_folder!r}: no model package there; {_way_to(folder)}")
    package = Package(folder, read_card(folder))
    for file in package.card.files:
        if not file.endswith(WEIGHTS):
            package.checked(file)
    return package


def _folder(name_or_folder: str) -> Path | None:
    if name_or_folder == SHIPPED:
        return _HERE / SHIPPED
    if _NAME.fullmatch(name_or_folder):
        stored = models_folder() / name_or_folder
        if stored.is_symlink():
            raise UsageError(f"{stored}: a model's folder must not be a link; remove the link")
        if stored.is_dir():
            return stored
    folder = Path(name_or_folder)
    return folder if folder.is_dir() else None


def _way_to(folder: Path | None) -> str:
    ways = f"use {SHIPPED!r}, which comes with captcha-agent, or the folder of a package"
    if folder is not None:
        return f"{ways}, which holds a {CARD}"
    return f"{ways}; `captcha-agent models list` says which there are and which can be prepared"


def names() -> list[str]:
    """The shipped package's name and those of all prepared ones."""
    root = models_folder()
    found = root.iterdir() if root.is_dir() else ()
    return [SHIPPED, *sorted(folder.name for folder in found if _is_package(folder))]


def _is_package(folder: Path) -> bool:
    named = _NAME.fullmatch(folder.name) is not None and folder.name != SHIPPED
    return named and not folder.is_symlink() and (folder / CARD).is_file()


def remove(name: str) -> Path:
    """Delete the prepared package `name`; returns the folder that it was in.

    Raises UsageError for the shipped one and for what is no name, MissingError where there is none.
    """
    if name == SHIPPED:
        raise UsageError(f"model {name!r} comes with captcha-agent and is not removed")
    folder = models_folder() / check_name(name)
    if not _is_package(folder):
        raise MissingError(
            f"model {name!r}: no prepared package of that name in {folder.parent}; "
            "`captcha-agent models list` says which there are"
        )
    from filelock import FileLock, Timeout

    partial = folder.parent / PARTIAL
    partial.mkdir(exist_ok=True)
    try:
        with FileLock(lock_path(name), timeout=0):
            # Renamed first: nobody sees half of it.
            folder.rename(leaving := partial / f"{name}.removed-{os.getpid()}")
            for leftover in (leaving, *partial.glob(f"{name}-" + "[0-9a-f]" * 16)):
                shutil.rmtree(leftover)
    except Timeout as error:
        raise UsageError(
            f"model {name!r} is being prepared by another process; wait for that to end"
        ) from error
    return folder


def replace(made: Path, place: Path) -> None:
    """Rename a finished package into place, by way of a third name where a former one is there."""
    former = made.with_name(f"{place.name}.former-{os.getpid()}")
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        place.rename(former)
    made.rename(place)
    shutil.rmtree(former, ignore_errors=True)


def lock_path(name: str) -> Path:
    """The file that is locked while the package `name` is made or removed."""
    return models_folder() / PARTIAL / f"{name}.lock"


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_file(path: Path, expected: str) -> None:
    try:
        digest = sha256(path)
    except OSError as error:
        raise MissingError(f"{path}: cannot be read: {error.strerror}; install it again") from error
    if digest != expected:
        raise UsageError(
            f"{path}: the file is damaged or altered: SHA-256 must be {expected} (got {digest}); "
            "install it again"
        )
