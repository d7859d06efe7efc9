"""Routes of tickets: lists, one whole, and what is decided about them."""

from candor.edge.models import tickets
from candor.edge.routes.row import Access, Route

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/tickets",
        function="tickets",
        access=Access.API,
        summary="All tickets, newest first or what promises most. Only administrators see whose they are.",
        query=tickets.TicketsQuery,
        reply=tickets.TicketsReply,
    ),
    Route(
        method="GET",
        path="/v1/tickets/{id}",
        function="tickets",
        access=Access.API,
        summary="One ticket with all that was said, by its id or the helpdesk's own key.",
        reply=tickets.TicketReply,
    ),
    Route(
        method="PATCH",
        path="/v1/admin/tickets/{id}/approval",
        function="tickets",
        access=Access.ADMIN,
        summary="Approve, reject or reopen a ticket. What leaves approved is in no answer any more.",
        body=tickets.ApprovalBody,
        reply=tickets.ApprovalReply,
    ),
    Route(
        method="POST",
        path="/v1/admin/tickets/approval",
        function="tickets",
        access=Access.ADMIN,
        summary="Decide about up to 100 tickets by id, or, as a job, about all that a filter means.",
        body=tickets.ApprovalsBody,
        reply=tickets.DecisionsReply | tickets.ForeseenReply | tickets.CountReply | tickets.DecidingReply,
        creates=True,
    ),
    Route(
        method="POST",
        path="/v1/admin/ingest-tickets-to-file",
        function="tickets",
        access=Access.ADMIN,
        summary="Write all approved tickets into a file that a drop under source/ accepts.",
        query=tickets.ToFileQuery,
        reply=tickets.ToFileReply,
        creates=True,
    ),
)
