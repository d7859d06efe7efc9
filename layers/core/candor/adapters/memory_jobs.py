"""In-memory jobs: progress in a dictionary, for tests and for small demos."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from candor.errors import Conflict, NotFound
from candor.jobs import MAX_ERRORS_KEPT, Job, JobError, JobStatus, settled


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryJobs:
    """`Jobs` in a dictionary."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._measured: dict[str, int] = {}

    def start(
        self, *, kind: str, subject: str, created_by: str, job_id: str | None = None, total: int = 0
    ) -> Job:
        with self._lock:
            job_id = job_id or str(uuid.uuid4())
            now = self._clock()
            self._jobs.setdefault(
                job_id,
                Job(
                    job_id=job_id,
                    kind=kind,
                    status=JobStatus.QUEUED,
                    done=0,
                    total=total,
                    failed=0,
                    created_by=created_by,
                    subject=subject,
                    created_at=now,
                    updated_at=now,
                ),
            )
            return self.get(job_id)

    def get(self, job_id: str) -> Job:
        return settled(self._row(job_id))

    def list(
        self, *, page: int, page_size: int, kind: str | None = None, status: JobStatus | None = None
    ) -> tuple[Sequence[Job], int]:
        with self._lock:
            jobs = [
                job
                for job in map(settled, self._jobs.values())
                if (kind is None or job.kind == kind) and (status is None or job.status == status)
            ]
        jobs.sort(key=lambda job: (job.created_at, job.job_id), reverse=True)
        start = (page - 1) * page_size
        return jobs[start : start + page_size], len(jobs)

    def count(self, since: datetime) -> Mapping[tuple[str, JobStatus], int]:
        with self._lock:
            jobs = map(settled, self._jobs.values())
            return Counter((job.kind, job.status) for job in jobs if job.created_at >= since)

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
        with self._lock:
            job = self._row(job_id)
            if checkpoint_was is not None and dict(job.checkpoint) != dict(checkpoint_was):
                raise Conflict("Another worker has done this step.")
            running = JobStatus.RUNNING if job.status == JobStatus.QUEUED else job.status
            self._jobs[job_id] = replace(
                job,
                status=running,
                done=job.done + done,
                failed=job.failed + failed,
                total=job.total + total,
                errors=(*job.errors, *errors)[:MAX_ERRORS_KEPT],
                checkpoint=dict(checkpoint) if checkpoint is not None else job.checkpoint,
                updated_at=self._clock(),
            )
            return self.get(job_id)

    def measure(
        self, job_id: str, *, done: int, total: int, failed: int, errors: Sequence[JobError], as_of: int
    ) -> Job:
        with self._lock:
            job = self._row(job_id)
            if self._measured.get(job_id, as_of - 1) < as_of:
                self._measured[job_id] = as_of
                self._jobs[job_id] = replace(
                    job,
                    status=JobStatus.RUNNING if job.status == JobStatus.QUEUED else job.status,
                    done=done,
                    total=total,
                    failed=failed,
                    errors=tuple(errors)[:MAX_ERRORS_KEPT],
                    updated_at=self._clock(),
                )
            return self.get(job_id)

    def seal(self, job_id: str, *, result: Mapping[str, Any]) -> Job:
        with self._lock:
            job = self._row(job_id)
            if not job.sealed and not job.status.ended:
                self._jobs[job_id] = replace(job, sealed=True, result=dict(result), updated_at=self._clock())
            return self.get(job_id)

    def finish(self, job_id: str, status: JobStatus, *, result: Mapping[str, Any] | None = None) -> Job:
        with self._lock:
            job = self.get(job_id)
            if not job.status.ended:
                kept = dict(result) if result is not None else job.result
                self._jobs[job_id] = replace(job, status=status, result=kept, updated_at=self._clock())
            return self.get(job_id)

    def cancel(self, job_id: str) -> Job:
        return self.finish(job_id, JobStatus.CANCELLED)

    def _row(self, job_id: str) -> Job:
        try:
            return self._jobs[job_id]
        except KeyError:
            raise NotFound("There is no such job.") from None
