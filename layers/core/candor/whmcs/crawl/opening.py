"""Opening: what a crawl is to be let in with, from what is configured, what is saved and what was sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from candor.config.service import Configuration
from candor.config.whmcs import WHMCS, root_of
from candor.errors import Fault, Invalid
from candor.whmcs.crawl.cookies import SavedCookies
from candor.whmcs.site.session import cookies_of
from candor.whmcs.site.values import Access, Area

_API: Final = ("api_identifier", "api_secret")
_LOGIN: Final = ("username", "password", "totp_secret")
_COOKIES: Final = ("session_cookies",)
_KEYS: Final = (*_API, *_LOGIN, *_COOKIES)
"""What opens a helpdesk, whichever way. A one-time code opens nothing alone."""

_PLACE: Final = ("area", "admin_dir", "list_path", "login_path", "time_zone")


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """The helpdesk as it is configured now, and the cookies saved for it."""

    configuration: Configuration
    cookies: SavedCookies

    def access(self, sent: Mapping[str, Any], *, session: str = "") -> Access:
        """With everything opened. `Invalid` as `access_of`, `Malformed` for a secret that opens no more."""
        settings = self.configuration.refresh().opened(WHMCS.name)
        return access_of(settings, sent, self.cookies.opened(), session=session)

    def rehearse(self, sent: Mapping[str, Any]) -> Access:
        """The same from what is shown alone: whether it would do, without any secret. `Invalid` if not."""
        names = (self.cookies.state() or {}).get("names", ())
        shown = [{"name": name, "value": "0"} for name in names]
        return access_of(self.configuration.refresh().shown(WHMCS.name), sent, shown)


def access_of(
    settings: Mapping[str, Any],
    sent: Mapping[str, Any],
    cookies: Sequence[Any] = (),
    *,
    session: str = "",
) -> Access:
    """
    What was sent counts before what is configured, and blank is not sent.

    Keys that are kept here open the helpdesk that is configured and no other: sent to another server they
    would be that server's. Keys that were sent take the place of all that are kept. `Invalid` where there
    is no address, or nothing to open it with.
    """
    given = {name: value for name, value in sent.items() if value not in (None, "", (), [])}
    base = str(given.get("base_url") or settings.get("base_url") or "")
    if not base:
        raise _invalid("base_url", "There is no base_url: save it in the WHMCS settings, or send it.")
    keys: dict[str, Any] = {name: given[name] for name in _KEYS if name in given}
    if not keys and is_same_site(base, str(settings.get("base_url") or "")):
        keys = {name: settings.get(name) for name in (*_API, *_LOGIN)}
        keys["session_cookies"] = list(cookies)
    area = Area(str(given.get("area") or settings.get("area") or Area.ADMIN))
    if area is Area.CLIENT and not any(name in given for name in _API):
        # The API shows every client's tickets; whoever asks for the client area means one client's own.
        keys = {name: value for name, value in keys.items() if name not in _API}
    access = Access(
        base_url=base,
        area=area,
        totp_code=str(given.get("totp_code") or ""),
        cookies=cookies_of(keys.get("session_cookies") or ()),
        session=session,
        departments=tuple(given.get("departments") or settings.get("departments") or ()),
        ignore=tuple(given.get("ignore") or settings.get("ignore") or ()),
        day_first={"day_first": True, "month_first": False}.get(str(settings.get("date_order") or "")),
        **{name: str(keys.get(name) or "") for name in (*_API, *_LOGIN)},
        **{
            name: str(given.get(name) or settings.get(name) or getattr(_NOWHERE, name))
            for name in _PLACE
            if name != "area"
        },
    )
    if not opens(access):
        raise _invalid(
            "username",
            "Nothing opens this helpdesk: give API credentials, a user name and password, or save the "
            "cookies of a browser that is logged in."
            if keys or not any(settings.get(name) for name in (*_API, *_LOGIN))
            else "The credentials kept here are for the helpdesk of the WHMCS settings: send this one's own.",
        )
    return access


def opens(access: Access) -> bool:
    """Whether there is anything to be let in with."""
    return bool(
        (access.api_identifier and access.api_secret)
        or access.cookies
        or access.session
        or (access.username and access.password)
    )


def checked_base(url: str, check_address: Callable[[str], str]) -> str:
    """The root of an installation, through the door: `Malformed` there, `Invalid` for a page of it."""
    try:
        return check_address(root_of(url))
    except ValueError as error:
        raise _invalid("base_url", f"base_url {error}.") from None


def is_same_site(one: str, other: str) -> bool:
    """Whether two addresses are of one server."""
    first, second = origin_of(one), origin_of(other)
    return first == second and bool(first) and urlsplit(one).scheme == urlsplit(other).scheme


def origin_of(url: str) -> str:
    """`host:port`, in small letters; blank for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.hostname.casefold()}:{port}" if parts.hostname else ""


def _invalid(name: str, sentence: str) -> Invalid:
    return Invalid(sentence, [Fault(loc=("body", name), msg=sentence)])


_NOWHERE: Final = Access(base_url="")
