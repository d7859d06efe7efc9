"""Models of the WHMCS helpdesk: its settings, its cookies, and crawls of its tickets."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr

from candor.edge.models import Body, Flag, Reply
from candor.edge.models.crawls import WaitQuery
from candor.whmcs.site.values import Checked

Short = Annotated[str, Field(max_length=500)]
Long = Annotated[str, Field(max_length=2_000)]
Secret = Annotated[SecretStr, Field(max_length=500)]
Names = Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=100)]
Cookies = Annotated[list[dict[str, Any]], Field(max_length=200)]
Area = Literal["admin", "client"]


class _Sent(Body):
    def sent(self) -> dict[str, Any]:
        """What was given, secrets in the open: for the safe, never for a log."""
        given = {name: value for name, value in self if value is not None}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in given.items()
        }


class WhmcsBody(_Sent):
    """Fields left out keep their value; a blank text unsets. Of secrets only the end is shown again."""

    base_url: Long | None = None
    """The root of the WHMCS installation."""
    area: Literal["admin", "client", ""] | None = None
    admin_dir: Short | None = None
    """The admin area's folder, where it was renamed."""
    list_path: Short | None = None
    """Relative to the area."""
    login_path: Short | None = None
    api_identifier: Short | None = None
    api_secret: Secret | None = None
    username: Short | None = None
    password: Secret | None = None
    totp_secret: Secret | None = None
    """What WHMCS shows beside its QR code: the second factor is then computed."""
    departments: Names | str | None = None
    """Names or numbers; empty: all."""
    ignore: Names | str | None = None
    """Subjects and senders to leave out, such as `[ALERT]*`: monitoring, bounces."""
    own_addresses: Names | str | None = None
    """
    The company's own addresses, domains (`@example.com`) and telephones: answers made of tickets may tell
    them, where everybody else's are masked. For tickets that are learned from now on.
    """
    date_order: Literal["", "day_first", "month_first"] | None = None
    """Of dates such as 03/04/2026; empty: told from the dates that are met."""
    time_zone: Short | None = None
    """The helpdesk's, such as `Europe/Riga`; empty: UTC."""


class LoginReply(Reply):
    ok: bool
    message: str
    at: str


class WhmcsReply(Reply):
    """The settings in force; secrets as `…last4`, empty when there is none."""

    base_url: str
    area: str
    admin_dir: str
    list_path: str
    login_path: str
    api_identifier: str
    api_secret: str
    username: str
    password: str
    totp_secret: str
    departments: list[str]
    ignore: list[str]
    own_addresses: list[str]
    date_order: str
    time_zone: str
    version: int
    """Of the whole configuration; 0: nothing has been changed yet."""
    login: LoginReply | None
    """How the last login or crawl went; null before the first."""

    @classmethod
    def of(cls, shown: Mapping[str, Any], *, version: int, login: Mapping[str, Any] | None) -> Self:
        return cls(**shown, version=version, login=LoginReply(**login) if login else None)


class CookiesBody(_Sent):
    session_cookies: Cookies
    """As a browser's extension or its developer tools export them."""


class CookiesSavedReply(Reply):
    status: str
    count: int
    expires_at: str | None


class CookiesReply(Reply):
    saved: bool
    count: int
    names: list[str]
    expires_at: str | None
    """Null: they end when the site ends the session."""
    saved_at: str | None
    saved_by: str | None

    @classmethod
    def of(cls, state: Mapping[str, Any] | None) -> Self:
        known = state or {}
        return cls(
            saved=state is not None,
            count=known.get("count", 0),
            names=list(known.get("names", ())),
            expires_at=known.get("expires_at"),
            saved_at=known.get("saved_at"),
            saved_by=known.get("saved_by"),
        )


class CheckBody(_Sent):
    """Left out: what is configured and saved is tried."""

    session_cookies: Cookies | None = None
    base_url: Long | None = None
    area: Area | None = None
    admin_dir: Short | None = None
    list_path: Short | None = None
    debug: Flag = False

    def sent(self) -> dict[str, Any]:
        return {name: value for name, value in _Sent.sent(self).items() if name != "debug"}


class CheckReply(Reply):
    ok: bool
    message: str
    debug: dict[str, Any] | None = None

    @classmethod
    def of(cls, checked: Checked, *, debug: bool) -> Self:
        return cls(ok=checked.ok, message=checked.message, debug=dict(checked.debug) if debug else None)


class CrawlTicketsBody(_Sent):
    """What is sent counts for this crawl alone, before what is configured; it is kept sealed till its end."""

    area: Area | None = None
    admin_dir: Short | None = None
    api_identifier: Short | None = None
    api_secret: Secret | None = None
    username: Short | None = None
    password: Secret | None = None
    totp_code: Annotated[SecretStr, Field(max_length=20)] | None = None
    """The six digits of this minute: good for one login."""
    totp_secret: Secret | None = None
    session_cookies: Cookies | None = None
    base_url: Long | None = None
    list_path: Short | None = None
    login_path: Short | None = None
    departments: Names | None = None
    ignore: Names | None = None
    since: Annotated[str, Field(max_length=40)] | None = None
    """A date, or `last`: only what has changed since the last crawl that succeeded. Left out: everything."""

    def sent(self) -> dict[str, Any]:
        return {name: value for name, value in _Sent.sent(self).items() if name != "since"}


class TicketsCrawledReply(Reply):
    """What came of a crawl."""

    job_id: str
    id: str
    status: str
    """`ok`, or `error` with what stood in its way."""
    error: str | None = None
    warning: str | None = None
    count: int = 0
    """Tickets that are stored as the helpdesk has them."""
    skipped: int = 0
    skipped_why: dict[str, int] = Field(default_factory=dict)
    saved_to: str = "database"
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    gone: int = 0
    failed: int = 0
    since: str | None = None
    seconds: float = 0.0
    read_over: str | None = None
    tickets: list[dict[str, Any]] = Field(default_factory=list)
    """The first ones; all are in the list of tickets."""


__all__ = [
    "CheckBody",
    "CheckReply",
    "CookiesBody",
    "CookiesReply",
    "CookiesSavedReply",
    "CrawlTicketsBody",
    "TicketsCrawledReply",
    "WaitQuery",
    "WhmcsBody",
    "WhmcsReply",
]
