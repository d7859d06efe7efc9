"""Sessions in DynamoDB: one row for each turn, under its session, each with a time to live."""

from collections.abc import Sequence
from typing import Literal, cast

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, translated
from candor.answering.values import Turn
from candor.sessions import KEPT_SECONDS, KEPT_TURNS


class _ByCustomer(GlobalSecondaryIndex["_Row"]):  # type: ignore[no-untyped-call]
    """Shared with conversations: everything in this table that a named customer said or was told."""

    class Meta:
        index_name = "by_customer"
        projection = KeysOnlyProjection()

    customer = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    role = UnicodeAttribute()
    content = UnicodeAttribute()
    expires_at = NumberAttribute()
    customer = UnicodeAttribute(null=True)
    by_customer = _ByCustomer()


class DynamoSessions:
    """`Sessions`: turns are never rewritten, so two questions at once lose nothing of each other."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def turns(self, session: str, *, now: float) -> Sequence[Turn]:
        with translated():
            latest = list(
                self._rows.query(
                    f"session#{session}", consistent_read=True, scan_index_forward=False, limit=KEPT_TURNS
                )
            )
        # The time to live is checked too: DynamoDB deletes what has expired within days, not seconds.
        live = [row for row in reversed(latest) if row.expires_at > now]
        return [Turn(role=cast(Literal["user", "assistant"], row.role), content=row.content) for row in live]

    def remember(
        self, session: str, question: str, answer: str, *, now: float, customer: str | None = None
    ) -> None:
        place, until = f"turn#{int(now * 1_000_000):017d}", int(now) + KEPT_SECONDS
        rows = [
            self._rows(
                f"session#{session}",
                f"{place}#{order}",
                role=role,
                content=content,
                expires_at=until,
                customer=customer,
            )
            for order, role, content in ((0, "user", question), (1, "assistant", answer))
        ]
        with translated(), self._rows.batch_write() as batch:
            for row in rows:
                batch.save(row)

    def forget_customer(self, customer: str) -> int:
        with translated():
            found = [
                (row.pk, row.sk)
                for row in self._rows.query(
                    customer, _Row.pk.startswith("session#"), index_name="by_customer"
                )
            ]
            # The index may be late: what is gone already is not counted again.
            there = self._rows.batch_get(found, consistent_read=True, attributes_to_get=["pk", "sk"])
            keys = [(row.pk, row.sk) for row in there]
            with self._rows.batch_write() as batch:
                for pk, sk in keys:
                    batch.delete(self._rows(pk, sk))
        return len(keys)
