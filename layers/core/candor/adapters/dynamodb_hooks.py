"""Hooks in DynamoDB: items of the config table, under the key `webhooks` / id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.errors import NotFound
from candor.webhooks.values import Event, Hook, LastStatus, Status

_PARTITION = "webhooks"


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    url = UnicodeAttribute()
    events = UnicodeAttribute()
    """Names with commas between them."""
    sealed = UnicodeAttribute()
    enabled = BooleanAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    last_at = UnicodeAttribute(null=True)
    last_status = UnicodeAttribute(null=True)
    last_error = UnicodeAttribute(null=True)


class DynamoHooks:
    """`Hooks` in one small partition: there is a handful of them."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def all(self) -> Sequence[Hook]:
        with translated():
            rows = list(self._rows.query(_PARTITION, consistent_read=True))
        return sorted(map(_hook_of, rows), key=lambda hook: (hook.created_at, hook.hook_id))

    def get(self, hook_id: str) -> Hook:
        with translated():
            try:
                return _hook_of(self._rows.get(_PARTITION, hook_id, consistent_read=True))
            except DoesNotExist as error:
                raise NotFound("There is no such webhook.") from error

    def add(self, hook: Hook) -> None:
        row = self._rows(
            _PARTITION,
            hook.hook_id,
            url=hook.url,
            events=_names(hook),
            sealed=hook.sealed,
            enabled=hook.enabled,
            created_at=hook.created_at.isoformat(),
            updated_at=hook.updated_at.isoformat(),
        )
        with translated():
            row.save()

    def change(self, hook: Hook) -> None:
        try:
            with translated():
                self._rows(_PARTITION, hook.hook_id).update(
                    actions=[
                        _Row.url.set(hook.url),
                        _Row.events.set(_names(hook)),
                        _Row.sealed.set(hook.sealed),
                        _Row.enabled.set(hook.enabled),
                        _Row.updated_at.set(hook.updated_at.isoformat()),
                    ],
                    condition=_Row.pk.exists(),
                )
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            raise NotFound("There is no such webhook.") from error

    def note(self, hook_id: str, status: LastStatus, *, disable: bool = False) -> None:
        actions: list[Any] = [
            _Row.last_at.set(status.at.isoformat()),
            _Row.last_status.set(status.status.value),
            _Row.last_error.set(status.error),
            *([_Row.enabled.set(False)] if disable else []),
        ]
        try:
            with translated():
                self._rows(_PARTITION, hook_id).update(actions=actions, condition=_Row.pk.exists())
        except PynamoDBException as error:
            if not is_condition(error):
                raise

    def remove(self, hook_id: str) -> None:
        try:
            with translated():
                self._rows(_PARTITION, hook_id).delete(condition=_Row.pk.exists())
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            raise NotFound("There is no such webhook.") from error


def _names(hook: Hook) -> str:
    return ",".join(sorted(event.value for event in hook.events))


def _hook_of(row: _Row) -> Hook:
    return Hook(
        hook_id=row.sk,
        url=row.url,
        events=frozenset(Event(name) for name in row.events.split(",") if name),
        sealed=row.sealed,
        enabled=bool(row.enabled),
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
        last_status=LastStatus(
            at=datetime.fromisoformat(row.last_at),
            status=Status(row.last_status),
            error=row.last_error or "",
        )
        if row.last_at and row.last_status
        else None,
    )
