"""Access: who may see a conversation, and how it is changed while others change it too."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from candor.accounts import Principal
from candor.conversations.store import Conversations
from candor.conversations.values import Conversation
from candor.errors import Conflict, NotFound, Unavailable

T = TypeVar("T")

_TRIES_SECONDS: Final = 10.0
"""Two dozen senders in one conversation need two of them, on a slow table."""

_PAUSE_AT_MOST: Final = 0.15


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The store, with what everybody who uses it has to know."""

    store: Conversations
    keep: timedelta | None = None
    """How long a message stays; None: for good."""
    clock: Callable[[], datetime] = _now
    pause: Callable[[float], None] = time.sleep
    _randomly: Callable[[float, float], float] = field(default=random.uniform)

    def seen(self, conversation_id: str, principal: Principal) -> Conversation:
        """The conversation as it is now; `NotFound` also when it is somebody else's."""
        conversation = self.store.get(conversation_id)
        if conversation.deleted or self.is_over(conversation.expires_at):
            raise NotFound("There is no such conversation.")
        if not principal.is_admin and principal.principal_id != conversation.principal:
            raise NotFound("There is no such conversation.")
        return conversation

    def is_over(self, expires_at: datetime | None) -> bool:
        """The time to live is looked at: DynamoDB removes what has expired within days, not seconds."""
        return expires_at is not None and expires_at <= self.clock()

    def persistently(self, attempt: Callable[[], T]) -> T:
        """
        Read, decide and write again, as long as somebody else was quicker.

        In each round somebody wins; the losers come back at times of their own.
        """
        deadline = time.monotonic() + _TRIES_SECONDS
        most = 0.005
        while True:
            try:
                return attempt()
            except Conflict:
                if time.monotonic() > deadline:
                    sentence = "Too much is going on in this conversation at once. Try again."
                    raise Unavailable(sentence, retry_after=1) from None
            self.pause(self._randomly(0, most))
            most = min(_PAUSE_AT_MOST, most * 1.5)
