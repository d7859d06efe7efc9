"""Keeping time: what is due is started, once, and what came of it is written down."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from candor.errors import CandorError, Invalid, Malformed, NotFound
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.messages import IndexToReconcile, Queue
from candor.schedules.expiring import Expiring
from candor.schedules.values import ALL, Kind, Run, Schedule, Schedules, under_way
from candor.tickets.reconciling import queue_reconciling

TRIES: Final = 3
"""A run that fails is tried again by the ring that failed (Lambda does so twice) and by each heartbeat."""

_HOPELESS: Final = (Malformed, Invalid)
"""What every try will meet: an address that may not be fetched any more, say."""

Remaining = Callable[[], float]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be started."""

    job_id: str
    """The job to do it as. An order given twice names the same one."""
    subject: str
    target: str
    created_by: str


class Starter(Protocol):
    """Starts what one kind of schedule is for."""

    def __call__(self, order: Order, remaining: Remaining) -> str | None:
        """
        The id of the job under way. None: there is more to do than time, so order it again.

        Raises what stood in its way; then nothing has been started, or starting it again does no harm.
        """
        ...


def _now() -> datetime:
    return datetime.now(UTC)


class KeepingTime:
    """Carries out what is due, each occurrence once, however often it is rung for."""

    def __init__(
        self,
        *,
        schedules: Schedules,
        jobs: Jobs,
        starters: Mapping[Kind, Starter],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._schedules = schedules
        self._jobs = jobs
        self._starters = starters
        self._clock = clock

    def run(self, name: str, *, remaining: Remaining) -> str | None:
        """The id of the job that was started; None when nothing was due, or the last run is still at work."""
        schedule = self._schedules.find(name)
        if schedule is None:
            return None  # Deleted since it was set to ring.
        run = schedule.due(self._clock())
        if run is None or under_way(schedule, self._jobs, self._clock()) is not None:
            return None  # What is due while the run before lasts is due still when that has ended.
        attempt = self._schedules.claim(run, now=self._clock())
        if not attempt:
            return None
        try:
            starter = self._starters[schedule.kind]
            job_id = starter(_order(schedule, run), remaining)
        except Exception as error:
            if attempt >= TRIES or isinstance(error, _HOPELESS):
                self._fail(schedule, run, error)
                return run.job_id
            self._schedules.release(run, failed=True)
            raise
        if job_id is None:
            self._schedules.release(run, failed=False)
            return run.job_id
        if job_id != run.job_id:
            self._point(run, job_id)
        self._schedules.done(run, at=self._clock(), job_id=job_id)
        _log.info("started", extra={"schedule": name, "kind": schedule.kind.value, "job_id": job_id})
        return job_id

    def run_all(self, *, remaining: Remaining) -> int:
        """Everything that is due; how much was started. One that fails keeps none of the others from it."""
        started, failure = 0, None
        for schedule in self._schedules.all():
            try:
                started += self.run(schedule.name, remaining=remaining) is not None
            except Exception as error:  # noqa: BLE001 - the others first; the first one is raised below
                _log.warning("not started", extra={"schedule": schedule.name, "error": type(error).__name__})
                failure = failure or error
        if failure is not None:
            raise failure
        return started

    def _fail(self, schedule: Schedule, run: Run, error: Exception) -> None:
        """The last try failed: the schedule's last job says so, and the next occurrence starts afresh."""
        # What a library says may quote what it choked on; our own errors are sentences for people.
        reason = str(error) if isinstance(error, CandorError) else type(error).__name__
        sentence = f"It could not be started: {reason}"
        order = _order(schedule, run)
        job = self._jobs.start(
            kind=schedule.job_kind,
            subject=order.subject,
            created_by=order.created_by,
            job_id=run.job_id,
        )
        if not job.status.ended:
            fault = JobError(file=schedule.name, record=-1, reason=sentence)
            self._jobs.progress(run.job_id, errors=[fault])
            self._jobs.finish(run.job_id, JobStatus.FAILED, result={"status": "error", "error": sentence})
        self._schedules.done(run, at=self._clock(), job_id=run.job_id)
        _log.error("not started", extra={"schedule": schedule.name, "error": type(error).__name__})

    def _point(self, run: Run, job_id: str) -> None:
        """Whoever asked has been given a job's id: it says where the work is."""
        try:
            self._jobs.finish(run.job_id, JobStatus.SUCCEEDED, result={"status": "ok", "started": job_id})
        except NotFound:
            return  # Nobody asked: it was its time.


def starts_reconciling(*, jobs: Jobs, index_queue: Queue, export_queue: Queue) -> Starter:
    """
    Both indexes are compared with the documents, by the worker that has them at hand; and the tickets with
    their documents, by another one.
    """

    def start(order: Order, remaining: Remaining) -> str:
        job = _started(jobs, Kind.RECONCILE, order)
        if not job.status.ended:
            queue_reconciling(jobs=jobs, queue=export_queue, created_by=order.created_by, beside=job.job_id)
            index_queue.send(IndexToReconcile(reconcile=True, job_id=job.job_id))
        return job.job_id

    return start


def starts_expiring(*, jobs: Jobs, expiring: Expiring) -> Starter:
    """What nobody needs any more is removed, here and now, for as long as the time lasts."""

    def start(order: Order, remaining: Remaining) -> str | None:
        job = _started(jobs, Kind.EXPIRE, order)
        return job.job_id if expiring.run(job.job_id, remaining=remaining) else None

    return start


class BeginsSite(Protocol):
    """Begins the crawl of a site, as it was crawled last."""

    def __call__(self, base: str, *, created_by: str, job_id: str) -> Job: ...


class BeginsAll(Protocol):
    """Begins to look at every page we have again."""

    def __call__(self, *, created_by: str, job_id: str) -> Job: ...


def starts_crawling(*, begin_site: BeginsSite, begin_all: BeginsAll) -> Starter:
    """One site, new pages included; or every page we have, by the workers that fetch them."""

    def start(order: Order, remaining: Remaining) -> str:
        if order.target == ALL:
            return begin_all(created_by=order.created_by, job_id=order.job_id).job_id
        return begin_site(order.target, created_by=order.created_by, job_id=order.job_id).job_id

    return start


class BeginsTickets(Protocol):
    """Begins to fetch a helpdesk's tickets."""

    def __call__(self, *, created_by: str, job_id: str) -> Job: ...


def starts_crawling_tickets(*, begin: BeginsTickets) -> Starter:
    """The tickets that have changed since the last time, of the helpdesk that is configured."""

    def start(order: Order, remaining: Remaining) -> str:
        return begin(created_by=order.created_by, job_id=order.job_id).job_id

    return start


def _started(jobs: Jobs, kind: Kind, order: Order) -> Job:
    return jobs.start(
        kind=kind.value, subject=order.subject, created_by=order.created_by, job_id=order.job_id
    )


def _order(schedule: Schedule, run: Run) -> Order:
    return Order(
        job_id=run.job_id,
        subject=schedule.subject,
        target=schedule.target,
        created_by=f"schedule:{schedule.name}",
    )
