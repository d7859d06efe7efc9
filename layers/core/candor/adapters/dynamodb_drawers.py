"""Drawers in DynamoDB: items of the config table, aged out by `expires_at`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, translated
from candor.vault import Drawer

_PARTITION = "drawers"


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    shown = UnicodeAttribute()
    sealed = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoDrawers:
    """`Drawers` under the key `drawers` / name."""

    def __init__(self, table_name: str, *, clock: Callable[[], datetime] = _now) -> None:
        self._rows = bound_to(_Row, table_name)
        self._clock = clock

    def get(self, name: str) -> Drawer | None:
        with translated():
            try:
                row = self._rows.get(_PARTITION, name, consistent_read=True)
            except DoesNotExist:
                return None
        # DynamoDB takes its time to remove what has expired: up to two days.
        if row.expires_at is not None and row.expires_at <= self._clock().timestamp():
            return None
        return Drawer(shown=json.loads(row.shown), sealed=row.sealed or "")

    def put(self, name: str, drawer: Drawer, *, expires_at: datetime | None = None) -> None:
        row = self._rows(
            _PARTITION,
            name,
            shown=json.dumps(dict(drawer.shown), ensure_ascii=False),
            sealed=drawer.sealed or None,
            expires_at=int(expires_at.timestamp()) if expires_at else None,
        )
        with translated():
            row.save()

    def delete(self, name: str) -> None:
        with translated():
            self._rows(_PARTITION, name).delete()
