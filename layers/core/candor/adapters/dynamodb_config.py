"""
The configuration's versions, and alerts, in DynamoDB: items of the config table.

A version is one item, written only if its number is still free. The latest is the one with the highest
number, so that there is no pointer which could be left behind.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.alerts import Alert
from candor.config.store import Edit, Version
from candor.errors import Conflict, NotFound

_VERSIONS = "config"
_ALERTS = "alerts"


class _VersionRow(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    at = UnicodeAttribute()
    by = UnicodeAttribute()
    edits = UnicodeAttribute()
    values_ = UnicodeAttribute(attr_name="values", default="{}")


class _AlertRow(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    message = UnicodeAttribute()
    first_at = UnicodeAttribute()
    last_at = UnicodeAttribute()
    times = NumberAttribute(default=0)


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoConfigStore:
    """`ConfigStore` under the key `config` / number."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_VersionRow, table_name)

    def latest(self) -> Version | None:
        with translated():
            rows = list(self._rows.query(_VERSIONS, scan_index_forward=False, limit=1, consistent_read=True))
        return _version_of(rows[0]) if rows else None

    def version(self, number: int) -> Version:
        with translated():
            try:
                return _version_of(self._rows.get(_VERSIONS, _key(number), consistent_read=True))
            except DoesNotExist as error:
                raise NotFound("There is no such version of the configuration.") from error

    def add(self, version: Version) -> None:
        row = self._rows(
            _VERSIONS,
            _key(version.version),
            at=version.at.isoformat(),
            by=version.by,
            edits=_json([[edit.key, edit.before, edit.after] for edit in version.edits]),
            values_=_json(version.values),
        )
        try:
            with translated():
                row.save(condition=_VersionRow.pk.does_not_exist())
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            raise Conflict("Somebody else has changed the configuration.") from error

    def list(self, *, limit: int, before: int | None = None) -> Sequence[Version]:
        below = _VersionRow.sk < _key(max(before, 0)) if before is not None else None
        with translated():
            rows = list(
                self._rows.query(
                    _VERSIONS,
                    below,
                    scan_index_forward=False,
                    limit=limit,
                    consistent_read=True,
                    attributes_to_get=["pk", "sk", "at", "by", "edits"],
                )
            )
        return [_version_of(row) for row in rows]


class DynamoAlerts:
    """`Alerts` under the key `alerts` / id."""

    def __init__(self, table_name: str, *, clock: Callable[[], datetime] = _now) -> None:
        self._rows = bound_to(_AlertRow, table_name)
        self._clock = clock

    def raise_(self, alert_id: str, message: str) -> Alert:
        now, row = self._clock().isoformat(), self._rows(_ALERTS, alert_id)
        with translated():
            row.update(
                actions=[
                    _AlertRow.message.set(message),
                    _AlertRow.first_at.set(_AlertRow.first_at | now),
                    _AlertRow.last_at.set(now),
                    _AlertRow.times.add(1),
                ]
            )
        return _alert_of(row)

    def clear(self, alert_id: str) -> bool:
        try:
            with translated():
                self._rows(_ALERTS, alert_id).delete(condition=_AlertRow.pk.exists())
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return False
        return True

    def list(self) -> Sequence[Alert]:
        with translated():
            rows = list(self._rows.query(_ALERTS, consistent_read=True))
        return sorted(map(_alert_of, rows), key=lambda alert: alert.last_at, reverse=True)


def _key(number: int) -> str:
    return f"{number:010d}"


def _version_of(row: _VersionRow) -> Version:
    return Version(
        version=int(row.sk),
        at=datetime.fromisoformat(row.at),
        by=row.by,
        edits=tuple(Edit(key=key, before=old, after=new) for key, old, new in json.loads(row.edits)),
        values=json.loads(row.values_ or "{}"),
    )


def _alert_of(row: _AlertRow) -> Alert:
    return Alert(
        alert_id=row.sk,
        message=row.message,
        first_at=datetime.fromisoformat(row.first_at),
        last_at=datetime.fromisoformat(row.last_at),
        times=int(row.times),
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
