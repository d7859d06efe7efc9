"""In-memory conversations: talks in dictionaries, for tests."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from candor.conversations.values import Conversation, Message, SourceType
from candor.errors import Conflict, NotFound, Unavailable


class MemoryConversations:
    """`Conversations` in dictionaries."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self._lock = threading.Lock()
        self._conversations: dict[str, Conversation] = {}
        self._messages: dict[str, dict[int, Message]] = {}
        self._customers: set[tuple[str, str]] = set()

    def add(self, conversation: Conversation) -> None:
        with self._open():
            if conversation.conversation_id in self._conversations:
                raise Conflict("There is such a conversation already.")
            self._put(conversation)

    def get(self, conversation_id: str) -> Conversation:
        with self._open():
            return self._found(conversation_id)

    def list(
        self,
        *,
        page: int,
        page_size: int,
        principal: str | None = None,
        source_type: SourceType | None = None,
        source_id: str | None = None,
    ) -> tuple[Sequence[Conversation], int]:
        with self._open():
            found = [
                each
                for each in self._conversations.values()
                if not each.deleted
                and principal in (None, each.principal)
                and source_type in (None, each.source_type)
                and source_id in (None, each.source_id)
            ]
        found.sort(key=lambda each: (each.created_at, each.conversation_id), reverse=True)
        return found[(page - 1) * page_size : page * page_size], len(found)

    def change(self, before: Conversation, after: Conversation, *messages: Message) -> None:
        with self._open():
            now = self._conversations.get(before.conversation_id)
            if now is None or now.revision != before.revision:
                raise Conflict("The conversation has gone on meanwhile.")
            kept = self._messages.setdefault(before.conversation_id, {})
            taken = {message.message_id for message in kept.values()}
            if taken & {message.message_id for message in messages}:
                raise Conflict("There is such a message already.")
            kept |= {message.number: message for message in messages}
            self._put(after)

    def messages(self, conversation_id: str, *, first: int, last: int) -> Sequence[Message]:
        with self._open():
            kept = self._messages.get(conversation_id, {})
            return [kept[number] for number in range(max(first, 1), last + 1) if number in kept]

    def oldest(self, conversation_id: str, *, now: datetime) -> int:
        with self._open():
            kept = self._messages.get(conversation_id, {}).values()
            live = [each.number for each in kept if each.expires_at is None or each.expires_at > now]
            return min(live, default=0)

    def find(self, conversation_id: str, message_id: str) -> Message:
        with self._open():
            for message in self._messages.get(conversation_id, {}).values():
                if message.message_id == message_id:
                    return message
        raise NotFound("There is no such message.")

    def rate(self, conversation_id: str, number: int, *, rating: int, comment: str) -> None:
        with self._open():
            kept = self._messages.get(conversation_id, {})
            if number not in kept:
                raise NotFound("There is no such message.")
            kept[number] = replace(kept[number], rating=rating, comment=comment)

    def blank(self, conversation_id: str, number: int) -> None:
        with self._open():
            kept = self._messages.get(conversation_id, {})
            if number in kept:
                kept[number] = kept[number].blanked()

    def delete(self, conversation_id: str) -> int:
        with self._open():
            conversation = self._conversations.get(conversation_id)
            if conversation is None or not conversation.deleted:
                return 0
            gone = self._messages.pop(conversation_id, {})
            self._customers = {each for each in self._customers if each[1] != conversation_id}
            del self._conversations[conversation_id]
            return len(gone)

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        with self._open():
            return sorted(where for who, where in self._customers if who == customer)[:limit]

    def forget_customer(self, conversation_id: str, customer: str) -> None:
        with self._open():
            self._customers.discard((customer, conversation_id))

    def _put(self, conversation: Conversation) -> None:
        self._conversations[conversation.conversation_id] = conversation
        self._customers |= {(customer, conversation.conversation_id) for customer in conversation.customers}

    def _found(self, conversation_id: str) -> Conversation:
        found = self._conversations.get(conversation_id)
        if found is None:
            raise NotFound("There is no such conversation.")
        return found

    def _open(self) -> threading.Lock:
        if self.down:
            raise Unavailable("The in-memory conversations have been taken down.")
        return self._lock
