"""Page fetching: one page by its address, read, and what it would be as a document."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from candor.crawling.addresses import normalise
from candor.documents import Draft
from candor.errors import Invalid, UnsupportedType, UpstreamFailed
from candor.fetching import TOTAL_SECONDS, Fetched, Fetcher, is_wanted
from candor.sources.records import MAX_TEXT
from candor.sources.web_pages import Kind, WebPage, read_page

SOURCE: Final = "web"
"""What owns documents that were fetched one by one."""

_MAX_TITLE: Final = 500
_MAX_REFRESHES: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedPage:
    """A page as it came, and as it was read."""

    fetched: Fetched
    page: WebPage

    def draft(self, *, title: str = "", doc_type: str = "") -> Draft:
        """
        The document it would be, under the address it came from, in the one form that a crawl knows it by.

        `Invalid` where there is no text.
        """
        if not self.page.text.strip():
            raise Invalid(f"The page holds no text to store. {self.page.reason}".rstrip())
        return Draft(
            url=normalise(self.fetched.url) or self.fetched.url,
            title=(title or self.page.title or self.fetched.url)[:_MAX_TITLE],
            text=self.page.text,
            doc_type=doc_type or self.page.doc_type,
            raw=self.page.html,
            source=SOURCE,
        )


class PageFetching:
    """Fetches single pages through the one door."""

    def __init__(self, *, fetcher: Fetcher, read: Callable[..., WebPage] = read_page) -> None:
        self._fetcher = fetcher
        self._read = read

    def fetch(self, url: str) -> FetchedPage:
        """
        The page at an address, read.

        A page that only forwards (meta refresh) is followed like a redirect. `Malformed` and
        `UpstreamFailed` as `Fetcher`; `UpstreamFailed` also for any status but success, `UnsupportedType`
        for what holds no text.
        """
        deadline = time.monotonic() + TOTAL_SECONDS
        for _ in range(_MAX_REFRESHES + 1):
            fetched = self._fetcher.fetch(url, total_seconds=deadline - time.monotonic())
            page = self._opened(fetched)
            if page.kind != Kind.REDIRECT or not page.target:
                return FetchedPage(fetched=fetched, page=page)
            url = urljoin(fetched.url, page.target)
        raise UpstreamFailed("The page forwards from one page to the next without an end.")

    def _opened(self, fetched: Fetched) -> WebPage:
        if not 200 <= fetched.status < 300:
            raise UpstreamFailed(f"The page answered with status {fetched.status}.")
        if not is_wanted(fetched.content_type):
            raise UnsupportedType(
                f"There is {fetched.content_type} at this address; what is read is pages, text and PDF."
            )
        page = self._read(fetched.body, url=fetched.url, headers=fetched.headers)
        if page.kind == Kind.UNREADABLE:
            raise UnsupportedType(page.reason or "There is nothing at this address that could be read.")
        if len(page.text) > MAX_TEXT:
            raise UpstreamFailed(f"The page holds more than {MAX_TEXT:,} letters of text.")
        return page
