"""Scope: which addresses belong to a crawl."""

from functools import cached_property
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from candor.crawling.addresses import normalise, same_site
from candor.crawling.crawls import Plan
from candor.crawling.frontier import Outcome
from candor.crawling.robots import Robots
from candor.crawling.traps import is_trap


def site_of(url: str) -> str:
    """Under which name a site is remembered: its host and port, `www.` and the usual ports left out."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def origin_of(url: str) -> str:
    """Host and port, as `FETCH_ALLOWED_ORIGINS` names them."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{(parts.hostname or '').casefold()}:{port}"


_MAX_JUDGED: Final = 10_000
"""Addresses remembered: every page links the same menu."""


class Scope:
    """What a crawl may look at: its own site, the wanted part of it, and what robots.txt allows."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._judged: dict[str, Outcome] = {}
        self._start = urlsplit(plan.start)
        self._include = _paths(plan.options.include_prefixes)
        self._exclude = _paths(plan.options.exclude_prefixes)

    @cached_property
    def robots(self) -> Robots:
        return Robots.of(self._plan.robots_status, self._plan.robots)

    def home(self, url: str) -> str:
        """
        The address as this site spells it, blank when it belongs to another or to no part that is wanted.

        Scheme and `www.` are the start page's: a site that answers under both is one site.
        """
        url = normalise(url)
        if not url or not same_site(url, self._plan.start):
            return ""
        parts = urlsplit(url)
        path = parts.path or "/"
        if any(path.startswith(prefix) for prefix in self._exclude):
            return ""
        if self._include and not any(path.startswith(prefix) for prefix in self._include):
            return ""
        return urlunsplit((self._start.scheme, self._start.netloc, path, parts.query, ""))

    def judged(self, url: str) -> Outcome:
        """WAITING for an address to be visited; what it is instead, without asking for it."""
        if url not in self._judged:
            if len(self._judged) > _MAX_JUDGED:
                self._judged.clear()
            allowed = self.robots.allows(url)
            self._judged[url] = (
                Outcome.DISALLOWED if not allowed else Outcome.TRAP if is_trap(url) else Outcome.WAITING
            )
        return self._judged[url]


def _paths(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    paths = (urlsplit(prefix).path if "://" in prefix else prefix for prefix in prefixes)
    return tuple(path if path.startswith("/") else f"/{path}" for path in paths)
