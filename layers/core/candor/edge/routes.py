"""
Routes: everything the API answers, who may ask it, and what goes in and out.

One table. A view for a route that is not in it cannot be registered, and a row without an access
rule cannot be written: what nobody has thought about is closed. `/openapi.json` is made from it, and
a test compares it with the template's events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel

from candor.edge.models import Paging, Query, admin, answers, auth, documents, operations


class Access(StrEnum):
    """Who may use a route."""

    PUBLIC = "public"
    """Anybody; credentials are not looked at."""
    PUBLIC_QUERY = "public_query"
    """Any valid credential; nobody's when PUBLIC_QUERY_ENABLED."""
    API = "api"
    """Any valid credential."""
    USER_JWT = "user_jwt"
    """A person who has signed in, not a key."""
    WRITE_DOCUMENTS = "write_documents"
    """An admin, the key of the environment, or a token with the scope `documents`."""
    METRICS = "metrics"
    """An admin, or a token with the scope `metrics`."""
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    method: str
    path: str
    function: str
    """The folder under `functions/` that answers."""
    access: Access
    summary: str
    body: type[BaseModel] | None = None
    """Validates the JSON body. None: the body is not read as JSON."""
    query: type[BaseModel] = Query
    reply: object = None
    """A model, or a type pydantic can describe; None: no body, or not JSON."""
    status: int = 200
    creates: bool = False
    """Creates something or costs money: honours `Idempotency-Key`."""
    limited: bool = True
    """Counts for the rate limit."""
    media_type: str = "application/json"
    missing: Mapping[str, str] = field(default_factory=dict)
    """Fields whose absence is 400 with this sentence instead of 422 (an older client expects it)."""
    says_error: bool = False
    """Errors carry `error` beside `detail`, the same sentence."""

    @property
    def area(self) -> str:
        """The heading under which the reference shows it."""
        return self.function


def _auth(method: str, path: str, access: Access, summary: str, **more: object) -> Route:
    return Route(method=method, path=path, function="auth", access=access, summary=summary, **more)  # type: ignore[arg-type]


_AUTH = (
    _auth(
        "POST",
        "/v1/auth/login",
        Access.PUBLIC,
        "Sign in with name and password.",
        body=auth.LoginBody,
        reply=auth.LoginReply,
    ),
    _auth("GET", "/v1/auth/me", Access.USER_JWT, "Who is signed in.", reply=auth.UserReply),
    _auth(
        "GET",
        "/v1/auth/tokens",
        Access.USER_JWT,
        "Your own tokens, newest first.",
        reply=list[auth.TokenReply],
    ),
    _auth(
        "POST",
        "/v1/auth/tokens",
        Access.USER_JWT,
        "Make a token. The key itself is shown this once.",
        body=auth.TokenBody,
        reply=auth.NewTokenReply,
        creates=True,
    ),
    _auth(
        "DELETE",
        "/v1/auth/tokens/{token_id}",
        Access.USER_JWT,
        "Withdraw one of your tokens; it is refused everywhere within five seconds.",
        reply=auth.WithdrawnReply,
    ),
    _auth("GET", "/v1/admin/users", Access.ADMIN, "All users.", query=Paging, reply=auth.AccountsReply),
    _auth(
        "POST",
        "/v1/admin/users",
        Access.ADMIN,
        "Create a user.",
        body=auth.NewUserBody,
        reply=auth.AccountReply,
        status=201,
        creates=True,
    ),
    _auth("GET", "/v1/admin/users/{id}", Access.ADMIN, "One user.", reply=auth.AccountReply),
    _auth(
        "PATCH",
        "/v1/admin/users/{id}",
        Access.ADMIN,
        "Change a user; fields left out keep their value.",
        body=auth.UserChangeBody,
        reply=auth.AccountReply,
    ),
    _auth(
        "DELETE",
        "/v1/admin/users/{id}",
        Access.ADMIN,
        "Deactivate a user and end all its credentials within five seconds.",
        reply=auth.AccountReply,
    ),
)

_REPLIES = (
    Route(
        method="POST",
        path="/v1/reply/generate",
        function="replies",
        access=Access.API,
        summary="Suggest a reply to a customer's question. Nothing is stored but the answer's evidence.",
        body=answers.ReplyBody,
        query=answers.DebugQuery,
        reply=answers.SuggestedReply,
        creates=True,
    ),
    Route(
        method="POST",
        path="/api/v1/query",
        function="replies",
        access=Access.PUBLIC_QUERY,
        summary="Answer a question; with a session_id the last turns are remembered.",
        body=answers.QueryBody,
        reply=answers.QueryReply,
        creates=True,
        missing={"query": "Missing 'query' field in request body."},
        says_error=True,
    ),
)


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


_OPERATIONS = (
    _open("/v1/health", "Whether every part works.", reply=operations.HealthReply),
    _open("/health", "Whether it works, in one word.", reply=operations.ShortHealthReply),
    _open("/openapi.json", "This reference, for machines.", reply=dict[str, object]),
    _open("/docs", "This reference, for people.", media_type="text/html"),
    _open("/redoc", "The same page under its other name.", media_type="text/html"),
    _open("/", "Where to go from here.", media_type="text/html"),
)

_DOCUMENTS = (
    Route(
        method="GET",
        path="/v1/documents",
        function="documents",
        access=Access.API,
        summary="All documents, newest first.",
        query=documents.DocumentsQuery,
        reply=documents.DocumentsReply,
    ),
    Route(
        method="POST",
        path="/v1/documents",
        function="documents",
        access=Access.WRITE_DOCUMENTS,
        summary="Create a document, or change the one with this url.",
        body=documents.DocumentBody,
        reply=documents.DocumentReply,
        status=201,
        creates=True,
    ),
    Route(
        method="GET",
        path="/v1/documents/{id}",
        function="documents",
        access=Access.API,
        summary="One document with its contents.",
        reply=documents.DocumentReply,
    ),
    Route(
        method="PATCH",
        path="/v1/documents/{id}",
        function="documents",
        access=Access.WRITE_DOCUMENTS,
        summary="Change what is said about a document; fields left out keep their value.",
        body=documents.DocumentChangeBody,
        reply=documents.DocumentReply,
    ),
    Route(
        method="DELETE",
        path="/v1/documents/{id}",
        function="documents",
        access=Access.WRITE_DOCUMENTS,
        summary="Delete a document; it is gone from answers at once.",
        status=204,
    ),
)

_ADMIN = (
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

ROUTES: tuple[Route, ...] = (*_AUTH, *_REPLIES, *_DOCUMENTS, *_ADMIN, *_OPERATIONS)

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
