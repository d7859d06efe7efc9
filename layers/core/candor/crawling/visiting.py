"""Visiting: one page asked for, and what it turned out to be."""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Final

from candor.crawling.addresses import normalise
from candor.crawling.crawls import READER, SOURCE, Page, Plan
from candor.crawling.frontier import Outcome, key_for
from candor.crawling.scope import Scope
from candor.documents import Draft
from candor.errors import Malformed, Unavailable, UpstreamFailed
from candor.fetching import Browser, Fetched, Fetcher
from candor.sources.records import MAX_TEXT
from candor.sources.web_pages import Kind, WebPage, read_page

MIN_LETTERS: Final = 50
"""Of a page that only a browser could read, where there is none: with fewer it says nothing."""

MAX_PAUSE: Final = 300.0
"""Longest time a site may ask us to wait."""

_OUTCOMES: Final[Mapping[Kind, Outcome]] = {
    Kind.CONTENT: Outcome.KEPT,
    Kind.EMPTY: Outcome.EMPTY,
    Kind.NOINDEX: Outcome.NOINDEX,
    Kind.REDIRECT: Outcome.REDIRECT,
    Kind.SOFT_404: Outcome.SOFT_404,
    Kind.LOGIN: Outcome.LOGIN,
    Kind.UNREADABLE: Outcome.UNREADABLE,
}
_DEAD_ENDS: Final = (Outcome.SOFT_404, Outcome.LOGIN)
"""Pages whose links are not followed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """
    What came of asking for a page.

    `page` is what is to be remembered, or what was and still holds (`unchanged`); None: nothing.
    """

    url: str
    outcome: Outcome
    reason: str = ""
    page: Page | None = None
    draft: Draft | None = None
    links: tuple[str, ...] = ()
    target: str = ""
    """Where it points: an address in scope."""
    unchanged: bool = False
    thin: bool = False
    """A browser may see more; outcome and draft are what it is without one."""
    again_after: float | None = None
    """Seconds after which it is worth another try; the outcome is for when there is none left."""
    pause: float = 0.0
    """Seconds for which the whole site asks to be left alone."""
    rendered: bool = False
    fetched: int = 0
    received: int = 0


class Visiting:
    """Asks for pages through the one door, and reads them."""

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        browser: Browser | None = None,
        read: Callable[..., WebPage] = read_page,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetcher = fetcher
        self._browser = browser
        self._read = read
        self._clock = clock

    def visit(
        self, url: str, *, plan: Plan, scope: Scope, remembered: Page | None, depth: int, alone: bool = False
    ) -> Visit:
        """The page, asked for on condition that it has changed where something is remembered of it."""
        known = remembered if remembered is not None and remembered.reader == READER else None
        try:
            fetched, asked = self._ask(url, known)
        except Malformed as error:
            return Visit(url=url, outcome=Outcome.ERROR, reason=str(error), fetched=1)
        except UpstreamFailed as error:
            return Visit(url=url, outcome=Outcome.ERROR, reason=str(error), again_after=2, fetched=1)
        about = Visit(url=url, outcome=Outcome.ERROR, fetched=asked, received=len(fetched.body))
        if fetched.status == 304 and known is not None:
            return self._as_before(about, known, scope, alone)
        if fetched.status not in range(200, 300):
            return self._refused(about, fetched, scope)
        body_hash = hashlib.blake2b(fetched.body, digest_size=16).hexdigest()
        if known is not None and known.body_hash == body_hash:
            return self._as_before(about, known, scope, alone)
        read = self._read(fetched.body, url=url, headers=fetched.headers)
        page = Page(
            site=plan.site,
            key=key_for(url),
            url=url,
            outcome=Outcome.KEPT,
            etag=fetched.headers.get("etag", "")[:1_000],
            last_modified=fetched.headers.get("last-modified", "")[:100],
            body_hash=body_hash,
            depth=depth,
        )
        return self._as_read(about, page, read, scope, alone)

    def render(self, visit: Visit, *, scope: Scope, alone: bool = False) -> Visit:
        """A thin page as a browser sees it; as it is, where there is no browser or it sees no more."""
        assert visit.page is not None
        if self._browser is None:
            return replace(visit, thin=False)
        try:
            seen = self._browser.render(visit.url)
            read = self._read(seen.body, url=visit.url, headers={**seen.headers, "content-type": "text/html"})
        except (Unavailable, UpstreamFailed, Malformed) as error:
            reason = f"{visit.reason} {error}".strip()
            return replace(visit, thin=False, reason=reason, page=replace(visit.page, reader=0))
        about = Visit(
            url=visit.url,
            outcome=Outcome.ERROR,
            fetched=visit.fetched + 1,
            received=visit.received + len(seen.body),
        )
        page = replace(visit.page, outcome=Outcome.KEPT, rendered=True)
        return replace(self._as_read(about, page, read, scope, alone), thin=False, rendered=True)

    def _ask(self, url: str, known: Page | None) -> tuple[Fetched, int]:
        etag, last_modified = (known.etag, known.last_modified) if known else ("", "")
        fetched = self._fetcher.fetch(url, follow=False, etag=etag, last_modified=last_modified)
        if fetched.status in range(300, 400) and fetched.status != 304:
            target = fetched.headers.get("location", "")
            if target and normalise(target, url) == url:
                # Only the spelling differs, or a session came with it: what it leads to is this page.
                again = self._fetcher.fetch(url, etag=etag, last_modified=last_modified)
                if again.status == 304 or normalise(again.url) == url:
                    return again, 2
                raise UpstreamFailed("The page redirects to itself.")
        return fetched, 1

    def _refused(self, about: Visit, fetched: Fetched, scope: Scope) -> Visit:
        status = fetched.status
        if status in range(300, 400):
            target = normalise(fetched.headers.get("location", ""), about.url)
            home = scope.home(target) if target else ""
            if not target:
                return replace(about, reason=f"It answered {status} without saying where to go.")
            return replace(about, outcome=Outcome.REDIRECT if home else Outcome.OFF_SITE, target=home)
        if status in (404, 410):
            return replace(about, outcome=Outcome.GONE)
        if status in (401, 407):
            return replace(about, outcome=Outcome.LOGIN)
        reason = f"It answered {status}."
        if status in (429, 503):
            wait = retry_after(fetched.headers, self._clock())
            return replace(about, reason=reason, again_after=wait, pause=wait)
        return replace(about, reason=reason, again_after=2 if status >= 500 or status == 408 else None)

    def _as_before(self, about: Visit, page: Page, scope: Scope, alone: bool) -> Visit:
        visit = replace(
            about, outcome=page.outcome, page=page, links=page.links, target=page.target, unchanged=True
        )
        return _pointed(visit, page, scope, alone)

    def _as_read(self, about: Visit, page: Page, read: WebPage, scope: Scope, alone: bool) -> Visit:
        thin = read.kind == Kind.THIN
        outcome = _OUTCOMES.get(read.kind, Outcome.EMPTY)
        reason = read.reason
        if thin and sum(map(str.isalpha, read.text)) >= MIN_LETTERS:
            outcome = Outcome.KEPT
        elif thin:
            reason = reason or "Without a browser it says hardly anything."
        links = () if outcome in _DEAD_ENDS else tuple(filter(None, map(scope.home, read.links)))
        target = scope.home(read.target) if read.target else ""
        if outcome == Outcome.REDIRECT and not target:
            outcome = Outcome.OFF_SITE
        if outcome == Outcome.KEPT and not read.text.strip():
            outcome = Outcome.EMPTY
        if outcome == Outcome.KEPT and len(read.text) > MAX_TEXT:
            sentence = f"It holds {len(read.text)} letters of text, and a document {MAX_TEXT} at most."
            return replace(about, reason=sentence)
        page = replace(
            page,
            outcome=outcome,
            text=key_for(read.text_hash or read.text) if outcome == Outcome.KEPT else "",
            canonical=scope.home(read.canonical) if read.canonical else "",
            target=target,
            links=links,
            title=(read.title or page.url)[:500],
            doc_type=read.doc_type,
        )
        draft = None
        if outcome == Outcome.KEPT:
            draft = Draft(
                url=page.url, title=page.title, text=read.text, doc_type=read.doc_type, source=SOURCE
            )
        visit = replace(
            about,
            outcome=outcome,
            reason=reason,
            page=page,
            draft=draft,
            links=links,
            target=target,
            thin=thin,
        )
        return _pointed(visit, page, scope, alone)


def _pointed(visit: Visit, page: Page, scope: Scope, alone: bool) -> Visit:
    """A page that calls another one canonical stands back for it, if that one may be visited."""
    wanted = page.outcome == Outcome.KEPT and page.canonical not in ("", page.url) and not alone
    if not wanted or scope.judged(page.canonical) != Outcome.WAITING:
        return visit
    return replace(visit, outcome=Outcome.CANONICAL, target=page.canonical, draft=None, thin=False)


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds a server asks us to wait, as a number or a date; a few where it does not say."""
    given = headers.get("retry-after", "").strip()
    seconds = 5.0
    try:
        seconds = (
            float(given)
            if given.replace(".", "", 1).isdigit()
            else parsedate_to_datetime(given).timestamp() - now
        )
    except (TypeError, ValueError, OverflowError):
        seconds = 5.0
    return min(max(1.0, seconds), MAX_PAUSE) if math.isfinite(seconds) else MAX_PAUSE
