"""Wiring of the gate: accounts, limits, and what stands before every view."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.environment import app, environment, stores
from candor.wiring.operations import meter
from candor.wiring.tuning import rates

if TYPE_CHECKING:
    from candor.accounts import Accounts, Passwords, TokenDesk, UserAdministration
    from candor.authentication import Login, Signer
    from candor.edge.gate import Gate
    from candor.limits import Counters
    from candor.once import Once
    from candor.sessions import Sessions


@cache
def accounts() -> "Accounts":
    from candor.adapters.dynamodb_accounts import DynamoAccounts

    return DynamoAccounts(settings.need(stores().accounts_table, "ACCOUNTS_TABLE"))


@cache
def counters() -> "Counters":
    from candor.adapters.dynamodb_counters import DynamoCounters

    return DynamoCounters(settings.need(stores().counters_table, "COUNTERS_TABLE"))


@cache
def once() -> "Once":
    from candor.adapters.dynamodb_counters import DynamoLedger
    from candor.once import Once

    secret = settings.Security.read(environment()).jwt_secret or ""
    ledger = DynamoLedger(settings.need(stores().counters_table, "COUNTERS_TABLE"))
    return Once(ledger=ledger, secret=secret.encode("utf-8", "surrogatepass"))


@cache
def passwords() -> "Passwords":
    from candor.adapters.passwords import Argon2Passwords

    return Argon2Passwords()


@cache
def signer() -> "Signer":
    from candor.adapters.tokens import JwtSigner

    return JwtSigner(settings.Security.read(environment()).jwt_secret)


@cache
def gate() -> "Gate":
    """What stands before every view. `SettingsError` when the environment is not one to start with."""
    from candor.authentication import Authentication
    from candor.edge.gate import Gate
    from candor.limits import RateLimit

    settings.check(environment())
    security = settings.Security.read(environment())
    return Gate(
        authentication=Authentication(
            accounts=accounts(),
            signer=signer(),
            api_key=security.api_key,
            admin_api_key=security.admin_api_key,
            jwt_expire_minutes=security.jwt_expire_minutes,
        ),
        rate_limit=RateLimit(counters=counters(), rates=rates()),
        once=once(),
        cors_origins=app().cors_origins,
        public_query=app().public_query_enabled,
        meter=meter(),
    )


@cache
def login() -> "Login":
    from candor.authentication import Login
    from candor.limits import LoginTries

    return Login(
        accounts=accounts(),
        passwords=passwords(),
        signer=signer(),
        tries=LoginTries(counters=counters()),
        jwt_expire_minutes=settings.Security.read(environment()).jwt_expire_minutes,
    )


@cache
def users() -> "UserAdministration":
    from candor.accounts import UserAdministration

    return UserAdministration(accounts=accounts(), passwords=passwords())


@cache
def token_desk() -> "TokenDesk":
    from candor.accounts import TokenDesk

    return TokenDesk(accounts=accounts())


@cache
def sessions() -> "Sessions":
    from candor.adapters.dynamodb_sessions import DynamoSessions

    return DynamoSessions(settings.need(stores().conversations_table, "CONVERSATIONS_TABLE"))
