"""Whom the agent may touch: loopback, `*.localhost`, `*.test`, and hosts that the user names.

An address is read as browsers read it (the WHATWG URL standard, by the parser that Node.js uses):
what the browser would open is what is checked. One that says in a roundabout way where it leads
(`http://0x7f.1/`, `http://%6cocalhost/`) is refused even if it leads to an allowed host.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from ada_url import URL, idna

from agent import redaction
from agent.errors import ScopeError, UsageError

_OWN = ("localhost", "*.localhost", "*.test")
_NAME = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
)
_SCHEMES = ("http:", "https:", "ws:", "wss:")
# Browsers read much else as an address, too: `http:/host`, `http:\\host`, `ht<tab>tp://host`.
_WRITTEN_OUT = re.compile(
    r"(?:blob:)?(?:https?|wss?)://(?:[^/?#]*@)?(\[[^/?#@]*\]|[^/?#@:]+)", re.IGNORECASE
)
# Dropped or turned by browsers, each in its own way; in a query they do no harm.
_ODD_CHARACTERS = re.compile(r"[^?#]*[\x00-\x20\x7f\\]")
_BLANK = re.compile(r"about:(?:blank|srcdoc)(?:[?#].*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Scope:
    """The allowed hosts: `allow` adds exact hosts, or `*.example.com` for all below one.

    Every port of an allowed host is allowed. Raises UsageError where a pattern is no host name.
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
            raise ScopeError(f"refused {redaction.address(url)!r}: {objection}")

    def _objection(self, url: str) -> str:
        if _BLANK.fullmatch(url):
            return ""  # belongs to the page that made it, which is checked by itself
        try:
            parsed = URL(url)
            if parsed.protocol == "blob:":
                parsed = URL(parsed.origin)  # of the page that made it; "null" is no address
        except ValueError:
            return "no valid address; write it in full, such as http://localhost:8000/"
        if parsed.protocol not in _SCHEMES:
            return f"only http and https pages are visited (got {parsed.protocol})"
        if _ODD_CHARACTERS.match(url):
            return "spaces, control characters and backslashes are not allowed"
        if not self._allows_host(parsed.hostname):
            return self._outside(parsed.hostname)
        return _disguise(url, parsed.hostname)

    def _allows_host(self, host: str) -> bool:
        address = _address(host)
        if address is not None:
            return address.is_loopback or str(address) in self._patterns
        name = _without_root(host)
        return any(
            name.endswith(pattern[1:]) and name != pattern[1:]
            if pattern.startswith("*.")
            else name == pattern
            for pattern in self._patterns
        )

    def _outside(self, host: str) -> str:
        allowed = ", ".join(("loopback", *self._patterns))
        return (
            f"the host {host!r} is outside the allowed scope ({allowed}); "
            f"if the site is yours, allow it with --allow {host}, or `allow:` in the policy"
        )


def _disguise(url: str, host: str) -> str:
    """An objection where `url` does not show the host that a browser reads from it."""
    written = _WRITTEN_OUT.match(url)
    if written and _without_root(written[1].lower()) in _spellings(host):
        return ""
    return f"browsers read its host as {host!r}; write it plainly, such as http://{host}/"


def _spellings(host: str) -> tuple[str, str]:
    """The plain ways to write a host that a browser has read: in ASCII, and in its own letters."""
    name = _without_root(host)
    return name, idna.decode(name)


def _without_root(host: str) -> str:
    return host.removesuffix(".")


def _pattern(text: str) -> str:
    wildcard = "*." if text.startswith("*.") else ""
    name = text.removeprefix("*.")
    try:
        host = URL(f"http://[{name}]/" if ":" in name and "[" not in name else f"http://{name}/")
    except ValueError:
        raise _no_host(text) from None
    address = _address(host.hostname)
    if address is not None and not wildcard and str(address) == name.strip("[]").lower():
        return str(address)
    found = _without_root(host.hostname)
    plain = _without_root(name.lower()) in _spellings(found)
    if address or not plain or not _NAME.fullmatch(found) or (wildcard and "." not in found):
        raise _no_host(text)
    return wildcard + found


def _no_host(text: str) -> UsageError:
    return UsageError(
        f"allow {text!r}: must be a host such as staging.example.com, "
        "or *.example.com for all hosts below one; without scheme, port and path"
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
