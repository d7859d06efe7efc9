"""Tickets: what customers asked and staff answered, and what is decided about it."""

from dataclasses import dataclass
from functools import cache

from candor import wiring
from candor.edge.gate import Gate
from candor.edge.http import Api, Call, Reply
from candor.edge.models.admin import AcceptedReply
from candor.edge.models.tickets import (
    ApprovalBody,
    ApprovalReply,
    ApprovalsBody,
    CountReply,
    DecidingReply,
    DecisionsReply,
    ForeseenReply,
    TicketReply,
    TicketsQuery,
    TicketsReply,
    ToFileQuery,
    ToFileReply,
)
from candor.edge.observability import observed
from candor.errors import Conflict, NotFound
from candor.exporting import LINK_SECONDS
from candor.jobs import JobStatus
from candor.objects import Objects
from candor.tickets.exporting import TicketExporting
from candor.tickets.reviewing import Reviewing
from candor.tickets.searching import Searching
from candor.tickets.showing import masked_talk, masked_ticket
from candor.tickets.store import TicketDirectory, Tickets
from candor.tickets.succession import draft_of
from candor.tickets.values import Talk, Ticket
from candor.tickets.worth import worth_of

WAIT_SECONDS = 25.0
"""API Gateway gives up after 29."""

_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    tickets: Tickets
    directory: TicketDirectory
    reviewing: Reviewing
    exporting: TicketExporting
    objects: Objects
    bucket: str


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(),
        tickets=wiring.tickets(),
        directory=wiring.ticket_directory(),
        reviewing=wiring.reviewing(),
        exporting=wiring.ticket_exporting(),
        objects=wiring.objects(),
        bucket=wiring.stores().source_bucket or "",
    )


api = Api("tickets", gate=lambda: service().gate)


@api.view("GET", "/v1/tickets")
def list_tickets(call: Call) -> TicketsReply:
    query: TicketsQuery = call.query
    tickets, directory = service().tickets, service().directory
    wanted, page, page_size = query.wanted(), query.page, query.page_size
    if call.principal.is_admin:
        ids, total = directory.page(wanted, page=page, page_size=page_size, order=query.order)
        rows = tickets.some(ids)
    else:
        searching = Searching(tickets=tickets, directory=directory)
        rows, total = searching.page(wanted, page=page, page_size=page_size, order=query.order)
    return TicketsReply.of(rows, total=total, query=query)


@api.view("GET", "/v1/tickets/{id}")
def show_ticket(call: Call) -> TicketReply:
    ticket, talk = _whole(call.path["id"])
    worth = worth_of(draft_of(ticket, talk))
    if call.principal.is_admin:
        return TicketReply.of(ticket, talk, worth, decided_by=ticket.decided_by)
    return TicketReply.of(masked_ticket(ticket), masked_talk(ticket, talk), worth, decided_by=None)


@api.view("PATCH", "/v1/admin/tickets/{id}/approval")
def decide_one(call: Call) -> ApprovalReply:
    body: ApprovalBody = call.body
    ticket = service().reviewing.decide(call.path["id"], body.approval_status, by=call.principal.principal_id)
    return ApprovalReply(approval_status=ticket.approval)


@api.view("POST", "/v1/admin/tickets/approval")
def decide_many(call: Call) -> DecisionsReply | ForeseenReply | CountReply | Reply:
    body: ApprovalsBody = call.body
    reviewing, by = service().reviewing, call.principal.principal_id
    if body.filter is None and body.dry_run:
        return ForeseenReply.of(reviewing.foresee_some(body.ids or (), body.approval_status))
    if body.filter is None:
        return DecisionsReply.of(reviewing.decide_some(body.ids or (), body.approval_status, by=by))
    if body.dry_run:
        count = reviewing.count(body.filter.wanted())
        return CountReply(approval_status=body.approval_status, count=count)
    job = reviewing.begin(body.filter.wanted(), body.approval_status, by=by)
    return Reply(status=202, body=DecidingReply.counted(job))


@api.view("POST", "/v1/admin/ingest-tickets-to-file")
def export_approved(call: Call) -> ToFileReply | Reply:
    query: ToFileQuery = call.query
    exporting = service().exporting
    job = exporting.begin(by=call.principal.principal_id, include_pii=query.include_pii)
    job = exporting.wait(job.job_id, seconds=WAIT_SECONDS)
    if job.status is not JobStatus.SUCCEEDED:
        return Reply(status=202, body=AcceptedReply.of(job))
    key = job.result["key"]
    return ToFileReply(
        job_id=job.job_id,
        path=f"s3://{service().bucket}/{key}",
        count=job.result["count"],
        download_url=service().objects.link(key, seconds=LINK_SECONDS),
    )


def _whole(reference: str) -> tuple[Ticket, Talk]:
    """A ticket with what was said, both of one version."""
    tickets = service().tickets
    for _ in range(_ATTEMPTS):
        ticket = tickets.find(reference)
        try:
            return ticket, tickets.talk(ticket)
        except NotFound:
            continue  # Replaced between the two reads.
    raise Conflict("The ticket is being changed by others; try again.", retry_after=1)


handler = observed(api, build=service)
