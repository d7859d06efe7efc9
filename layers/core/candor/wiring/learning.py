"""Wiring of learning: approved tickets and the documents they become."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.configuration import configuration
from candor.wiring.environment import stores
from candor.wiring.exports import export_queue
from candor.wiring.knowledge import documents, jobs, objects

if TYPE_CHECKING:
    from candor.tickets.arriving import Arriving
    from candor.tickets.exporting import TicketExporting
    from candor.tickets.learning import Learning
    from candor.tickets.proposing import Proposing
    from candor.tickets.reconciling import TicketReconciling


@cache
def learning() -> "Learning":
    from candor.adapters.dynamodb_folds import DynamoFolds
    from candor.config.live import Live
    from candor.config.whmcs import WHMCS
    from candor.tickets.folding import Folding
    from candor.tickets.learning import Learning
    from candor.wiring.tickets import tickets

    return Learning(
        tickets=tickets(),
        documents=documents(),
        folding=Folding(DynamoFolds(settings.need(stores().config_table, "CONFIG_TABLE"))),
        keep=Live(configuration().known, lambda reading: tuple(reading.shown(WHMCS.name)["own_addresses"])),
    )


@cache
def arriving() -> "Arriving":
    from candor.tickets.arriving import Arriving
    from candor.wiring.tickets import keeping, tickets

    return Arriving(tickets=tickets(), keeping=keeping(), learning=learning())


@cache
def proposing() -> "Proposing":
    from candor.tickets.proposing import Proposing
    from candor.wiring.tickets import keeping, tickets

    return Proposing(tickets=tickets(), keeping=keeping())


@cache
def ticket_exporting() -> "TicketExporting":
    from candor.tickets.exporting import TicketExporting
    from candor.wiring.tickets import ticket_directory, tickets

    return TicketExporting(
        tickets=tickets(),
        directory=ticket_directory(),
        learning=learning(),
        objects=objects(),
        jobs=jobs(),
        queue=export_queue(),
    )


@cache
def ticket_reconciling() -> "TicketReconciling":
    from candor.tickets.reconciling import TicketReconciling
    from candor.wiring.tickets import keeping, ticket_directory, tickets

    return TicketReconciling(
        tickets=tickets(),
        directory=ticket_directory(),
        keeping=keeping(),
        learning=learning(),
        documents=documents(),
        jobs=jobs(),
        queue=export_queue(),
    )
