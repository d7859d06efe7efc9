"""DynamoDB: what every table of ours has in common, and its errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader, create_loader
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.models import Model

from candor.errors import Unavailable

CONDITION_FAILED = "ConditionalCheckFailedException"

M = TypeVar("M", bound=Model)


def bound_to(model: type[M], table_name: str, *, read_seconds: float = 4, retries: int = 2) -> type[M]:
    """
    This model on that table: a class of its own, because PynamoDB keeps the connection on the class.

    Waits no longer than an API request can: the SDK's own 15 and 30 seconds outlive the caller.
    """
    meta = {
        "table_name": table_name,
        "connect_timeout_seconds": min(2, read_seconds),
        "read_timeout_seconds": read_seconds,
        "max_retry_attempts": retries,
        "max_pool_connections": 20,
    }
    bound: type[M] = type(model.__name__, (model,), {"Meta": type("Meta", (), meta)})
    # Each model's connection has a session of its own, and each session would read what DynamoDB's API is
    # anew: 55 ms of a cold start for every table after the first, 4 ms with one reader for all.
    bound._get_connection().connection.session.register_component("data_loader", _descriptions())
    return bound


@cache
def _descriptions() -> Loader:
    """botocore's reader of the services' descriptions, which keeps what it has read."""
    return create_loader()


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the library leave as `Unavailable`; a failed condition goes on, for its caller to read."""
    try:
        yield
    except PynamoDBException as error:
        if is_condition(error):
            raise
        raise Unavailable("The database is not available right now.") from error
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("The database is not available right now.") from error


def is_condition(error: BaseException) -> bool:
    """Whether a write was refused because a condition did not hold."""
    if isinstance(error, TransactWriteError):
        return any(reason is not None and "Conditional" in reason.code for reason in _reasons(error))
    return getattr(error, "cause_response_code", None) == CONDITION_FAILED


def failed_conditions(error: BaseException) -> tuple[int, ...]:
    """Which items of a transaction had a condition that did not hold."""
    assert isinstance(error, TransactWriteError)
    reasons = enumerate(_reasons(error))
    return tuple(index for index, reason in reasons if reason is not None and "Conditional" in reason.code)


def _reasons(error: TransactWriteError) -> Any:
    return error.cancellation_reasons
