"""
Conversations in DynamoDB: one partition for each, its value and its messages under it.

A message, its id and the conversation's new value are one transaction, on the condition that the value is
still the one it was made from: numbers have no gaps, and nothing of a message is there without the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from candor.adapters.conversation_rows import (
    LIST_SHARDS,
    ConversationRow,
    conversation_of,
    customer_row,
    id_row,
    message_of,
    message_row,
    pk_of,
    place_of,
    row_of,
)
from candor.adapters.dynamodb import bound_to, translated
from candor.adapters.dynamodb_lists import newest_of, persistently
from candor.conversations.values import Conversation, Message, SourceType
from candor.errors import Conflict, NotFound

_LONGEST_ID: Final = 200
"""Bytes. Nobody's is longer, and DynamoDB refuses sort keys over 1,024."""


class DynamoConversations:
    """`Conversations` on the table that sessions lie in too."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(ConversationRow, table_name)

    def add(self, conversation: Conversation) -> None:
        new = ConversationRow.pk.does_not_exist()

        def within(transaction: TransactWrite) -> None:
            transaction.save(row_of(self._rows, conversation), condition=new)
            for customer in conversation.customers:
                transaction.save(customer_row(self._rows, conversation, customer))

        self._write(within, "There is such a conversation already.")

    def get(self, conversation_id: str) -> Conversation:
        with translated():
            try:
                return conversation_of(self._rows.get(pk_of(conversation_id), "#", consistent_read=True))
            except DoesNotExist:
                raise NotFound("There is no such conversation.") from None

    def list(
        self,
        *,
        page: int,
        page_size: int,
        principal: str | None = None,
        source_type: SourceType | None = None,
        source_id: str | None = None,
    ) -> tuple[Sequence[Conversation], int]:
        kinds = [source_type] if source_type else list(SourceType)
        with translated():
            if source_id is not None:
                keys, total = self._of_source(kinds, source_id, principal, page=page, page_size=page_size)
            else:
                index = "by_created" if principal is None else "by_principal"
                prefix = "" if principal is None else f"{principal}#"
                shards = [f"{prefix}{kind.value}#{shard}" for kind in kinds for shard in range(LIST_SHARDS)]
                found, total = newest_of(self._rows, index, shards, page=page, page_size=page_size)
                keys = [row.pk for row in found]
            rows = {
                row.pk: row
                for row in self._rows.batch_get([(key, "#") for key in keys], consistent_read=True)
            }
        values = [conversation_of(rows[key]) for key in keys if key in rows]
        return [value for value in values if not value.deleted], total

    def change(self, before: Conversation, after: Conversation, *messages: Message) -> None:
        unchanged = ConversationRow.revision == before.revision

        def within(transaction: TransactWrite) -> None:
            transaction.save(row_of(self._rows, after), condition=unchanged)
            for message in messages:
                transaction.save(
                    message_row(self._rows, message), condition=ConversationRow.pk.does_not_exist()
                )
                transaction.save(id_row(self._rows, message), condition=ConversationRow.pk.does_not_exist())
            # Each time anew: what a customer is found by lives as long as their last message.
            for customer in {message.customer for message in messages if message.customer}:
                transaction.save(customer_row(self._rows, after, customer))

        self._write(within, "The conversation has gone on meanwhile.")

    def messages(self, conversation_id: str, *, first: int, last: int) -> Sequence[Message]:
        if last < max(first, 1):
            return []
        with translated():
            rows = self._rows.query(
                pk_of(conversation_id),
                ConversationRow.sk.between(place_of(max(first, 1)), place_of(last)),
                consistent_read=True,
            )
            return [message_of(row) for row in rows]

    def oldest(self, conversation_id: str, *, now: datetime) -> int:
        with translated():
            live = self._rows.query(
                pk_of(conversation_id),
                ConversationRow.sk.startswith("message#"),
                filter_condition=ConversationRow.expires_at.does_not_exist()
                | (ConversationRow.expires_at > now.timestamp()),
                attributes_to_get=["pk", "sk", "number"],
                consistent_read=True,
                limit=1,
                page_size=1_000,
            )
            return next((int(row.number or 0) for row in live), 0)

    def find(self, conversation_id: str, message_id: str) -> Message:
        if len(message_id.encode("utf-8", "replace")) > _LONGEST_ID:
            raise NotFound("There is no such message.")
        pk = pk_of(conversation_id)
        with translated():
            try:
                number = self._rows.get(pk, f"id#{message_id}", consistent_read=True).number
                return message_of(self._rows.get(pk, place_of(int(number or 0)), consistent_read=True))
            except DoesNotExist:
                raise NotFound("There is no such message.") from None

    def rate(self, conversation_id: str, number: int, *, rating: int, comment: str) -> None:
        row = self._rows(pk_of(conversation_id), place_of(number))
        actions: Sequence[Action] = [ConversationRow.rating.set(rating), ConversationRow.comment.set(comment)]
        try:
            with translated():
                row.update(actions=[*actions], condition=ConversationRow.pk.exists())
        except PynamoDBException:
            raise NotFound("There is no such message.") from None

    def blank(self, conversation_id: str, number: int) -> None:
        pk, sk = pk_of(conversation_id), place_of(number)
        with translated():
            try:
                row = self._rows.get(pk, sk, consistent_read=True)
            except DoesNotExist:
                return
        try:
            with translated():
                # Nobody else rewrites a message; the condition keeps one that was deleted from coming back.
                message_row(self._rows, message_of(row).blanked()).save(condition=ConversationRow.pk.exists())
        except PynamoDBException:
            return

    def delete(self, conversation_id: str) -> int:
        pk, gone = pk_of(conversation_id), 0
        try:
            if not self.get(conversation_id).deleted:
                return 0
        except NotFound:
            return 0
        # What it is found by goes last: killed in between, it can be found and deleted once more.
        for prefix in ("id#", "message#", "#", "who#"):
            for keys in self._keys(pk, prefix):
                with translated(), self._rows.batch_write() as batch:
                    for key in keys:
                        batch.delete(self._rows(pk, key))
                gone += len(keys) if prefix == "message#" else 0
        return gone

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        with translated():
            found = self._rows.query(
                customer,
                ConversationRow.pk.startswith("conversation#"),
                index_name="by_customer",
                limit=limit,
            )
            return [row.pk.removeprefix("conversation#") for row in found]

    def forget_customer(self, conversation_id: str, customer: str) -> None:
        with translated():
            self._rows(pk_of(conversation_id), f"who#{customer}").delete()

    def _of_source(
        self, kinds: Sequence[SourceType], source_id: str, principal: str | None, *, page: int, page_size: int
    ) -> tuple[Sequence[str], int]:
        """Of one source there are few: they are all read."""
        rows = [
            row
            for kind in kinds
            for row in self._rows.query(f"{kind.value}#{source_id}", index_name="by_source")
            if principal in (None, row.principal)
        ]
        rows.sort(key=lambda row: str(row.created_at), reverse=True)
        return [row.pk for row in rows[(page - 1) * page_size : page * page_size]], len(rows)

    def _keys(self, pk: str, prefix: str) -> Iterator[tuple[str, ...]]:
        while True:
            with translated():
                rows = self._rows.query(
                    pk,
                    ConversationRow.sk.startswith(prefix),
                    attributes_to_get=["pk", "sk"],
                    consistent_read=True,
                    limit=500,
                )
                keys = tuple(row.sk for row in rows)
            if not keys:
                return
            yield keys

    def _write(self, within: Callable[[TransactWrite], None], sentence: str) -> None:
        """One transaction; `Conflict` with this sentence when one of its conditions does not hold."""

        def transact() -> None:
            connection: Connection = self._rows._get_connection().connection
            with TransactWrite(connection=connection) as transaction:
                within(transaction)

        try:
            with translated():
                persistently(transact)
        except PynamoDBException as error:  # Whatever else there was has become `Unavailable`.
            raise Conflict(sentence) from error
