"""Wiring of the helpdesk: WHMCS is crawled, and its cookies are kept."""

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.configuration import alerts, checked_address, configuration, drawers, safe
from candor.wiring.environment import stores
from candor.wiring.knowledge import jobs

if TYPE_CHECKING:
    from candor.edge.queue import Graveyard
    from candor.fetching import Browser
    from candor.messages import Queue
    from candor.whmcs.crawl.checking import Checking
    from candor.whmcs.crawl.cookies import SavedCookies
    from candor.whmcs.crawl.opening import Opening
    from candor.whmcs.crawl.orders import Orders
    from candor.whmcs.crawl.remembering import Memory
    from candor.whmcs.crawl.service import TicketCrawling
    from candor.whmcs.site.values import Access, Checked, Helpdesk


@cache
def ticket_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().ticket_queue_url, "TICKET_QUEUE_URL"))


@cache
def ticket_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().ticket_dlq_url, "TICKET_DLQ_URL"))


@cache
def saved_cookies() -> "SavedCookies":
    from candor.whmcs.crawl.cookies import SavedCookies

    return SavedCookies(safe=safe())


@cache
def helpdesk_memory() -> "Memory":
    from candor.whmcs.crawl.remembering import Memory

    return Memory(drawers=drawers(), alerts=alerts())


@cache
def ticket_crawls() -> "Orders":
    """Where a crawl of tickets is asked for."""
    from candor.whmcs.crawl.orders import Orders

    return Orders(
        opening=opening(),
        safe=safe(),
        jobs=jobs(),
        queue=ticket_queue(),
        check_address=checked_address,
    )


@cache
def ticket_crawling() -> "TicketCrawling":
    """What carries it out."""
    from candor.whmcs.crawl.course import Means
    from candor.whmcs.crawl.service import TicketCrawling
    from candor.wiring.tickets import keeping, tickets

    means = Means(orders=ticket_crawls(), memory=helpdesk_memory(), jobs=jobs(), queue=ticket_queue())
    return TicketCrawling(
        means=means,
        opening=opening(),
        tickets=tickets(),
        keeping=keeping(),
        open_helpdesk=_open_helpdesk,
    )


@cache
def helpdesk_checking() -> "Checking":
    from candor.whmcs.crawl.checking import Checking

    return Checking(
        opening=opening(),
        memory=helpdesk_memory(),
        check_address=checked_address,
        check=_check,
    )


@cache
def opening() -> "Opening":
    from candor.whmcs.crawl.opening import Opening

    return Opening(configuration=configuration(), cookies=saved_cookies())


def _open_helpdesk(access: "Access") -> "Helpdesk":
    from candor.settings import Fetch
    from candor.whmcs.crawl.opening import origin_of
    from candor.whmcs.site.reading import open_helpdesk
    from candor.wiring.web import fetcher

    fetch = Fetch.read()
    own = origin_of(access.base_url) in {origin.casefold() for origin in fetch.allowed_origins}
    delay = 0.0 if own else fetch.crawl_delay_seconds
    return open_helpdesk(access, fetcher(), browser=_browser(), delay=delay)


def _check(access: "Access") -> "Checked":
    from candor.whmcs.site.reading import check
    from candor.wiring.web import fetcher

    return check(access, fetcher(), browser=_browser())


def _browser() -> "Browser | None":
    """None where this function has none: pages that need one then say so."""
    from candor.wiring.web import browser

    return browser() if find_spec("playwright") else None
