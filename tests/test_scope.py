"""Whom the agent may touch: what is allowed, and attacks on it with the messages users see."""

from __future__ import annotations

import ipaddress

import pytest
from ada_url import URL
from hypothesis import example, given
from hypothesis import strategies as st

from agent.errors import ScopeError, UsageError
from agent.scope import Scope

ALLOWED = [
    "http://localhost/", "http://localhost:8000", "https://LOCALHOST/", "HTTP://localhost./",
    "http://127.0.0.1/", "http://127.9.8.7:1/", "http://127.0.0.1.:65535/", "http://[::1]:8000/",
    "http://[::ffff:7f00:1]/", "http://app.localhost/", "http://a.b.localhost:3000/",
    "http://shop.test/", "https://a.shop.test./", "http://bücher.test/", "http://xn--bcher-kva.test/",
    "http://tester:pass@localhost:8000/", "http://evil.com@localhost/",
    "http://localhost/?next=http://evil.com/", "http://localhost/#http://evil.com", "http://localhost#@evil.com",
    "http://localhost/?path=C:\\files and\tmore#\\@evil.com",
    "about:blank", "about:blank#blocked", "about:blank?x", "about:srcdoc",
    "blob:http://localhost/1-2-3", "ws://localhost/socket",
    "wss://shop.test/socket",
]  # fmt: skip

# Where each really leads: a host that nobody allowed.
OUTSIDE = {
    "http://example.com/": "example.com",
    "HTTPS://EXAMPLE.COM/": "example.com",
    "http://example.com./": "example.com.",
    "http://example.com:8000/": "example.com",
    "ws://example.com/": "example.com",
    # a name in front of it, behind it, in it
    "https://localhost.example.com/": "localhost.example.com",
    "http://127.0.0.1.example.com/": "127.0.0.1.example.com",
    "http://localhost.evil/": "localhost.evil",
    "http://localhost.com/": "localhost.com",
    "http://shop.test.example/": "shop.test.example",
    "http://test/": "test",
    "http://.test/": ".test",
    "http://mytest/": "mytest",
    "http://xlocalhost/": "xlocalhost",
    "http://localhost../": "localhost..",
    "http://localhost-x/": "localhost-x",
    # names that resolve to loopback in the public DNS
    "https://127.0.0.1.nip.io/": "127.0.0.1.nip.io",
    "http://localtest.me/": "localtest.me",
    "http://lvh.me:3000/": "lvh.me",
    "http://ip6-localhost/": "ip6-localhost",
    "http://localhost.localdomain/": "localhost.localdomain",
    # a user's name that looks like a host
    "http://localhost@evil.com/": "evil.com",
    "http://localhost:80@evil.com/": "evil.com",
    "http://127.0.0.1@evil.com/": "evil.com",
    "http://a@localhost@evil.com/": "evil.com",
    "http://localhost%40@evil.com/": "evil.com",
    "http://localhost%2f@evil.com/": "evil.com",
    # a host that is none: path, query, fragment
    "http://evil.com#@localhost/": "evil.com",
    "http://evil.com/@localhost": "evil.com",
    "http://evil.com?@localhost/": "evil.com",
    "http://evil.com/..//localhost/": "evil.com",
    # other machines, and addresses that are not loopback though they may lead there
    "http://10.0.0.1/": "10.0.0.1",
    "http://192.168.1.1/": "192.168.1.1",
    "http://169.254.169.254/latest/": "169.254.169.254",
    "http://128.0.0.1/": "128.0.0.1",
    "http://0.0.0.0/": "0.0.0.0",
    "http://0/": "0.0.0.0",
    "http://255.255.255.255/": "255.255.255.255",
    "http://[::]/": "[::]",
    "http://[::2]/": "[::2]",
    "http://[fe80::1]/": "[fe80::1]",
    "http://[::ffff:10.0.0.1]/": "[::ffff:a00:1]",
    "http://[::127.0.0.1]/": "[::7f00:1]",
    "http://[64:ff9b::127.0.0.1]/": "[64:ff9b::7f00:1]",
    "http://[2002:7f00:1::]/": "[2002:7f00:1::]",
    # the same in other numbers
    "http://0x0a.1/": "10.0.0.1",
    "http://012.0.0.1/": "10.0.0.1",
    "http://167772161/": "10.0.0.1",
    "http://0xA9FEA9FE/": "169.254.169.254",
    "http://１０.0.0.1/": "10.0.0.1",
    # percent signs, and letters that look like others
    "http://localhost%2eevil.com/": "localhost.evil.com",
    "http://%65vil.com/": "evil.com",
    "http://lоcalhost/": "xn--lcalhost-nbh",  # Cyrillic о
    "http://locaIhost/": "locaihost",
    "http://shop.tеst/": "shop.xn--tst-rdd",  # Cyrillic е
    "http://shop。example/": "shop.example",  # an ideographic full stop
    "http://xn--lcalhost-54a/": "xn--lcalhost-54a",
    # slashes that browsers take for others
    "http:/evil.com/": "evil.com",
    "http:evil.com/": "evil.com",
    "http:///evil.com/localhost": "evil.com",
    "blob:http://evil.com/1": "evil.com",
    "blob:https://localhost@evil.com/1": "evil.com",
}

