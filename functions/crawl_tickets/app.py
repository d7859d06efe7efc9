"""Crawl tickets: a helpdesk's tickets are fetched and stored, step by step."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.edge.observability import observed
from candor.edge.queue import Deferral, Graveyard, consume
from candor.messages import TicketsToCrawl
from candor.whmcs.crawl.service import TicketCrawling


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    crawling: TicketCrawling
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        crawling=wiring.ticket_crawling(),
        graveyard=wiring.ticket_graveyard(),
        deferral=wiring.deferral(),
    )


def crawl_tickets(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of crawls to go on with."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    return consume(
        event,
        context,
        TicketsToCrawl,
        lambda message: service().crawling.go_on(message, remaining=remaining),
        graveyard=service().graveyard,
        deferral=service().deferral,
    )


handler = observed(crawl_tickets, build=service)
