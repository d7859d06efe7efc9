"""The conversations' port: where talks are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from candor.conversations.values import Conversation, Message, SourceType


class Conversations(Protocol):
    """
    Where conversations and their messages are kept. A write returns when it is durable.

    What has expired may still be there for a while: who reads compares `expires_at`. All raise `Unavailable`.
    """

    def add(self, conversation: Conversation) -> None:
        """A new one; `Conflict` when its id is taken."""
        ...

    def get(self, conversation_id: str) -> Conversation:
        """As it is now, read consistently, the ones being deleted included; `NotFound`."""
        ...

    def list(
        self,
        *,
        page: int,
        page_size: int,
        principal: str | None = None,
        source_type: SourceType | None = None,
        source_id: str | None = None,
    ) -> tuple[Sequence[Conversation], int]:
        """Newest first by `created_at`, and how many there are. Without a principal: everybody's."""
        ...

    def change(self, before: Conversation, after: Conversation, *messages: Message) -> None:
        """
        Put `after` in the place of `before` and add these messages: all of it, or nothing.

        `Conflict` when the conversation is not `before` any more, or one of the messages' ids is taken.
        """
        ...

    def messages(self, conversation_id: str, *, first: int, last: int) -> Sequence[Message]:
        """Those with these numbers, both included, in order, read consistently."""
        ...

    def oldest(self, conversation_id: str, *, now: datetime) -> int:
        """The number of the first message that has not expired; 0 when there is none."""
        ...

    def find(self, conversation_id: str, message_id: str) -> Message:
        """One message by its id; `NotFound`."""
        ...

    def rate(self, conversation_id: str, number: int, *, rating: int, comment: str) -> None:
        """Keep what somebody thought of that message; `NotFound` if there is none."""
        ...

    def blank(self, conversation_id: str, number: int) -> None:
        """Nothing stays of that message but its id, its number, who spoke and when."""
        ...

    def delete(self, conversation_id: str) -> int:
        """
        Remove everything of a conversation whose value says `deleted`; how many messages went.

        Killed in between, the rest is removed by the next call. Nothing to remove is no error.
        """
        ...

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        """Ids of some conversations in which the customer of this key spoke."""
        ...

    def forget_customer(self, conversation_id: str, customer: str) -> None:
        """The customer is not found in this conversation any more."""
        ...