# They lead to an allowed host, but don't say so: whoever reads them is misled, or a parser is.
DISGUISED = {
    "http://2130706433/": "127.0.0.1",
    "http://0x7f000001/": "127.0.0.1",
    "http://0x7f.0.0.1/": "127.0.0.1",
    "http://0177.0.0.1/": "127.0.0.1",
    "http://017700000001/": "127.0.0.1",
    "http://127.1/": "127.0.0.1",
    "http://127.0.0.01/": "127.0.0.1",
    "http://0x7f.1/127.0.0.1": "127.0.0.1",
    "http://127.0.0.1@0x7f.1/": "127.0.0.1",
    "blob:http://0x7f.1/1": "127.0.0.1",
    "http://１２７.0.0.1/": "127.0.0.1",
    "http://①②⑦.0.0.1/": "127.0.0.1",
    "http://127。0。0。1/": "127.0.0.1",
    "http://[0:0:0:0:0:0:0:1]/": "[::1]",
    "http://[::0001]/": "[::1]",
    "http://[::ffff:127.0.0.1]/": "[::ffff:7f00:1]",
    "http://%6cocalhost/": "localhost",
    "http://ⓛocalhost/": "localhost",
    "http://local\u00adhost/": "localhost",
    "http:localhost/": "localhost",
    "http:/localhost/": "localhost",
    "http:///localhost/": "localhost",
}

SCHEMES = {
    "file:///etc/passwd": "file",
    "FILE://localhost/etc/passwd": "file",
    "data:text/html,<p>localhost": "data",
    "javascript:alert(1)": "javascript",
    "javascript://localhost/%0aalert(1)": "javascript",
    "chrome://version": "chrome",
    "chrome-extension://abc/page.html": "chrome-extension",
    "about:config": "about",
    "about:blankly": "about",
    "java\nscript:alert(1)": "javascript",
    " data:text/html,a b\\c": "data",
    "ftp://localhost/": "ftp",
    "view-source:http://localhost/": "view-source",
    "filesystem:http://localhost/temporary/x": "filesystem",
    "mailto:x@localhost": "mailto",
    "localhost:8000": "localhost",
}

INVALID = [
    "", "localhost", "//localhost/", "/signup", "http://", "http://[::1/", "http://[::1%25lo]/",
    "http://[127.0.0.1]/", "http://localhost:99999999/", "http://localhost:8x/",
    "http://127.0.0.1.256/", "http://0x100000000/", "http://localhost%00.evil.com/",
    "http://local%20host/", "http://user@/", "http:// localhost/",
    "http://localhost\x00.evil.com/", "http://localhost/\ud800", "blob:null/1",
    "blob:data:text/html,x",
]  # fmt: skip

ODD = [
    "http://evil.com\\@localhost/", "http:\\\\localhost\\", "http://localhost\\.evil.com/",
    "http://local\thost/", "http://local\nhost/", " http://localhost/",
    "http://localhost/\r\nHost: evil.com",
]  # fmt: skip

OWN = "loopback, localhost, *.localhost, *.test"


def refusal(url: str, scope: Scope | None = None) -> str:
    with pytest.raises(ScopeError) as caught:
        (scope or Scope()).check(url)
    return str(caught.value).rpartition("': ")[2]


@pytest.mark.parametrize("url", ALLOWED)
def test_own_hosts_are_allowed(url: str) -> None:
    """Loopback, *.localhost and *.test need no permission, at any port."""
    Scope().check(url)


@pytest.mark.parametrize(("url", "host"), OUTSIDE.items())
def test_other_hosts_are_refused(url: str, host: str) -> None:
    """The message names the host that a browser would go to, and what would allow it."""
    assert refusal(url) == (
        f"the host {host!r} is outside the allowed scope ({OWN}); "
        f"if the site is yours, allow it with --allow {host}, or `allow:` in the policy"
    )


@pytest.mark.parametrize(("url", "host"), DISGUISED.items())
def test_disguised_hosts_are_refused(url: str, host: str) -> None:
    """An address must show where it leads, even where it leads to an allowed host."""
    assert refusal(url) == (
        f"browsers read its host as {host!r}; write it plainly, such as http://{host}/"
    )


