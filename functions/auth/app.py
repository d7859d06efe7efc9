"""Auth: signing in, a user's own tokens, and the users themselves."""

from dataclasses import dataclass
from functools import cache

from candor import wiring
from candor.accounts import TokenDesk, User, UserAdministration
from candor.authentication import Login
from candor.edge.gate import Gate
from candor.edge.http import Api, Call
from candor.edge.models import Paging
from candor.edge.models.auth import (
    AccountReply,
    AccountsReply,
    LoginBody,
    LoginReply,
    NewTokenReply,
    NewUserBody,
    TokenBody,
    TokenReply,
    UserChangeBody,
    UserReply,
    WithdrawnReply,
)
from candor.edge.observability import observed
from candor.errors import NotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    login: Login
    tokens: TokenDesk
    users: UserAdministration


@cache
def service() -> Service:
    return Service(gate=wiring.gate(), login=wiring.login(), tokens=wiring.token_desk(), users=wiring.users())


api = Api("auth", gate=lambda: service().gate)


@api.view("POST", "/v1/auth/login")
def log_in(call: Call) -> LoginReply:
    body: LoginBody = call.body
    signed_in = service().login(body.username, body.password)
    return LoginReply(
        access_token=signed_in.access_token,
        expires_in=signed_in.expires_in,
        user=UserReply.of(signed_in.user),
    )


@api.view("GET", "/v1/auth/me")
def me(call: Call) -> UserReply:
    return UserReply.of(_user(call))


@api.view("GET", "/v1/auth/tokens")
def own_tokens(call: Call) -> list[TokenReply]:
    return [TokenReply.of(token) for token in service().tokens.list(_user(call))]


@api.view("POST", "/v1/auth/tokens")
def make_token(call: Call) -> NewTokenReply:
    body: TokenBody = call.body
    token, key = service().tokens.make(
        _user(call), name=body.name, scopes=body.scopes or (), expires_at=body.expires_at
    )
    return NewTokenReply.shown_once(token, key)


@api.view("DELETE", "/v1/auth/tokens/{token_id}")
def withdraw_token(call: Call) -> WithdrawnReply:
    service().tokens.withdraw(_user(call), call.path["token_id"])
    return WithdrawnReply(id=call.path["token_id"])


@api.view("GET", "/v1/admin/users")
def all_users(call: Call) -> AccountsReply:
    paging: Paging = call.query
    users, total = service().users.list(page=paging.page, page_size=paging.page_size)
    items = [AccountReply.of(user) for user in users]
    return AccountsReply(items=items, total=total, page=paging.page, page_size=paging.page_size)


@api.view("POST", "/v1/admin/users")
def create_user(call: Call) -> AccountReply:
    body: NewUserBody = call.body
    user = service().users.create(
        username=body.username, password=body.password, role=body.role, email=body.email
    )
    return AccountReply.of(user)


@api.view("GET", "/v1/admin/users/{id}")
def one_user(call: Call) -> AccountReply:
    return AccountReply.of(service().users.get(call.path["id"]))


@api.view("PATCH", "/v1/admin/users/{id}")
def change_user(call: Call) -> AccountReply:
    body: UserChangeBody = call.body
    user = service().users.change(
        call.path["id"],
        by=call.principal,
        username=body.username,
        email=body.email,
        password=body.password,
        role=body.role,
        active=body.active,
    )
    return AccountReply.of(user)


@api.view("DELETE", "/v1/admin/users/{id}")
def deactivate_user(call: Call) -> AccountReply:
    return AccountReply.of(service().users.change(call.path["id"], by=call.principal, active=False))


def _user(call: Call) -> User:
    if call.principal.user is None:  # Only a key has none, and a key is not admitted to these routes.
        raise NotFound("This credential belongs to no user.")
    return call.principal.user


handler = observed(api, build=service)
