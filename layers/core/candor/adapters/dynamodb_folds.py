"""Folds in DynamoDB: one small item for each group, band and ticket, in the table of the configuration."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.adapters.dynamodb_lists import persistently
from candor.tickets.folding import Sheet, Write

_SORT: Final = "fold"


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    value = UnicodeAttribute()
    revision = NumberAttribute()


class DynamoFolds:
    """
    `Folds` under a partition each, so that none grows; `revision` keeps two writers apart.

    A record taken away is gone: its revision begins anew. That is safe here, for groups have ids that are
    used once, and a ticket's record says all there is to know.
    """

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def read(self, keys: Sequence[str]) -> Mapping[str, Sheet]:
        wanted = [(_partition(key), _SORT) for key in dict.fromkeys(keys)]
        with translated():
            rows = list(self._rows.batch_get(wanted, consistent_read=True))
        return {
            row.pk.partition("#")[2]: Sheet(value=json.loads(row.value), revision=int(row.revision))
            for row in rows
        }

    def write(self, *writes: Write) -> bool:
        try:
            with translated():
                persistently(lambda: self._transact(writes))
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return False
        return True

    def _transact(self, writes: Sequence[Write]) -> None:
        # PynamoDB's own connection of the model: another would read the descriptions of DynamoDB anew.
        connection = self._rows._get_connection().connection
        with TransactWrite(connection=connection) as transaction:
            for each in writes:
                was = each.revision_was
                unchanged = _Row.revision == was if was else _Row.pk.does_not_exist()
                if each.value is not None:
                    told = json.dumps(each.value, ensure_ascii=False)
                    row = self._rows(_partition(each.key), _SORT, value=told, revision=was + 1)
                    transaction.save(row, condition=unchanged)
                elif was:
                    transaction.delete(self._rows(_partition(each.key), _SORT), condition=unchanged)
                else:
                    transaction.condition_check(self._rows, _partition(each.key), _SORT, condition=unchanged)


def _partition(key: str) -> str:
    return f"fold#{key}"
