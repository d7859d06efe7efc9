"""Admin: ingest in bulk, jobs, and reconciliation."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from candor import wiring
from candor.alerts import Alerts
from candor.dead_letters import DeadLetters, Redriving
from candor.edge.gate import Gate
from candor.edge.http import Api, Call, Reply
from candor.edge.models.admin import (
    AcceptedReply,
    FromSourceQuery,
    FromSourceReply,
    IngestBody,
    IngestReply,
    JobReply,
    JobsQuery,
    JobsReply,
    ReindexBody,
)
from candor.edge.models.configuration import AlertReply
from candor.edge.models.helpdesk import (
    CheckBody,
    CheckReply,
    CookiesBody,
    CookiesReply,
    CookiesSavedReply,
    CrawlTicketsBody,
    TicketsCrawledReply,
    WaitQuery,
)
from candor.edge.models.imports import ImportDumpBody
from candor.edge.models.letters import (
    DeadLetterQueuesReply,
    DeadLetterReply,
    DeadLettersReply,
    ExportReply,
    RedriveBody,
)
from candor.edge.models.schedules import ScheduleBody, ScheduleReply
from candor.edge.observability import observed
from candor.errors import NotFound
from candor.exporting import Exports
from candor.importing.orders import Orders
from candor.indexing.reindexing import Reindexing
from candor.ingesting import Ingesting
from candor.jobs import Job, Jobs
from candor.messages import IndexToReconcile, Queue
from candor.schedules.service import Scheduling
from candor.schedules.values import Schedule
from candor.source_runs import KIND, SourceRuns, source_prefix
from candor.tickets.reconciling import queue_reconciling
from candor.whmcs.crawl.checking import Checking
from candor.whmcs.crawl.cookies import SavedCookies
from candor.whmcs.crawl.orders import Orders as TicketCrawls

WAIT_SECONDS = 25.0
"""API Gateway gives up after 29."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    jobs: Jobs
    ingesting: Ingesting
    source_runs: SourceRuns
    imports: Orders
    index_queue: Queue
    export_queue: Queue
    dead_letters: DeadLetters
    redriving: Redriving
    exports: Exports
    scheduling: Scheduling
    reindexing: Reindexing
    alerts: Alerts
    cookies: SavedCookies
    checking: Checking
    ticket_crawls: TicketCrawls


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(),
        jobs=wiring.jobs(),
        ingesting=wiring.ingesting(),
        source_runs=wiring.source_runs(),
        imports=wiring.import_orders(),
        index_queue=wiring.index_queue(),
        export_queue=wiring.export_queue(),
        dead_letters=wiring.dead_letters(),
        redriving=wiring.redriving(),
        exports=wiring.exports(),
        scheduling=wiring.scheduling(),
        reindexing=wiring.reindexing(),
        alerts=wiring.alerts(),
        cookies=wiring.saved_cookies(),
        checking=wiring.helpdesk_checking(),
        ticket_crawls=wiring.ticket_crawls(),
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


@api.view("POST", "/v1/admin/import-dump")
def import_dump(call: Call) -> AcceptedReply:
    body: ImportDumpBody = call.body
    job = service().imports.place(
        body.keys,
        dry_run=body.dry_run,
        approval=body.approval_status,
        departments=body.departments or (),
        statuses=body.statuses or (),
        since=body.since,
        created_by=call.principal.principal_id,
    )
    return AcceptedReply.of(job)


@api.view("GET", "/v1/admin/jobs")
def list_jobs(call: Call) -> JobsReply:
    query: JobsQuery = call.query
    jobs, total = service().jobs.list(
        page=query.page, page_size=query.page_size, kind=query.kind or None, status=query.status
    )
    now = datetime.now(UTC)
    # A run over many files ends when it is looked at.
    items = [JobReply.of(_looked_at(job.job_id) if job.kind == KIND else job, now) for job in jobs]
    return JobsReply(items=items, total=total, page=query.page, page_size=query.page_size)


@api.view("GET", "/v1/admin/jobs/{id}")
def show_job(call: Call) -> JobReply:
    return JobReply.of(_looked_at(call.path["id"]), datetime.now(UTC))


@api.view("POST", "/v1/admin/jobs/{id}/cancel")
def cancel_job(call: Call) -> JobReply:
    return JobReply.of(service().source_runs.cancel(call.path["id"]), datetime.now(UTC))


@api.view("POST", "/v1/admin/reconcile")
def reconcile(call: Call) -> AcceptedReply:
    job = service().jobs.start(
        kind="reconcile", subject="both indexes", created_by=call.principal.principal_id
    )
    service().index_queue.send(IndexToReconcile(reconcile=True, job_id=job.job_id))
    queue_reconciling(
        jobs=service().jobs,
        queue=service().export_queue,
        created_by=call.principal.principal_id,
        beside=job.job_id,
    )
    return AcceptedReply.of(job)


