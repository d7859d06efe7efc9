"""Letters' models: dead letters, and the exports."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints

from candor.dead_letters import Count, DeadLetter
from candor.edge.models import Body, Reply
from candor.exporting import Written

_MessageId = Annotated[str, StringConstraints(min_length=1), Field(max_length=200)]


class DeadLetterQueueReply(Reply):
    queue: str
    messages: int
    """About: SQS counts as it goes."""
    in_flight: int
    """Being looked at at this moment, or on their way out."""


class DeadLetterQueuesReply(Reply):
    queues: list[DeadLetterQueueReply]

    @classmethod
    def of(cls, counts: "list[Count]") -> Self:
        return cls(
            queues=[
                DeadLetterQueueReply(queue=c.queue, messages=c.messages, in_flight=c.in_flight)
                for c in counts
            ]
        )


class DeadLetterReply(Reply):
    message_id: str
    reason: str
    kind: str
    first_received_at: str
    receive_count: int
    subject: str
    """What it is about: a document's id, a key, an address. Never what it says."""

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        return cls(
            message_id=letter.message_id,
            reason=letter.reason,
            kind=letter.kind,
            first_received_at=letter.first_received_at,
            receive_count=letter.receive_count,
            subject=letter.subject,
        )


class DeadLettersReply(Reply):
    queue: str
    items: list[DeadLetterReply]
    """Up to 100, in no order; the counts say how many there are."""


class RedriveBody(Body):
    message_ids: Annotated[list[_MessageId], Field(min_length=1, max_length=100)] | None = None
    """Only these; left out: all that lie there now."""


class ExportReply(Reply):
    name: str
    key: str
    size: int
    updated_at: str
    download_url: str
    """Good for 15 minutes."""

    @classmethod
    def of(cls, written: Written, download_url: str) -> Self:
        return cls(
            name=written.name,
            key=written.key,
            size=written.size,
            updated_at=written.updated_at.isoformat(),
            download_url=download_url,
        )
