"""Visiting: the pages of a site as somebody sees who is logged in, and logged in again when it has to be."""

import re
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from candor.errors import Unavailable, UpstreamFailed
from candor.fetching import Fetched
from candor.whmcs.site.asking import Site
from candor.whmcs.site.login import Login, asks_to_log_in
from candor.whmcs.site.values import SessionExpired

T = TypeVar("T")

Render = Callable[[str], Fetched]
"""The page at an address as a browser shows it, with the session's cookies."""

_FEW: Final = 3
"""Pages read since the last login; below, another one would only go on for ever."""
_TRIES: Final = 4
"""Of one page. Other threads may have used up the next session before it is this page's turn."""
_SCRIPT: Final = re.compile(rb"<script\b", re.IGNORECASE)


class Visits:
    """One logged-in session, shared by the threads of a crawl."""

    def __init__(self, site: Site, login: Login, *, is_in: bool, render: Render | None = None) -> None:
        """`is_in`: there is a session to try; otherwise logging in is the first thing to do."""
        self._site = site
        self._login = login
        self._render = render
        self._needs_browser: bool | None = None
        """None: not known yet. What one page needs, all do: it is one theme."""
        self._lock = threading.RLock()
        self._is_in = is_in
        self._logins = 0
        self._read_since = _FEW

    def page(self, url: str) -> Fetched:
        """The page, after a login if need be. `SessionExpired` where there is none, or it does not last."""
        for _ in range(_TRIES):
            with self._lock:
                if not self._is_in:
                    self._log_in()
                before = self._logins
            page = self._site.get(url)
            if not asks_to_log_in(self._site, page):
                break
            with self._lock:
                if self._logins == before:  # Otherwise another thread has just done it.
                    if self._read_since < _FEW:
                        raise SessionExpired(
                            "The site ends each session at once: it may allow one login at a time, or bind "
                            "sessions to an address, and ours changes. Use API credentials."
                        )
                    self._log_in()
        else:
            raise SessionExpired("The site asks to log in again and again. Use API credentials.")
        with self._lock:
            self._read_since += 1
        return self._render(url) if self._needs_browser and self._render else page

    def read(self, url: str, read: Callable[[Fetched], T], *, enough: Callable[[T], bool]) -> T:
        """
        What `read` makes of the page; where that fails or is not `enough`, of the page as a browser shows it,
        if there is one and the page has scripts that may bring what is missing.
        """
        page = self.page(url)
        try:
            found = read(page)
        except UpstreamFailed:
            rendered = self._rendered(url, page)
            if rendered is None:
                raise
        else:
            rendered = None if enough(found) else self._rendered(url, page)
            if rendered is None:
                return found
        found = read(rendered)
        self._needs_browser = enough(found)
        return found

    def _rendered(self, url: str, page: Fetched) -> Fetched | None:
        if self._render is None or self._needs_browser is not None or not _SCRIPT.search(page.body):
            return None
        try:
            return self._render(url)
        except Unavailable:
            # There is no browser on this machine: what the page lacks is said, or it is all there is.
            self._needs_browser = False
            return None

    def _log_in(self) -> None:
        self._is_in = False
        self._login.log_in()
        self._is_in, self._logins, self._read_since = True, self._logins + 1, 0
