"""Routes of auth: signing in, tokens and users."""

from candor.edge.models import Paging, auth
from candor.edge.routes.row import Access, Route


def _auth(method: str, path: str, access: Access, summary: str, **more: object) -> Route:
    return Route(method=method, path=path, function="auth", access=access, summary=summary, **more)  # type: ignore[arg-type]


ROUTES: tuple[Route, ...] = (
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
