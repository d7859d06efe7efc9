"""Crawls: what a crawl remembers, of its own pages and of a site's."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from candor.crawling.frontier import Frontier, Outcome, Written

READER: Final = 1
"""Counts changes in how pages are read: what an older one has read is read again."""

SOURCE: Final = "web"
"""Owner of every document that was fetched."""

_MAX_LINKS_BYTES: Final = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How a site is to be crawled."""

    max_pages: int = 50
    max_depth: int = 3
    ingest: bool = True
    """False: everything but writing; the pages are listed."""
    include_prefixes: tuple[str, ...] = ()
    """Paths, or whole addresses. None: everything."""
    exclude_prefixes: tuple[str, ...] = ()
    delay_seconds: float = 0.0
    """Between two requests, where that is more than the site and the settings ask for."""

    @property
    def max_visits(self) -> int:
        """Pages asked for at most: most addresses of a site are no pages to keep."""
        return 4 * self.max_pages + 100

    def as_json(self) -> dict[str, Any]:
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Options":
        """From JSON; unknown names are left out."""
        known = {f.name: given[f.name] for f in fields(cls) if f.name in given}
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**{**known, **lists})


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is fixed once a crawl has seen its start page and robots.txt."""

    job_id: str
    start: str
    """Where the given address led."""
    site: str
    """Under which its pages are remembered."""
    options: Options
    delay: float
    started: float
    robots_status: int
    robots: bytes

    @property
    def host(self) -> str:
        """Whose turns are taken."""
        return urlsplit(self.start).netloc

    def to_bytes(self) -> bytes:
        plain = {**asdict(self), "options": self.options.as_json(), "robots": self.robots.decode("latin-1")}
        return zlib.compress(json.dumps(plain).encode())

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Plan":
        plain = json.loads(zlib.decompress(packed))
        options, robots = Options.of(plain.pop("options")), plain.pop("robots").encode("latin-1")
        return cls(**plain, options=options, robots=robots)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """
    A page as it was when it last changed: what a conditional request needs, and all that is asked of it then.

    `document`: it has a document of ours, whose version was `version` when it was written.
    """

    site: str
    key: str
    url: str
    outcome: Outcome
    """What it was by itself: KEPT for any page with content, a duplicate too."""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    text: str = ""
    canonical: str = ""
    target: str = ""
    links: tuple[str, ...] = ()
    title: str = ""
    doc_type: str = "other"
    depth: int = 0
    rendered: bool = False
    """It needed a browser."""
    document: bool = False
    version: int = 0
    job_id: str = ""
    """The crawl that wrote this."""
    written: Written = Written.NOTHING
    """What that crawl did to the document."""
    reader: int = READER

    def to_bytes(self) -> bytes:
        plain = {name: value for name, value in asdict(self).items() if name not in ("site", "key")}
        packed = zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 1)
        if len(packed) <= _MAX_LINKS_BYTES:
            return packed
        # Without its links it cannot be taken as read: next time it is fetched and read whole.
        return zlib.compress(json.dumps({**plain, "links": [], "reader": 0}).encode(), 1)

    @classmethod
    def from_bytes(cls, packed: bytes, *, site: str, key: str) -> "Page":
        plain = json.loads(zlib.decompress(packed))
        plain["links"] = tuple(plain["links"])
        plain["outcome"], plain["written"] = Outcome(plain["outcome"]), Written(plain["written"])
        return cls(site=site, key=key, **plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """When one may ask a site: after `wait` seconds; not `granted`: ask again then."""

    granted: bool
    wait: float

    @classmethod
    def taken(
        cls, before: tuple[float, float], *, now: float, delay: float, patience: float
    ) -> tuple["Turn", tuple[float, float]]:
        """The next turn, and what is to be kept: when the one after is, and until when all are promised."""
        next_at, horizon = before
        at = max(now, next_at)
        if at - now <= patience:
            return cls(granted=True, wait=at - now), (at + delay, horizon)
        promised = max(at, horizon + delay)
        return cls(granted=False, wait=promised - now), (next_at, promised)


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What is known of a site as a whole."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Of its last crawl."""
    suspected_by: str = ""
    """The crawl that found too many pages failing alike, and withdrew nothing for it."""


class Crawls(Protocol):
    """Where crawls are kept. Every method raises `Unavailable` when it cannot be reached in time."""

    def begin(self, plan: Plan) -> None:
        """Keep a plan, in place of an earlier one of its job."""
        ...

    def plan(self, job_id: str) -> Plan | None: ...

    def frontier(self, job_id: str) -> Frontier:
        """As it is now; empty, with revision 0, when there is none."""
        ...

    def save(self, frontier: Frontier) -> bool:
        """Replace the state it was read from, its revision one higher. False if somebody else has."""
        ...

    def pages(self, site: str, keys: Iterable[str]) -> Mapping[str, Page]:
        """What is remembered of these pages, by key."""
        ...

    def known(self, site: str) -> Iterator[Page]:
        """Every page remembered of a site, in any order."""
        ...

    def remember(self, pages: Sequence[Page]) -> None:
        """Keep these, in place of what was known. Pages without a document are forgotten after a while."""
        ...

    def forget(self, pages: Sequence[Page]) -> None: ...

    def turn(self, site: str, *, now: float, delay: float, patience: float) -> Turn:
        """
        Take the next turn of a site, `delay` seconds after the one before, whoever took that.

        Where it is further off than `patience`, none is taken, and `wait` says when to ask again: each one
        that is sent away is told another time, so that they do not all come back together.
        """
        ...

    def site(self, site: str) -> Site: ...

    def keep_site(self, site: str, about: Site) -> None: ...
