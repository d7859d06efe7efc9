"""Answers in DynamoDB: one immutable, compressed item for each snapshot, listed by day over a few shards."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date
from typing import Final

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.adapters.dynamodb_lists import newest_of
from candor.adapters.dynamodb_statistics import DynamoStatistics
from candor.answering.snapshots import Snapshot, as_dict, from_dict
from candor.answering.values import Decision
from candor.errors import NotFound
from candor.sessions import customer_key
from candor.statistics.values import Entry

_SHARDS: Final = 4
"""A day of answers spread so that no partition of the list takes more than a quarter of the writes."""

_MOST_BYTES: Final = 360_000
"""DynamoDB refuses items over 400 KB; attribute names and keys count too."""


class _ByDay(GlobalSecondaryIndex["_Row"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_day"
        projection = IncludeProjection(["decision", "confidence", "model", "cost_usd"])

    day_shard = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _ByCustomer(GlobalSecondaryIndex["_Row"]):  # type: ignore[no-untyped-call]
    """Holds those answers alone whose asker was named."""

    class Meta:
        index_name = "by_customer"
        projection = KeysOnlyProjection()

    customer = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _Row(Model):
    answer_id = UnicodeAttribute(hash_key=True)
    day_shard = UnicodeAttribute()
    created_at = UnicodeAttribute()
    decision = UnicodeAttribute()
    confidence = NumberAttribute()
    model = UnicodeAttribute()
    cost_usd = NumberAttribute(null=True)
    body = BinaryAttribute(legacy_encoding=False)
    """zlib of the snapshot's JSON."""
    expires_at = NumberAttribute()
    customer = UnicodeAttribute(null=True)
    by_day = _ByDay()
    by_customer = _ByCustomer()


class DynamoAnswers:
    """`Answers` on a table with the hash key `answer_id` and the index `by_day`, counted in `statistics`."""

    def __init__(self, table_name: str, statistics: DynamoStatistics, *, keep_days: int = 400) -> None:
        self._table = table_name
        self._statistics = statistics
        self._rows = bound_to(_Row, table_name)
        self._keep_seconds = keep_days * 86_400

    def keep(self, snapshot: Snapshot, *, counted: Entry | None = None) -> bool:
        created = snapshot.created_at.astimezone(UTC)
        row = self._rows(
            snapshot.answer_id,
            day_shard=_day_shard(created.date(), _shard_of(snapshot.answer_id)),
            created_at=created.isoformat(timespec="microseconds"),
            decision=snapshot.decision.value,
            confidence=snapshot.confidence,
            model=snapshot.model,
            cost_usd=snapshot.cost_usd,
            body=_packed(snapshot),
            expires_at=int(created.timestamp()) + self._keep_seconds,
            customer=customer_key(snapshot.external_user_id) if snapshot.external_user_id else None,
        )
        if counted is not None:
            put = {
                "TableName": self._table,
                "Item": row.serialize(),
                "ConditionExpression": "attribute_not_exists(answer_id)",
            }
            return self._statistics.add_with(put, counted)
        try:
            with translated():
                row.save(condition=_Row.answer_id.does_not_exist())
        except PutError as error:
            if not is_condition(error):
                raise
            return False
        return True

    def get(self, answer_id: str) -> Snapshot:
        if not answer_id:
            raise NotFound("There is no such answer.")
        with translated():
            try:
                row = self._rows.get(answer_id, consistent_read=True)
            except DoesNotExist as error:
                raise NotFound("There is no such answer.") from error
        return _snapshot_of(row)

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        with translated():
            found = self._rows.query(customer, index_name="by_customer", limit=limit)
            return [row.answer_id for row in found]

    def erase(self, answer_ids: Sequence[str]) -> int:
        with translated():
            there = self._rows.batch_get(
                list(dict.fromkeys(answer_ids)), consistent_read=True, attributes_to_get=["answer_id"]
            )
            ids = [row.answer_id for row in there]
            with self._rows.batch_write() as batch:
                for answer_id in ids:
                    batch.delete(self._rows(answer_id))
        return len(ids)

    def page(
        self, day: date, *, decision: Decision | None = None, page: int, page_size: int
    ) -> tuple[Sequence[Snapshot], int]:
        shards = [_day_shard(day, shard) for shard in range(_SHARDS)]
        wanted = _Row.decision == decision.value if decision is not None else None
        with translated():
            listed, total = newest_of(
                self._rows, "by_day", shards, page=page, page_size=page_size, where=wanted
            )
            ids = [row.answer_id for row in listed]
            rows = {row.answer_id: row for row in self._rows.batch_get(ids)}
        return [_snapshot_of(rows[answer_id]) for answer_id in ids if answer_id in rows], total


def _snapshot_of(row: _Row) -> Snapshot:
    return from_dict(json.loads(zlib.decompress(row.body)))


def _shard_of(answer_id: str) -> int:
    return zlib.crc32(answer_id.encode()) % _SHARDS


def _day_shard(day: date, shard: int) -> str:
    return f"{day.isoformat()}#{shard}"


def _packed(snapshot: Snapshot) -> bytes:
    """Compressed; what is too large even so loses its talk first, then the ends of its evidence."""
    smaller = (
        snapshot,
        replace(snapshot, history=()),
        replace(
            snapshot,
            history=(),
            evidence=tuple(replace(shown, text=shown.text[:2_000]) for shown in snapshot.evidence),
            question=snapshot.question[:20_000],
        ),
    )
    packed = b""
    for one in smaller:
        packed = zlib.compress(json.dumps(as_dict(one), ensure_ascii=False).encode("utf-8", "replace"), 6)
        if len(packed) <= _MOST_BYTES:
            break
    return packed
