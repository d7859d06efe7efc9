"""Wiring of the web: the one door to the network, and the browser behind it."""

from functools import cache
from typing import TYPE_CHECKING

from candor import VERSION
from candor.settings import Fetch

if TYPE_CHECKING:
    from candor.fetching import Browser, Fetcher
    from candor.page_fetching import PageFetching


@cache
def fetcher() -> "Fetcher":
    from candor.adapters.http_fetcher import HttpFetcher

    return HttpFetcher(version=VERSION, allowed_origins=Fetch.read().allowed_origins)


@cache
def browser() -> "Browser":
    from candor.adapters.playwright_browser import PlaywrightBrowser

    fetch = Fetch.read()
    return PlaywrightBrowser(fetcher(), path=fetch.browser_path, flags=fetch.browser_flags)


@cache
def page_fetching() -> "PageFetching":
    from candor.page_fetching import PageFetching
    from candor.wiring.vocabulary import page_reader

    return PageFetching(fetcher=fetcher(), read=page_reader())
