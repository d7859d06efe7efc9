"""Wiring of schedules: what is to be done when, what rings, and what is started."""

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.environment import stores
from candor.wiring.exports import export_queue
from candor.wiring.knowledge import documents, index_queue, jobs, objects

if TYPE_CHECKING:
    from candor.jobs import Job
    from candor.schedules.expiring import Expiring
    from candor.schedules.keeping_time import KeepingTime
    from candor.schedules.service import Scheduling
    from candor.schedules.values import Schedules, Timetable


@cache
def schedules() -> "Schedules":
    from candor.adapters.dynamodb_schedules import DynamoSchedules

    return DynamoSchedules(settings.need(stores().config_table, "CONFIG_TABLE"))


@cache
def timetable() -> "Timetable":
    from candor.adapters.eventbridge_scheduler import SchedulerTimetable

    clockwork = settings.Clockwork.read()
    return SchedulerTimetable(
        prefix=settings.need(clockwork.schedule_prefix, "SCHEDULE_PREFIX"),
        function_arn=settings.need(clockwork.keep_time_arn, "KEEP_TIME_ARN"),
        role_arn=settings.need(clockwork.scheduler_role_arn, "SCHEDULER_ROLE_ARN"),
    )


@cache
def scheduling() -> "Scheduling":
    from candor.schedules.service import Scheduling

    return Scheduling(
        schedules=schedules(), timetable=timetable(), jobs=jobs(), check_address=_checked_address
    )


@cache
def expiring() -> "Expiring":
    from candor.schedules.expiring import Expiring
    from candor.wiring.tickets import tickets

    kept = timedelta(days=min(settings.Imports.read().dump_keep_days, 36_500))
    return Expiring(documents=documents(), tickets=tickets(), jobs=jobs(), objects=objects(), dump_age=kept)


@cache
def keeping_time() -> "KeepingTime":
    from candor.schedules.keeping_time import (
        KeepingTime,
        starts_crawling,
        starts_crawling_tickets,
        starts_expiring,
        starts_reconciling,
    )
    from candor.schedules.values import Kind

    return KeepingTime(
        schedules=schedules(),
        jobs=jobs(),
        starters={
            Kind.RECONCILE: starts_reconciling(
                jobs=jobs(), index_queue=index_queue(), export_queue=export_queue()
            ),
            Kind.EXPIRE: starts_expiring(jobs=jobs(), expiring=expiring()),
            Kind.RE_CRAWL: starts_crawling(begin_site=_begin_site, begin_all=_begin_all),
            Kind.CRAWL_TICKETS: starts_crawling_tickets(begin=_begin_tickets),
        },
    )


def _begin_site(base: str, *, created_by: str, job_id: str) -> "Job":
    # Only a ring that crawls pays for what that takes.
    from candor.wiring.crawls import crawling

    return crawling().begin_site(base, created_by=created_by, job_id=job_id)


def _begin_all(*, created_by: str, job_id: str) -> "Job":
    from candor.wiring.crawls import refreshing

    return refreshing().begin_all(created_by=created_by, job_id=job_id)


def _begin_tickets(*, created_by: str, job_id: str) -> "Job":
    from candor.whmcs.crawl.orders import LAST
    from candor.wiring.helpdesk import ticket_crawls

    return ticket_crawls().begin({}, since=LAST, created_by=created_by, job_id=job_id)


def _checked_address(url: str) -> str:
    # Only who is given an address pays for the door.
    from candor.wiring.web import fetcher

    return fetcher().check(url)
