"""Gate: who comes in, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass

from candor.accounts import Means, Principal, Scope
from candor.authentication import Authentication, Credentials
from candor.edge.observability import logger
from candor.edge.routes import Access, Route
from candor.errors import Refused, TooMany, Unauthenticated, Unavailable
from candor.limits import RateLimit, address_of
from candor.once import Once
from candor.statistics.metering import Meter


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """What stands before every view."""

    authentication: Authentication
    rate_limit: RateLimit
    once: Once
    cors_origins: tuple[str, ...] = ()
    """`*` admits every origin."""
    public_query: bool = False
    docs: bool = True
    meter: Meter | None = None
    """Counts requests; None: nobody does."""

    def admit(
        self, route: Route, credentials: Credentials, *, client: str, customer: str | None
    ) -> Principal:
        """
        The principal that may use this route, counted against its limit.

        `client` is the address the connection came from. Raises `Unauthenticated`, `Refused`, `TooMany`.
        """
        nobody = Principal(principal_id=f"client:{address_of(client)}", means=Means.NOTHING)
        try:
            shown = () if route.access is Access.PUBLIC else self.authentication.principals(credentials)
            if not shown and not self._open_to_all(route):
                raise Unauthenticated(
                    "This needs a credential: a bearer token, X-API-Key or X-Admin-API-Key."
                )
        except Unauthenticated:
            # Guessing credentials is counted too, or it would be the one thing without a limit.
            self._count(route, nobody, None)
            raise
        able = [principal for principal in shown if self._admits(route, principal)]
        acting = able[0] if able else shown[0] if shown else nobody
        self._count(route, acting, customer)
        if shown and not able:
            raise Refused(_WHY_NOT.get(route.access, "This credential is not enough for that."))
        return acting

    def _open_to_all(self, route: Route) -> bool:
        return route.access is Access.PUBLIC or (route.access is Access.PUBLIC_QUERY and self.public_query)

    @staticmethod
    def _admits(route: Route, principal: Principal) -> bool:
        match route.access:
            case Access.PUBLIC | Access.PUBLIC_QUERY | Access.API:
                return True
            case Access.USER_JWT:
                return principal.means is Means.JWT
            case Access.WRITE_DOCUMENTS:
                return (
                    principal.is_admin or principal.means is Means.API_KEY or principal.has(Scope.DOCUMENTS)
                )
            case Access.METRICS:
                return principal.is_admin or principal.has(Scope.METRICS)
            case Access.ADMIN:
                return principal.is_admin

    def _count(self, route: Route, principal: Principal, customer: str | None) -> None:
        if principal.is_admin or not route.limited:
            return
        try:
            self.rate_limit.check(principal.principal_id, customer)
        except TooMany:
            raise
        except Unavailable:
            # Better a minute without limits than an assistant that is silent because it cannot count.
            logger.warning("not counted")

    def allowed_origin(self, origin: str) -> str | None:
        """What a browser of this origin is told; None: nothing."""
        if "*" in self.cors_origins:
            return "*"
        return origin if origin and origin in self.cors_origins else None


_WHY_NOT = {
    Access.ADMIN: "This needs an admin.",
    Access.USER_JWT: "This needs a person who has signed in.",
    Access.WRITE_DOCUMENTS: "Writing documents needs an admin, the API key, or a token with that scope.",
    Access.METRICS: "This needs an admin, or a token with the scope metrics.",
}


def may_debug(principal: Principal, *, asked: bool) -> bool:
    """Whether an answer shows how it came about."""
    return principal.is_admin or (asked and principal.has(Scope.DEBUG))


__all__: Sequence[str] = ("Gate", "may_debug")
