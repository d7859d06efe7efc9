"""Render page: pages of a crawl that say hardly anything without their scripts, seen in a browser."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.crawling.service import Crawling
from candor.edge.observability import observed
from candor.edge.queue import Deferral, Graveyard, consume
from candor.messages import PageToRender


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    crawling: Crawling
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        crawling=wiring.rendering(),
        graveyard=wiring.render_graveyard(),
        deferral=wiring.deferral(),
    )


def render_page(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of pages."""
    return consume(
        event,
        context,
        PageToRender,
        service().crawling.render,
        graveyard=service().graveyard,
        deferral=service().deferral,
    )


handler = observed(render_page, build=service)
