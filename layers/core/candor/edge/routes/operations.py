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
    _open("/v1/health", "Whether every part works.", reply=operations.HealthReply),
    _open("/health", "Whether it works, in one word.", reply=operations.ShortHealthReply),
    _open("/openapi.json", "This reference, for machines.", reply=dict[str, object]),
    _open("/docs", "This reference, for people.", media_type="text/html"),
    _open("/redoc", "The same page under its other name.", media_type="text/html"),
    _open("/", "Where to go from here.", media_type="text/html"),
)
