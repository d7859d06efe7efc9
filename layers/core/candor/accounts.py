"""Accounts: who may use Candor, with which credential, and the rules of both."""

import hashlib
import secrets
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from candor.errors import Conflict, Invalid, NotFound, Refused

MAX_TOKENS = 50
"""For one user: a list of them is one page, and a leaking script is noticed."""

TOKEN_START = "sk_"  # noqa: S105 - the start of every token, none itself


class Role(StrEnum):
    ADMIN = "admin"
    USER = "user"


class Scope(StrEnum):
    """What a token may do beyond the API routes."""

    DOCUMENTS = "documents"
    METRICS = "metrics"
    DEBUG = "debug"


class Means(StrEnum):
    """By what somebody has proved who they are."""

    JWT = "jwt"
    TOKEN = "token"  # noqa: S105 - a kind, none itself
    API_KEY = "api_key"
    ADMIN_KEY = "admin_key"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    user_id: str
    username: str
    email: str | None
    role: Role
    active: bool
    password_hash: str = field(repr=False)
    credentials_version: int = 1
    """Counts what ends every JWT given out before: a new password, a deactivation."""
    credentials_changed_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A key a user has made. The key itself is nowhere: `digest` is its SHA-256."""

    token_id: str
    user_id: str
    name: str
    prefix: str
    digest: str = field(repr=False)
    scopes: frozenset[Scope] = frozenset()
    """Empty: acts as its user."""
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who is asking. `principal_id` owns conversations, limits and idempotency keys."""

    principal_id: str
    means: Means
    role: Role = Role.USER
    scopes: frozenset[Scope] = frozenset()
    user: User | None = None

    @property
    def is_admin(self) -> bool:
        """A token with scopes has those and the API routes, whoever made it."""
        return self.role is Role.ADMIN and not self.scopes

    def has(self, scope: Scope) -> bool:
        return scope in self.scopes


class Accounts(Protocol):
    """Where users and their tokens are kept. Reads are consistent. Methods raise `Unavailable`."""

    def add_user(self, user: User) -> None:
        """`Conflict` when the name is taken, in any case of letters."""
        ...

    def user(self, user_id: str) -> User | None: ...

    def user_by_name(self, username: str) -> User | None: ...

    def users(self, *, page: int, page_size: int) -> tuple[Sequence[User], int]:
        """Oldest first, and how many there are. A new one may be missing for a moment."""
        ...

    def change_user(self, before: User, after: User) -> None:
        """`Conflict` when `before` is no longer what is stored, or the new name is taken."""
        ...

    def add_token(self, token: Token) -> None: ...

    def token(self, digest: str) -> Token | None: ...

    def tokens(self, user_id: str) -> Sequence[Token]:
        """Newest first."""
        ...

    def remove_token(self, user_id: str, token_id: str) -> None:
        """`NotFound` when this user has no such token."""
        ...

    def touch_token(self, digest: str, at: datetime) -> None:
        """Remember when a token was last used. Nothing happens when it is gone."""
        ...


class Passwords(Protocol):
    """Turns passwords into hashes one can keep."""

    def hash(self, password: str) -> str: ...

    def verify(self, password_hash: str, password: str) -> bool:
        """Never raises for a wrong password or a broken hash."""
        ...

    @property
    def nobodys(self) -> str:
        """The hash of a password nobody knows: verifying it takes as long as any other."""
        ...


def folded(username: str) -> str:
    """The form in which names are unique: `Ada`, `ada` and `ＡＤＡ` are one name."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def digest_of(token: str) -> str:
    """SHA-256 without salt or stretching: 256 random bits cannot be guessed, however fast one tries."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class UserAdministration:
    """What an admin, or the word that makes the first one, does with users."""

    accounts: Accounts
    passwords: Passwords
    now: Callable[[], datetime] = _now

    def create(self, *, username: str, password: str, role: Role, email: str | None = None) -> User:
        """`Conflict` when the name is taken."""
        now = self.now()
        user = User(
            user_id=str(uuid.uuid4()),
            username=username.strip(),
            email=email,
            role=role,
            active=True,
            password_hash=self.passwords.hash(password),
            credentials_changed_at=now,
            created_at=now,
            updated_at=now,
        )
        self.accounts.add_user(user)
        return user

    def get(self, user_id: str) -> User:
        user = self.accounts.user(user_id)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    def list(self, *, page: int, page_size: int) -> tuple[Sequence[User], int]:
        return self.accounts.users(page=page, page_size=page_size)

    def change(
        self,
        user_id: str,
        *,
        by: Principal,
        username: str | None = None,
        email: str | None = None,
        password: str | None = None,
        role: Role | None = None,
        active: bool | None = None,
    ) -> User:
        """Change what is given. A new password or a deactivation ends every JWT of the user."""
        before, now = self.get(user_id), self.now()
        after = replace(
            before,
            username=username.strip() if username is not None else before.username,
            email=email if email is not None else before.email,
            role=role if role is not None else before.role,
            active=active if active is not None else before.active,
            password_hash=self.passwords.hash(password) if password is not None else before.password_hash,
            updated_at=now,
        )
        if by.user is not None and by.user.user_id == user_id and not _is_active_admin(after):
            # Otherwise a slip of the mouse leaves nobody who could undo it.
            raise Conflict("Nobody can take the admin role or the account from themselves.")
        if password is not None or (before.active and not after.active):
            version = before.credentials_version + 1
            after = replace(after, credentials_version=version, credentials_changed_at=now)
        self.accounts.change_user(before, after)
        return after


def _is_active_admin(user: User) -> bool:
    return user.active and user.role is Role.ADMIN


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenDesk:
    """Where users make and withdraw their own tokens."""

    accounts: Accounts
    now: Callable[[], datetime] = _now

    def make(
        self, user: User, *, name: str, scopes: Iterable[Scope] = (), expires_at: datetime | None = None
    ) -> tuple[Token, str]:
        """The token, and the key itself, which nobody can show a second time."""
        asked, now = frozenset(scopes), self.now()
        if asked and user.role is not Role.ADMIN:
            raise Refused("Only an admin can put scopes on a token.")
        if expires_at is not None and expires_at <= now:
            raise Invalid("A token cannot expire in the past.")
        if len(self.accounts.tokens(user.user_id)) >= MAX_TOKENS:
            raise Conflict(f"You have {MAX_TOKENS} tokens; delete one first.")
        key = TOKEN_START + secrets.token_urlsafe(32)  # 32 bytes are 43 characters
        token = Token(
            token_id=str(uuid.uuid4()),
            user_id=user.user_id,
            name=name,
            prefix=key[:10],
            digest=digest_of(key),
            scopes=asked,
            expires_at=expires_at,
            created_at=now,
        )
        self.accounts.add_token(token)
        return token, key

    def list(self, user: User) -> Sequence[Token]:
        return self.accounts.tokens(user.user_id)

    def withdraw(self, user: User, token_id: str) -> None:
        """Refused everywhere within five seconds. `NotFound` when it is not the user's own."""
        self.accounts.remove_token(user.user_id, token_id)
