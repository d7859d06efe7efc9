"""Course: a crawl under way, its job and its tally; how it goes on, waits, is handed on, and ends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from candor.errors import CandorError, Conflict, Invalid, Malformed, Refused
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.messages import MAX_DELAY_SECONDS, Queue, TicketsToCrawl
from candor.whmcs.crawl.orders import Orders
from candor.whmcs.crawl.remembering import Memory
from candor.whmcs.crawl.tally import Tally
from candor.whmcs.site.values import Access, RateLimited

MIN_SECONDS: Final = 75.0
"""With less than this left no more of the list is begun: the rest goes to the next invocation."""

LATE_SECONDS: Final = 45.0
"""With less than this left no ticket is asked for: a slow one takes 15, twice, and then all are stored."""

SHORT_WAIT: Final = 10
"""Seconds that a worker waits itself; for longer ones its message comes back."""

PAUSES: Final = (5, 30, 60, 120, 300)
"""Seconds after the helpdesk has failed altogether, by how often in a row; then the crawl is given up."""

AT_FIRST: Final = 2
"""Of these pauses before anything has been read: a wrong address or path is to be told within a minute."""

MOST_LIMITS: Final = 40
"""The same for a site that says itself how long to wait."""

Remaining = Callable[[], float]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What every crawl goes on by."""

    orders: Orders
    memory: Memory
    jobs: Jobs
    queue: Queue
    clock: Callable[[], datetime] = _now
    pause: Callable[[float], None] = time.sleep


class Course:
    """One worker's part of a crawl. What it does to the job counts only as long as no other worker has."""

    def __init__(self, means: Means, job: Job, message: TicketsToCrawl, remaining: Remaining) -> None:
        self.job = job
        self.tally = Tally.of(job.checkpoint) if job.checkpoint else Tally(started=means.clock(), since=None)
        self._means = means
        self._message = message
        self._remaining = remaining

    @property
    def has_time(self) -> bool:
        return self._remaining() >= MIN_SECONDS

    @property
    def is_late(self) -> bool:
        return self._remaining() < LATE_SECONDS

    def hand_on(self, *, delay_seconds: int = 0) -> None:
        """The next invocation goes on."""
        self._means.queue.send(self._message, delay_seconds=min(delay_seconds, MAX_DELAY_SECONDS))

    def is_too_early(self) -> bool:
        """Whether the site wants to be left alone a while yet; then it is handed on for later."""
        wait = self.tally.not_before - self._means.clock().timestamp()
        if wait < 1:
            return False
        self.hand_on(delay_seconds=int(wait) + 1)
        return True

    def moved(self, tally: Tally, *, done: int = 0, total: int = 0, errors: Sequence[JobError] = ()) -> bool:
        """Move the checkpoint; False when another worker has moved it, or the job has ended: leave it."""
        try:
            job = self._means.jobs.progress(
                self.job.job_id,
                done=done,
                failed=len(errors),
                total=total,
                errors=errors,
                checkpoint=tally.as_json(),
                checkpoint_was=self.job.checkpoint,
            )
        except Conflict:
            return False
        if job.status.ended:
            self._means.orders.forget(job.job_id)
            return False
        self.job, self.tally = job, tally
        return True

    def halted(self, error: CandorError) -> bool:
        """Wait here, hand it on for later, or give it up, as the error wants it; whether to go on here."""
        if isinstance(error, Refused):
            self.stop(str(error), at_the_door=True)
            return False
        own_word = isinstance(error, RateLimited)
        hopeless = isinstance(error, Malformed | Invalid)
        failures = len(PAUSES) if self.tally.has_begun else AT_FIRST
        if hopeless or self.tally.pauses >= (MOST_LIMITS if own_word else failures):
            self.stop(f"The crawl was given up: {error}")
            return False
        seconds = error.retry_after if isinstance(error, RateLimited) else PAUSES[self.tally.pauses]
        not_before = self._means.clock().timestamp() + seconds
        if not self.moved(replace(self.tally, pauses=self.tally.pauses + 1, not_before=not_before)):
            return False
        if seconds <= SHORT_WAIT and self._remaining() > MIN_SECONDS + seconds:
            self._means.pause(seconds)
            return True
        self.hand_on(delay_seconds=seconds)
        return False

    def stop(self, sentence: str, *, at_the_door: bool = False) -> None:
        """End a crawl that cannot go on. What it has stored stays."""
        means = self._means
        if at_the_door:
            means.memory.turned_away(sentence)
        else:
            means.memory.given_up(sentence)
        result = self.tally.result(status="error", failed=self.job.failed, now=means.clock())
        reason = JobError(file=self.job.subject, record=-1, reason=sentence)
        means.jobs.progress(self.job.job_id, errors=[reason])
        means.jobs.finish(self.job.job_id, JobStatus.FAILED, result={**result, "error": sentence})
        means.orders.forget(self.job.job_id)

    def end(self, access: Access, *, way: str) -> None:
        """The list has been gone through to its end."""
        means, job, tally = self._means, self.job, self.tally
        failed = 0 < job.done <= job.failed
        result = tally.result(status="error" if failed else "ok", failed=job.failed, now=means.clock())
        result["read_over"] = way
        if failed:
            result["error"] = (
                f"None of the tickets could be read. {job.errors[0].reason}" if job.errors else ""
            )
        if not job.done:
            result["warning"] = (
                "The list shows no ticket: look at list_path, departments and what this login may see."
            )
        means.memory.crawled(
            access, started=tally.started, newest=tally.newest, oldest_failed=tally.oldest_failed
        )
        if job.total != job.done:
            means.jobs.progress(job.job_id, total=job.done - job.total)
        means.jobs.finish(job.job_id, JobStatus.FAILED if failed else JobStatus.SUCCEEDED, result=result)
        means.orders.forget(job.job_id)
