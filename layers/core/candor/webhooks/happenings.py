"""
Happenings: what there is to tell of an event, read at the moment it is told.

An event whose thing is not there yet is looked at again (`Later`); one whose thing will never be there, or
is gone, is dropped (`None`): what was erased is told to nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from candor.answering.snapshots import Answers, Snapshot
from candor.conversations.store import Conversations
from candor.conversations.values import Conversation, Message
from candor.errors import NotFound
from candor.jobs import Job, Jobs
from candor.messages import EventToDeliver
from candor.webhooks.values import PING, Event, Happening

WRITTEN_WITHIN: Final = 60.0
"""Seconds after its announcement in which an answer is kept and told, if it ever is."""

JOB_KEPT_SECONDS: Final = 7 * 86_400.0
"""After which nobody waits for a job's end any more."""

_JOB_STARTED_WITHIN: Final = 600.0
_LOOK_FIRST: Final = 2.0
_LOOK_LAST: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """Nothing to tell yet: look again after so many seconds."""

    seconds: float


class Correspondence(Protocol):
    """Which messages of another system lie behind a conversation's."""

    def message_ids(self, conversation_id: str, *, first: int, last: int) -> Sequence[str]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Happenings:
    answers: Answers
    jobs: Jobs
    conversations: Conversations
    correspondence: Correspondence

    def of(self, message: EventToDeliver, *, now: float) -> Happening | Later | None:
        """What is to be told. Raises `Unavailable`."""
        age = now - message.announced_at
        match message.event:
            case Event.ANSWER | Event.ESCALATION:
                return self._answer(message, age)
            case Event.JOB:
                return self._job(message, age)
            case _ if message.event == PING:
                at = datetime.fromtimestamp(message.announced_at, UTC)
                return Happening(event=PING, at=at, data={"webhook_id": message.hook_id})
        return None

    def _answer(self, message: EventToDeliver, age: float) -> Happening | Later | None:
        later = Later(seconds=_LOOK_FIRST) if age < WRITTEN_WITHIN else None
        try:
            snapshot = self.answers.get(message.about)
        except NotFound:
            return later
        data = _told(snapshot)
        if snapshot.conversation_id:
            # What was dropped because more was said meanwhile was told to nobody, and so is no answer.
            found = self._in_conversation(snapshot)
            if found is None:
                return later
            data |= found
        return Happening(event=message.event, at=snapshot.created_at, data=data)

    def _in_conversation(self, snapshot: Snapshot) -> Mapping[str, Any] | None:
        try:
            conversation = self.conversations.get(snapshot.conversation_id)
            answer = self.conversations.find(snapshot.conversation_id, snapshot.answer_id)
        except NotFound:
            return None
        if conversation.deleted:
            return None
        return self._place(conversation, answer)

    def _place(self, conversation: Conversation, answer: Message) -> Mapping[str, Any]:
        return {
            "message_id": answer.message_id,
            "conversation_id": conversation.conversation_id,
            "source_type": conversation.source_type.value,
            "source_id": conversation.source_id,
            "in_reply_to": list(
                self.correspondence.message_ids(
                    conversation.conversation_id, first=answer.answers_from, last=answer.answers_to
                )
            ),
        }

    def _job(self, message: EventToDeliver, age: float) -> Happening | Later | None:
        try:
            job = self.jobs.get(message.about)
        except NotFound:
            return Later(seconds=_LOOK_FIRST) if age < _JOB_STARTED_WITHIN else None
        if not job.status.ended:
            # A short job is told of at once, and a long one costs a look a minute.
            pause = min(_LOOK_LAST, max(_LOOK_FIRST, age / 4))
            return Later(seconds=pause) if age < JOB_KEPT_SECONDS else None
        return Happening(event=Event.JOB, at=job.updated_at, data=_ended(job))


def _told(snapshot: Snapshot) -> dict[str, Any]:
    """Of an answer, without how it came about: that is for administrators, under its id."""
    return {
        "answer_id": snapshot.answer_id,
        "question": snapshot.question,
        "answer": snapshot.text,
        "decision": snapshot.decision.value,
        "confidence": snapshot.confidence,
        "language": snapshot.language,
        "followup_questions": list(snapshot.followup_questions),
        "citations": [
            {
                "document_id": citation.document_id,
                "title": citation.title,
                "source_url": citation.source_url,
                "doc_type": citation.doc_type,
                "quote": citation.quote,
            }
            for citation in snapshot.citations
        ],
        "external_user_id": snapshot.external_user_id,
        "trace_id": snapshot.trace_id,
        "created_at": snapshot.created_at.isoformat(),
    }


def _ended(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "subject": job.subject,
        "status": job.status.value,
        "progress": {"done": job.done, "total": job.total, "failed": job.failed},
        "created_at": job.created_at.isoformat(),
        "updated_at": job.updated_at.isoformat(),
    }
