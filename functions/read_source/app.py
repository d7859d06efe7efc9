"""Read source: what is dropped into the bucket becomes documents and tickets; removing withdraws them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.edge.observability import observed
from candor.edge.queue import Deferral, Graveyard, consume
from candor.importing.service import Importing
from candor.ingesting import Ingesting
from candor.messages import SourceWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    ingesting: Ingesting
    importing: Importing
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        ingesting=wiring.ingesting(),
        importing=wiring.importing(),
        graveyard=wiring.source_graveyard(),
        deferral=wiring.deferral(),
    )


def read_source(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of S3 notifications and of messages of our own."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    def handle(work: SourceWork) -> None:
        for change in work.changes:
            service().ingesting.changed(change, remaining=remaining)
        if work.to_read is not None:
            service().ingesting.read(work.to_read, remaining=remaining)
        if work.to_import is not None:
            service().importing.go_on(work.to_import.job_id, remaining=remaining)

    return consume(
        event, context, SourceWork, handle, graveyard=service().graveyard, deferral=service().deferral
    )


handler = observed(read_source, build=service)
