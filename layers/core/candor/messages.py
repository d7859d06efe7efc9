"""Messages: what travels on the queues. Both ends import these; nothing else knows the JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Protocol, Self

from candor.errors import Malformed


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A thing to be done. Unknown fields are ignored, so that a newer sender can talk to an older worker."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, body: str) -> Self:
        """Raises `Malformed`, without the body: it may hold a customer's words."""
        try:
            fields = json.loads(body)
            return cls(**{name: fields[name] for name in cls.__dataclass_fields__ if name in fields})
        except (TypeError, ValueError, KeyError) as error:
            raise Malformed(f"The message is not a {cls.__name__}.") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentToIndex(Message):
    """Make the current version of this document searchable, or remove it. The id alone: the worker reads the truth."""

    document_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceToRead(Message):
    """Read an object of the source bucket from this record on, for this job; or withdraw it when `removed`."""

    key: str
    job_id: str
    start: int = 0
    """Which record to go on from: for people who look at the queue. The job's checkpoint decides."""
    removed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexToReconcile(Message):
    """Compare both indexes with the documents and repair them; without a job, start one."""

    reconcile: bool
    job_id: str = ""


class Queue(Protocol):
    """Where messages wait. `send` returns when the message is durable; it may be delivered more than once."""

    def send(self, *messages: Message) -> None: ...
