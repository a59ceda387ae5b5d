"""The exceptions of captcha-agent.

CaptchaAgentError
├── UsageError          wrong option, policy, widget file or picture          exit status 2
├── ScopeError          the page is outside the allowed scope                 exit status 3
├── MissingError        the machine lacks a browser, a model, a package       exit status 4
└── SiteError           the page could not be reached or went away            exit status 1

A rejected answer is not here: it is a verdict (`agent.data.Verdict`), not an exception.
"""

from typing import ClassVar


class CaptchaAgentError(Exception):
    """Base of all errors that captcha-agent raises on purpose.

    The message is one that a person can act on: where, what was expected, what came, what to do.
    """

    exit_status: ClassVar[int] = 1


class UsageError(CaptchaAgentError):
    """An option, a policy, a widget file or an input picture is wrong."""

    exit_status = 2


class ScopeError(CaptchaAgentError):
    """The page, a redirect or a frame is outside the allowed scope."""

    exit_status = 3


class MissingError(CaptchaAgentError):
    """The machine lacks a browser, a model or an optional package."""

    exit_status = 4


class SiteError(CaptchaAgentError):
    """The page could not be reached, or the browser or page vanished while it was in use."""
