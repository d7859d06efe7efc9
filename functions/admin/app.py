"""Admin: ingest in bulk, jobs, and reconciliation."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from candor import wiring
from candor.edge.gate import Gate
from candor.edge.http import Api, Call, Reply
from candor.edge.models import Paging
from candor.edge.models.admin import (
    AcceptedReply,
    FromSourceQuery,
    FromSourceReply,
    IngestBody,
    IngestReply,
    JobReply,
    JobsReply,
)
from candor.edge.observability import observed
from candor.ingesting import Ingesting
from candor.jobs import Job, Jobs
from candor.messages import IndexToReconcile, Queue
from candor.source_runs import KIND, SourceRuns, source_prefix

WAIT_SECONDS = 25.0
"""API Gateway gives up after 29."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    jobs: Jobs
    ingesting: Ingesting
    source_runs: SourceRuns
    index_queue: Queue


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(),
        jobs=wiring.jobs(),
        ingesting=wiring.ingesting(),
        source_runs=wiring.source_runs(),
        index_queue=wiring.index_queue(),
    )


api = Api("admin", gate=lambda: service().gate)


@api.view("POST", "/v1/admin/ingest")
def ingest(call: Call) -> IngestReply:
    body: IngestBody = call.body
    records = [record.record() for record in body.documents]
    job = service().ingesting.accept(records, created_by=call.principal.principal_id)
    accepted = AcceptedReply.of(job).model_dump()
    return IngestReply(**accepted, documents_count=len(records))


@api.view("POST", "/v1/admin/ingest-from-source")
def ingest_from_source(call: Call) -> FromSourceReply | Reply:
    query: FromSourceQuery = call.query
    runs, prefix = service().source_runs, source_prefix(query.prefix or query.source_dir)
    if query.dry_run:
        return FromSourceReply(job_id=None, id=None, **runs.rehearse(prefix, seconds=WAIT_SECONDS))
    job = runs.begin(prefix, created_by=call.principal.principal_id)
    if query.wait:
        job = runs.wait(job.job_id, seconds=WAIT_SECONDS)
        if job.status.ended:
            return FromSourceReply(job_id=job.job_id, id=job.job_id, **job.result)
    return Reply(status=202, body=AcceptedReply.of(job))


@api.view("GET", "/v1/admin/jobs")
def list_jobs(call: Call) -> JobsReply:
    query: Paging = call.query
    jobs, total = service().jobs.list(page=query.page, page_size=query.page_size)
    now = datetime.now(UTC)
    # A run over many files ends when it is looked at.
    items = [JobReply.of(_looked_at(job.job_id) if job.kind == KIND else job, now) for job in jobs]
    return JobsReply(items=items, total=total, page=query.page, page_size=query.page_size)


@api.view("GET", "/v1/admin/jobs/{id}")
def show_job(call: Call) -> JobReply:
    return JobReply.of(_looked_at(call.path["id"]), datetime.now(UTC))


@api.view("POST", "/v1/admin/jobs/{id}/cancel")
def cancel_job(call: Call) -> JobReply:
    return JobReply.of(service().jobs.cancel(call.path["id"]), datetime.now(UTC))


@api.view("POST", "/v1/admin/reconcile")
def reconcile(call: Call) -> AcceptedReply:
    job = service().jobs.start(
        kind="reconcile", subject="both indexes", created_by=call.principal.principal_id
    )
    service().index_queue.send(IndexToReconcile(reconcile=True, job_id=job.job_id))
    return AcceptedReply.of(job)


def _looked_at(job_id: str) -> Job:
    return service().source_runs.look(job_id)


handler = observed(api, build=service)
