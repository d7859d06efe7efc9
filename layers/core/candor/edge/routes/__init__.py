"""
Routes: everything the API answers, who may ask it, and what goes in and out.

One table. A view for a route that is not in it cannot be registered, and a row without an access
rule cannot be written: what nobody has thought about is closed. `/openapi.json` is made from it, and
a test compares it with the template's events.
"""

from collections.abc import Iterable

from candor.edge.routes import (
    admin,
    answers,
    auth,
    chat,
    documents,
    helpdesk,
    imports,
    integrations,
    letters,
    operations,
    replies,
    settings,
    tickets,
    vocabulary,
)
from candor.edge.routes.row import Access, Route

__all__ = ["ROUTES", "Access", "Route", "exposed", "methods_of", "preflights_of", "route_of"]

ROUTES: tuple[Route, ...] = (
    *auth.ROUTES,
    *replies.ROUTES,
    *answers.ROUTES,
    *chat.ROUTES,
    *documents.ROUTES,
    *tickets.ROUTES,
    *admin.ROUTES,
    *imports.ROUTES,
    *integrations.ROUTES,
    *helpdesk.ROUTES,
    *settings.ROUTES,
    *vocabulary.ROUTES,
    *letters.ROUTES,
    *operations.ROUTES,
)

_BY_KEY = {(route.method, route.path): route for route in ROUTES}


def route_of(method: str, path: str) -> Route:
    """The row of a route; `LookupError` for one nobody has thought about."""
    try:
        return _BY_KEY[method, path]
    except KeyError:
        raise LookupError(f"{method} {path} is not in the table of routes") from None


def methods_of(path: str) -> tuple[str, ...]:
    """What a path answers, whichever function does."""
    return tuple(route.method for route in ROUTES if route.path == path)


def preflights_of(function: str) -> tuple[str, ...]:
    """The paths whose OPTIONS this function answers: those it is the first to serve."""
    first: dict[str, str] = {}
    for route in ROUTES:
        first.setdefault(route.path, route.function)
    return tuple(path for path, owner in first.items() if owner == function)


def exposed(function: str) -> frozenset[tuple[str, str]]:
    """Method and path of everything this function answers, preflights included: its template events."""
    own: Iterable[tuple[str, str]] = ((r.method, r.path) for r in ROUTES if r.function == function)
    return frozenset([*own, *(("OPTIONS", path) for path in preflights_of(function))])
