"""Keeps a page inside the scope while it is worked on: stops requests that leave it, notes them.

What is never sent: pages, frames, popups and submits that lead outside, and where the policy says
so every other request too. Playwright shows a route only the first request of a chain of
redirects; Chromium's own protocol shows each. In other browsers, and in a frame of another site,
a later hop is noticed, and refused, after it was sent.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from playwright.async_api import Error as PlaywrightError

from agent import vendors
from agent.errors import ScopeError
from agent.scope import Scope
from agent.waiting import Steps

_ALL = "**/*"
_DOCUMENTS = {"patterns": [{"urlPattern": "*", "resourceType": "Document"}]}


class Gate:
    """Stands around `page` (sync or async) and the popups that it opens.

    Pages that its context had before are somebody else's. `block_all` stops pictures, scripts,
    calls and web sockets that lead outside, not only pages, frames and submits; what a vendor's
    widget is made of passes, as it is judged by its key.
    """

    def __init__(self, page: Any, scope: Scope, *, block_all: bool) -> None:
        self._page = page
        self._context = page.context
        self._others = [other for other in page.context.pages if other != page]
        self._scope = scope
        self._check_scope = lru_cache(maxsize=128)(scope.check)  # what is refused is not kept
        self._block_all = block_all
        self._outside: list[str] = []
        self._shut = False
        self._protocol: Any = None
        self._main_frame = ""
        self._context.on("request", self._note)

    def check(self) -> None:
        """Raise ScopeError for what is outside now, or tried to get there since."""
        for url in self._outside:
            self._check(url)
        for page in self._context.pages:
            if page not in self._others:
                for frame in page.frames:
                    vendor = frame.parent_frame is not None and vendors.of(frame.url) is not None
                    # Chromium shows an error page of its own where a connection failed.
                    if frame.url and not vendor and not frame.url.startswith("chrome-error:"):
                        self._check(frame.url)

    def _check(self, url: str) -> None:
        try:
            self._check_scope(url)
        except ScopeError as error:
            raise ScopeError(f"{error} (nothing was screenshotted or clicked there)") from error

    def shut(self) -> Steps:
        """Begin to stop what leaves the scope; does nothing the second time."""
        if self._shut:
            return
        self._shut = True
        yield self._context.route(_ALL, self._route)
        if self._block_all:
            yield self._context.route_web_socket(self._is_outside, self._route_web_socket)
        with contextlib.suppress(PlaywrightError):  # only Chromium has this protocol
            self._protocol = yield self._context.new_cdp_session(self._page)
            self._protocol.on("Fetch.requestPaused", self._resume)
            tree = yield self._protocol.send("Page.getFrameTree")
            self._main_frame = tree["frameTree"]["frame"]["id"]
            yield self._protocol.send("Fetch.enable", _DOCUMENTS)

    def open(self) -> Steps:
        """Let everything pass again; the page stays as it is."""
        self._context.remove_listener("request", self._note)
        if not self._shut:
            return
        self._shut = False
        with contextlib.suppress(PlaywrightError):  # the page or the browser may be gone
            yield self._context.unroute(_ALL, self._route)
            if self._protocol is not None:
                yield self._protocol.detach()

    def _is_outside(self, url: str) -> bool:
        return not self._scope.allows(url)

    def _leaves(self, request: Any) -> bool:
        """Whether a page, frame, popup or submit leads outside."""
        if not request.is_navigation_request() or not self._is_outside(request.url):
            return False
        return not self._is_elsewhere(request) and not self._is_vendors(request)

    def _loads_from_outside(self, request: Any) -> bool:
        """Whether a page loads something from outside; what a vendor's widget needs is its own."""
        if not self._is_outside(request.url) or self._is_elsewhere(request):
            return False
        return vendors.of(request.url) is None and not self._is_from_vendors(request)

    def _is_from_vendors(self, request: Any) -> bool:
        """Whether a vendor's frame asks for it."""
        try:
            return vendors.of(request.frame.url) is not None
        except PlaywrightError:
            return False  # no frame's

    def _is_vendors(self, request: Any) -> bool:
        """Whether it fills a vendor's frame: that is judged by its key, not by its address."""
        try:
            return vendors.of(request.url) is not None and request.frame.parent_frame is not None
        except PlaywrightError:
            return False  # no frame's

    def _is_elsewhere(self, request: Any) -> bool:
        try:
            return request.frame.page in self._others
        except PlaywrightError:
            return False  # a service worker's, or a popup's that has no frame yet

    def _note(self, request: Any) -> None:
        if self._leaves(request):
            self._outside.append(request.url)

    def _route(self, route: Any) -> Any:
        request = route.request
        stop = self._leaves(request) or (self._block_all and self._loads_from_outside(request))
        return _performed(lambda: route.abort("blockedbyclient") if stop else route.fallback())

    def _route_web_socket(self, socket: Any) -> Any:
        # Such a route can't be taken back: sockets that are opened later are let through.
        return _performed(lambda: socket.close() if self._shut else socket.connect_to_server())

    def _resume(self, paused: dict[str, Any]) -> Any:
        """Decide on one hop of a redirect: `paused` is Chromium's Fetch.requestPaused."""
        url, told = paused["request"]["url"], {"requestId": paused["requestId"]}
        framed = paused.get("frameId") != self._main_frame
        if self._is_outside(url) and not (framed and vendors.of(url)):
            self._outside.append(url)
            told["errorReason"] = "BlockedByClient"
        method = "Fetch.failRequest" if "errorReason" in told else "Fetch.continueRequest"
        return _performed(lambda: self._protocol.send(method, told))


def _performed(call: Callable[[], Any]) -> Any:
    """Make a Playwright call from a handler; what it was about may be gone by then."""
    with contextlib.suppress(PlaywrightError):
        pending = call()
        return _awaited(pending) if inspect.isawaitable(pending) else None


async def _awaited(pending: Any) -> None:
    with contextlib.suppress(PlaywrightError):
        await pending
