"""
The tickets' table: its requests, a hundred rows in each, by boto3's own items.

A write names the `revision` its row was made from; of several at once the later ones are told so.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from candor.adapters.dynamodb import CONDITION_FAILED, bound_to, translated
from candor.adapters.ticket_rows import ALL_BUT_BODY, Item, moment_of, ticket_from
from candor.documents import Change
from candor.errors import Unavailable
from candor.tickets.values import Ticket

AT_ONCE: Final = 100
"""Items of one read or transaction: DynamoDB's own limit."""

_BYTES_AT_ONCE: Final = 2_000_000
"""Of one transaction, which may have 4 MB; binary counts a third more on its way."""

ATTEMPTS: Final = 12

_CONTESTED: Final = ("TransactionConflictException", "TransactionInProgressException")

T = TypeVar("T")
R = TypeVar("R")


class TicketRow(Model):
    """What PynamoDB needs to know to be connected; rows are read and written as items, ten times as fast."""

    ticket_id = UnicodeAttribute(hash_key=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """A row to be written whole, in place of the revision it was made from."""

    ticket: Ticket
    change: Change
    item: dict[str, dict[str, Any]]
    size: int
    outdated: str = ""
    """The object that holds what was said before."""


class TicketTable:
    """Reads and writes rows. Over moto, which loses writes that meet, `writers` is 1."""

    def __init__(self, name: str, *, clock: Callable[[], datetime], writers: int) -> None:
        self.name = name
        self._rows = bound_to(TicketRow, name)
        self._clock = clock
        self._writers = writers
        self._turns = threading.BoundedSemaphore(writers)
        """So many write at once, whoever asks for it."""

    def commit(self, group: Sequence[Write]) -> Sequence[Write]:
        """All of them, or none when one has moved on or is just being written."""
        puts = [
            {"TableName": self.name, "Item": write.item, **_unmoved(write.ticket.revision - 1)}
            for write in group
        ]
        try:
            with self._turns, contested():
                if len(puts) == 1:
                    self.client.put_item(**puts[0])
                else:
                    self.client.transact_write_items(TransactItems=[{"Put": put} for put in puts])
        except Moved:
            return []
        return group

    def update(
        self, ticket_id: str, what: str, condition: str, values: Mapping[str, Mapping[str, Any]]
    ) -> Ticket | None:
        """The row after it; None where the condition does not hold."""
        for attempt in itertools.count():
            try:
                with contested():
                    answer = self.client.update_item(
                        TableName=self.name,
                        Key=key_of(ticket_id),
                        UpdateExpression=what,
                        ConditionExpression=condition,
                        ExpressionAttributeValues={
                            **values,
                            ":now": {"S": moment_of(self._clock())},
                            ":one": {"N": "1"},
                        },
                        ReturnValues="ALL_NEW",
                    )
                return ticket_from(answer["Attributes"])
            except Moved as error:
                if not error.is_contested:
                    return None
                if attempt >= ATTEMPTS:
                    raise Unavailable("Too many writers are changing this ticket at once.") from error
                time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 6)))  # noqa: S311 - spreads retries
        raise AssertionError("count() does not end")

    def query(
        self, index: str, attribute: str, value: str, *, limit: int | None = None, newest_first: bool = False
    ) -> Iterator[str]:
        more: dict[str, Any] = {"Limit": limit} if limit else {}
        while True:
            with translated():
                answer = self.client.query(
                    TableName=self.name,
                    IndexName=index,
                    KeyConditionExpression=f"{attribute} = :value",
                    ExpressionAttributeValues={":value": {"S": value}},
                    ProjectionExpression="ticket_id",
                    ScanIndexForward=not newest_first,
                    **more,
                )
            yield from (str(item["ticket_id"]["S"]) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            more["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def items(self, ticket_ids: Sequence[str], *, whole: bool = False) -> dict[str, Item]:
        """These rows, read consistently, without their messages unless they are wanted."""
        parts = [ticket_ids[start : start + AT_ONCE] for start in range(0, len(ticket_ids), AT_ONCE)]
        wanted = {} if whole else projected(ALL_BUT_BODY)

        def read(part: Sequence[str]) -> list[Item]:
            found: list[Item] = []
            left: Any = {"Keys": [key_of(one) for one in part], "ConsistentRead": True, **wanted}
            for attempt in range(ATTEMPTS):
                with translated():
                    answer = self.client.batch_get_item(RequestItems={self.name: left})
                found += answer["Responses"].get(self.name, [])
                left = answer.get("UnprocessedKeys", {}).get(self.name)
                if not left:
                    return found
                if not answer["Responses"].get(self.name):
                    time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 6)))  # noqa: S311 - spreads retries
            raise Unavailable("The database is not available right now.")

        return {item["ticket_id"]["S"]: item for items in self.each(read, parts) for item in items}

    def each(self, work: Callable[[T], R], things: Sequence[T]) -> list[R]:
        """The same done with each of them, a few at a time, in their order."""
        if len(things) <= 1 or self._writers == 1:
            return [work(thing) for thing in things]
        with ThreadPoolExecutor(max_workers=self._writers) as pool:
            return list(pool.map(work, things))

    @property
    def client(self) -> Any:
        return self._rows._get_connection().connection.client


class Moved(Exception):
    """A condition did not hold, or the row is just being written by somebody else (`is_contested`)."""

    def __init__(self, *, is_contested: bool) -> None:
        super().__init__()
        self.is_contested = is_contested


@contextmanager
def contested() -> Iterator[None]:
    """Conditions and conflicts leave as `Moved`, everything else as `translated` says."""
    with translated():
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", ())]
            if code == CONDITION_FAILED or "ConditionalCheckFailed" in reasons:
                raise Moved(is_contested=False) from error
            if code in _CONTESTED or "TransactionConflict" in reasons:
                raise Moved(is_contested=True) from error
            raise


def key_of(ticket_id: str) -> dict[str, dict[str, str]]:
    return {"ticket_id": {"S": ticket_id}}


def projected(attributes: Iterable[str]) -> dict[str, Any]:
    """By placeholders: `name` and `status` are words of DynamoDB's own."""
    names = {f"#{number}": attribute for number, attribute in enumerate(attributes)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}


def _unmoved(revision: int) -> dict[str, Any]:
    if revision == 0:
        return {"ConditionExpression": "attribute_not_exists(ticket_id)"}
    return {
        "ConditionExpression": "revision = :revision",
        "ExpressionAttributeValues": {":revision": {"N": str(revision)}},
    }


def groups_of(writes: Sequence[Write]) -> list[list[Write]]:
    groups: list[list[Write]] = []
    size = 0
    for write in writes:
        if not groups or len(groups[-1]) == AT_ONCE or size + write.size > _BYTES_AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(write)
        size += write.size
    return groups
