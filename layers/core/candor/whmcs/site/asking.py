"""Asking: every request to a WHMCS site, at a polite pace, with the session's cookies and no others."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

from candor.errors import Refused, UpstreamFailed
from candor.fetching import Fetched, Fetcher
from candor.whmcs.site.links import Links
from candor.whmcs.site.session import Jar
from candor.whmcs.site.values import Access, RateLimited

MAX_BYTES: Final = 20_000_000
"""Of one page: a ticket of a hundred long messages is several."""
SECONDS: Final = 25.0
"""For one page. Admin areas with years of tickets take their time."""
_MAX_REDIRECTS: Final = 4
_AT_ONCE: Final = 2
_LONGEST_PAUSE: Final = 2.0
_LONGEST_WAIT: Final = 3_600
_WAITS: Final = {429: 60, 503: 30}
"""Seconds to leave a site alone that does not say how long."""

_GUARDED: Final = re.compile(rb"cf-chl|challenge-platform|__cf_chl|_Incapsula_|ddos-guard", re.IGNORECASE)
BANNED: Final = (
    "The site has banned this address for a while, as it does after several bad logins. Wait until the ban "
    "is over (WHMCS: System Settings > Banned IPs), then check name and password before trying again."
)
_GUARD: Final = (
    "A guard in front of the site wants a person ({status}). Use API credentials, allow this server's "
    "address there, or log in by hand: make whmcs-login."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Time as a crawl knows it; tests bring their own."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    tick: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Site:
    """One WHMCS site, asked for one page after the other. Safe to share between threads."""

    def __init__(
        self, access: Access, fetcher: Fetcher, jar: Jar, *, clock: Clock, delay: float = 0.0
    ) -> None:
        """`delay`: seconds between two requests at least; more where the site is slow."""
        self.links = Links(access)
        self.jar = jar
        self.clock = clock
        self._fetcher = fetcher
        self._pace = _Pace(clock, delay)
        self._told = _Told()

    @property
    def clock_ahead(self) -> float:
        """Seconds by which the site's clock is ahead of ours: one-time codes go by it."""
        return self._told.clock_ahead

    def apart(self) -> "Site":
        """
        The same site with a session of its own, for a login: an answer to somebody else's request, still on
        its way, would put the cookie of the old session in the place of the new one's.
        """
        other = copy(self)
        other.jar = self.jar.without_session()
        return other

    def get(self, url: str) -> Fetched:
        """
        A page, through redirects to pages of the same kinds. Any status below 500 that says something.

        `RateLimited` for 429 and 503, `Refused` where this machine is not let in, else `UpstreamFailed`.
        """
        jar = self.jar
        for _ in range(_MAX_REDIRECTS + 1):
            if not self.links.may_ask(url):
                raise UpstreamFailed(_strange(url))
            fetched = self._asked(url, jar)
            target = redirect_of(fetched)
            if not target:
                return fetched
            if self.inside(target) == url.replace("http:", "https:", 1):
                self.links.grow_secure()
            url = target
        raise UpstreamFailed("The site redirects in a circle.")

    def post(self, url: str, form: Mapping[str, str]) -> Fetched:
        """The answer to a form; a redirect is an answer like any other."""
        return self._asked(url, self.jar, form)

    def inside(self, target: str) -> str:
        """Where a redirect leads, if that is this site; `Refused` or `UpstreamFailed` if it is not."""
        path = urlsplit(target).path.lower()
        if path.endswith("/banned.php"):
            raise Refused(BANNED)
        if not self.links.is_our_site(target):
            there = urlsplit(target)
            where = f"{there.scheme}://{there.netloc}"[:200]
            raise UpstreamFailed(
                f"The site leads to {where}: if that is where it is now, set base_url to it."
            )
        return target

    @contextmanager
    def _polite(self) -> Iterator[None]:
        left = self._told.left_alone_until - self.clock.tick()
        if left > 0:
            raise RateLimited(_SLOWER, retry_after=max(1, round(left)))
        with self._pace.slot():
            yield

    def _asked(self, url: str, jar: Jar, form: Mapping[str, str] | None = None) -> Fetched:
        with self._polite():
            now = self.clock.now()
            cookie = jar.header(url, now=now)
            fetched = self._fetcher.fetch(
                url,
                follow=False,
                headers={"cookie": cookie} if cookie else {},
                form=form,
                max_bytes=MAX_BYTES,
                total_seconds=SECONDS,
            )
        jar.take(fetched.url, fetched.headers.get("set-cookie", ""), now=now)
        if (theirs := _moment(fetched.headers.get("date", ""))) is not None:
            self._told.clock_ahead = (theirs - self.clock.now()).total_seconds()
        if fetched.status >= 400:
            self._judge(fetched)
        return fetched

    def _judge(self, fetched: Fetched) -> None:
        status = fetched.status
        if status in (403, 503, 429) and (
            "cf-mitigated" in fetched.headers or _GUARDED.search(fetched.body[:100_000])
        ):
            raise Refused(_GUARD.format(status=status))
        if status in _WAITS:
            seconds = retry_after(fetched, self.clock.now()) or _WAITS[status]
            self._told.left_alone_until = self.clock.tick() + seconds
            raise RateLimited(_SLOWER, retry_after=seconds)
        if status == 401:
            raise Refused(
                "The web server itself asks for a password (status 401) before WHMCS is reached: "
                "let this machine's address in there."
            )
        if status >= 500:
            raise UpstreamFailed(f"The site answered with status {status}.")


_SLOWER: Final = "The site asks to be left alone for a while."


@dataclass(slots=True)
class _Told:
    """What the site has said of itself."""

    clock_ahead: float = 0.0
    left_alone_until: float = 0.0
    """On the clock's ticks."""


class _Pace:
    """At most two requests under way, and after each a rest a quarter as long as it took."""

    def __init__(self, clock: Clock, delay: float) -> None:
        self._clock = clock
        self._delay = delay
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._next = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        with self._slots:
            with self._lock:
                now = self._clock.tick()
                wait = self._next - now
                self._next = max(now, self._next) + self._delay
            if wait > 0:
                self._clock.sleep(wait)
            started = self._clock.tick()
            try:
                yield
            finally:
                took = self._clock.tick() - started
                rest = min(_LONGEST_PAUSE, took / 4)
                with self._lock:
                    self._next = max(self._next, self._clock.tick() + rest)


def redirect_of(fetched: Fetched) -> str:
    """Where an answer sends a browser, whole; blank when nowhere."""
    location = fetched.headers.get("location", "").strip()
    if fetched.status not in (301, 302, 303, 307, 308) or not location:
        return ""
    try:
        return urljoin(fetched.url, location).partition("#")[0]
    except ValueError:
        raise UpstreamFailed("The site redirects to what is no address.") from None


def retry_after(fetched: Fetched, now: datetime) -> int:
    """Seconds that an answer asks to wait, at most an hour; 0 where it does not say."""
    said = fetched.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", said, re.ASCII):
        return min(_LONGEST_WAIT, max(1, int(said)))
    moment = _moment(said)
    if moment is None:
        return 0
    return min(_LONGEST_WAIT, max(1, round((moment - now).total_seconds())))


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _strange(url: str) -> str:
    parts = urlsplit(url)
    route = re.match(r"rp=(/[a-z/-]{1,60})", parts.query)
    path = parts.path[:100] + (f"?rp={route[1]}" if route else "")
    return f"The site redirects to {path}, which is neither a list, a ticket nor a login: it is not followed."
