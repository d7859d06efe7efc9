"""Wiring of crawls: websites become documents."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.settings import Fetch
from candor.wiring.environment import stores
from candor.wiring.knowledge import documents, jobs
from candor.wiring.vocabulary import page_reader
from candor.wiring.web import browser, fetcher

if TYPE_CHECKING:
    from candor.crawling.crawls import Crawls
    from candor.crawling.refreshing import Refreshing
    from candor.crawling.service import Crawling
    from candor.edge.queue import Graveyard
    from candor.fetching import Browser
    from candor.messages import Queue


@cache
def crawls() -> "Crawls":
    from candor.adapters.dynamodb_crawls import DynamoCrawls

    return DynamoCrawls(settings.need(stores().crawls_table, "CRAWLS_TABLE"))


@cache
def crawl_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().crawl_queue_url, "CRAWL_QUEUE_URL"))


@cache
def render_queue() -> "Queue | None":
    """None where no function has a browser."""
    from candor.adapters.sqs import SqsQueue

    url = stores().render_queue_url
    return SqsQueue(url) if url else None


@cache
def crawl_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().crawl_dlq_url, "CRAWL_DLQ_URL"))


@cache
def render_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().render_dlq_url, "RENDER_DLQ_URL"))


@cache
def crawling() -> "Crawling":
    """What crawls without a browser: thin pages go to the queue of those that have one."""
    return _crawling(None)


@cache
def rendering() -> "Crawling":
    """The same with a browser."""
    return _crawling(browser())


@cache
def refreshing() -> "Refreshing":
    from candor.crawling.refreshing import Refreshing

    fetch = Fetch.read()
    return Refreshing(
        documents=documents(),
        crawls=crawls(),
        jobs=jobs(),
        fetcher=fetcher(),
        queue=crawl_queue(),
        delay_seconds=fetch.crawl_delay_seconds,
        free_origins=fetch.allowed_origins,
        read=page_reader(),
    )


def _crawling(seen_by: "Browser | None") -> "Crawling":
    from candor.crawling.service import Crawling
    from candor.crawling.visiting import Visiting

    fetch = Fetch.read()
    return Crawling(
        crawls=crawls(),
        documents=documents(),
        jobs=jobs(),
        fetcher=fetcher(),
        visiting=Visiting(fetcher=fetcher(), browser=seen_by, read=page_reader()),
        queue=crawl_queue(),
        render_queue=render_queue(),
        delay_seconds=fetch.crawl_delay_seconds,
        free_origins=fetch.allowed_origins,
    )
