"""
Write exports: files that show what is stored follow every change; and long redrives are gone on with.

Both may take their time and delay nobody's answer, which is what this queue is for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.dead_letters import Redriving
from candor.edge.observability import logger, observed
from candor.edge.queue import Deferral, Graveyard, consume_batch
from candor.errors import NotFound
from candor.exporting import Exporting
from candor.messages import ExportWork

SPARE_SECONDS = 20.0
"""Kept for what follows a redrive in the same invocation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    exporting: Exporting
    redriving: Redriving
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        exporting=wiring.exporting(),
        redriving=wiring.redriving(),
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
            if work.to_redrive is not None:
                try:
                    _redrive(work.to_redrive.job_id, seconds=remaining() - SPARE_SECONDS)
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


def _redrive(job_id: str, *, seconds: float) -> None:
    try:
        job = service().redriving.go_on(job_id, seconds=max(1.0, seconds))
    except NotFound:
        return  # The job has aged away: nobody waits for it, and what is left can be redriven anew.
    if not job.status.ended:
        service().redriving.later(job_id)


handler = observed(write_exports, build=service)