@api.view("POST", "/v1/admin/reindex")
def reindex(call: Call) -> AcceptedReply:
    body: ReindexBody = call.body
    return AcceptedReply.of(
        service().reindexing.begin(
            embedder=body.embedder, dimensions=body.dimensions, created_by=call.principal.principal_id
        )
    )


@api.view("GET", "/v1/admin/schedules")
def list_schedules(call: Call) -> list[ScheduleReply]:
    return [_shown(schedule) for schedule in service().scheduling.list()]


@api.view("GET", "/v1/admin/schedules/{name}")
def show_schedule(call: Call) -> ScheduleReply:
    return _shown(service().scheduling.get(call.path["name"]))


@api.view("PUT", "/v1/admin/schedules/{name}")
def put_schedule(call: Call) -> ScheduleReply:
    body: ScheduleBody = call.body
    return _shown(service().scheduling.put(call.path["name"], body.change()))


@api.view("DELETE", "/v1/admin/schedules/{name}")
def delete_schedule(call: Call) -> None:
    service().scheduling.delete(call.path["name"])


@api.view("POST", "/v1/admin/schedules/{name}/run")
def run_schedule(call: Call) -> AcceptedReply:
    scheduling, name = service().scheduling, call.path["name"]
    return AcceptedReply.of(scheduling.run_now(name, created_by=call.principal.principal_id))


def _shown(schedule: Schedule) -> ScheduleReply:
    due = schedule.next_run(datetime.now(UTC))
    return ScheduleReply.of(
        schedule,
        next_run=due.isoformat() if due else None,
        last_status=service().scheduling.last_status(schedule),
    )


@api.view("GET", "/v1/admin/dlq")
def count_dead_letters(call: Call) -> DeadLetterQueuesReply:
    return DeadLetterQueuesReply.of(list(service().dead_letters.counts()))


@api.view("GET", "/v1/admin/dlq/{queue}")
def list_dead_letters(call: Call) -> DeadLettersReply:
    queue = call.path["queue"]
    items = [DeadLetterReply.of(letter) for letter in service().dead_letters.messages(queue)]
    return DeadLettersReply(queue=queue, items=items)


@api.view("POST", "/v1/admin/dlq/{queue}/redrive")
def redrive_dead_letters(call: Call) -> AcceptedReply:
    body: RedriveBody = call.body
    job = service().redriving.begin(
        call.path["queue"], message_ids=body.message_ids, created_by=call.principal.principal_id
    )
    return AcceptedReply.of(job)


@api.view("DELETE", "/v1/admin/dlq/{queue}/{message_id}")
def discard_dead_letter(call: Call) -> None:
    service().dead_letters.discard(call.path["queue"], call.path["message_id"])


@api.view("GET", "/v1/admin/exports")
def list_exports(call: Call) -> list[ExportReply]:
    exports = service().exports
    return [ExportReply.of(written, exports.link(written)) for written in exports.list()]


@api.view("GET", "/v1/admin/alerts")
def list_alerts(call: Call) -> list[AlertReply]:
    return [AlertReply.of(alert) for alert in service().alerts.list()]


@api.view("DELETE", "/v1/admin/alerts/{id}")
def clear_alert(call: Call) -> None:
    if not service().alerts.clear(call.path["id"]):
        raise NotFound("There is no such alert.")


@api.view("POST", "/v1/admin/save-whmcs-cookies")
def save_cookies(call: Call) -> CookiesSavedReply:
    body: CookiesBody = call.body
    state = service().cookies.save(body.session_cookies, by=call.principal.principal_id)
    return CookiesSavedReply(status="ok", count=state["count"], expires_at=state["expires_at"])


@api.view("GET", "/v1/admin/whmcs-cookies")
def show_cookies(call: Call) -> CookiesReply:
    return CookiesReply.of(service().cookies.state())


@api.view("DELETE", "/v1/admin/whmcs-cookies")
def forget_cookies(call: Call) -> None:
    service().cookies.forget()


@api.view("POST", "/v1/admin/check-whmcs-cookies")
def check_cookies(call: Call) -> CheckReply:
    body: CheckBody = call.body
    return CheckReply.of(service().checking.look(body.sent()), debug=body.debug)


@api.view("POST", "/v1/admin/crawl-tickets")
def crawl_tickets(call: Call) -> Reply:
    body: CrawlTicketsBody = call.body
    query: WaitQuery = call.query
    crawls = service().ticket_crawls
    job = crawls.begin(body.sent(), since=body.since or "", created_by=call.principal.principal_id)
    if query.wait:
        job = crawls.wait(job.job_id, seconds=WAIT_SECONDS)
        if job.status.ended:
            result = {"status": job.status.value, **job.result}
            return Reply(status=200, body=TicketsCrawledReply(job_id=job.job_id, id=job.job_id, **result))
    return Reply(status=202, body=AcceptedReply.of(job))


def _looked_at(job_id: str) -> Job:
    return service().source_runs.look(job_id)


handler = observed(api, build=service)
