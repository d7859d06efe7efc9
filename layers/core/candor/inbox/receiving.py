"""Receiving: a message of another system is kept, and somebody is told to answer it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from candor.inbox.store import Inbox
from candor.inbox.values import Incoming, State
from candor.messages import MessageToAnswer, Queue


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiving:
    """The way in. What is accepted here is answered, whatever is killed."""

    inbox: Inbox
    queue: Queue
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def accept(self, incoming: Incoming) -> tuple[Incoming, bool]:
        """
        The message as it is kept, and whether it was known before.

        One that was known and is not answered yet is put on its way again: between the row and the message
        of the first time there may have been a kill.
        """
        kept, is_new = self.inbox.accept(incoming)
        if kept.state is State.PENDING:
            self.queue.send(MessageToAnswer(inbox_id=kept.inbox_id))
        return kept, not is_new

    def settled(self, inbox_id: str, *, seconds: float, every: float = 0.2) -> Incoming:
        """The message once it is answered, or as it is after so many seconds. `NotFound`."""
        ends = self.monotonic() + seconds
        while True:
            kept = self.inbox.get(inbox_id)
            if kept.state is not State.PENDING or self.monotonic() > ends:
                return kept
            self.pause(every)
