"""An entrance in memory: the gate with everything behind it, and users and keys to come in with."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from candor.accounts import Role, Scope, TokenDesk, User, UserAdministration
from candor.adapters.memory_accounts import MemoryAccounts, MemoryCounters, MemoryLedger
from candor.adapters.tokens import JwtSigner
from candor.authentication import Authentication, Login
from candor.edge.gate import Gate
from candor.limits import LoginTries, RateLimit, Rates
from candor.once import Once
from candor.statistics.metering import Meter

API_KEY = "test-api-key-0123456789"
ADMIN_KEY = "test-admin-key-0123456789"
JWT_SECRET = "test-jwt-secret-of-more-than-32-bytes"


class FastPasswords:
    """`Passwords` without the cost: not for keeping, but the same answers."""

    def hash(self, password: str) -> str:
        return "fast$" + hashlib.sha256(password.encode()).hexdigest()

    def verify(self, password_hash: str, password: str) -> bool:
        return password_hash == self.hash(password)

    @property
    def nobodys(self) -> str:
        return "fast$nobody"


class Clock:
    """A clock one can turn."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass(kw_only=True)
class Entrance:
    """Everything the gate needs, in memory."""

    requests: int = 0
    customer_requests: int = 0
    api_key: str | None = API_KEY
    admin_key: str | None = ADMIN_KEY
    jwt_secret: str | None = JWT_SECRET
    cors_origins: tuple[str, ...] = ()
    public_query: bool = False
    meter: Meter | None = None
    expire_minutes: int = 60
    clock: Clock = field(default_factory=Clock)
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    counters: MemoryCounters = field(default_factory=MemoryCounters)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)

    def __post_init__(self) -> None:
        self.passwords = FastPasswords()
        self.signer = JwtSigner(self.jwt_secret)
        self.users = UserAdministration(accounts=self.accounts, passwords=self.passwords)
        self.tokens = TokenDesk(accounts=self.accounts)
        self.login = Login(
            accounts=self.accounts,
            passwords=self.passwords,
            signer=self.signer,
            tries=LoginTries(counters=self.counters, clock=self.clock),
            jwt_expire_minutes=self.expire_minutes,
            clock=self.clock,
        )
        self.gate = Gate(
            authentication=Authentication(
                accounts=self.accounts,
                signer=self.signer,
                api_key=self.api_key,
                admin_api_key=self.admin_key,
                jwt_expire_minutes=self.expire_minutes,
                clock=self.clock,
            ),
            rate_limit=RateLimit(
                counters=self.counters,
                rates=lambda: Rates(requests=self.requests, customer_requests=self.customer_requests),
                clock=self.clock,
            ),
            once=Once(ledger=self.ledger, secret=b"test", clock=self.clock),
            cors_origins=self.cors_origins,
            public_query=self.public_query,
            meter=self.meter,
        )

    def user(self, name: str = "ada", role: Role = Role.USER, password: str = "correct horse") -> User:
        return self.users.create(username=name, password=password, role=role)

    def jwt(self, user: User) -> str:
        """A token as `login` gives out."""
        now = int(self.clock())
        claims = {
            "sub": user.user_id,
            "iat": now,
            "exp": now + self.expire_minutes * 60,
            "cv": user.credentials_version,
        }
        return self.signer.sign(claims)

    def token(self, user: User, *scopes: Scope) -> str:
        """A token as `POST /v1/auth/tokens` gives out."""
        return self.tokens.make(user, name="test", scopes=scopes)[1]


def forged(header: Mapping[str, Any], claims: Mapping[str, Any], secret: str = JWT_SECRET) -> str:
    """A JWT made by hand, whatever its header says."""

    def part(value: Mapping[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    signed = f"{part(header)}.{part(claims)}"
    if header.get("alg") == "none":
        return f"{signed}."
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
