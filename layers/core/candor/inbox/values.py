"""Inbox values: one message of another system, and what has become of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from candor.answering.values import Decision
from candor.sessions import customer_key

KEPT: Final = timedelta(days=7)
"""After which nobody sends a message again, and nobody asks for its answer."""

LONGEST: Final = 10_000
"""Letters of one message, as in a conversation."""


class Source(StrEnum):
    """Which system wrote."""

    PLAIN = "plain"
    BITRIX24 = "bitrix24"
    WHMCS = "whmcs"


class State(StrEnum):
    PENDING = "pending"
    ANSWERED = "answered"
    ESCALATED = "escalated"
    FAILED = "failed"
    """It was answered here, and the system it came from does not take the answer."""

    @property
    def settled(self) -> bool:
        return self in (State.ANSWERED, State.ESCALATED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A message as it was accepted. Once it is settled its words lie in the conversation alone."""

    inbox_id: str
    source: Source
    principal: str
    """Whose it is: nobody else is told of it."""
    chat_id: str
    message_id: str
    """The other system's: the same one is the same message."""
    text: str = field(repr=False)
    user: str | None = None
    """The customer, as the integration calls them."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What its system needs to be told the answer."""
    sealed: str = field(default="", repr=False)
    """A key of its system, if it came with one; opened by the vault for `context_of` this message."""
    trace_id: str = ""
    state: State = State.PENDING
    conversation_id: str = ""
    answer_id: str = ""
    """Blank while there is none, and where a person owns the conversation."""
    decision: Decision | None = None
    created_at: datetime
    expires_at: datetime

    @property
    def customer(self) -> str | None:
        return customer_key(self.user) if self.user else None


class Claim(StrEnum):
    """Whether it is ours to tell a part of an answer."""

    FIRST = "first"
    AGAIN = "again"
    """Somebody began before, and it is not known how far they came."""
    TAKEN = "taken"
    """Somebody is telling it right now."""
    DONE = "done"


def inbox_id_of(source: Source, principal: str, message_id: str) -> str:
    """The same for the same message. Hashed: neither keys nor ids of customers lie in keys of tables."""
    parts = (source.value, principal, message_id)
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def says_something(text: str) -> bool:
    """Whether there is a letter in it, or a sign: blanks and control characters ask nothing."""
    return any(character.isprintable() and not character.isspace() for character in text)


def context_of(inbox_id: str) -> dict[str, str]:
    """What a message's key is sealed for."""
    return {"inbox": inbox_id}
