"""
The inbox in DynamoDB: one table, aged out by `expires_at`.

| pk | sk | holds |
|---|---|---|
| `message#<inbox id>` | `message` | a message and what has become of it |
| `chat#<conversation>` | number | the other system's id of that message |
| `told#<answer>` | part | whether that part of the answer is told, or until when somebody is at it |
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.answering.values import Decision
from candor.errors import NotFound
from candor.inbox.store import LEASE_SECONDS
from candor.inbox.values import KEPT, Claim, Incoming, Source, State

_MESSAGE: Final = "message"
_FOR_GOOD: Final = 0
"""As the end of a claim: it is told."""


class _ByCustomer(GlobalSecondaryIndex["_Row"]):  # type: ignore[no-untyped-call]
    """Holds those messages alone whose writer was named."""

    class Meta:
        index_name = "by_customer"
        projection = KeysOnlyProjection()

    customer = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    source = UnicodeAttribute(null=True)
    principal = UnicodeAttribute(null=True)
    chat_id = UnicodeAttribute(null=True)
    message_id = UnicodeAttribute(null=True)
    text = UnicodeAttribute(null=True)
    user = UnicodeAttribute(null=True)
    details = UnicodeAttribute(null=True)
    sealed = UnicodeAttribute(null=True)
    trace_id = UnicodeAttribute(null=True)
    state = UnicodeAttribute(null=True)
    conversation_id = UnicodeAttribute(null=True)
    answer_id = UnicodeAttribute(null=True)
    decision = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    customer = UnicodeAttribute(null=True)
    until = NumberAttribute(null=True)
    expires_at = NumberAttribute()
    by_customer = _ByCustomer()


class DynamoInbox:
    """`Inbox` on a table with the keys `pk` and `sk` and the index `by_customer`."""

    def __init__(self, table_name: str, *, clock: Callable[[], float] = time.time) -> None:
        self._rows = bound_to(_Row, table_name)
        self._clock = clock

    def accept(self, incoming: Incoming) -> tuple[Incoming, bool]:
        row = self._row_of(incoming)
        try:
            with translated():
                # DynamoDB takes its time to remove what has expired: until then it is as good as gone.
                row.save(condition=_Row.pk.does_not_exist() | (_Row.expires_at <= int(self._clock())))
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return self.get(incoming.inbox_id), False
        return incoming, True

    def get(self, inbox_id: str) -> Incoming:
        with translated():
            try:
                row = self._rows.get(_pk(inbox_id), _MESSAGE, consistent_read=True)
            except DoesNotExist as error:
                raise NotFound("There is no such message.") from error
        if row.expires_at <= self._clock():
            raise NotFound("There is no such message.")
        return _incoming_of(row)

    def heard(self, incoming: Incoming, *, conversation_id: str, number: int) -> None:
        if not self._updated(incoming.inbox_id, [_Row.conversation_id.set(conversation_id)]):
            return
        place = self._rows(
            f"chat#{conversation_id}",
            _number(number),
            message_id=incoming.message_id,
            customer=incoming.customer,
            expires_at=int(incoming.expires_at.timestamp()),
        )
        with translated():
            place.save()

    def settle(
        self, inbox_id: str, state: State, *, answer_id: str = "", decision: Decision | None = None
    ) -> None:
        actions: list[Any] = [
            _Row.state.set(state.value),
            _Row.answer_id.set(answer_id),
            _Row.decision.set(decision.value if decision else ""),
        ]
        if state.settled:
            actions += [_Row.text.remove(), _Row.sealed.remove(), _Row.details.remove()]
        self._updated(inbox_id, actions)

    def message_ids(self, conversation_id: str, *, first: int, last: int) -> Sequence[str]:
        with translated():
            rows = list(
                self._rows.query(
                    f"chat#{conversation_id}",
                    _Row.sk.between(_number(first), _number(max(first, last))),
                    consistent_read=True,
                )
            )
        return [str(row.message_id) for row in rows]

    def claim(self, answer_id: str, part: str) -> Claim:
        now = int(self._clock())
        row = self._rows(*_told(answer_id, part))
        free = _Row.until.does_not_exist() | ((_Row.until != _FOR_GOOD) & (_Row.until <= now))
        try:
            with translated():
                # What stood there before tells a first try from a second: a free place has nothing.
                known = self._until(answer_id, part)
                row.update(
                    actions=[
                        _Row.until.set(now + LEASE_SECONDS),
                        _Row.expires_at.set(now + int(KEPT.total_seconds())),
                    ],
                    condition=free,
                )
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return Claim.DONE if self._until(answer_id, part) == _FOR_GOOD else Claim.TAKEN
        return Claim.FIRST if known is None else Claim.AGAIN

    def told(self, answer_id: str, part: str) -> None:
        self._set_until(answer_id, part, _FOR_GOOD)

    def release(self, answer_id: str, part: str) -> None:
        self._set_until(answer_id, part, 1)

    def forget_customer(self, customer: str) -> int:
        with translated():
            found = [
                (row.pk, row.sk) for row in self._rows.query(customer, index_name="by_customer", limit=500)
            ]
            # The index may be late: what is gone already is not counted again.
            there = self._rows.batch_get(found, consistent_read=True, attributes_to_get=["pk", "sk"])
            keys = [(row.pk, row.sk) for row in there]
            with self._rows.batch_write() as batch:
                for pk, sk in keys:
                    batch.delete(self._rows(pk, sk))
        return sum(sk == _MESSAGE for _, sk in keys)

    def _until(self, answer_id: str, part: str) -> int | None:
        with translated():
            try:
                found = self._rows.get(*_told(answer_id, part), consistent_read=True)
            except DoesNotExist:
                return None
        return None if found.until is None else int(found.until)

    def _set_until(self, answer_id: str, part: str, until: int) -> None:
        expires = int(self._clock()) + int(KEPT.total_seconds())
        with translated():
            self._rows(*_told(answer_id, part)).update(
                actions=[_Row.until.set(until), _Row.expires_at.set(expires)]
            )

    def _updated(self, inbox_id: str, actions: list[Any]) -> bool:
        """Whether there was such a message: one that was erased does not come back as a part of itself."""
        try:
            with translated():
                self._rows(_pk(inbox_id), _MESSAGE).update(actions=actions, condition=_Row.pk.exists())
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return False
        return True

    def _row_of(self, incoming: Incoming) -> _Row:
        return self._rows(
            _pk(incoming.inbox_id),
            _MESSAGE,
            source=incoming.source.value,
            principal=incoming.principal,
            chat_id=incoming.chat_id,
            message_id=incoming.message_id,
            text=incoming.text,
            user=incoming.user,
            details=json.dumps(dict(incoming.details), ensure_ascii=False),
            sealed=incoming.sealed or None,
            trace_id=incoming.trace_id,
            state=incoming.state.value,
            conversation_id=incoming.conversation_id,
            answer_id=incoming.answer_id,
            decision=incoming.decision.value if incoming.decision else "",
            created_at=incoming.created_at.isoformat(),
            customer=incoming.customer,
            expires_at=int(incoming.expires_at.timestamp()),
        )


def _pk(inbox_id: str) -> str:
    return f"message#{inbox_id}"


def _told(answer_id: str, part: str) -> tuple[str, str]:
    return f"told#{answer_id}", part


def _number(number: int) -> str:
    return f"{number:010d}"


def _incoming_of(row: _Row) -> Incoming:
    return Incoming(
        inbox_id=row.pk.partition("#")[2],
        source=Source(row.source),
        principal=row.principal or "",
        chat_id=row.chat_id or "",
        message_id=row.message_id or "",
        text=row.text or "",
        user=row.user,
        details=json.loads(row.details or "{}"),
        sealed=row.sealed or "",
        trace_id=row.trace_id or "",
        state=State(row.state),
        conversation_id=row.conversation_id or "",
        answer_id=row.answer_id or "",
        decision=Decision(row.decision) if row.decision else None,
        created_at=datetime.fromisoformat(row.created_at or ""),
        expires_at=datetime.fromtimestamp(row.expires_at).astimezone(),
    )
