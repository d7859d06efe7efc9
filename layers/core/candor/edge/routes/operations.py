"""Routes of operations: health, the reference, the way in."""

from candor.edge.models import operations
from candor.edge.routes.row import Access, Route


def _open(path: str, summary: str, *, reply: object = None, media_type: str = "application/json") -> Route:
    return Route(
        method="GET",
        path=path,
        function="operations",
        access=Access.PUBLIC,
        summary=summary,
        reply=reply,
        media_type=media_type,
        # A load balancer asks every second, and what costs nothing needs no limit.
        limited=False,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/metrics",
        function="operations",
        access=Access.METRICS,
        summary="Everything counted, and how things stand, for Prometheus.",
        media_type="text/plain",
        # A scraper comes every few seconds, and only with a credential made for it.
        limited=False,
    ),
    Route(
        method="GET",
        path="/v1/dashboard/stats",
        function="operations",
        access=Access.API,
        summary="How it was used in the last day, week or month; alerts are for administrators.",
        query=operations.StatsQuery,
        reply=operations.StatsReply,
    ),
    _open("/v1/health", "Whether every part works.", reply=operations.HealthReply),
    _open("/health", "Whether it works, in one word.", reply=operations.ShortHealthReply),
    _open("/openapi.json", "This reference, for machines.", reply=dict[str, object]),
    _open("/docs", "This reference, for people.", media_type="text/html"),
    _open("/redoc", "The same page under its other name.", media_type="text/html"),
    _open("/", "Where to go from here.", media_type="text/html"),
)
