"""Chat's models: conversations, their messages, and what is thought of the answers."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt

from candor.answering.values import Decision
from candor.conversations.values import Conversation, Message, Page, SourceType, Speaker, Told
from candor.edge.models import Body, Paging, Reply, Words
from candor.edge.models.answers import CitationReply, DebugQuery

MAX_MESSAGE = 10_000
MAX_SOURCE_ID = 256
MAX_METADATA_BYTES = 32_000
MAX_COMMENT = 2_000

UP, DOWN = 5, 1
"""What a thumb counts for, of 5."""


def _as_text(value: Any) -> Any:
    # Help desks number their tickets, and their clients send the number as it is.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _short(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise ValueError(f"longer than {MAX_METADATA_BYTES} bytes of JSON")
    return metadata


SourceId = Annotated[Words, Field(max_length=MAX_SOURCE_ID), BeforeValidator(_as_text)]
Metadata = Annotated[dict[str, Any], AfterValidator(_short)]


class OpenBody(Body):
    source_type: SourceType
    source_id: SourceId
    metadata: Metadata | None = None


class DescribeBody(Body):
    metadata: Metadata
    """Takes the place of the whole."""


class ConversationsQuery(Paging):
    source_type: SourceType | None = None
    source_id: Annotated[str, Field(max_length=MAX_SOURCE_ID)] | None = None


class ConversationQuery(DebugQuery):
    """Which of its messages are shown."""

    page: int = Field(1, ge=1, le=1_000_000)
    page_size: int = Field(100, ge=1, le=100)


class ConversationReply(Reply):
    id: str
    source_type: SourceType
    source_id: str
    metadata: dict[str, Any]
    created_at: str
    updated_at: str
    message_count: int
    owner: str | None
    """The person who has taken over: while there is one the assistant is silent."""

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        return cls(**_item(conversation))


class ConversationsReply(Reply):
    items: list[ConversationReply]
    total: int
    page: int
    page_size: int


class MessageReply(Reply):
    id: str
    role: Speaker
    content: str
    created_at: str
    citations: list[CitationReply]
    decision: Decision | None
    confidence: float | None
    followup_questions: list[str]
    rating: int | None
    debug: dict[str, Any] | None = None
    """Of answers."""

    @classmethod
    def of(cls, message: Message, *, debug: bool) -> Self:
        is_answer = message.speaker is Speaker.ASSISTANT
        return cls(
            id=message.message_id,
            role=message.speaker,
            content=message.content,
            created_at=message.created_at.isoformat(),
            citations=[CitationReply.of(citation) for citation in message.citations],
            decision=message.decision,
            confidence=message.confidence,
            followup_questions=list(message.followup_questions),
            rating=message.rating,
            debug=_debug(message, shown=debug) if is_answer else None,
        )


class WholeConversationReply(ConversationReply):
    messages: list[MessageReply]
    """Oldest first."""
    messages_total: int
    page: int
    page_size: int

    @classmethod
    def whole(cls, found: Page, query: ConversationQuery, *, debug: bool) -> Self:
        return cls(
            **_item(found.conversation),
            messages=[MessageReply.of(message, debug=debug) for message in found.messages],
            messages_total=found.total,
            page=query.page,
            page_size=query.page_size,
        )


class SendBody(Body):
    content: Annotated[Words, Field(max_length=MAX_MESSAGE)]


class AnswerReply(Reply):
    message_id: str
    role: Speaker
    content: str
    decision: Decision
    followup_questions: list[str]
    citations: list[CitationReply]
    confidence: float
    debug: dict[str, Any]
    created_at: str


class SentReply(Reply):
    conversation_id: str
    message: AnswerReply
    """Also the answer to other messages, when several came at once."""
    answer: str
    """`message.content`."""
    debug_metadata: dict[str, Any]
    """`message.debug`."""
    user_message_id: str
    """Of the message that was sent."""

    @classmethod
    def of(cls, told: Told, *, trace_id: str, debug: bool) -> Self:
        answer = told.answer
        # One's own trace id: an answer to several messages was written under another one's.
        shown = _debug(answer, shown=debug) | {"trace_id": trace_id}
        return cls(
            conversation_id=told.heard.conversation_id,
            message=AnswerReply(
                message_id=answer.message_id,
                role=answer.speaker,
                content=answer.content,
                decision=answer.decision or Decision.ESCALATE,
                followup_questions=list(answer.followup_questions),
                citations=[CitationReply.of(citation) for citation in answer.citations],
                confidence=answer.confidence or 0.0,
                debug=shown,
                created_at=answer.created_at.isoformat(),
            ),
            answer=answer.content,
            debug_metadata=shown,
            user_message_id=told.heard.message_id,
        )


class DoneEvent(Reply):
    """The last event of an answer that was streamed."""

    message_id: str
    decision: Decision
    confidence: float
    followup_questions: list[str]
    conversation_id: str
    user_message_id: str
    """Of the message that was sent."""
    created_at: str
    debug: dict[str, Any]

    @classmethod
    def of(cls, told: Told, *, trace_id: str, debug: bool) -> Self:
        sent = SentReply.of(told, trace_id=trace_id, debug=debug)
        return cls(
            message_id=sent.message.message_id,
            decision=sent.message.decision,
            confidence=sent.message.confidence,
            followup_questions=sent.message.followup_questions,
            conversation_id=sent.conversation_id,
            user_message_id=sent.user_message_id,
            created_at=sent.message.created_at,
            debug=sent.debug_metadata,
        )


class FeedbackBody(Body):
    rating: Annotated[StrictInt, Field(ge=1, le=5)] | Literal["up", "down"]
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] | None = None

    @property
    def stars(self) -> int:
        return {"up": UP, "down": DOWN}[self.rating] if isinstance(self.rating, str) else self.rating


class FeedbackReply(Reply):
    status: Literal["ok"] = "ok"
    message_id: str
    rating: int
    """1 to 5, whichever way it was given."""
    proposed: bool
    """Whether the conversation now waits for review, to be learned from."""


def _item(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.conversation_id,
        "source_type": conversation.source_type,
        "source_id": conversation.source_id,
        "metadata": dict(conversation.metadata),
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "message_count": conversation.message_count,
        "owner": conversation.owner,
    }


def _debug(message: Message, *, shown: bool) -> dict[str, Any]:
    return {**(message.debug if shown else {}), "trace_id": message.trace_id}
