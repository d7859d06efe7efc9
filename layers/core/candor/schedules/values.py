"""
Schedules: what is to be done again and again, and when.

The row is the truth. EventBridge Scheduler only rings (`Timetable`), and whether there is something to do is
read from the row: a ring too many does nothing, a ring that is missing is made up for by the next heartbeat.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from candor.errors import NotFound
from candor.jobs import Job, Jobs
from candor.schedules.timing import parse

ALL: Final = "all"
"""The target that means everything of its kind."""

NAME: Final = re.compile(r"[a-z0-9-]{1,40}")

EARLY: Final = timedelta(seconds=30)
"""A ring may come this much before its time by our clock: two clocks never agree."""

LEASE: Final = timedelta(minutes=16)
"""How long a run that has begun is left alone. Longer than its function may work, so nobody is overtaken."""

SILENCE: Final = timedelta(hours=6)
"""A job that has reported nothing for so long holds up no further run."""

_NAMESPACE: Final = uuid.UUID("5a0f4a86-3c1d-5f0b-9a2e-7f6d1f4be3c7")


class Kind(StrEnum):
    """What a schedule starts."""

    RE_CRAWL = "re_crawl"
    CRAWL_TICKETS = "crawl_tickets"
    RECONCILE = "reconcile"
    EXPIRE = "expire"


_SUBJECTS: Final[Mapping[Kind, str]] = {
    Kind.RE_CRAWL: "all pages",
    Kind.CRAWL_TICKETS: "tickets",
    Kind.RECONCILE: "both indexes",
    Kind.EXPIRE: "what nobody needs any more",
}
"""What a job over everything of its kind is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """
    One schedule, and what has become of it.

    `since`: when its timing was last set; what would have been due before that is not made up for.
    """

    name: str
    kind: Kind
    expression: str
    enabled: bool = True
    target: str = ALL
    since: datetime
    revision: int = 0
    """Counts changes of all above; 0: a built-in one nobody has stored yet."""
    removed: bool = False
    """Deleted, but perhaps not yet where it rings."""
    last_run: datetime | None = None
    last_due: datetime | None = None
    """The occurrence the last run by time was for."""
    last_job_id: str | None = None
    asked_job_id: str | None = None
    """The job of a run somebody has asked for and that has not begun."""

    @property
    def built_in(self) -> bool:
        return self.name in BUILT_IN

    @property
    def subject(self) -> str:
        """What its job is about, for people."""
        return _SUBJECTS[self.kind] if self.target == ALL else self.target

    @property
    def job_kind(self) -> str:
        """What its job is called: as if somebody had started the same by hand."""
        if self.kind != Kind.RE_CRAWL:
            return self.kind.value
        return "re_crawl_all" if self.target == ALL else "crawl_website"

    def next_run(self, now: datetime) -> datetime | None:
        """When it comes due next; None while it is off, and when it never will again."""
        if not self.enabled or self.removed:
            return None
        # A ring may have come a little early: the occurrence that is done is not the next one.
        after = now if self.last_due is None else max(now, self.last_due)
        return parse(self.expression).after(after, since=self.since)

    def due(self, now: datetime) -> "Run | None":
        """What is to be run now. Of several missed occurrences only the last one."""
        if self.removed:
            return None
        if self.asked_job_id is not None:
            return Run(name=self.name, job_id=self.asked_job_id, due=None)
        if not self.enabled:
            return None
        due = parse(self.expression).until(now + EARLY, since=self.since)
        if due is None or (self.last_due is not None and due <= self.last_due):
            return None
        # An occurrence and its job are one: whoever rings twice finds the same job.
        job_id = str(uuid.uuid5(_NAMESPACE, f"{self.name}\n{due.isoformat()}"))
        return Run(name=self.name, job_id=job_id, due=due)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One time a schedule is carried out."""

    name: str
    job_id: str
    due: datetime | None
    """The occurrence it is for; None: somebody asked."""


_FROM_THE_START: Final = datetime(2020, 1, 1, tzinfo=UTC)

BUILT_IN: Final[Mapping[str, Schedule]] = {
    schedule.name: schedule
    for schedule in (
        Schedule(
            name="nightly-reconcile",
            kind=Kind.RECONCILE,
            expression="cron(0 3 * * ? *)",
            since=_FROM_THE_START,
        ),
        Schedule(
            name="daily-expiry",
            kind=Kind.EXPIRE,
            expression="cron(0 4 * * ? *)",
            since=_FROM_THE_START,
        ),
        Schedule(
            name="weekly-re-crawl",
            kind=Kind.RE_CRAWL,
            expression="cron(0 2 ? * SUN *)",
            enabled=False,
            since=_FROM_THE_START,
        ),
    )
}
"""What every installation has from its first minute; can be changed and switched off, not deleted."""


def under_way(schedule: Schedule, jobs: Jobs, now: datetime) -> Job | None:
    """The job of its last run while that is still at work: a schedule does not overtake itself."""
    if schedule.last_job_id is None:
        return None
    try:
        job = jobs.get(schedule.last_job_id)
    except NotFound:
        return None
    return None if job.status.ended or now - job.updated_at > SILENCE else job


class Schedules(Protocol):
    """Where schedules are kept. Each method raises `Unavailable` when that cannot be reached in time."""

    def all(self) -> Sequence[Schedule]:
        """Every stored one by name, removed ones included."""
        ...

    def find(self, name: str) -> Schedule | None:
        """As it is stored, removed or not; read consistently."""
        ...

    def put(self, schedule: Schedule) -> Schedule:
        """
        Store what it is to do, if it is still at this revision; returns it at the next one.

        `Conflict` if somebody else has changed it since. What has become of its runs stays as it is, except
        that one that was removed begins anew.
        """
        ...

    def ask(self, name: str, job_id: str) -> None:
        """Wish for a run as this job. A wish that has not been fulfilled is replaced."""
        ...

    def forget(self, schedule: Schedule) -> None:
        """Delete the row of a removed one, unless it has been changed since."""
        ...

    def claim(self, run: Run, *, now: datetime) -> int:
        """
        Take a run on, for `LEASE`: which try this is, from 1; 0 when it is somebody else's, or done.

        Of two at once one gets it. A schedule has one run under way at a time.
        """
        ...

    def done(self, run: Run, *, at: datetime, job_id: str) -> None:
        """The run has been carried out, as this job: nobody will claim it again."""
        ...

    def release(self, run: Run, *, failed: bool) -> None:
        """Give a claimed run back: the next ring may try again. Only failures count as tries."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What the timetable knows of a schedule."""

    name: str
    expression: str
    enabled: bool


class Timetable(Protocol):
    """What rings: calls `keep_time` with a schedule's name, about when its expression says so."""

    def find(self, name: str) -> Entry | None:
        """What is set there; None as well for one that would not ring as we mean it."""
        ...

    def set(self, entry: Entry) -> None:
        """Make or change it. `Invalid` where the service does not take the expression."""
        ...

    def remove(self, name: str) -> None:
        """It rings no more. One that is not there is removed already."""
        ...

    def ring(self, name: str) -> None:
        """Call for this schedule now; returns without waiting for what comes of it."""
        ...
