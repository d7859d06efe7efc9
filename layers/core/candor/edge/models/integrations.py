"""Models of integrations: webhooks, and messages of other systems with their answers."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator

from candor.answering.values import Decision
from candor.conversations.values import Message
from candor.edge.models import Body, Flag, Query, Reply, Words
from candor.edge.models.answers import CitationReply
from candor.edge.wire import MAX_CUSTOMER
from candor.inbox.values import LONGEST, Incoming, State
from candor.webhooks.values import Event, Hook, LastStatus, Status

MAX_ID = 256
"""Letters of another system's ids."""

Url = Annotated[Words, Field(max_length=2_000)]
Secret = Annotated[str, Field(max_length=200)]
Events = Annotated[list[Event], Field(min_length=1, max_length=10)]


class HookBody(Body):
    url: Url
    """Where events are posted to; http or https, and public."""
    events: Events
    """`answer`: every answer given; `escalation`: those that need a person; `job`: jobs that ended."""
    secret: Secret | None = None
    """What deliveries are signed with; left out: a new one, shown in this answer and never again."""
    enabled: bool = True


class HookChangeBody(Body):
    """Fields left out keep their value."""

    url: Url | None = None
    events: Events | None = None
    secret: Secret | None = None
    enabled: bool | None = None


class LastStatusReply(Reply):
    at: datetime
    status: Status
    error: str

    @classmethod
    def of(cls, last: LastStatus) -> Self:
        return cls(at=last.at, status=last.status, error=last.error)


class HookReply(Reply):
    id: str
    url: str
    events: list[Event]
    enabled: bool
    last_status: LastStatusReply | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, hook: Hook) -> Self:
        return cls(**_shown(hook))


class NewHookReply(HookReply):
    secret: str
    """Shown this once."""

    @classmethod
    def made(cls, hook: Hook, secret: str) -> Self:
        return cls(**_shown(hook), secret=secret)


class PingReply(Reply):
    status: Literal["queued"] = "queued"
    event_id: str


class PlainQuery(Query):
    wait: Flag = False
    """Answer in the same call if the answer is there within 25 seconds."""


class PlainBody(Body):
    """Unknown fields are ignored. Numbers are taken for ids too: that is how 1C writes them."""

    message_id: Annotated[Words, Field(max_length=MAX_ID)]
    """The caller's id: the same one is the same message."""
    chat_id: Annotated[Words, Field(max_length=MAX_ID)]
    """Messages of one chat are one conversation."""
    text: Annotated[Words, Field(max_length=LONGEST)]
    user: Annotated[str, Field(max_length=MAX_CUSTOMER)] | None = None
    """The customer: as `X-External-User-Id`."""

    @field_validator("message_id", "chat_id", "user", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class PlainReply(Reply):
    """What has become of a message. Without an answer: pending, or a person answers in the chat itself."""

    message_id: str
    chat_id: str
    status: State
    conversation_id: str | None = None
    answer: str | None = None
    decision: Decision | None = None
    confidence: float | None = None
    citations: list[CitationReply] | None = None
    followup_questions: list[str] | None = None

    @classmethod
    def of(cls, incoming: Incoming, answer: Message | None) -> Self:
        return cls(**_answered(incoming, answer))


class PlainAcceptedReply(PlainReply):
    accepted: bool = True
    duplicate: bool
    """Whether this message was accepted before."""

    @classmethod
    def accepting(cls, incoming: Incoming, answer: Message | None, *, duplicate: bool) -> Self:
        return cls(**_answered(incoming, answer), duplicate=duplicate)


class ReceivedReply(Reply):
    accepted: bool
    duplicate: bool
    reason: str
    """Why it is not answered; blank if it is."""


def _shown(hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.hook_id,
        "url": hook.url,
        "events": sorted(hook.events),
        "enabled": hook.enabled,
        "last_status": LastStatusReply.of(hook.last_status) if hook.last_status else None,
        "created_at": hook.created_at,
        "updated_at": hook.updated_at,
    }


def _answered(incoming: Incoming, answer: Message | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "message_id": incoming.message_id,
        "chat_id": incoming.chat_id,
        "status": incoming.state,
        "conversation_id": incoming.conversation_id or None,
        "decision": incoming.decision,
    }
    if answer is None:
        return told
    return told | {
        "answer": answer.content,
        "confidence": answer.confidence,
        "citations": [CitationReply.of(citation) for citation in answer.citations],
        "followup_questions": list(answer.followup_questions),
    }
