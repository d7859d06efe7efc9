"""Seeding: what a crawl begins with: the start page, robots.txt, the sitemaps, and the pages known before."""

import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin

from candor.crawling.addresses import normalise, same_site
from candor.crawling.crawls import Options, Page, Plan
from candor.crawling.robots import MAX_BYTES
from candor.crawling.scope import Scope, site_of
from candor.crawling.sitemaps import read_sitemap
from candor.errors import Malformed, UpstreamFailed
from candor.fetching import Fetcher

MAX_ROBOTS_DELAY: Final = 30.0
MAX_SITEMAPS: Final = 50
MAX_SITEMAP_PAUSE: Final = 1.0
"""Seconds before each, even where the site asks for more: all are read within one invocation."""
MAX_SITEMAP_BYTES: Final = 20_000_000

_MAX_PACKED: Final = 200_000


class Unreachable(Exception):
    """The site cannot be crawled now. The text is a sentence; `passing`: it may be worth another try."""

    def __init__(self, sentence: str, *, passing: bool) -> None:
        super().__init__(sentence)
        self.passing = passing


@dataclass(frozen=True, kw_only=True, slots=True)
class Seed:
    url: str
    depth: int
    listed: bool = False
    known: bool = False


def plan_of(
    fetcher: Fetcher, *, job_id: str, start: str, options: Options, started: float, delay: float
) -> Plan:
    """Look at the start page and robots.txt. `Unreachable` when nothing may or can be fetched."""
    try:
        first = fetcher.fetch(start)
    except Malformed as error:
        raise Unreachable(str(error), passing=False) from error
    except UpstreamFailed as error:
        raise Unreachable(f"The start page could not be fetched. {error}", passing=True) from error
    if first.status not in range(200, 300):
        passing = first.status in (408, 425, 429) or first.status >= 500
        raise Unreachable(f"The start page answered {first.status}.", passing=passing)
    landed = normalise(first.url) or normalise(start)
    status, robots = _robots(fetcher, landed)
    plan = Plan(
        job_id=job_id,
        start=landed,
        site=site_of(landed) if options.ingest else f"try:{job_id}",
        options=options,
        delay=delay,
        started=started,
        robots_status=status,
        robots=robots,
    )
    scope = Scope(plan)
    if status >= 500:
        raise Unreachable("robots.txt could not be fetched: so nothing of the site may be.", passing=True)
    if not scope.robots.allows(landed):
        raise Unreachable("robots.txt does not allow the start page to be fetched.", passing=False)
    asked = min(float(scope.robots.crawl_delay or 0.0), MAX_ROBOTS_DELAY)
    return replace(plan, delay=max(delay, asked, options.delay_seconds))


def seeds_of(
    fetcher: Fetcher, plan: Plan, scope: Scope, known: Sequence[Page], *, pause: Callable[[float], None]
) -> Iterator[Seed]:
    """The first pages: those that have a document before all others, so that a limit does not cost them."""
    yield Seed(url=plan.start, depth=0)
    for page in sorted(known, key=lambda page: (not page.document, page.depth, page.url)):
        if url := scope.home(page.url):
            yield Seed(url=url, depth=page.depth, known=page.document)
    for url in _listed(fetcher, plan, scope, pause):
        if home := scope.home(url):
            yield Seed(url=home, depth=1, listed=True)


def _robots(fetcher: Fetcher, start: str) -> tuple[int, bytes]:
    try:
        fetched = fetcher.fetch(urljoin(start, "/robots.txt"))
    except Malformed:
        return 404, b""  # It lies where nobody may look: as if there were none.
    except UpstreamFailed:
        return 599, b""
    if fetched.status not in range(200, 300):
        return fetched.status, b""
    # The plan has 400 KB to lie in, packed: only what is no text at all is larger.
    body = fetched.body[:MAX_BYTES]
    return fetched.status, body if len(zlib.compress(body)) < _MAX_PACKED else body[:_MAX_PACKED]


def _listed(fetcher: Fetcher, plan: Plan, scope: Scope, pause: Callable[[float], None]) -> Iterator[str]:
    """Addresses of the site's sitemaps, and of the sitemaps these name."""
    given = [urljoin(plan.start, address) for address in scope.robots.sitemaps]
    waiting = deque(given or [urljoin(plan.start, "/sitemap.xml")])
    seen: set[str] = set()
    left = plan.options.max_visits
    while waiting and len(seen) < MAX_SITEMAPS and left > 0:
        address = waiting.popleft()
        if address in seen or not same_site(address, plan.start):
            continue
        seen.add(address)
        pause(min(plan.delay, MAX_SITEMAP_PAUSE))
        try:
            fetched = fetcher.fetch(address, max_bytes=MAX_SITEMAP_BYTES)
        except (Malformed, UpstreamFailed):
            continue  # A sitemap is a help, not a condition.
        if fetched.status not in range(200, 300):
            continue
        sitemap = read_sitemap(fetched.body, url=address)
        waiting.extend(entry.url for entry in sitemap.sitemaps)
        for entry in sitemap.pages:
            yield entry.url
            left -= 1
            if left <= 0:
                return
