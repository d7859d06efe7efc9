"""Sessions in DynamoDB: one row for each turn, under its session, each with a time to live."""

from collections.abc import Sequence
from typing import Literal, cast

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, translated
from candor.answering.values import Turn
from candor.sessions import KEPT_SECONDS, KEPT_TURNS


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    role = UnicodeAttribute()
    content = UnicodeAttribute()
    expires_at = NumberAttribute()


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

    def remember(self, session: str, question: str, answer: str, *, now: float) -> None:
        place, until = f"turn#{int(now * 1_000_000):017d}", int(now) + KEPT_SECONDS
        rows = [
            self._rows(f"session#{session}", f"{place}#{order}", role=role, content=content, expires_at=until)
            for order, role, content in ((0, "user", question), (1, "assistant", answer))
        ]
        with translated(), self._rows.batch_write() as batch:
            for row in rows:
                batch.save(row)