@pytest.mark.parametrize(("url", "scheme"), SCHEMES.items())
def test_other_schemes_are_refused(url: str, scheme: str) -> None:
    """Files, scripts and the browser's own pages are no pages of a site."""
    assert refusal(url) == f"only http and https pages are visited (got {scheme}:)"


@pytest.mark.parametrize("url", INVALID)
def test_what_is_no_address_is_refused(url: str) -> None:
    """What a browser can't read either is refused, with an example of what it could."""
    assert refusal(url) == "no valid address; write it in full, such as http://localhost:8000/"


@pytest.mark.parametrize("url", ODD)
def test_odd_characters_are_refused(url: str) -> None:
    """Browsers drop or turn them, each in its own way."""
    assert refusal(url) == "spaces, control characters and backslashes are not allowed"


def test_allow_adds_exact_hosts_and_wildcards() -> None:
    """An exact host allows itself alone, a wildcard all that is below one, at any port."""
    allow = ("Staging.Example.com", "*.shop.example", "10.1.2.3", "[fd00::7]", "*.bücher.example")
    scope = Scope(allow=allow)
    for url in ("https://STAGING.example.com./form", "http://a.b.shop.example:81/",
                "http://10.1.2.3:8080/", "http://[fd00::7]/", "http://[::ffff:a01:203]/",
                "http://neue.bücher.example/", "http://neue.xn--bcher-kva.example/"):  # fmt: skip
        scope.check(url)
    for url in ("http://example.com/", "http://x.staging.example.com/", "http://shop.example/",
                "http://.shop.example/", "http://evilshop.example/", "http://10.1.2.4/",
                "http://staging.example.com.evil.com/", "http://[fd00::8]/", "http://[fd00::7:0]/",
                "http://xstaging.example.com/", "http://bücher.example/"):  # fmt: skip
        assert "is outside the allowed scope" in refusal(url, scope)


def test_the_message_says_what_would_allow_it() -> None:
    """A refusal names the address without its secrets, the host, the scope, and the option."""
    with pytest.raises(ScopeError) as caught:
        Scope(allow=("a.example",)).check("https://me:pw@shop.example/login?token=abc#x")
    assert str(caught.value) == (
        "refused 'https://shop.example/login?token=redacted': the host 'shop.example' is outside "
        "the allowed scope (loopback, localhost, *.localhost, *.test, a.example); if the site is "
        "yours, allow it with --allow shop.example, or `allow:` in the policy"
    )


@pytest.mark.parametrize(
    "text",
    ["*", "*.", "*.com", "*.com/x", "*.*.x", "*.0.0.1", "http://x", "x:80", "x/y", "u@x", "", "a b",
     "-x", "a..b", "0x7f.1", "127.1", "2130706433", "a%41", "a\tb", "[::1", "ⓛocalhost.example"],
)  # fmt: skip
def test_bad_patterns(text: str) -> None:
    """A pattern that is no host, or is not written plainly, is refused by name."""
    with pytest.raises(UsageError) as caught:
        Scope(allow=(text,))
    assert str(caught.value) == (
        f"allow {text!r}: must be a host such as staging.example.com, "
        "or *.example.com for all hosts below one; without scheme, port and path"
    )


PIECES = st.sampled_from(
    ["http", "https", "blob", "data", ":", "/", "//", "\\", "@", "#", "?", "%", "%2e", "%40", "%00",
     "localhost", "LOCALHOST", "shop.test", "test", "evil.com", ".", "..", "127.0.0.1", "127.1",
     "0x7f", "0177", "[", "]", "::1", "::ffff:", "１", "。", "xn--", "\u00ad", "о", " ", "\t",
     "\n", "8"]
)  # fmt: skip


STARTS = st.sampled_from(["http://", "https://", "blob:http://", "ws://", "http:", ""])
HOSTS = st.sampled_from(["localhost", "127.0.0.1", "shop.test", "[::1]", "evil.com", ""])
NEXT = st.sampled_from(["", "/", ":80/", "?", "#", ".", "@", "%2e", "\\", "\t"])
REST = st.lists(PIECES | st.characters(), max_size=6).map("".join)


@given(st.tuples(STARTS, HOSTS, NEXT, REST).map("".join) | REST)
@example("http://evil.com\\@localhost/")
@example("http://localhost\t.evil.com")
def test_no_other_host_gets_through(url: str) -> None:
    """Whatever the string, a browser that opens one that is allowed stays on an allowed host."""
    if not Scope().allows(url) or url.startswith("about:"):
        return
    read = URL(url)
    host = URL(read.origin).hostname
    if host[0] == "[" or host[-1].isdigit():
        assert host == "[::ffff:7f00:1]" or ipaddress.ip_address(host.strip("[]")).is_loopback
    else:
        name = host.removesuffix(".")
        assert name == "localhost" or name.endswith((".localhost", ".test")), (url, host)
