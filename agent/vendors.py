"""Public vendors' widgets, known by frame, script and site key: clicked through with test keys.

The scorer never runs in a vendor's frame. A key that is not published for tests is refused on
every page, one's own included: a production widget can be embedded anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from agent.data import Frame, Snapshot
from agent.tables import table


@dataclass(frozen=True, slots=True)
class TestKey:
    """A published key: whether its widget passes, and the token it gives ("" where unknown)."""

    passes: bool
    token: str = ""


@dataclass(frozen=True, slots=True)
class Vendor:
    """One entry of `vendors.yaml`."""

    name: str
    at: tuple[str, ...]
    key: str = ""
    field: str = ""
    documented: str = ""
    tests: tuple[tuple[str, TestKey], ...] = ()


@dataclass(frozen=True, slots=True)
class Embedded:
    """A vendor's widget on a page: `key` is empty where none was seen, `test` is its record."""

    vendor: Vendor
    key: str
    test: TestKey | None
    frame: Frame | None


@cache
def _vendors() -> tuple[Vendor, ...]:
    content: dict[str, dict[str, Any]] = table("vendors.yaml")
    return tuple(_vendor(name, entry) for name, entry in content.items())


def _vendor(name: str, entry: dict[str, Any]) -> Vendor:
    tests = tuple((str(key), TestKey(**told)) for key, told in entry.pop("tests", {}).items())
    return Vendor(name, tuple(entry.pop("at")), tests=tests, **entry)


@cache
def of(url: str) -> Vendor | None:
    """The vendor that an address of a frame or a script belongs to, or None."""
    parts = urlsplit(url)
    return next(
        (
            vendor
            for vendor in _vendors()
            if any(_lies_at(parts.hostname or "", parts.path, place) for place in vendor.at)
        ),
        None,
    )


def _lies_at(host: str, path: str, place: str) -> bool:
    name, slash, start = place.partition("/")
    known = host.endswith(name[1:]) if name.startswith("*.") else host == name
    return known and (path or "/").startswith(slash + start)


def has_test_key(url: str, keys: Iterable[str]) -> bool:
    """Whether a vendor's frame may be looked into: it, or the page's keys, name a test key."""
    vendor = of(url)
    if vendor is None:
        return False
    own = _key_in(vendor, url)
    known = dict(vendor.tests)
    return own in known if own else any(key in known for key in keys)


def embedded(snapshot: Snapshot) -> Embedded | None:
    """The vendor's widget of a page; one that is no test widget before one that is."""
    return min(
        _embedded(snapshot),
        key=lambda found: (found.test is not None, not found.frame),
        default=None,
    )


def _embedded(snapshot: Snapshot) -> Iterator[Embedded]:
    page_keys = {key for frame in snapshot.frames for key in frame.keys}
    for frame in snapshot.frames:
        addresses = [(frame.url, frame), *((script, None) for script in frame.scripts)]
        for url, shown in addresses:
            vendor = of(url)
            if vendor is None:
                continue
            known = dict(vendor.tests)
            own = _key_in(vendor, url)
            for key in {own} if own else page_keys or {""}:
                # A script alone may serve what has no widget, or show one later.
                if key or shown or not known:
                    yield Embedded(vendor, key, known.get(key), shown)


def _key_in(vendor: Vendor, url: str) -> str:
    match = re.search(vendor.key, unquote(url)) if vendor.key else None
    return match[1] if match else ""


def refusal(found: Embedded) -> str:
    """Why a widget is refused, and which test key would do."""
    vendor, key = found.vendor, found.key
    what = f"refused: this is a widget of {vendor.name}"
    if not vendor.tests:
        return (
            f"{what}, which publishes no test key: switch it off under test, or put an image "
            "captcha of your own in its place"
        )
    own = f" with the site key {key!r}" if key else " with a site key that can't be seen"
    passing = [test for test, told in vendor.tests if told.passes]
    return (
        f"{what}{own}, which is no test key; vendors' captchas are not solved. In tests use the "
        f"published key {passing[0]!r}: see {vendor.documented}"
    )


def fingerprint(text: str) -> str:
    """What `look.js` calls the fingerprint of `text`: good for comparing tokens unseen."""
    if not text:
        return ""
    number = 0
    for letter in text:
        number = (31 * number + ord(letter)) & 0xFFFFFFFF
    return f"{_base36(number)}.{_base36(len(text))}"


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits
