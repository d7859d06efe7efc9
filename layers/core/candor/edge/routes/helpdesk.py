"""Routes of alerts, and of the WHMCS helpdesk."""

from candor.edge.models import admin, configuration, helpdesk
from candor.edge.routes.row import Access, Route

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/admin/alerts",
        function="admin",
        access=Access.ADMIN,
        summary="What an administrator has to look after, the latest first.",
        reply=list[configuration.AlertReply],
    ),
    Route(
        method="DELETE",
        path="/v1/admin/alerts/{id}",
        function="admin",
        access=Access.ADMIN,
        summary="Put an alert away. It comes back if what it is about does.",
        status=204,
    ),
    Route(
        method="POST",
        path="/v1/admin/save-whmcs-cookies",
        function="admin",
        access=Access.ADMIN,
        summary="Keep the cookies of a browser that is logged in to WHMCS. They are never given out again.",
        body=helpdesk.CookiesBody,
        reply=helpdesk.CookiesSavedReply,
        creates=True,
    ),
    Route(
        method="GET",
        path="/v1/admin/whmcs-cookies",
        function="admin",
        access=Access.ADMIN,
        summary="Whether cookies are kept, their names, and until when they hold.",
        reply=helpdesk.CookiesReply,
    ),
    Route(
        method="DELETE",
        path="/v1/admin/whmcs-cookies",
        function="admin",
        access=Access.ADMIN,
        summary="Forget the cookies that are kept.",
        status=204,
    ),
    Route(
        method="POST",
        path="/v1/admin/check-whmcs-cookies",
        function="admin",
        access=Access.ADMIN,
        summary="Try once whether the helpdesk lets us in, and say what is in the way if not.",
        body=helpdesk.CheckBody,
        reply=helpdesk.CheckReply,
        creates=True,
    ),
    Route(
        method="POST",
        path="/v1/admin/crawl-tickets",
        function="admin",
        access=Access.ADMIN,
        summary="Fetch the helpdesk's tickets. New ones wait for approval, known ones keep theirs.",
        body=helpdesk.CrawlTicketsBody,
        query=helpdesk.WaitQuery,
        reply=admin.AcceptedReply | helpdesk.TicketsCrawledReply,
        status=202,
        creates=True,
    ),
)
