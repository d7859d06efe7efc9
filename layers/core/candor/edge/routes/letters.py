"""Routes of letters: what was given up, and what is exported."""

from candor.edge.models import admin, letters
from candor.edge.routes.row import Access, Route

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/admin/dlq",
        function="admin",
        access=Access.ADMIN,
        summary="How many messages each dead-letter queue holds.",
        reply=letters.DeadLetterQueuesReply,
    ),
    Route(
        method="GET",
        path="/v1/admin/dlq/{queue}",
        function="admin",
        access=Access.ADMIN,
        summary="Messages that were given up, each with its reason.",
        reply=letters.DeadLettersReply,
    ),
    Route(
        method="POST",
        path="/v1/admin/dlq/{queue}/redrive",
        function="admin",
        access=Access.ADMIN,
        summary="Send dead letters to their queue again: all, or those that are named.",
        body=letters.RedriveBody,
        reply=admin.AcceptedReply,
        status=202,
        creates=True,
    ),
    Route(
        method="DELETE",
        path="/v1/admin/dlq/{queue}/{message_id}",
        function="admin",
        access=Access.ADMIN,
        summary="Throw one dead letter away.",
        status=204,
    ),
    Route(
        method="GET",
        path="/v1/admin/exports",
        function="admin",
        access=Access.ADMIN,
        summary="The files that show what is stored, and where to download them.",
        reply=list[letters.ExportReply],
    ),
)
