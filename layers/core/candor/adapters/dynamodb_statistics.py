"""
Statistics and spending in DynamoDB: numbers added to rows of the table of counters.

An entry is one transaction over the row of its hour, of its day and of all time, and of the topics it has
details for. Each of these is spread over a few shards, so that no row takes all writes; an entry's shard
follows from its id, and the transaction's token is that id: sent again it counts once.
"""

import itertools
import random
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.errors import Unavailable
from candor.spending import Standing
from candor.statistics.values import Counts, Entry, summed

SHARDS: Final = 4
"""At 50 answers a second each of them is busy for an eighth of the time."""

_KEPT_DAYS: Final = 400
_READ_SECONDS: Final = 1.5
"""Counting is worth no longer wait: an answer goes out without it."""

_ATTEMPTS: Final = 8
_KEYS_AT_ONCE: Final = 100
_NAMES_AT_ONCE: Final = 120
"""An update's expression may have 4 KB."""
_UPDATES_AT_ONCE: Final = 90
"""Of 100 actions a transaction may have."""

K = TypeVar("K")


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)


class DynamoStatistics:
    """`Statistics` on a table with the hash key `pk` and the time to live `expires_at`."""

    def __init__(self, table_name: str) -> None:
        self._table = table_name
        self._rows = bound_to(_Row, table_name, read_seconds=_READ_SECONDS, retries=1)

    def add(self, entry: Entry) -> None:
        self.add_with(None, entry)

    def add_with(self, put: Mapping[str, Any] | None, entry: Entry) -> bool:
        """
        Add it in one transaction with the put of an item of another table.

        False, and nothing is done, where the put's condition does not hold.
        """
        for number, updates in enumerate(self._transactions(entry)):
            first = [{"Put": put}] if put is not None and number == 0 else []
            try:
                # A token has at most 36 characters; the parts of a large entry are transactions of their own.
                self._write([*first, *updates], token=f"{entry.entry_id[:32]}-{number}")
            except ClientError as error:
                if first and _codes(error)[:1] == ["ConditionalCheckFailed"]:
                    return False
                raise Unavailable("The database is not available right now.") from error
        return True

    def hours(self, hours: Sequence[datetime]) -> Mapping[datetime, Counts]:
        return self._read({hour: _hour(hour) for hour in hours})

    def days(self, days: Sequence[date]) -> Mapping[date, Counts]:
        return self._read({day: _day(day) for day in days})

    def total(self) -> Counts:
        return summed(self._read({"": _total("")}).values())

    def details(self, topics: Sequence[str]) -> Mapping[str, Counts]:
        return self._read({topic: _total(topic) for topic in topics})

    @property
    def _client(self) -> Any:
        return self._rows._get_connection().connection.client

    def _transactions(self, entry: Entry) -> Iterator[list[dict[str, Any]]]:
        shard = zlib.crc32(entry.entry_id.encode()) % SHARDS
        at = entry.at.astimezone(UTC)
        ends = int((at + timedelta(days=_KEPT_DAYS)).timestamp())
        whole: tuple[tuple[str, int | None], ...] = (
            (_hour(at), ends),
            (_day(at.date()), ends),
            (_total(""), None),
        )
        places = [(whole, entry.counts)]
        for topic, counts in entry.details.items():
            places.append((((_total(topic), None),), counts))
        updates: list[dict[str, Any]] = []
        for rows, counts in places:
            for number, some in enumerate(_parted(counts)):
                # A transaction names each row once: what does not fit into one update is for the next.
                if updates and (number > 0 or len(updates) + len(rows) > _UPDATES_AT_ONCE):
                    yield updates
                    updates = []
                updates += [self._update(f"{row}#{shard}", some, expires_at) for row, expires_at in rows]
        if updates:
            yield updates

    def _update(self, pk: str, counts: Counts, expires_at: int | None) -> dict[str, Any]:
        names = {f"#n{number}": name for number, name in enumerate(counts)}
        values = {f":v{number}": {"N": str(count)} for number, count in enumerate(counts.values())}
        expression = "ADD " + ", ".join(f"#n{number} :v{number}" for number in range(len(counts)))
        if expires_at is not None:
            expression += " SET expires_at = :ends"
            values[":ends"] = {"N": str(expires_at)}
        return {
            "Update": {
                "TableName": self._table,
                "Key": {"pk": {"S": pk}},
                "UpdateExpression": expression,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            }
        }

    def _write(self, updates: list[dict[str, Any]], *, token: str) -> None:
        """Raises `ClientError` for what the table refuses, `Unavailable` where it does not answer."""
        for attempt in itertools.count():
            try:
                self._client.transact_write_items(TransactItems=updates, ClientRequestToken=token)
                return
            except BotoCoreError as error:
                raise Unavailable("The database is not available right now.") from error
            except ClientError as error:
                if attempt >= _ATTEMPTS or not _is_contested(error):
                    raise
            time.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311 - spreads retries

    def _read(self, places: Mapping[K, str]) -> dict[K, Counts]:
        of = {f"{place}#{shard}": known for known, place in places.items() for shard in range(SHARDS)}
        found: dict[K, list[Counts]] = {}
        keys = list(of)
        with translated():
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                for item in self._items(keys[start : start + _KEYS_AT_ONCE]):
                    counts = {
                        name: int(value["N"])
                        for name, value in item.items()
                        if "N" in value and name != "expires_at"
                    }
                    found.setdefault(of[item["pk"]["S"]], []).append(counts)
        return {known: summed(counts) for known, counts in found.items()}

    def _items(self, keys: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        wanted: Any = {"Keys": [{"pk": {"S": one}} for one in keys], "ConsistentRead": True}
        asked = {self._table: wanted}
        while asked:
            answer = self._client.batch_get_item(RequestItems=asked)
            yield from answer["Responses"].get(self._table, ())
            asked = answer.get("UnprocessedKeys") or {}


class _DayRow(Model):
    pk = UnicodeAttribute(hash_key=True)
    tokens = NumberAttribute(default=0)
    told = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class DynamoSpent:
    """`Spent`: one row a day. A thousand additions a second fit into it, and each costs a model's call."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_DayRow, table_name, read_seconds=_READ_SECONDS, retries=1)

    def add(self, day: date, tokens: int) -> Standing:
        row = self._rows(_budget(day))
        ends = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 7 * 86_400
        with translated():
            row.update(actions=[_DayRow.tokens.add(tokens), _DayRow.expires_at.set(ends)])
        return Standing(tokens=int(row.tokens), told=row.told or "")

    def read(self, day: date) -> Standing:
        with translated():
            try:
                row = self._rows.get(_budget(day), consistent_read=True)
            except DoesNotExist:
                return Standing()
        return Standing(tokens=int(row.tokens or 0), told=row.told or "")

    def tell(self, day: date, *, told: str, instead_of: str) -> bool:
        still = _DayRow.told == instead_of if instead_of else _DayRow.told.does_not_exist()
        change = _DayRow.told.set(told) if told else _DayRow.told.remove()
        try:
            with translated():
                self._rows(_budget(day)).update(actions=[change], condition=still)
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return False
        return True


def _parted(counts: Counts) -> Iterator[Counts]:
    names = list(counts)
    for start in range(0, len(names), _NAMES_AT_ONCE):
        yield {name: counts[name] for name in names[start : start + _NAMES_AT_ONCE]}


def _is_contested(error: ClientError) -> bool:
    """Another transaction holds one of the rows: DynamoDB refuses the later of two at once."""
    code = error.response.get("Error", {}).get("Code", "")
    return code == "TransactionInProgressException" or bool(
        {*_codes(error)} & {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
    )


def _codes(error: ClientError) -> list[str]:
    """Why each item of a transaction was refused."""
    reasons: Any = error.response.get("CancellationReasons", ())
    return [reason.get("Code", "") for reason in reasons]


def _hour(at: datetime) -> str:
    return f"statistics#hour#{at.astimezone(UTC):%Y-%m-%dT%H}"


def _day(day: date) -> str:
    return f"statistics#day#{day.isoformat()}"


def _total(topic: str) -> str:
    return f"statistics#all#{topic}"


def _budget(day: date) -> str:
    return f"budget#{day.isoformat()}"
