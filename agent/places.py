"""Where the files lie that come with the package: policies and the fixture site.

In a checkout they are top-level folders; the wheel carries them as `agent/_policies` and
`agent/_fixtures`, so that installing claims no top-level name but `agent`.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).parent


def policies_folder() -> Path:
    """The folder of the shipped policies."""
    shipped = _PACKAGE / "_policies"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "policies"


def pictures_folder() -> Path:
    """The folder of the fixture site's drawings."""
    shipped = _PACKAGE / "_fixtures"
    return (shipped if shipped.is_dir() else _PACKAGE.parent / "fixtures") / "pictures"


def fixture_site() -> ModuleType:
    """The module that serves the fixture site."""
    package = "agent._fixtures" if (_PACKAGE / "_fixtures").is_dir() else "fixtures"
    return importlib.import_module(f"{package}.site")
