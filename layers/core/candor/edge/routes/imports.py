"""Routes of imports: a helpdesk's dump becomes tickets and documents."""

from candor.edge.models import admin, imports
from candor.edge.routes.row import Access, Route

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/v1/admin/import-dump",
        function="admin",
        access=Access.ADMIN,
        summary="Import a WHMCS dump from the source bucket, or only count what it holds.",
        body=imports.ImportDumpBody,
        reply=admin.AcceptedReply,
        status=202,
        creates=True,
        also=(404,),
    ),
)
