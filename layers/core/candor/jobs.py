"""Jobs: long work that reports progress and can be cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

MAX_ERRORS_KEPT = 100
"""A job keeps the first errors whole and counts the rest: a row has 400 KB."""


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobError:
    """One record that was refused: `record` counts from 0, -1 means the file as a whole."""

    file: str
    record: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    job_id: str
    kind: str
    status: JobStatus
    done: int
    total: int
    failed: int
    """`done` counts finished items, the failed ones included; `total` is 0 until it is known."""
    created_by: str
    subject: str
    """What it works on, for people: a file name, a site."""
    errors: tuple[JobError, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    sealed: bool = False
    """No more items will come: the job ends by itself when `done` reaches `total`."""
    created_at: datetime
    updated_at: datetime

    def eta_seconds(self, now: datetime) -> int | None:
        """Seconds to go at the speed so far; None while nothing can be said."""
        if self.status.ended or self.done <= 0 or self.total <= 0:
            return None
        elapsed = (now - self.created_at).total_seconds()
        return max(0, round(elapsed / self.done * (self.total - self.done)))


def settled(job: Job) -> Job:
    """
    The job as its counters say it is.

    The end of a sealed job is no event that a crash could lose: it follows from `done` and `total`
    whenever the job is read. Its result counts what failed after the sealing too.
    """
    if not job.sealed or job.status.ended or job.done < job.total:
        return job
    result = dict(job.result)
    if "ok" in result:
        result["ok"] = job.total - job.failed - int(result.get("skipped", 0))
        result["error"] = job.failed
    return replace(job, status=end_of_sealed(total=job.total, failed=job.failed), result=result)


def end_of_sealed(*, total: int, failed: int) -> JobStatus:
    """How a job ends whose last item is done: failed only if every one of them did."""
    return JobStatus.FAILED if 0 < total <= failed else JobStatus.SUCCEEDED


class Jobs(Protocol):
    """Where jobs are kept. Counters are atomic: several workers may report at once."""

    def start(
        self, *, kind: str, subject: str, created_by: str, job_id: str | None = None, total: int = 0
    ) -> Job:
        """A queued job. With a `job_id` that exists already, that one as it is (a message seen twice)."""
        ...

    def get(self, job_id: str) -> Job:
        """The job, or `NotFound`."""
        ...

    def list(
        self, *, page: int, page_size: int, kind: str | None = None, status: JobStatus | None = None
    ) -> tuple[Sequence[Job], int]:
        """Newest first, and how many there are."""
        ...

    def count(self, since: datetime) -> Mapping[tuple[str, JobStatus], int]:
        """How many of those created since then there are, by kind and status."""
        ...

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
        """
        Add to the counters and errors; a queued job becomes running. Returns the job after it.

        With `checkpoint_was` all of it happens only if the checkpoint is still that, else `Conflict`:
        a step that is done twice counts once.
        """
        ...

    def measure(
        self, job_id: str, *, done: int, total: int, failed: int, errors: Sequence[JobError], as_of: int
    ) -> Job:
        """
        Set the counters and errors, for work that is counted elsewhere; a queued job becomes running.

        `as_of` grows with what is measured: a report that comes after a later one changes nothing.
        """
        ...

    def seal(self, job_id: str, *, result: Mapping[str, Any]) -> Job:
        """No more items will come. The job ends by itself when `done` reaches `total`."""
        ...

    def finish(self, job_id: str, status: JobStatus, *, result: Mapping[str, Any] | None = None) -> Job:
        """End the job. One that has ended already stays as it is."""
        ...

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop: it ends cancelled, and its workers see that before their next item."""
        ...
