"""Models of schedules."""

from typing import Annotated, Self

from pydantic import Field

from candor.edge.models import Body, Reply, Words
from candor.jobs import JobStatus
from candor.schedules.service import Change
from candor.schedules.values import Kind, Schedule


class ScheduleBody(Body):
    """Fields left out keep their value; a new schedule needs `kind` and `expression`."""

    kind: Kind | None = None
    expression: Annotated[Words, Field(max_length=256)] | None = None
    """`rate(6 hours)`, or `cron(0 3 * * ? *)`: minutes, hours, day, month, weekday, year; in UTC."""
    enabled: bool | None = None
    target: Annotated[Words, Field(max_length=2_000)] | None = None
    """Of `re_crawl`: `all`, or the address of a site. Of every other kind: `all`."""

    def change(self) -> Change:
        return Change(kind=self.kind, expression=self.expression, enabled=self.enabled, target=self.target)


class ScheduleReply(Reply):
    name: str
    kind: Kind
    expression: str
    enabled: bool
    target: str
    built_in: bool
    last_run: str | None
    next_run: str | None
    """Null while it is off."""
    last_job_id: str | None
    last_status: JobStatus | None

    @classmethod
    def of(cls, schedule: Schedule, *, next_run: str | None, last_status: JobStatus | None) -> Self:
        return cls(
            name=schedule.name,
            kind=schedule.kind,
            expression=schedule.expression,
            enabled=schedule.enabled,
            target=schedule.target,
            built_in=schedule.built_in,
            last_run=schedule.last_run.isoformat() if schedule.last_run else None,
            next_run=next_run,
            last_job_id=schedule.last_job_id,
            last_status=last_status,
        )
