"""Whom the agent may touch: loopback, `*.localhost`, `*.test`, and hosts that the user names."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from agent.errors import ScopeError, UsageError

_OWN = ("localhost", "*.localhost", "*.test")
_HOST = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
)
# Browsers read these as IPv4 addresses, each in its own way: 2130706433, 0x7f.1, 0177.0.0.1.
_ODD_NUMBER = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*\.?")


@dataclass(frozen=True, slots=True)
class Scope:
    """The allowed hosts: `allow` adds exact hosts, or `*.example.com` for all below one.

    Raises UsageError where a pattern is no host name.
    """

    allow: tuple[str, ...] = ()
    _patterns: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_patterns", (*_OWN, *(_pattern(text) for text in self.allow)))

    def allows(self, url: str) -> bool:
        """Whether `url` may be visited, shown in a frame, or posted to."""
        return not self._objection(url)

    def check(self, url: str) -> None:
        """Raise ScopeError where `url` is not allowed; the message says what would allow it."""
        objection = self._objection(url)
        if objection:
            raise ScopeError(objection)

    def _objection(self, url: str) -> str:
        if url in ("about:blank", "about:srcdoc"):
            return ""  # belongs to the page that made it, which is checked by itself
        if url.startswith("blob:"):
            url = url.removeprefix("blob:")
        if re.search(r"[\x00-\x20\x7f\\]", url):
            return f"refused {url!r}: spaces, control characters and backslashes are not allowed"
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            return f"refused {url!r}: no valid address ({error})"
        if parts.scheme not in ("http", "https", "ws", "wss"):
            scheme = parts.scheme or "none"
            return f"refused {url!r}: only http and https pages are visited (got {scheme})"
        if not host or "%" in host:
            return f"refused {url!r}: it names no host"
        return "" if self._allows_host(host) else self._refusal(url, host)

    def _allows_host(self, host: str) -> bool:
        address = _address(host)
        if address is not None:
            return address.is_loopback or str(address) in self._patterns
        name = _ascii(host)
        return any(
            name.endswith(pattern[1:]) and name != pattern[2:]
            if pattern.startswith("*.")
            else name == pattern
            for pattern in self._patterns
        )

    def _refusal(self, url: str, host: str) -> str:
        if _address(host) is None and _ODD_NUMBER.fullmatch(host):
            return f"refused {url!r}: browsers read {host!r} as an address; write it plainly"
        allowed = ", ".join(("loopback", *self._patterns))
        return (
            f"refused {url!r}: the host {host!r} is outside the allowed scope ({allowed}); "
            f"if the site is yours, allow it with --allow {host}, or `allow:` in the policy"
        )


def _pattern(text: str) -> str:
    address = _address(text.strip("[]"))
    if address is not None:
        return str(address)
    name = _ascii(text)
    labels = name.removeprefix("*.").split(".")
    if not _HOST.fullmatch(name) or (name.startswith("*.") and len(labels) < 2):
        raise UsageError(
            f"allow {text!r}: must be a host such as staging.example.com, "
            "or *.example.com for all hosts below one; without scheme, port and path"
        )
    return name


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _ascii(host: str) -> str:
    """Lower case, punycode, without the dot of the root."""
    host = host.lower().removesuffix(".")
    try:
        return host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        return host
