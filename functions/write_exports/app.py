"""
Write exports: files that show what is stored follow every change; and other long work is gone on with.

All of it may take its time and delays nobody's answer, which is what this queue is for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.dead_letters import Redriving
from candor.edge.observability import logger, observed
from candor.edge.queue import Deferral, Graveyard, consume_batch
from candor.erasing import Erasing
from candor.errors import NotFound
from candor.exporting import Exporting
from candor.messages import ExportWork
from candor.tickets.exporting import TicketExporting
from candor.tickets.reconciling import TicketReconciling
from candor.tickets.reviewing import Reviewing

SPARE_SECONDS = 20.0
"""Kept for what follows a redrive in the same invocation."""

TURN_SECONDS = 60.0
"""Of deciding about many tickets, before others on the queue have their turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    exporting: Exporting
    redriving: Redriving
    erasing: Erasing
    reviewing: Reviewing
    ticket_exporting: TicketExporting
    ticket_reconciling: TicketReconciling
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        exporting=wiring.exporting(),
        redriving=wiring.redriving(),
        erasing=wiring.erasing(),
        reviewing=wiring.reviewing(),
        ticket_exporting=wiring.ticket_exporting(),
        ticket_reconciling=wiring.ticket_reconciling(),
        graveyard=wiring.export_graveyard(),
        deferral=wiring.deferral(),
    )


def write_exports(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch: all changes it tells of are one export."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    def handle_many(works: Sequence[ExportWork]) -> Mapping[int, BaseException]:
        failures = _export(works)
        for index, work in enumerate(works):
            try:
                _go_on(work, seconds=max(1.0, remaining() - SPARE_SECONDS))
            except Exception as error:  # noqa: BLE001 - reported: its message comes back, the others not
                failures[index] = error
        return failures

    return consume_batch(
        event,
        context,
        ExportWork,
        handle_many,
        graveyard=service().graveyard,
        deferral=service().deferral,
    )


def _export(works: Sequence[ExportWork]) -> dict[int, BaseException]:
    wanted = {index: work.to_write for index, work in enumerate(works) if work.to_write is not None}
    if not wanted:
        return {}
    changes = [one.changed_at for one in wanted.values()]
    try:
        # A message without a time wants to be obeyed whatever lies there; otherwise the latest change counts.
        service().exporting.write("" if "" in changes else max(changes))
    except Exception as error:  # noqa: BLE001 - reported: each of them comes back
        return dict.fromkeys(wanted, error)
    logger.info("exported", extra={"messages": len(wanted)})
    return {}


def _go_on(work: ExportWork, *, seconds: float) -> None:
    """A step of whatever long work the message belongs to."""
    if work.to_redrive is not None:
        _redrive(work.to_redrive.job_id, seconds=seconds)
    if work.to_erase is not None:
        _erase(work.to_erase.job_id, seconds=seconds)
    if work.to_decide is not None:
        _decide(work.to_decide.job_id, seconds=seconds)
    if work.to_export is not None:
        _take_turn(service().ticket_exporting, work.to_export.job_id, seconds)
    if work.to_reconcile is not None and not work.to_reconcile.job_id:
        service().ticket_reconciling.begin(by="start")
    elif work.to_reconcile is not None:
        _take_turn(service().ticket_reconciling, work.to_reconcile.job_id, seconds)


def _take_turn(work: TicketExporting | TicketReconciling, job_id: str, seconds: float) -> None:
    try:
        job = work.go_on(job_id, seconds=min(seconds, TURN_SECONDS))
    except NotFound:
        return  # The job has aged away: nobody waits for it.
    if not job.status.ended:
        work.later(job_id)


def _decide(job_id: str, *, seconds: float) -> None:
    try:
        job = service().reviewing.go_on(job_id, seconds=min(seconds, TURN_SECONDS))
    except NotFound:
        return  # The job has aged away: whoever wants it asks anew.
    if not job.status.ended:
        service().reviewing.later(job_id)


def _erase(job_id: str, *, seconds: float) -> None:
    try:
        job = service().erasing.go_on(job_id, seconds=min(seconds, TURN_SECONDS))
    except NotFound:
        return  # The job has aged away, long after its last look.
    logger.info("erased", extra={"job_id": job_id, "status": job.status.value, **job.result})


def _redrive(job_id: str, *, seconds: float) -> None:
    try:
        job = service().redriving.go_on(job_id, seconds=seconds)
    except NotFound:
        return  # The job has aged away: nobody waits for it, and what is left can be redriven anew.
    if not job.status.ended:
        service().redriving.later(job_id)


handler = observed(write_exports, build=service)
