"""Index document: documents become searchable, or are removed; indexes are reconciled, built and dropped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.edge.observability import logger, observed
from candor.edge.queue import Deferral, Graveyard, consume_batch
from candor.indexing.building import IndexBuilding
from candor.indexing.live import LiveIndexing
from candor.indexing.reconciling import LiveReconciling, Reconciling
from candor.indexing.service import Indexing
from candor.jobs import Jobs
from candor.messages import IndexToReconcile, IndexWork


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    indexing: Indexing | LiveIndexing
    reconciling: Reconciling | LiveReconciling
    building: IndexBuilding
    jobs: Jobs
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        indexing=wiring.indexing(),
        reconciling=wiring.reconciling(),
        building=wiring.index_building(),
        jobs=wiring.jobs(),
        graveyard=wiring.index_graveyard(),
        deferral=wiring.deferral(),
    )


def index_document(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch: the documents of it are indexed together."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    def handle_many(works: Sequence[IndexWork]) -> Mapping[int, BaseException]:
        ids = [work.document_id for work in works if work.document_id]
        failed: dict[str, BaseException] = _indexed(ids, remaining)
        failures = {index: failed[w.document_id] for index, w in enumerate(works) if w.document_id in failed}
        for index, work in enumerate(works):
            try:
                if work.reconcile is not None:
                    _reconcile(work.reconcile)
                elif work.build is not None:
                    service().building.work(work.build.build, remaining=remaining)
                elif work.drop is not None:
                    service().building.drop(work.drop.drop)
            except Exception as error:  # noqa: BLE001 - reported: its message comes back, the others not
                failures[index] = error
        return failures

    return consume_batch(
        event,
        context,
        IndexWork,
        handle_many,
        graveyard=service().graveyard,
        deferral=service().deferral,
    )


def _indexed(ids: Sequence[str], remaining: Callable[[], float]) -> dict[str, BaseException]:
    try:
        return dict(service().indexing.index_many(ids, remaining=remaining))
    except Exception as error:  # noqa: BLE001 - reported below, for the one document it belongs to
        if len(ids) == 1:
            return {ids[0]: error}
    # Something nobody expected: alone, each shows whether it was the cause.
    failures: dict[str, BaseException] = {}
    for document_id in dict.fromkeys(ids):
        failures |= _indexed([document_id], remaining)
    return failures


def _reconcile(message: IndexToReconcile) -> None:
    job = service().jobs.start(
        kind="reconcile",
        subject="both indexes",
        created_by="schedule",
        job_id=message.job_id or None,
    )
    service().building.resume()
    if not job.status.ended:
        report = service().reconciling.run(job.job_id)
        logger.info("reconciled", extra={"differences": len(report.differences), "requeued": report.requeued})


handler = observed(index_document, build=service)
