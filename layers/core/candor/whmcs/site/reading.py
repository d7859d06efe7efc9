"""Reading: a WHMCS helpdesk opened the best way there is, and a check whether it can be."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from candor.errors import CandorError, Invalid, Refused
from candor.fetching import Browser, Fetched, Fetcher
from candor.whmcs.site import totp
from candor.whmcs.site.api import ApiHelpdesk
from candor.whmcs.site.asking import Clock, Site
from candor.whmcs.site.dates import Dates
from candor.whmcs.site.login import Login
from candor.whmcs.site.page_helpdesks import AdminPages, ClientPages
from candor.whmcs.site.session import Jar, loaded
from candor.whmcs.site.values import Access, Area, Checked, Helpdesk
from candor.whmcs.site.visiting import Visits

_NOTHING: Final = (
    "There is nothing to log in with: give api_identifier and api_secret, or cookies of a logged-in browser, "
    "or a user name and password."
)


def open_helpdesk(
    access: Access,
    fetcher: Fetcher,
    *,
    browser: Browser | None = None,
    clock: Clock | None = None,
    delay: float = 0.0,
) -> Helpdesk:
    """
    The helpdesk, by its API where there are credentials, else by its pages. Nothing is asked for yet.

    `browser` is for themes whose pages are empty without their scripts; `delay` the seconds between two
    requests at least. `Malformed` or `Invalid`, with a sentence, for an access that cannot be meant.
    """
    if access.totp_secret:
        totp.check(access.totp_secret)
    by_api = bool(access.api_identifier and access.api_secret)
    if by_api and access.area == Area.CLIENT:
        raise Invalid("API credentials read all tickets of the helpdesk: use them with the area admin.")
    cookies, remembered = loaded(access.session)
    if not (by_api or cookies or access.cookies or (access.username and access.password)):
        raise Refused(_NOTHING)
    host = (urlsplit(access.base_url.strip()).hostname or "").lower()
    jar = Jar(cookies or access.cookies, host=host)
    site = Site(access, fetcher, jar, clock=clock or Clock(), delay=delay)
    day_first = remembered.get("day_first")
    dates = Dates(
        zone=_zone(access.time_zone),
        day_first=day_first if access.day_first is None and isinstance(day_first, bool) else access.day_first,
    )
    newest_first = remembered.get("newest_first")
    dates.newest_first = newest_first if isinstance(newest_first, bool) else None
    if by_api:
        return ApiHelpdesk(site, access, dates)
    step = remembered.get("step")
    login = Login(site, access, last_step=step if isinstance(step, int) else 0)
    visits = Visits(site, login, is_in=len(jar) > 0, render=_render(site, browser) if browser else None)
    pages = AdminPages if access.area == Area.ADMIN else ClientPages
    return pages(site, access, dates, login, visits)


def open_api(access: Access, fetcher: Fetcher, *, clock: Clock | None = None) -> ApiHelpdesk:
    """The helpdesk by its API alone, which is the only way to write notes. `Refused` without credentials."""
    if not (access.api_identifier and access.api_secret):
        raise Refused(
            "Notes are written by WHMCS's API: save api_identifier and api_secret in the WHMCS settings."
        )
    host = (urlsplit(access.base_url.strip()).hostname or "").lower()
    site = Site(access, fetcher, Jar((), host=host), clock=clock or Clock())
    return ApiHelpdesk(site, access, Dates(zone=_zone(access.time_zone), day_first=access.day_first))


def check(
    access: Access, fetcher: Fetcher, *, browser: Browser | None = None, clock: Clock | None = None
) -> Checked:
    """
    Whether tickets can be read: the first page of the list, and the first ticket of it. Never raises a
    `CandorError`: what is wrong is the message.
    """
    debug: dict[str, Any] = {"area": str(access.area)}
    try:
        helpdesk = open_helpdesk(access, fetcher, browser=browser, clock=clock)
        debug["way"] = helpdesk.way
        listed = helpdesk.listed()
        debug |= {
            "listed": len(listed.refs),
            "left_out": dict(listed.left_out),
            "total": listed.total,
            "more_pages": listed.next is not None,
        }
        if not listed.refs:
            return Checked(
                ok=True, message=f"Logged in ({helpdesk.way}); the list shows no ticket.", debug=debug
            )
        draft = helpdesk.ticket(listed.refs[0])
        debug["messages"] = 1 + len(draft.replies) if draft else 0
    except CandorError as error:
        debug["error"] = type(error).__name__
        return Checked(ok=False, message=str(error), debug=debug)
    there = f"{listed.total} tickets" if listed.total else "tickets"
    return Checked(ok=True, message=f"Logged in ({helpdesk.way}); {there} can be read.", debug=debug)


def _render(site: Site, browser: Browser) -> Callable[[str], Fetched]:
    def render(url: str) -> Fetched:
        cookie = site.jar.header(url, now=site.clock.now())
        return browser.render(url, headers={"cookie": cookie}, allows=site.links.is_harmless)

    return render


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise Invalid("time_zone is a name such as Europe/Riga, as WHMCS's server has it.") from None
