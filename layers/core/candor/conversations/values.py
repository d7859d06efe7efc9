"""
Conversation values: what is kept of a talk, and how it may go on.

A conversation is one value that is compared and swapped: each step below is a pure function from the
conversation as it was read to the one that is to take its place. Who was too late reads again and decides
again, so two senders, a killed worker or a person who takes over can never be half heard.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from candor.answering.values import Answer, Citation, Decision
from candor.sessions import customer_key

LEASE: Final = timedelta(seconds=10)
"""For how long a worker that is not heard of any more keeps others from answering; one at work renews it."""


class SourceType(StrEnum):
    """Where a talk comes from."""

    TICKET = "ticket"
    LIVECHAT = "livechat"


class Speaker(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message. Messages of a conversation are numbered from 1 without a gap."""

    conversation_id: str
    message_id: str
    """An answer's is also that of its snapshot."""
    number: int
    speaker: Speaker
    content: str
    created_at: datetime
    """Never earlier than that of the message before it."""
    external_user_id: str | None = None
    """The customer for whom an integration's key spoke."""
    trace_id: str = ""
    decision: Decision | None = None
    confidence: float | None = None
    citations: tuple[Citation, ...] = ()
    followup_questions: tuple[str, ...] = ()
    answers_from: int = 0
    answers_to: int = 0
    """An answer says which messages it answers: all of the user's between these two."""
    debug: Mapping[str, Any] = field(default_factory=dict)
    rating: int | None = None
    """What the asker thought of the answer: 1 to 5."""
    comment: str = ""
    expires_at: datetime | None = None

    @property
    def customer(self) -> str | None:
        return customer_key(self.external_user_id) if self.external_user_id else None

    def blanked(self) -> "Message":
        """What is left when its customer is forgotten: a place in the order."""
        return Message(
            conversation_id=self.conversation_id,
            message_id=self.message_id,
            number=self.number,
            speaker=self.speaker,
            content="",
            created_at=self.created_at,
            answers_from=self.answers_from,
            answers_to=self.answers_to,
            expires_at=self.expires_at,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """A talk without its messages."""

    conversation_id: str
    principal: str
    """Who made it, and beside admins the only one who knows of it."""
    source_type: SourceType
    source_id: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime
    message_count: int = 0
    """Also the number of the last message."""
    settled: int = 0
    """Up to this message everything has been answered, or is a person's to answer."""
    owner: str | None = None
    """The person who took over: while there is one the assistant is silent."""
    run: str = ""
    """Who is writing an answer, if anybody."""
    lease_until: datetime | None = None
    customers: frozenset[str] = frozenset()
    """Keys (`customer_key`) of all who spoke here."""
    expires_at: datetime | None = None
    deleted: bool = False
    """Nobody sees it any more; what is left of it is being removed."""
    revision: int = 0
    """Counts every change of this value."""

    @property
    def waits(self) -> bool:
        """Whether there is something for the assistant to answer."""
        return self.owner is None and self.settled < self.message_count

    def is_being_answered(self, now: datetime) -> bool:
        return bool(self.run) and self.lease_until is not None and self.lease_until > now


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some messages of a conversation, in order, and how many there are."""

    conversation: Conversation
    messages: Sequence[Message]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the sender of a message is told."""

    heard: Message
    answer: Message
    """Without text, and not kept, where a person owns the conversation."""


def heard(
    before: Conversation,
    *,
    message_id: str,
    content: str,
    external_user_id: str | None,
    trace_id: str,
    now: datetime,
    keep: timedelta | None,
) -> tuple[Conversation, Message]:
    """A user's message is added at the end."""
    after = _longer(before, now, keep)
    if external_user_id:
        after = replace(after, customers=before.customers | {customer_key(external_user_id)})
    if before.owner is not None:
        after = replace(after, settled=after.message_count)  # It is the person's to answer.
    message = Message(
        conversation_id=before.conversation_id,
        message_id=message_id,
        number=after.message_count,
        speaker=Speaker.USER,
        content=content,
        created_at=after.updated_at,
        external_user_id=external_user_id,
        trace_id=trace_id,
        expires_at=after.expires_at,
    )
    return after, message


def claimed(before: Conversation, run: str, now: datetime) -> Conversation:
    """This run is the one that answers now. For one that is claimed already: its lease begins again."""
    return _changed(before, run=run, lease_until=now + LEASE)


def abandoned(before: Conversation) -> Conversation:
    """Nobody is answering any more; what waits goes on waiting."""
    return _changed(before, run="", lease_until=None)


def answered(
    before: Conversation,
    answer: Answer,
    *,
    answers_to: int,
    trace_id: str,
    now: datetime,
    keep: timedelta | None,
) -> tuple[Conversation, Message]:
    """The answer is added at the end, and everything up to that message needs no other."""
    after = replace(_longer(before, now, keep), settled=answers_to, run="", lease_until=None)
    message = Message(
        conversation_id=before.conversation_id,
        message_id=answer.answer_id,
        number=after.message_count,
        speaker=Speaker.ASSISTANT,
        content=answer.text,
        created_at=after.updated_at,
        trace_id=trace_id,
        decision=answer.decision,
        confidence=answer.confidence,
        citations=answer.citations,
        followup_questions=answer.followup_questions,
        answers_from=before.settled + 1,
        answers_to=answers_to,
        debug=answer.debug,
        expires_at=after.expires_at,
    )
    if answers_to == before.message_count:
        after = replace(after, settled=after.message_count)
    return after, message


def taken_over(before: Conversation, person: str, now: datetime) -> Conversation:
    """A person owns it from now on: whatever is being written is not told any more."""
    after = _changed(before, owner=person, settled=before.message_count, run="", lease_until=None)
    return replace(after, updated_at=max(now, before.updated_at))


def released(before: Conversation, now: datetime) -> Conversation:
    """The assistant answers again, from the next message on."""
    after = _changed(before, owner=None, settled=before.message_count)
    return replace(after, updated_at=max(now, before.updated_at))


def described(before: Conversation, metadata: Mapping[str, Any], now: datetime) -> Conversation:
    return _changed(before, metadata=metadata, updated_at=max(now, before.updated_at))


def removed(before: Conversation) -> Conversation:
    """Nobody sees it from now on; what it was about goes first."""
    return _changed(before, deleted=True, metadata={}, source_id="", run="", lease_until=None)


def without_customer(before: Conversation, customer: str) -> Conversation:
    return _changed(before, customers=before.customers - {customer})


def covering(messages: Sequence[Message], number: int) -> Message | None:
    """The answer, among these, to the message of that number."""
    for message in messages:
        if message.speaker is Speaker.ASSISTANT and message.answers_from <= number <= message.answers_to:
            return message
    return None


def _changed(before: Conversation, **changes: Any) -> Conversation:
    return replace(before, revision=before.revision + 1, **changes)


def _longer(before: Conversation, now: datetime, keep: timedelta | None) -> Conversation:
    # Clocks of two machines differ: time does not go back within a talk.
    at = max(now, before.updated_at)
    return _changed(
        before,
        message_count=before.message_count + 1,
        updated_at=at,
        expires_at=at + keep if keep else None,
    )
