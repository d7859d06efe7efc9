"""Wiring of tickets: their rows, the directory they are found in, and what becomes of them."""

from functools import cache, partial
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring import engines
from candor.wiring.environment import stores
from candor.wiring.knowledge import jobs, objects
from candor.wiring.search import search_settings

if TYPE_CHECKING:
    from candor.tickets.keeping import Keeping
    from candor.tickets.reviewing import Reviewing
    from candor.tickets.store import TicketDirectory, Tickets


@cache
def tickets() -> "Tickets":
    from candor.adapters.dynamodb_tickets import DynamoTickets

    return DynamoTickets(settings.need(stores().tickets_table, "TICKETS_TABLE"), objects=objects())


@cache
def ticket_directory() -> "TicketDirectory":
    return engines.ticket_directory(search_settings())


@cache
def keeping() -> "Keeping":
    from candor.adapters.cores import spread
    from candor.tickets.keeping import Keeping
    from candor.wiring.learning import learning

    return Keeping(
        tickets=tickets(),
        directory=ticket_directory(),
        learning=learning(),
        # This process and the table's have work of their own: with two cores a third one only cost time.
        spread=partial(spread, spare=1),
    )


@cache
def reviewing() -> "Reviewing":
    from candor.tickets.reviewing import Reviewing
    from candor.wiring.exports import export_queue
    from candor.wiring.learning import learning

    return Reviewing(
        tickets=tickets(),
        directory=ticket_directory(),
        keeping=keeping(),
        learning=learning(),
        jobs=jobs(),
        queue=export_queue(),
    )
