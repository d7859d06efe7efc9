"""Crawl page: websites become documents, a batch of pages at a time; documents from the web are refreshed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.crawling.refreshing import Refreshing
from candor.crawling.service import Crawling
from candor.edge.observability import observed
from candor.edge.queue import Deferral, Graveyard, consume_batch
from candor.messages import CrawlToFinish, CrawlWork, DocumentsToRefresh, PageToCrawl, SiteToCrawl


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    crawling: Crawling
    refreshing: Refreshing
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        crawling=wiring.crawling(),
        refreshing=wiring.refreshing(),
        graveyard=wiring.crawl_graveyard(),
        deferral=wiring.deferral(),
    )


def crawl_page(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch: the pages of it are crawled together."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    def handle_many(works: Sequence[CrawlWork]) -> Mapping[int, BaseException]:
        failures: dict[int, BaseException] = {}
        pages = {index: work.task for index, work in enumerate(works) if isinstance(work.task, PageToCrawl)}
        places = list(pages)
        failed = service().crawling.visit_many(list(pages.values()), remaining=remaining)
        failures.update({places[place]: error for place, error in failed.items()})
        for index, work in enumerate(works):
            try:
                _handle(work.task)
            except Exception as error:  # noqa: BLE001 - reported: its message comes back, the others not
                failures[index] = error
        return failures

    def _handle(task: SiteToCrawl | PageToCrawl | CrawlToFinish | DocumentsToRefresh) -> None:
        if isinstance(task, SiteToCrawl):
            service().crawling.begin(task)
        elif isinstance(task, CrawlToFinish):
            service().crawling.finish(task)
        elif isinstance(task, DocumentsToRefresh):
            service().refreshing.go_on(task, remaining=remaining)

    return consume_batch(
        event,
        context,
        CrawlWork,
        handle_many,
        graveyard=service().graveyard,
        deferral=service().deferral,
    )


handler = observed(crawl_page, build=service)
