"""Authentication: from what a request carries to who is asking, and signing in."""

import hmac
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from candor.accounts import (
    TOKEN_START,
    Accounts,
    Means,
    Passwords,
    Principal,
    Role,
    User,
    digest_of,
    folded,
)
from candor.errors import Unauthenticated, Unavailable
from candor.limits import LoginTries

TRUST_SECONDS = 3.0
"""How long a credential once looked up is believed. The contract promises its end within five seconds."""

CLOCK_LEEWAY_SECONDS = 5
"""How far the clocks of two machines may differ."""

TOUCH_EVERY = timedelta(minutes=1)
"""`last_used_at` is written at most so often: it is for people, and a write costs money."""

_MAX_TRUSTED = 1_000

_log = logging.getLogger(__name__)


class Signer(Protocol):
    """Signs claims as a JWT and reads them back."""

    def sign(self, claims: Mapping[str, Any]) -> str: ...

    def read(self, token: str) -> Mapping[str, Any]:
        """The claims of an HS256 token of ours that has not expired; `Unauthenticated` for any other."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What a request carries to prove who sends it. An empty header is none."""

    bearer: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    admin_key: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Credentials":
        """From headers with names in small letters. A scheme other than Bearer is not for us."""
        scheme, _, value = headers.get("authorization", "").strip().partition(" ")
        return cls(
            bearer=value.strip() or None if scheme.casefold() == "bearer" else None,
            api_key=headers.get("x-api-key", "").strip() or None,
            admin_key=headers.get("x-admin-api-key", "").strip() or None,
        )


class Authentication:
    """
    Tells who is asking.

    `api_key` and `admin_api_key` are the keys of the environment; one that is unset admits nobody.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        signer: Signer,
        api_key: str | None,
        admin_api_key: str | None,
        jwt_expire_minutes: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._signer = signer
        self._api_key = api_key
        self._admin_api_key = admin_api_key
        self._longest = jwt_expire_minutes * 60 + CLOCK_LEEWAY_SECONDS
        self._clock = clock
        self._trusted: dict[str, tuple[float, Principal]] = {}
        self._lock = threading.Lock()

    def principals(self, credentials: Credentials) -> tuple[Principal, ...]:
        """
        Everybody the request proves to be, the most powerful key first; empty without a credential.

        Each credential shown must be good: `Unauthenticated` otherwise.
        """
        found: list[Principal] = []
        if credentials.admin_key is not None:
            found.append(self._of_admin_key(credentials.admin_key))
        if credentials.bearer is not None:
            found.append(self._of_bearer(credentials.bearer))
        if credentials.api_key is not None:
            found.append(self._of_api_key(credentials.api_key))
        return tuple(found)

    def _of_admin_key(self, key: str) -> Principal:
        if not _same(key, self._admin_api_key):
            raise Unauthenticated("The admin key is not valid.")
        return Principal(principal_id="key:admin", means=Means.ADMIN_KEY, role=Role.ADMIN)

    def _of_api_key(self, key: str) -> Principal:
        if _same(key, self._api_key):
            return Principal(principal_id="key:api", means=Means.API_KEY)
        if key.startswith(TOKEN_START):
            return self._trust(key, self._of_token)
        raise Unauthenticated("The API key is not valid.")

    def _of_bearer(self, value: str) -> Principal:
        return self._trust(value, self._of_token if value.startswith(TOKEN_START) else self._of_jwt)

    def _trust(self, credential: str, look_up: Callable[[str], Principal]) -> Principal:
        """Look a credential up, or believe what was found out a moment ago."""
        key, now = digest_of(credential), self._clock()
        with self._lock:
            until, principal = self._trusted.get(key, (0.0, None))
        if principal is not None and now < until:
            return principal
        found = look_up(credential)
        with self._lock:
            if len(self._trusted) >= _MAX_TRUSTED:
                self._trusted.clear()
            self._trusted[key] = (now + TRUST_SECONDS, found)
        return found

    def _of_token(self, key: str) -> Principal:
        token = self._accounts.token(digest_of(key))
        user = self._accounts.user(token.user_id) if token else None
        now = datetime.fromtimestamp(self._clock(), UTC)
        expired = token is not None and token.expires_at is not None and token.expires_at <= now
        if token is None or user is None or not user.active or expired:
            raise Unauthenticated("The token is not valid.")
        if token.last_used_at is None or now - token.last_used_at >= TOUCH_EVERY:
            try:
                self._accounts.touch_token(token.digest, now)
            except Unavailable:
                # Nobody is turned away because a time stamp could not be written.
                _log.warning("token not touched")
        # With scopes it is somebody of its own: it does not see its user's conversations. They were an
        # admin's to give, and end with that role.
        principal_id = f"token:{token.token_id}" if token.scopes else f"user:{user.user_id}"
        scopes = token.scopes if user.role is Role.ADMIN else frozenset()
        return Principal(
            principal_id=principal_id, means=Means.TOKEN, role=user.role, scopes=scopes, user=user
        )

    def _of_jwt(self, value: str) -> Principal:
        refused = Unauthenticated("The access token is not valid or has expired.")
        claims = self._signer.read(value)
        if claims["exp"] - self._clock() > self._longest:
            raise refused
        user = self._accounts.user(claims["sub"])
        if user is None or not user.active or not _is_current(claims, user):
            raise refused
        return Principal(principal_id=f"user:{user.user_id}", means=Means.JWT, role=user.role, user=user)


def _is_current(claims: Mapping[str, Any], user: User) -> bool:
    """Whether a JWT was given out for the user's present credentials."""
    if user.credentials_version == claims.get("cv", 1):
        return True
    if "cv" in claims:
        return False
    # Signed by somebody else who knows the secret: only its time can tell.
    issued = claims.get("iat")
    return isinstance(issued, int | float) and issued > user.credentials_changed_at.timestamp()


def _same(given: str, expected: str | None) -> bool:
    if not expected:
        return False
    # Hashed first: the time taken then says nothing about the length either.
    return hmac.compare_digest(digest_of(given), digest_of(expected))


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    access_token: str = field(repr=False)
    expires_in: int
    """Seconds."""
    user: User


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Signing in with name and password."""

    accounts: Accounts
    passwords: Passwords
    signer: Signer
    tries: LoginTries
    jwt_expire_minutes: int
    clock: Callable[[], float] = time.time

    def __call__(self, username: str, password: str) -> SignedIn:
        """
        `Unauthenticated` with one sentence and after one time, whether the name exists or not;
        `TooMany` after five failures within a minute for the name.
        """
        name = folded(username)
        self._tries(self.tries.check, name)
        # A name nobody has costs one read less: made up for, or the time would tell.
        user = self.accounts.user_by_name(name) or self.accounts.user("nobody")
        right = self.passwords.verify(user.password_hash if user else self.passwords.nobodys, password)
        if user is None or not right or not user.active:
            self._tries(self.tries.failed, name)
            raise Unauthenticated("The user name or the password is wrong.")
        # Asked again: a guess among many made side by side must not win because it was counted late.
        self._tries(self.tries.check, name)
        now, lasts = int(self.clock()), self.jwt_expire_minutes * 60
        claims = {"sub": user.user_id, "iat": now, "exp": now + lasts, "cv": user.credentials_version}
        return SignedIn(access_token=self.signer.sign(claims), expires_in=lasts, user=user)

    def _tries(self, ask: Callable[[str], None], name: str) -> None:
        try:
            ask(name)
        except Unavailable:
            # A dead table of numbers must not lock everybody out; passwords are still checked.
            _log.warning("login tries not counted")
