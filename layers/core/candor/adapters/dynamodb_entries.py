"""
Books of entries in DynamoDB: items of the config table, one for each entry and one for the book.

The book's item holds the version. It changes together with the entry, in one transaction, and only from the
version that the change was made of.
"""

import json
from collections.abc import Collection
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.adapters.dynamodb_lists import persistently
from candor.entries import Book, Entry
from candor.errors import Conflict, Unavailable

_COVER = "#book"
"""Sorts before every id: a reading begins with it."""

_ROUNDS = 8


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = NumberAttribute(null=True)
    gone = UnicodeAttribute(null=True)
    entry = UnicodeAttribute(null=True)


class DynamoBooks:
    """`Books` under the keys `entries#name` / id."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def version(self, name: str) -> int:
        with translated():
            try:
                cover = self._rows.get(
                    _key(name), _COVER, consistent_read=True, attributes_to_get=["pk", "sk", "version"]
                )
            except DoesNotExist:
                return 0
        return int(cover.version)

    def read(self, name: str) -> Book:
        for _ in range(_ROUNDS):
            with translated():
                rows = list(self._rows.query(_key(name), consistent_read=True))
            covers = [row for row in rows if row.sk == _COVER]
            version = int(covers[0].version) if covers else 0
            # Several pages are several readings: what has changed between them is read again.
            if len(rows) < 2 or self.version(name) == version:
                return Book(
                    version=version,
                    entries=tuple(_entry_of(row) for row in rows if row.sk != _COVER),
                    gone=frozenset(json.loads(covers[0].gone or "[]") if covers else ()),
                )
        raise Unavailable("The list changes faster than it can be read.", retry_after=1)

    def write(
        self,
        name: str,
        *,
        version: int,
        put: Entry | None = None,
        drop: str | None = None,
        gone: Collection[str] = (),
    ) -> None:
        cover = self._rows(_key(name), _COVER, version=version, gone=json.dumps(sorted(gone)))
        unmoved = _Row.pk.does_not_exist() if version == 1 else _Row.version == version - 1

        def written() -> None:
            with self._transaction() as write:
                write.save(cover, condition=unmoved)
                if put is not None:
                    write.save(self._rows(_key(name), put.entry_id, entry=_written(put)))
                if drop is not None:
                    write.delete(self._rows(_key(name), drop))

        try:
            with translated():
                persistently(written)
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            raise Conflict("Somebody else has changed the list.") from error

    def _transaction(self) -> TransactWrite:
        connection: Connection = self._rows._get_connection().connection
        return TransactWrite(connection=connection)


def _key(name: str) -> str:
    return f"entries#{name}"


def _written(entry: Entry) -> str:
    said: dict[str, Any] = {
        "key": entry.key,
        "enabled": entry.enabled,
        "sort_order": entry.sort_order,
        "content": dict(entry.content),
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True)


def _entry_of(row: _Row) -> Entry:
    said = json.loads(row.entry)
    return Entry(
        entry_id=row.sk,
        key=said["key"],
        enabled=said["enabled"],
        sort_order=said["sort_order"],
        content=said["content"],
    )
