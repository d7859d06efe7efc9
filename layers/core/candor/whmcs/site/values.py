"""
WHMCS site values: how a helpdesk is reached, and what reading it gives.

Whoever crawls holds a `Helpdesk` (`reading.open_helpdesk`) and neither knows nor cares whether the API, the
admin area's pages or a customer's pages stand behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol, Self

from candor.errors import Refused, TooMany
from candor.tickets.values import TicketDraft


class SessionExpired(Refused):
    """
    Logged out, and nothing here can log in again: cookies alone, a one-time code, or it happens each time.

    A helpdesk that can log in again does so by itself, once, and goes on.
    """


class RateLimited(TooMany):
    """The site answers 429 or 503: nothing more is to be asked of it for `retry_after` seconds."""


class Area(StrEnum):
    """Whose pages are read."""

    ADMIN = "admin"
    CLIENT = "client"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cookie:
    """A cookie as a browser keeps it."""

    name: str
    value: str = field(repr=False)
    domain: str = ""
    """In small letters, without a dot before it; blank: the host that is crawled."""
    path: str = "/"
    host_only: bool = True
    """Whether it is for that very host, not for those below it."""
    secure: bool = False
    expires: datetime | None = None
    """None: with the session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """
    Where a helpdesk is and what opens it. The first of these that is given is used: API credentials,
    `session` or cookies, a user's name and password (with a second factor where one is asked for).
    """

    base_url: str
    """The root of the installation: `https://my.example.com/billing`."""
    area: Area = Area.ADMIN
    admin_dir: str = "admin"
    api_identifier: str = ""
    api_secret: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    totp_code: str = field(default="", repr=False)
    """The six digits of this minute: good for one login."""
    totp_secret: str = field(default="", repr=False)
    """What makes them, in base32, blanks allowed: good for every login."""
    cookies: tuple[Cookie, ...] = field(default=(), repr=False)
    """Of a browser in which somebody has logged in (`session.cookies_of` reads its export)."""
    session: str = field(default="", repr=False)
    """What `Helpdesk.session` gave at the end of an earlier step: tried before anything logs in."""
    list_path: str = ""
    """Relative to the area (its folder); blank: `supporttickets.php`, both in admin and client area."""
    login_path: str = ""
    """Relative to the area; blank: where the site's own form leads."""
    departments: tuple[str, ...] = ()
    """Names or numbers, in any case; none: all."""
    ignore: tuple[str, ...] = ()
    """Alerts and bounces to leave out: see `choosing.ignored_by`."""
    day_first: bool | None = None
    """Whether 03/04/2026 is in April; None: told from the dates that are met."""
    time_zone: str = ""
    """The site's, such as `Europe/Riga`; blank: dates are taken as UTC, and `since` by a day earlier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketRef:
    """A ticket as a list shows it: enough to open it, and to tell whether that is needed."""

    number: str
    """As `TicketDraft.number` will be: the id, or `tid-<tid>` in the client area, which knows no id."""
    tid: str = ""
    url: str = ""
    """Where it is shown; blank for the API."""
    subject: str = ""
    status: str = ""
    department: str = ""
    sender: str = ""
    """Whatever the list tells of who wrote: name, address or both."""
    updated: datetime | None = None
    """When it was last replied to; the latest moment that the list's words allow. None: not told."""

    def as_json(self) -> dict[str, Any]:
        """For a checkpoint or a message; `of` reads it back."""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**said, "updated": self.updated.isoformat() if self.updated else None}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        updated = said.get("updated")
        known = {name: str(said[name]) for name in cls.__dataclass_fields__ if name in said}
        moment = datetime.fromisoformat(updated).astimezone(UTC) if updated else None
        return cls(**{**known, "updated": moment})  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One page of a list, after what was not asked for has been left out and counted."""

    refs: tuple[TicketRef, ...]
    next: str | None
    """The `page_token` of the page behind it; None: this was the last."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many of this page were not, and why: `unchanged`, `department`, or `ignored: <pattern>`."""
    total: int | None = None
    """How many tickets the list says there are, where it says so: for progress."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """Whether a helpdesk can be read with an `Access`, in a sentence for the person who set it up."""

    ok: bool
    message: str
    debug: Mapping[str, Any] = field(default_factory=dict)
    """Way, addresses, statuses and counts; never a secret, a cookie's value or a customer's words."""


class Helpdesk(Protocol):
    """
    The tickets of one helpdesk, read only. Safe to share between a few threads.

    Everything may raise `RateLimited`, `SessionExpired`, `Refused` (a login that was turned down is not
    tried again: the next ones lead to a ban), `UpstreamFailed` (this page, this time) and `Malformed` (an
    address that nobody may fetch).
    """

    @property
    def way(self) -> str:
        """`api`, `admin pages` or `client pages`."""
        ...

    @property
    def session(self) -> str:
        """The logged-in session, for `Access.session` in another process. A secret; may be blank."""
        ...

    def listed(self, *, page_token: str = "", since: datetime | None = None) -> Listed:
        """A page of the list; blank: the first. `since`: without what has not changed after it."""
        ...

    def ticket(self, ref: TicketRef) -> TicketDraft | None:
        """The ticket whole, without private notes; None when it is gone."""
        ...
