"""
Errors: what can go wrong, in Candor's own words.

* CandorError
  + Malformed         the request cannot be read at all                 -> 400
  + Invalid           the request can be read and cannot be meant       -> 422
  + Unauthenticated   no credential, or one we do not know              -> 401
  + Refused           a valid credential that is not enough             -> 403
  + NotFound          the thing asked for does not exist                -> 404
  + Conflict          it contradicts what is already there              -> 409
  + TooLarge          more bytes than we take                           -> 413
  + UnsupportedType   a kind of content we have no reader for           -> 415
  + TooMany           asked too often; carries `retry_after` seconds    -> 429
  + UpstreamFailed    a page we were asked to fetch failed              -> 502
  + Unavailable       a service we lean on failed; worth trying again   -> 503

Only `candor.edge` knows the numbers. Adapters translate their library's errors into these.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing wrong with a request: `loc` is the path to the field, outermost first."""

    loc: tuple[str | int, ...]
    msg: str


class CandorError(Exception):
    """Base of every error Candor raises on purpose. The text is a sentence for the caller."""


class Malformed(CandorError):
    """The request cannot be read."""


class Invalid(CandorError):
    """The request can be read, and cannot be meant as written."""

    def __init__(self, sentence: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(sentence)
        self.faults = tuple(faults)


class Unauthenticated(CandorError):
    """No credential, or one we do not know."""


class Refused(CandorError):
    """A valid credential that is not enough for this."""


class NotFound(CandorError):
    """The thing asked for does not exist."""


class Conflict(CandorError):
    """The request contradicts what is already there."""

    def __init__(self, sentence: str, *, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class TooLarge(CandorError):
    """More bytes than we take."""


class UnsupportedType(CandorError):
    """A kind of content we have no reader for."""


class TooMany(CandorError):
    """Asked too often; try again after `retry_after` seconds."""

    def __init__(self, sentence: str, *, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class UpstreamFailed(CandorError):
    """A page we were asked to fetch could not be fetched."""


class Unavailable(CandorError):
    """A service we lean on failed; the same call may succeed after `retry_after` seconds."""

    def __init__(self, sentence: str, *, retry_after: int = 5) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
