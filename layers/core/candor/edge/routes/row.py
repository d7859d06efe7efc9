"""Row: what the table of routes says about one route."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel

from candor.edge.models import Query


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
    form: type[BaseModel] | None = None
    """Validates the fields beside the `file` of a multipart/form-data body; in place of `body`."""
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
    also: tuple[int, ...] = ()
    """Statuses of its own, besides those that follow from all the rest."""
    says_error: bool = False
    """Errors carry `error` beside `detail`, the same sentence."""

    @property
    def area(self) -> str:
        """The heading under which the reference shows it."""
        return self.function
