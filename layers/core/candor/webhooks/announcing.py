"""
Announcing: what is kept and what is started is told to the hooks that want to hear of it.

Wrapped around the stores themselves, so that nothing can be kept without being told. A message goes out
before the thing is written: killed in between, its worker finds nothing and drops it; the other way round
an event would be lost for good.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from candor.answering.snapshots import Answers, AnswersAround, Snapshot
from candor.answering.values import Decision
from candor.errors import Unavailable
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.messages import EventToDeliver, Queue
from candor.statistics.values import Entry
from candor.webhooks.store import Hooks
from candor.webhooks.values import Event, event_id

SEEN_AFTER_SECONDS: Final = 5.0
"""A hook made elsewhere hears of everything from then on."""

_SOON: Final = 1
"""Seconds in which what is announced is usually written."""

logger = logging.getLogger(__name__)


class Announcer:
    """Sends a message for each hook that hears of an event. Safe to share between threads."""

    def __init__(
        self,
        *,
        hooks: Hooks,
        queue: Queue,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hooks = hooks
        self._queue = queue
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._until = 0.0
        self._seen: Mapping[Event, Sequence[str]] = {}

    def announce(self, about: str, *events: Event) -> bool:
        """Whether everybody who wants to hear will; never raises, for nobody is to miss an answer for it."""
        messages = [
            EventToDeliver(
                event_id=event_id(event, about),
                hook_id=hook_id,
                event=event.value,
                about=about,
                announced_at=self._clock(),
            )
            for event in events
            for hook_id in self._subscribed().get(event, ())
        ]
        if not messages:
            return True
        try:
            self._queue.send(*messages, delay_seconds=_SOON)
        except Unavailable:
            return False
        return True

    def _subscribed(self) -> Mapping[Event, Sequence[str]]:
        now = self._ticks()
        with self._lock:
            if now < self._until:
                return self._seen
        try:
            hooks = self._hooks.all()
        except Unavailable:
            logger.warning("webhooks not read")
            with self._lock:
                self._until = now + SEEN_AFTER_SECONDS
                return self._seen  # Those that were last known.
        seen = {
            event: [hook.hook_id for hook in hooks if hook.enabled and event in hook.events]
            for event in Event
        }
        with self._lock:
            self._until, self._seen = now + SEEN_AFTER_SECONDS, seen
        return seen


class AnnouncedAnswers(AnswersAround):
    """`Answers` that are told to whoever hears of answers and escalations."""

    def __init__(self, answers: Answers, announcer: Announcer) -> None:
        super().__init__(answers)
        self._announcer = announcer

    def keep(self, snapshot: Snapshot, *, counted: Entry | None = None) -> bool:
        events = [Event.ANSWER, *([Event.ESCALATION] if snapshot.decision is Decision.ESCALATE else [])]
        told = self._announcer.announce(snapshot.answer_id, *events)
        is_new = super().keep(snapshot, counted=counted)
        if not told and not self._announcer.announce(snapshot.answer_id, *events):
            logger.warning("answer not announced", extra={"answer_id": snapshot.answer_id})
        return is_new


class AnnouncedJobs:
    """
    `Jobs` whose end is told to whoever hears of jobs.

    Announced when they start: a job's end is no event but follows from its counters (`jobs.settled`), and
    whoever delivers looks until it has come.
    """

    def __init__(self, jobs: Jobs, announcer: Announcer) -> None:
        self._jobs = jobs
        self._announcer = announcer

    def start(
        self, *, kind: str, subject: str, created_by: str, job_id: str | None = None, total: int = 0
    ) -> Job:
        chosen = job_id or str(uuid.uuid4())
        told = self._announcer.announce(chosen, Event.JOB)
        job = self._jobs.start(kind=kind, subject=subject, created_by=created_by, job_id=chosen, total=total)
        if not told and not self._announcer.announce(chosen, Event.JOB):
            logger.warning("job not announced", extra={"job_id": chosen})
        return job

    def get(self, job_id: str) -> Job:
        return self._jobs.get(job_id)

    def list(
        self, *, page: int, page_size: int, kind: str | None = None, status: JobStatus | None = None
    ) -> tuple[Sequence[Job], int]:
        return self._jobs.list(page=page, page_size=page_size, kind=kind, status=status)

    def count(self, since: datetime) -> Mapping[tuple[str, JobStatus], int]:
        return self._jobs.count(since)

    def progress(
        self,
        job_id: str,
        *,
        done: int = 0,
        failed: int = 0,
        total: int = 0,
        errors: Sequence[JobError] = (),
        checkpoint: Mapping[str, Any] | None = None,
        checkpoint_was: Mapping[str, Any] | None = None,
    ) -> Job:
        return self._jobs.progress(
            job_id,
            done=done,
            failed=failed,
            total=total,
            errors=errors,
            checkpoint=checkpoint,
            checkpoint_was=checkpoint_was,
        )

    def measure(
        self, job_id: str, *, done: int, total: int, failed: int, errors: Sequence[JobError], as_of: int
    ) -> Job:
        return self._jobs.measure(job_id, done=done, total=total, failed=failed, errors=errors, as_of=as_of)

    def seal(self, job_id: str, *, result: Mapping[str, Any]) -> Job:
        return self._jobs.seal(job_id, result=result)

    def finish(self, job_id: str, status: JobStatus, *, result: Mapping[str, Any] | None = None) -> Job:
        return self._jobs.finish(job_id, status, result=result)

    def cancel(self, job_id: str) -> Job:
        return self._jobs.cancel(job_id)
