"""Generations in DynamoDB: one item of the config table, changed only from what was read."""

import json
from collections.abc import Callable

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.errors import Unavailable
from candor.indexing.generations import Generation, Record

_KEY = ("search", "generations")
_ATTEMPTS = 10


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    value = UnicodeAttribute()
    revision = NumberAttribute()


class DynamoGenerations:
    """`Generations` in the item `search` / `generations`; `revision` keeps two writers apart."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def read(self) -> Record:
        return self._read()[0]

    def settle(self, generation: Generation) -> Record:
        return self._change(lambda record: record.settled(generation))

    def start(self, generation: Generation) -> Record:
        return self._change(lambda record: record.started(generation))

    def switch(self, generation_id: str, *, at: float) -> Record:
        return self._change(lambda record: record.switched(generation_id, at))

    def abandon(self, generation_id: str, *, at: float) -> Record:
        return self._change(lambda record: record.abandoned(generation_id, at))

    def dropped(self, generation_id: str) -> Record:
        return self._change(lambda record: record.dropped(generation_id))

    def _change(self, change: Callable[[Record], Record]) -> Record:
        for _ in range(_ATTEMPTS):
            record, revision = self._read()
            changed = change(record)
            if changed == record or self._written(changed, revision):
                return changed
        raise Unavailable("Too many writers are changing the record of indexes at once.")

    def _read(self) -> tuple[Record, int]:
        with translated():
            try:
                row = self._rows.get(*_KEY, consistent_read=True)
            except DoesNotExist:
                return Record(), 0
        return Record.of(json.loads(row.value)), int(row.revision)

    def _written(self, record: Record, revision: int) -> bool:
        row = self._rows(*_KEY, value=json.dumps(record.as_fields()), revision=revision + 1)
        unchanged = _Row.revision == revision if revision else _Row.pk.does_not_exist()
        try:
            with translated():
                row.save(condition=unchanged)
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return False
        return True
