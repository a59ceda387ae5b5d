"""Whom the agent may touch."""

from __future__ import annotations

import pytest

from agent.errors import ScopeError, UsageError
from agent.scope import Scope

ALLOWED = [
    "http://localhost/", "http://localhost:8000/x", "https://LOCALHOST/", "http://localhost./",
    "http://127.0.0.1/", "http://127.9.8.7:1/", "http://[::1]:8000/", "http://[::ffff:127.0.0.1]/",
    "http://app.localhost/", "http://a.b.localhost:3000/", "http://shop.test/", "https://a.shop.test/",
    "about:blank", "about:srcdoc", "blob:http://localhost/1-2-3", "ws://localhost/socket",
]  # fmt: skip
REFUSED = [
    "http://example.com/", "https://localhost.example.com/", "http://localhost.evil/", "http://test/",
    "http://mytest/", "http://xlocalhost/", "http://localhost@evil.com/", "http://127.0.0.1@evil.com/",
    "http://evil.com#@localhost/", "http://evil.com\\@localhost/", "http://evil.com/@localhost",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://0.0.0.0/", "http://169.254.169.254/",
    "http://[::]/", "http://[fe80::1]/", "http://[::ffff:10.0.0.1]/", "http://2130706433/",
    "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/", "http://017700000001/",
    "http://localhost%00.evil.com/", "http://localhost%2eevil.com/", "http:// localhost/",
    "http://local\thost/", "http://local\nhost/", "file:///etc/passwd", "data:text/html,x",
    "javascript:alert(1)", "chrome://version", "ftp://localhost/", "view-source:http://localhost/",
    "blob:http://evil.com/1", "blob:null", "http://", "http:///path", "//localhost/", "localhost",
    "", "http://[::1/", "http://localhost:99999999/", "http://localhost.com/", "http://example.test.com/",
    "http://xn--lcalhost-54a/", "http://lоcalhost/", "https://127.0.0.1.nip.io/", "about:config",
]  # fmt: skip


@pytest.mark.parametrize("url", ALLOWED)
def test_own_hosts_are_allowed(url: str) -> None:
    """Loopback, *.localhost and *.test need no permission."""
    Scope().check(url)


@pytest.mark.parametrize("url", REFUSED)
def test_everything_else_is_refused(url: str) -> None:
    """Other hosts, other schemes and unclear addresses are refused."""
    with pytest.raises(ScopeError):
        Scope().check(url)


def test_allow_adds_exact_hosts_and_wildcards() -> None:
    """An exact host allows itself alone, a wildcard all that is below one."""
    scope = Scope(allow=("staging.example.com", "*.shop.example", "10.1.2.3"))
    assert scope.allows("https://STAGING.example.com./form")
    assert scope.allows("http://a.b.shop.example/")
    assert scope.allows("http://10.1.2.3:8080/")
    for url in ("http://example.com/", "http://x.staging.example.com/", "http://shop.example/",
                "http://evilshop.example/", "http://10.1.2.4/"):  # fmt: skip
        assert not scope.allows(url)


def test_the_message_says_what_would_allow_it() -> None:
    """A refusal names the host, the allowed scope, and the option."""
    with pytest.raises(ScopeError) as caught:
        Scope().check("https://shop.example/login")
    assert str(caught.value) == (
        "refused 'https://shop.example/login': the host 'shop.example' is outside the allowed "
        "scope "
        "(loopback, localhost, *.localhost, *.test); if the site is yours, allow it with "
        "--allow shop.example, or `allow:` in the policy"
    )


@pytest.mark.parametrize("text", ["*", "*.com/x", "http://x", "x:80", "", "a b", "-x", "*.*.x"])
def test_bad_patterns(text: str) -> None:
    """A pattern that is no host is refused by name."""
    with pytest.raises(UsageError, match="must be a host such as"):
        Scope(allow=(text,))
