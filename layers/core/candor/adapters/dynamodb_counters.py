"""Counters and runs in DynamoDB: one table (`pk`, time to live `expires_at`) of what may be forgotten."""

from collections.abc import Sequence
from typing import cast

from pynamodb.attributes import BinaryAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.errors import Unavailable
from candor.limits import Count
from candor.once import KEPT_SECONDS, Kept

_ROUNDS = 12
"""Times a write is tried again because another was quicker. Each round some writer wins."""

_MARKS_KEPT = 20


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    used = NumberAttribute(null=True)
    ends_at = NumberAttribute(null=True)
    marks = ListAttribute[NumberAttribute](of=NumberAttribute, null=True)
    revision = NumberAttribute(null=True)
    run = UnicodeAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    lease_until = NumberAttribute(null=True)
    answer = BinaryAttribute(null=True, legacy_encoding=False)
    ended = NumberAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class DynamoCounters:
    """`Counters`: atomic additions for the limits, optimistic writes for the few failed sign-ins."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def add(self, key: str, *, window: int, now: float) -> Count:
        for _ in range(_ROUNDS):
            row = self._rows(key)
            try:
                with translated():
                    row.update(actions=[_Row.used.add(1)], condition=_Row.ends_at > now)
                    return Count(used=int(row.used or 0), ends_at=float(row.ends_at or 0))
            except PynamoDBException:
                pass  # No window is open: open one, unless somebody else just has.
            try:
                with translated():
                    ends_at = now + window
                    row = self._rows(key, used=1, ends_at=ends_at, expires_at=int(ends_at) + 60)
                    row.save(condition=_Row.pk.does_not_exist() | (_Row.ends_at <= now))
                    return Count(used=1, ends_at=ends_at)
            except PynamoDBException:
                continue
        raise Unavailable("The counter is too busy.")

    def recent(self, key: str, *, window: int, now: float) -> tuple[float, ...]:
        return _since(self._get(key), now - window)

    def mark(self, key: str, *, window: int, now: float) -> tuple[float, ...]:
        for _ in range(_ROUNDS):
            row = self._get(key)
            marks = (*_since(row, now - window), now)[-_MARKS_KEPT:]
            revision = int(row.revision or 0) if row else 0
            unchanged = _Row.revision == revision if row else _Row.pk.does_not_exist()
            fresh = self._rows(
                key, marks=list(marks), revision=revision + 1, expires_at=int(now) + window + 60
            )
            try:
                with translated():
                    fresh.save(condition=unchanged)
                    return marks
            except PynamoDBException:
                continue
        raise Unavailable("The counter is too busy.")

    def _get(self, key: str) -> "_Row | None":
        with translated():
            try:
                return self._rows.get(key, consistent_read=True)
            except DoesNotExist:
                return None


class DynamoLedger:
    """A `Ledger`: a run begins with a conditional write, so that of two at once one loses."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def begin(self, key: str, kept: Kept, *, now: float) -> Kept | None:
        # The time to live is checked too: DynamoDB deletes what has expired within days, not seconds.
        free = _Row.pk.does_not_exist() | (_Row.lease_until <= now) | (_Row.expires_at <= int(now))
        for _ in range(_ROUNDS):
            try:
                with translated():
                    self._row_of(key, kept, now).save(condition=free)
                    return None
            except PynamoDBException as error:
                if not is_condition(error):
                    raise
            with translated():
                try:
                    return _kept_of(self._rows.get(key, consistent_read=True))
                except DoesNotExist:
                    continue  # Abandoned between the two calls: it is free now.
        raise Unavailable("The idempotency key is too busy.")

    def end(self, key: str, kept: Kept, *, now: float) -> None:
        try:
            with translated():
                self._row_of(key, kept, now).save(condition=_Row.run == kept.run)
        except PynamoDBException as error:
            if not is_condition(error):
                raise

    def abandon(self, key: str, run: str) -> None:
        try:
            with translated():
                self._rows(key).delete(condition=_Row.run == run)
        except PynamoDBException as error:
            if not is_condition(error):
                raise

    def _row_of(self, key: str, kept: Kept, now: float) -> _Row:
        row = self._rows(key, run=kept.run, fingerprint=kept.fingerprint, expires_at=int(now) + KEPT_SECONDS)
        if kept.answer is None:
            row.lease_until = kept.lease_until
        else:
            row.ended, row.answer = 1, kept.answer or None
        return row


def _kept_of(row: _Row) -> Kept:
    return Kept(
        run=row.run or "",
        fingerprint=row.fingerprint or "",
        lease_until=float(row.lease_until or 0),
        answer=bytes(row.answer or b"") if row.ended else None,
    )


def _since(row: _Row | None, start: float) -> tuple[float, ...]:
    marks = cast(Sequence[float], row.marks or ()) if row else ()
    return tuple(float(mark) for mark in marks if mark > start)
