"""Routes of admin: what only an administrator may do."""

from candor.edge.models import Paging, admin
from candor.edge.routes.row import Access, Route

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/v1/admin/ingest",
        function="admin",
        access=Access.ADMIN,
        summary="Take many documents at once.",
        body=admin.IngestBody,
        reply=admin.IngestReply,
        status=202,
        creates=True,
    ),
    Route(
        method="POST",
        path="/v1/admin/ingest-from-source",
        function="admin",
        access=Access.ADMIN,
        summary="Read what lies in the source bucket again, or only count it.",
        query=admin.FromSourceQuery,
        reply=admin.FromSourceReply,
        creates=True,
    ),
    Route(
        method="GET",
        path="/v1/admin/jobs",
        function="admin",
        access=Access.ADMIN,
        summary="All jobs, newest first.",
        query=Paging,
        reply=admin.JobsReply,
    ),
    Route(
        method="GET",
        path="/v1/admin/jobs/{id}",
        function="admin",
        access=Access.ADMIN,
        summary="One job: its progress, errors and result.",
        reply=admin.JobReply,
    ),
    Route(
        method="POST",
        path="/v1/admin/jobs/{id}/cancel",
        function="admin",
        access=Access.ADMIN,
        summary="Ask a job to stop. What it has done stays.",
        reply=admin.JobReply,
    ),
    Route(
        method="POST",
        path="/v1/admin/reconcile",
        function="admin",
        access=Access.ADMIN,
        summary="Compare both indexes with the documents and repair what differs.",
        reply=admin.AcceptedReply,
        status=202,
        creates=True,
    ),
)
