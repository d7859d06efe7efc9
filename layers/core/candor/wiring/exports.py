"""Wiring of exports and of dead letters: what follows every change, and what was given up."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.environment import stores
from candor.wiring.knowledge import documents, index_queue, jobs, objects

if TYPE_CHECKING:
    from candor.dead_letters import DeadLetters, Redriving
    from candor.edge.queue import Deferral, Graveyard
    from candor.exporting import Exporting, Exports
    from candor.messages import Queue


@cache
def export_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().export_queue_url, "EXPORT_QUEUE_URL"))


@cache
def export_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().export_dlq_url, "EXPORT_DLQ_URL"))


@cache
def deferral() -> "Deferral":
    """For whichever queues this function reads."""
    from candor.adapters.sqs import SqsDeferral

    return SqsDeferral()


@cache
def dead_letters() -> "DeadLetters":
    """Every dead-letter queue this function is told of."""
    from candor.adapters.sqs_dead_letters import QueuePair, SqsDeadLetters

    named = stores()
    pairs = {
        "source": (named.source_dlq_url, named.source_queue_url),
        "index": (named.index_dlq_url, named.index_queue_url),
        # What failed on its way out of the table's stream was in no queue before.
        "changes": (named.changes_dlq_url, None),
        "crawl": (named.crawl_dlq_url, named.crawl_queue_url),
        "ticket": (named.ticket_dlq_url, named.ticket_queue_url),
        "render": (named.render_dlq_url, named.render_queue_url),
        "export": (named.export_dlq_url, named.export_queue_url),
        "message": (named.message_dlq_url, named.message_queue_url),
        "webhook": (named.webhook_dlq_url, named.webhook_queue_url),
    }
    return SqsDeadLetters(
        {queue: QueuePair(dead_url=dead, main_url=main) for queue, (dead, main) in pairs.items() if dead}
    )


@cache
def redriving() -> "Redriving":
    from candor.dead_letters import Redriving

    return Redriving(
        letters=dead_letters(), jobs=jobs(), index_queue=index_queue(), export_queue=export_queue()
    )


@cache
def exporting() -> "Exporting":
    from candor.adapters.dynamodb_exports import DynamoExportMarks
    from candor.exporting import Exporting, custom_docs

    return Exporting(
        exports=[custom_docs(documents())],
        objects=objects(),
        marks=DynamoExportMarks(settings.need(stores().config_table, "CONFIG_TABLE")),
        queue=export_queue(),
    )


@cache
def exports() -> "Exports":
    from candor.exporting import Exports

    return Exports(objects=objects())
