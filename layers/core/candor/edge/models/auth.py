"""Auth models: signing in, tokens, users."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from candor.accounts import Role, Scope, Token, User, folded
from candor.edge.models import Body, Reply, Words

MIN_PASSWORD = 6

_MAX_FOLDED = 512
"""Bytes. A single ligature can fold into eighteen letters, and the folded name is a key of the table."""


def _long_enough(password: str) -> str:
    if len(password.strip()) < MIN_PASSWORD:
        raise ValueError(f"a password has at least {MIN_PASSWORD} characters")
    return password


def _short_when_folded(name: str) -> str:
    if len(folded(name).encode()) > _MAX_FOLDED:
        raise ValueError("the name is too long")
    return name


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("no such moment in UTC") from None


Password = Annotated[str, StringConstraints(strip_whitespace=False, max_length=256)]
"""Never trimmed: a blank at its end is part of it."""

NewPassword = Annotated[Password, AfterValidator(_long_enough)]

Name = Annotated[Words, Field(max_length=128)]

Username = Annotated[Name, AfterValidator(_short_when_folded)]

Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]

Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]


class LoginBody(Body):
    username: Username
    password: Annotated[Password, StringConstraints(min_length=1)]


class UserReply(Reply):
    id: str
    username: str
    email: str | None
    role: Role

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(id=user.user_id, username=user.username, email=user.email, role=user.role)


class LoginReply(Reply):
    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the kind, none itself
    expires_in: int
    """Seconds."""
    user: UserReply


class TokenBody(Body):
    name: Name
    expires_at: Moment | None = None
    scopes: list[Scope] | None = Field(None, max_length=len(Scope))


class TokenReply(Reply):
    id: str
    name: str
    token_prefix: str
    scopes: list[Scope]
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, token: Token) -> "TokenReply":
        return TokenReply(
            id=token.token_id,
            name=token.name,
            token_prefix=token.prefix,
            scopes=sorted(token.scopes),
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            created_at=token.created_at,
        )


class NewTokenReply(TokenReply):
    token: str
    """Shown this once."""

    @classmethod
    def shown_once(cls, token: Token, key: str) -> Self:
        return cls(**dict(TokenReply.of(token)), token=key)


class WithdrawnReply(Reply):
    status: str = "ok"
    id: str


class NewUserBody(Body):
    username: Username
    email: Email | None = None
    password: NewPassword
    role: Role = Role.USER


class UserChangeBody(Body):
    username: Username | None = None
    email: Email | None = None
    password: NewPassword | None = None
    role: Role | None = None
    active: bool | None = None


class AccountReply(UserReply):
    """A user as admins see it."""

    active: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.user_id,
            username=user.username,
            email=user.email,
            role=user.role,
            active=user.active,
            created_at=user.created_at,
            updated_at=user.updated_at,
        )


class AccountsReply(Reply):
    items: list[AccountReply]
    total: int
    page: int
    page_size: int
