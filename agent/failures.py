"""Notes what a site's server answers while it is in trouble, or when it is asked too often.

A page need not show it: a widget whose answer could not be checked may just stay as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from agent.data import Failure

_MOST = 1000


class Failures:
    """Those of one Playwright page (sync or async), as they come."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._seen: list[Failure] = []
        page.on("response", self._note)

    @property
    def seen(self) -> tuple[Failure, ...]:
        """All since the beginning, in order."""
        return tuple(self._seen)

    def close(self) -> None:
        """Stop listening."""
        self._page.remove_listener("response", self._note)

    def _note(self, response: Any) -> None:
        """Only a page of this site, or an answer to something that was sent to it, says anything of
        the captcha: a picture that can't be served, or a counter of visits that is down, does not.
        """
        status, request = response.status, response.request
        if (status != 429 and status < 500) or len(self._seen) >= _MOST:
            return
        place, here = urlsplit(request.url), urlsplit(self._page.url)
        told = request.method != "GET" or request.resource_type == "document"
        if told and place.netloc == here.netloc:
            asked = response.headers.get("retry-after", "")
            self._seen.append(Failure(status, place.path, seconds(asked)))


def seconds(retry_after: str) -> float | None:
    """What a Retry-After header asks for: seconds, or a date (RFC 9110, section 10.2.3)."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max((date - datetime.now(UTC)).total_seconds(), 0.0) if date.tzinfo else None
