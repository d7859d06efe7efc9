"""The inbox's port: where messages of other systems lie."""

from collections.abc import Sequence
from typing import Final, Protocol

from candor.answering.values import Decision
from candor.inbox.values import Claim, Incoming, State

LEASE_SECONDS: Final = 60
"""After which who began to tell an answer is taken for dead."""


class Inbox(Protocol):
    """Where messages lie until their time has passed. Reads are consistent; each raises `Unavailable`."""

    def accept(self, incoming: Incoming) -> tuple[Incoming, bool]:
        """The message as it is kept, and whether it is new: of several at once, one is."""
        ...

    def get(self, inbox_id: str) -> Incoming:
        """`NotFound` as well when its time has passed, or its customer was erased."""
        ...

    def heard(self, incoming: Incoming, *, conversation_id: str, number: int) -> None:
        """It is this message of that conversation. Nothing if it is gone."""
        ...

    def settle(
        self, inbox_id: str, state: State, *, answer_id: str = "", decision: Decision | None = None
    ) -> None:
        """What has become of it. Once settled, words, key and details go. Nothing if it is gone."""
        ...

    def message_ids(self, conversation_id: str, *, first: int, last: int) -> Sequence[str]:
        """The other system's ids of a conversation's messages with these numbers, in order."""
        ...

    def claim(self, answer_id: str, part: str) -> Claim:
        """For `FIRST` and `AGAIN` it is ours to tell for `LEASE_SECONDS`."""
        ...

    def told(self, answer_id: str, part: str) -> None:
        """That part of the answer is told, for good."""
        ...

    def release(self, answer_id: str, part: str) -> None:
        """It could not be told: the next one may try at once."""
        ...

    def forget_customer(self, customer: str) -> int:
        """Remove every message of the customer of this key (`sessions.customer_key`); how many there were."""
        ...
