"""Schedules in memory: rows, what rings, and what is started, with a clock one can set."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.memory_schedules import MemorySchedules, MemoryTimetable
from candor.errors import Malformed
from candor.jobs import JobStatus
from candor.schedules.expiring import Expiring
from candor.schedules.keeping_time import KeepingTime, Order, Starter, starts_expiring, starts_reconciling
from candor.schedules.service import Scheduling
from candor.schedules.values import Kind
from tests.doubles.knowledge import Knowledge


def _door(url: str) -> str:
    if "127.0.0.1" in url:
        raise Malformed("This address is not public.")
    return url


@dataclass(kw_only=True)
class Clockwork:
    """`now` is a Saturday. `crawls` collects what a re-crawl was ordered with."""

    now: datetime = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    crawls: list[Order] = field(default_factory=list)
    crawls_last: bool = False
    """Whether a re-crawl goes on instead of having ended at once."""
    broken: Exception | None = None
    """What starting a re-crawl raises."""

    def __post_init__(self) -> None:
        self.knowledge = Knowledge(jobs=MemoryJobs(clock=lambda: self.now))
        self.schedules = MemorySchedules()
        self.timetable = MemoryTimetable()
        self.scheduling = Scheduling(
            schedules=self.schedules,
            timetable=self.timetable,
            jobs=self.knowledge.jobs,
            check_address=_door,
            clock=lambda: self.now,
        )
        self.expiring = Expiring(
            documents=self.knowledge.documents,
            tickets=self.knowledge.tickets,
            jobs=self.knowledge.jobs,
            objects=self.knowledge.objects,
            clock=lambda: self.now,
        )
        self.keeping = KeepingTime(
            schedules=self.schedules,
            jobs=self.knowledge.jobs,
            starters={
                Kind.RECONCILE: starts_reconciling(
                    jobs=self.knowledge.jobs,
                    index_queue=self.knowledge.index_queue,
                    export_queue=self.knowledge.export_queue,
                ),
                Kind.EXPIRE: starts_expiring(jobs=self.knowledge.jobs, expiring=self.expiring),
                Kind.RE_CRAWL: self._starts_crawling(),
            },
            clock=lambda: self.now,
        )

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def ring(self, name: str, *, seconds: float = 600.0) -> str | None:
        """As EventBridge Scheduler does; the job that was started."""
        return self.keeping.run(name, remaining=_seconds(seconds))

    def _starts_crawling(self) -> Starter:
        def start(order: Order, remaining: Callable[[], float]) -> str:
            if self.broken is not None:
                raise self.broken
            self.crawls.append(order)
            jobs = self.knowledge.jobs
            jobs.start(
                kind="re_crawl", subject=order.subject, created_by=order.created_by, job_id=order.job_id
            )
            if not self.crawls_last:
                jobs.finish(order.job_id, JobStatus.SUCCEEDED)
            return order.job_id

        return start


def _seconds(seconds: float) -> Callable[[], float]:
    return lambda: seconds
