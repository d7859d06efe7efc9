"""Deliver webhooks: events are told to whoever hears of them, signed, until they have been taken."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.edge.observability import observed
from candor.edge.queue import Deferral, Graveyard, consume
from candor.messages import EventToDeliver
from candor.webhooks.delivering import Delivering


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    delivering: Delivering
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        delivering=wiring.delivering(),
        graveyard=wiring.webhook_graveyard(),
        deferral=wiring.deferral(),
    )


def deliver_webhooks(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of events to deliver, one to one webhook each."""
    return consume(
        event,
        context,
        EventToDeliver,
        lambda message: service().delivering.deliver(message),
        graveyard=service().graveyard,
        deferral=service().deferral,
    )


handler = observed(deliver_webhooks, build=service)
