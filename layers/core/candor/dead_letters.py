"""Dead letters: messages that were given up, counted, looked at, sent again or thrown away."""

import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from urllib.parse import unquote_plus

from candor.errors import NotFound
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.messages import DeadLettersToRedrive, ExportToWrite, IndexToReconcile, Queue

CHANGES: Final = "changes"
"""
Holds no messages of ours but notes about records of the documents table's stream that were not published. A
note names a place in the stream, which is gone after a day: what was lost is found by reconciling instead.
"""

KIND: Final = "redrive"

AT_MOST: Final = 100
"""Messages shown of one queue."""

SECONDS_IN_REQUEST: Final = 5.0
"""Spent on a redrive before the request is answered: enough for a thousand messages and more."""

GUARD_SECONDS: Final = 10
"""After which a worker goes on with the redrive, whether the request gave up or was killed."""

_STEP_SECONDS: Final = 2.0
_MAX_SUBJECT: Final = 300
_NAMESPACE: Final = uuid.UUID("5b1f6c1e-92ad-5a0e-8f57-c3a1d4d0b7c2")

NO_REASON: Final = (
    "Its worker left no reason: it was ended from outside each time, by its time or its memory."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many messages lie in a dead-letter queue; SQS's numbers are approximate."""

    queue: str
    messages: int
    in_flight: int
    """Being looked at, or on their way out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """One message that was given up, without its body: that may hold a customer's words."""

    message_id: str
    reason: str
    kind: str
    first_received_at: str
    receive_count: int
    subject: str
    """What it is about: a document's id, a key, an address, a job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """What one step took out of a queue; `exhausted` when nothing is left that it was to take."""

    message_ids: tuple[str, ...]
    exhausted: bool


class DeadLetters(Protocol):
    """
    The dead-letter queues by their names. An unknown one is `NotFound`, naming those there are.

    A queue cannot be read without receiving from it: whatever is looked at is hidden from others for a
    moment, and given back at once.
    """

    def counts(self) -> Sequence[Count]: ...

    def messages(self, queue: str, *, at_most: int = AT_MOST) -> Sequence[DeadLetter]:
        """Some of the queue's messages, each once, in no order."""
        ...

    def redrive(
        self,
        queue: str,
        *,
        before: datetime,
        seconds: float,
        message_ids: Collection[str] | None = None,
    ) -> Moved:
        """
        Send messages to the queue they came from, each before it is removed here: killed in between, it is
        delivered twice.

        Only those that lay there `before`: what fails again meanwhile is not sent round in circles.
        """
        ...

    def clear(self, queue: str, *, before: datetime, seconds: float) -> Moved:
        """Remove what lay there `before`."""
        ...

    def discard(self, queue: str, message_id: str) -> None:
        """Remove one message; `NotFound` if it is not there."""
        ...


class Redriving:
    """
    Dead letters sent again, as a job.

    It is worked on in the request, for as long as a request may take. A message sent beforehand makes a
    worker go on with what is left, also when the request's process was killed; it finds an ended job, most
    of the time, and nothing to do.
    """

    def __init__(
        self,
        *,
        letters: DeadLetters,
        jobs: Jobs,
        index_queue: Queue,
        export_queue: Queue,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._letters = letters
        self._jobs = jobs
        self._index_queue = index_queue
        self._export_queue = export_queue
        self._now = now

    def begin(self, queue: str, *, message_ids: Sequence[str] | None, created_by: str) -> Job:
        """Send them all, or those that are named. `NotFound` for an unknown queue."""
        counts = {count.queue: count for count in self._letters.counts()}
        check_known(queue, counts)
        wanted = None if message_ids is None else list(dict.fromkeys(message_ids))
        job = self._jobs.start(
            kind=KIND,
            subject=queue,
            created_by=created_by,
            total=counts[queue].messages if wanted is None else len(wanted),
        )
        plan = {"queue": queue, "before": self._now().isoformat(), "message_ids": wanted}
        self._jobs.progress(job.job_id, checkpoint=plan)
        self._export_queue.send(DeadLettersToRedrive(job_id=job.job_id), delay_seconds=GUARD_SECONDS)
        return self.go_on(job.job_id, seconds=SECONDS_IN_REQUEST)

    def go_on(self, job_id: str, *, seconds: float) -> Job:
        """Send more of them for about so long; ends the job when nothing is left."""
        job = self._jobs.get(job_id)
        ends = self._now().timestamp() + seconds
        if job.checkpoint.get("queue") == CHANGES and not job.status.ended:
            self._reconcile(job)
        while "queue" in job.checkpoint and not job.status.ended:
            left = ends - self._now().timestamp()
            if left <= 0:
                break
            moved, wanted = self._step(job, seconds=min(left, _STEP_SECONDS))
            job = self._counted(job, moved, wanted)
            if moved.exhausted or wanted == []:
                job = self._end(job, wanted)
        return job

    def later(self, job_id: str) -> None:
        """Have a worker go on with it, at once."""
        self._export_queue.send(DeadLettersToRedrive(job_id=job_id))

    def _step(self, job: Job, *, seconds: float) -> tuple[Moved, list[str] | None]:
        queue, wanted = job.checkpoint["queue"], job.checkpoint["message_ids"]
        before = datetime.fromisoformat(job.checkpoint["before"])
        if queue == CHANGES and wanted is None:
            return self._letters.clear(queue, before=before, seconds=seconds), None
        if queue == CHANGES:
            for message_id in wanted:
                self._discarded(queue, message_id)
            return Moved(message_ids=tuple(wanted), exhausted=True), []
        moved = self._letters.redrive(queue, before=before, seconds=seconds, message_ids=wanted)
        if wanted is not None:
            wanted = [message_id for message_id in wanted if message_id not in moved.message_ids]
        return moved, wanted

    def _discarded(self, queue: str, message_id: str) -> None:
        try:
            self._letters.discard(queue, message_id)
        except NotFound:
            return  # Somebody else has removed it: it is gone, as it was to be.

    def _counted(self, job: Job, moved: Moved, wanted: list[str] | None) -> Job:
        count = len(moved.message_ids)
        # The queue's own count was approximate: what is done is never more than what there was.
        more = max(0, job.done + count - job.total)
        plan = {**job.checkpoint, "message_ids": wanted}
        return self._jobs.progress(job.job_id, done=count, total=more, checkpoint=plan)

    def _end(self, job: Job, missing: list[str] | None) -> Job:
        queue = job.checkpoint["queue"]
        result: dict[str, Any] = {"status": "ok", "queue": queue, "moved": job.done, "missing": missing or []}
        if queue == CHANGES:
            result["reconcile_job_id"] = _reconcile_id(job)
        errors = [
            JobError(file=queue, record=-1, reason=f"There is no message {message_id} in this queue.")
            for message_id in missing or ()
        ]
        fewer = job.done - job.total if missing is None else 0
        if errors or fewer:
            self._jobs.progress(job.job_id, done=len(errors), failed=len(errors), total=fewer, errors=errors)
        failed = bool(missing) and job.done == 0
        return self._jobs.finish(
            job.job_id, JobStatus.FAILED if failed else JobStatus.SUCCEEDED, result=result
        )

    def _reconcile(self, job: Job) -> None:
        """What the stream did not publish is found by comparing; asked for before its notes are removed."""
        job_id = _reconcile_id(job)
        self._jobs.start(kind="reconcile", subject="both indexes", created_by=job.created_by, job_id=job_id)
        self._index_queue.send(IndexToReconcile(reconcile=True, job_id=job_id))
        self._export_queue.send(ExportToWrite(changed_at=self._now().isoformat()))


def check_known(queue: str, known: Collection[str]) -> None:
    """`NotFound` for a name that is none of those, with the names there are."""
    if queue not in known:
        raise NotFound(f"There is no such queue. There are: {', '.join(sorted(known))}.")


def subject_of(body: str) -> str:
    """What a message is about, and never what it says: the names that our messages and S3's use."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return _subject(fields)[:_MAX_SUBJECT] if isinstance(fields, Mapping) else ""


def _subject(fields: Mapping[str, Any]) -> str:
    for name in ("document_id", "key", "url", "address", "base_url", "name", "job_id", "inbox_id", "about"):
        if isinstance(value := fields.get(name), str) and value:
            return value
    records = fields.get("Records")
    if isinstance(records, list):
        return ", ".join(key for record in records if (key := _key_of(record)))
    batch = fields.get("DDBStreamBatchInfo")
    if isinstance(batch, Mapping):
        return f"{batch.get('batchSize', '?')} changes from {batch.get('startSequenceNumber', '?')}"
    return ""


def _key_of(record: Any) -> str:
    try:
        return unquote_plus(str(record["s3"]["object"]["key"]))
    except (KeyError, TypeError):
        return ""


def _reconcile_id(job: Job) -> str:
    return str(uuid.uuid5(_NAMESPACE, job.job_id))
