"""Page helpdesks: tickets read from the pages of the admin area, or from those of a customer."""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from candor.errors import UpstreamFailed
from candor.fetching import Fetched
from candor.tickets.values import TicketDraft
from candor.whmcs.site.admin_pages import admin_list, admin_ticket
from candor.whmcs.site.asking import Site
from candor.whmcs.site.choosing import chosen, is_all_older
from candor.whmcs.site.client_pages import client_list, client_ticket
from candor.whmcs.site.dates import Dates
from candor.whmcs.site.links import Links, TicketLink
from candor.whmcs.site.lists import ListPage
from candor.whmcs.site.login import Login
from candor.whmcs.site.session import dumped
from candor.whmcs.site.trees import tree_of
from candor.whmcs.site.values import Access, Listed, TicketRef
from candor.whmcs.site.visiting import Visits

_EVERY: Final = "any"
_NOT_ALL: Final = frozenset(("", "flagged", "active"))
"""Views that are parts of others."""
_MAX_PAGES: Final = 100_000
_NO_LIST: Final = (
    "The page is not a list of tickets as WHMCS shows one. Set list_path to the path of the ticket list; if "
    "that is right, the theme is one that cannot be read, or not without a browser: use API credentials."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """How far a list has been read: the page that is next. As text it is a `page_token`."""

    views: tuple[str, ...] = ()
    """The one being read, and those that follow."""
    page: int = 0
    first: str = ""
    """What the view's first page held: a page number too high shows it again, or the last one."""
    last: str = ""
    read: int = 0

    @classmethod
    def of(cls, token: str) -> "_Place":
        try:
            said = json.loads(token) if token else {}
            return cls(**{**said, "views": tuple(map(str, said.get("views", ())))})
        except (ValueError, TypeError, AttributeError):
            return cls()

    def text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


class _Shown:
    """Which page showed a ticket first: asked for again, after a pause, it shows the same ones again."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def first_on(self, page_token: str, refs: Sequence[TicketRef]) -> list[TicketRef]:
        """Of a page's tickets those that no page before it has shown; the first page begins anew."""
        if not page_token:
            self._first.clear()
        return [ref for ref in refs if self._first.setdefault(ref.number, page_token) == page_token]


class AdminPages:
    """`Helpdesk` over the pages of the admin area."""

    way = "admin pages"

    def __init__(self, site: Site, access: Access, dates: Dates, login: Login, visits: Visits) -> None:
        self._site = site
        self._access = access
        self._dates = dates
        self._login = login
        self._visits = visits
        self._departments: dict[str, str] = {}
        self._shown = _Shown()

    @property
    def session(self) -> str:
        return _session(self._site, self._dates, self._login)

    def listed(self, *, page_token: str = "", since: datetime | None = None) -> Listed:
        place = _Place.of(page_token)
        links = self._site.links
        asked = {"page": str(place.page)} if place.page else {}
        if not links.names_view:
            place = replace(place, views=place.views or (_EVERY,))
            asked |= {"view": place.views[0], "filter": "1"}
        found = self._visits.read(links.list_url(**asked), self._listed, enough=_has_rows)
        if not found.is_list:
            raise UpstreamFailed(_NO_LIST)
        self._departments.update(found.departments)
        offered = tuple(dict.fromkeys(view for view in found.views if view not in _NOT_ALL))
        if place.page == 0 and place.views == (_EVERY,) and offered and _EVERY not in offered:
            # This installation knows no view of everything: its statuses are read one after the other.
            place = replace(place, views=(_EVERY, *offered))
        fresh = self._shown.first_on(page_token, found.refs)
        access = replace(
            self._access,
            departments=tuple(self._departments.get(name, name) for name in self._access.departments),
        )
        kept, left_out = chosen(fresh, access, since)
        following = _following(place, found, is_over=is_all_older(found.refs, access, since))
        return Listed(refs=kept, next=following, left_out=left_out, total=found.total)

    def ticket(self, ref: TicketRef) -> TicketDraft | None:
        links, now = self._site.links, self._site.clock.now()

        def read(page: Fetched) -> TicketDraft | None:
            if _is_gone(page, links):
                return None
            return admin_ticket(tree_of(page), ref, links, self._dates, now)

        return self._visits.read(links.view_url(TicketLink(id=ref.number)), read, enough=_anything)

    def _listed(self, page: Fetched) -> ListPage:
        return admin_list(tree_of(page), page.url, self._site.links, self._dates, self._site.clock.now())


class ClientPages:
    """`Helpdesk` over the pages that a customer sees: their own tickets."""

    way = "client pages"

    def __init__(self, site: Site, access: Access, dates: Dates, login: Login, visits: Visits) -> None:
        self._site = site
        self._access = access
        self._dates = dates
        self._login = login
        self._visits = visits
        self._keys: dict[str, str] = {}
        """What opens each ticket, by tid. It stays here: a list in another process is read again instead."""
        self._lock = threading.Lock()
        self._shown = _Shown()

    @property
    def session(self) -> str:
        return _session(self._site, self._dates, self._login)

    def listed(self, *, page_token: str = "", since: datetime | None = None) -> Listed:
        place = _Place.of(page_token)
        links = self._site.links
        url = links.list_url(**({"page": str(place.page)} if place.page else {}))
        found = self._visits.read(url, self._listed, enough=_has_rows)
        if not found.is_list:
            raise UpstreamFailed(_NO_LIST)
        fresh = self._shown.first_on(page_token, found.refs)
        kept, left_out = chosen(fresh, self._access, since)
        # Most themes put all rows on one page; where there are more pages, there are links to them.
        over = not found.has_more or is_all_older(found.refs, self._access, since)
        return Listed(
            refs=kept, next=_following(place, found, is_over=over), left_out=left_out, total=found.total
        )

    def ticket(self, ref: TicketRef) -> TicketDraft | None:
        links, now = self._site.links, self._site.clock.now()

        def read(page: Fetched) -> TicketDraft | None:
            if _is_gone(page, links):
                return None
            return client_ticket(tree_of(page), ref, links, self._dates, now)

        url = links.view_url(TicketLink(tid=ref.tid, key=self._key(ref.tid)))
        return self._visits.read(url, read, enough=_anything)

    def _key(self, tid: str) -> str:
        with self._lock:
            if not self._keys:
                token: str | None = ""
                while token is not None and tid not in self._keys:
                    token = self.listed(page_token=token).next
            return self._keys.get(tid, "")

    def _listed(self, page: Fetched) -> ListPage:
        found, keys = client_list(
            tree_of(page), page.url, self._site.links, self._dates, self._site.clock.now()
        )
        self._keys.update(keys)
        return found


def _following(place: _Place, found: ListPage, *, is_over: bool) -> str | None:
    """The token of the next page, of this view or the next one; None: there is none."""
    held = _digest(found.refs)
    # A first page is page 0 here, and page 1 there: page 1 may be the first one again.
    is_again = place.page > 0 and held in (place.first, place.last)
    is_first_again = place.page == 1 and held == place.first
    read = place.read if is_again else place.read + len(found.refs)
    complete = found.total is not None and 0 < found.total <= read
    if found.refs and not complete and not is_over and (not is_again or is_first_again):
        if place.page >= _MAX_PAGES:
            raise UpstreamFailed("The list goes on without an end: set list_path to a view that has one.")
        return replace(
            place,
            page=place.page + 1,
            first=place.first or held,
            last=held,
            read=read,
        ).text()
    return _Place(views=place.views[1:]).text() if len(place.views) > 1 else None


def _has_rows(found: ListPage) -> bool:
    return bool(found.refs)


def _anything(_: object) -> bool:
    return True


def _is_gone(page: Fetched, links: Links) -> bool:
    return page.status in (404, 410) or links.is_list(page.url)


def _digest(refs: Sequence[TicketRef]) -> str:
    numbers = "\n".join(sorted(ref.number for ref in refs))
    return hashlib.sha256(numbers.encode()).hexdigest()[:16]


def _session(site: Site, dates: Dates, login: Login) -> str:
    return dumped(site.jar, day_first=dates.day_first, newest_first=dates.newest_first, step=login.last_step)
