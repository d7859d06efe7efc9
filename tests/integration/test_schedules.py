"""Schedules and what rings for them: two contracts, each over every adapter."""

import contextlib
import json
import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from candor.errors import Conflict, NotFound, Unavailable
from candor.schedules.service import Change, Scheduling
from candor.schedules.values import LEASE, Entry, Kind, Run, Schedule, Schedules, Timetable
from tests.doubles.tables import create_table

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def schedules(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Schedules]:
    from candor.adapters.dynamodb_schedules import DynamoSchedules
    from candor.adapters.memory_schedules import MemorySchedules

    if request.param == "memory":
        yield MemorySchedules()
    elif request.param == "moto":
        with mock_aws():
            yield DynamoSchedules(create_table("ConfigTable"))
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoSchedules(create_table("ConfigTable"))


def nightly(**fields: Any) -> Schedule:
    given = {"name": "nightly", "kind": Kind.RECONCILE, "expression": "cron(0 3 * * ? *)", "since": NOW}
    return Schedule(**{**given, **fields})


def by_time(job_id: str = "job-1", days: int = 1) -> Run:
    return Run(name="nightly", job_id=job_id, due=NOW + timedelta(days=days))


def test_a_stored_schedule_is_found_as_it_was_put(schedules: Schedules) -> None:
    stored = schedules.put(nightly(enabled=False, target="https://example.com/"))

    assert stored == nightly(enabled=False, target="https://example.com/", revision=1)
    assert schedules.find("nightly") == stored
    assert schedules.find("another") is None
    assert schedules.all() == [stored]


def test_schedules_are_in_the_order_of_their_names(schedules: Schedules) -> None:
    for name in ("b", "c", "a-1", "a"):
        schedules.put(nightly(name=name))

    assert [schedule.name for schedule in schedules.all()] == ["a", "a-1", "b", "c"]


def test_of_two_who_change_the_same_revision_one_is_refused(schedules: Schedules) -> None:
    stored = schedules.put(nightly())
    changed = schedules.put(replace(stored, expression="rate(1 hour)"))

    assert changed.revision == stored.revision + 1
    with pytest.raises(Conflict):
        schedules.put(replace(stored, expression="rate(2 hours)"))
    with pytest.raises(Conflict):
        schedules.put(nightly())
    assert schedules.find("nightly") == changed


def test_a_change_leaves_what_has_become_of_the_runs(schedules: Schedules) -> None:
    stored = schedules.put(nightly())
    run = by_time()
    assert schedules.claim(run, now=NOW) == 1
    schedules.done(run, at=NOW, job_id="job-1")

    changed = schedules.put(replace(stored, enabled=False))

    assert (changed.last_run, changed.last_due, changed.last_job_id) == (NOW, run.due, "job-1")


def test_a_run_is_claimed_once_and_when_done_never_again(schedules: Schedules) -> None:
    schedules.put(nightly())
    run = by_time()

    assert schedules.claim(run, now=NOW) == 1
    assert schedules.claim(run, now=NOW + timedelta(minutes=1)) == 0
    schedules.done(run, at=NOW, job_id="job-1")

    assert schedules.claim(run, now=NOW + LEASE * 2) == 0
    assert schedules.claim(by_time("job-2", days=2), now=NOW) == 1


def test_while_one_run_is_under_way_no_other_begins(schedules: Schedules) -> None:
    schedules.put(nightly())
    schedules.claim(by_time(), now=NOW)

    assert schedules.claim(by_time("job-2", days=2), now=NOW) == 0


def test_a_run_whose_claimer_died_can_be_claimed_again_after_a_while(schedules: Schedules) -> None:
    schedules.put(nightly())
    schedules.claim(by_time(), now=NOW)

    assert schedules.claim(by_time(), now=NOW + LEASE - timedelta(seconds=2)) == 0
    assert schedules.claim(by_time(), now=NOW + LEASE + timedelta(seconds=2)) == 2


def test_a_released_run_counts_its_failures(schedules: Schedules) -> None:
    schedules.put(nightly())
    schedules.claim(by_time(), now=NOW)
    schedules.release(by_time(), failed=True)
    assert schedules.claim(by_time(), now=NOW) == 2
    schedules.release(by_time(), failed=False)

    assert schedules.claim(by_time(), now=NOW) == 1


def test_somebody_elses_run_cannot_be_released_or_ended(schedules: Schedules) -> None:
    schedules.put(nightly())
    schedules.claim(by_time(), now=NOW)

    schedules.release(by_time("job-2"), failed=True)
    schedules.done(by_time("job-2"), at=NOW, job_id="job-2")

    assert schedules.claim(by_time(), now=NOW) == 0
    found = schedules.find("nightly")
    assert found is not None
    assert found.last_job_id is None


def test_a_wish_is_kept_until_it_is_fulfilled(schedules: Schedules) -> None:
    schedules.put(nightly())
    schedules.ask("nightly", "job-9")
    wish = Run(name="nightly", job_id="job-9", due=None)
    found = schedules.find("nightly")
    assert found is not None
    assert found.asked_job_id == "job-9"

    assert schedules.claim(wish, now=NOW) == 1
    schedules.done(wish, at=NOW, job_id="job-9")

    found = schedules.find("nightly")
    assert found is not None
    assert (found.asked_job_id, found.last_job_id, found.last_due) == (None, "job-9", None)
    assert schedules.claim(wish, now=NOW + LEASE * 2) == 0


def test_a_wish_that_came_meanwhile_outlives_the_one_before(schedules: Schedules) -> None:
    schedules.put(nightly())
    schedules.ask("nightly", "job-1")
    first = Run(name="nightly", job_id="job-1", due=None)
    schedules.claim(first, now=NOW)

    schedules.ask("nightly", "job-2")
    schedules.done(first, at=NOW, job_id="job-1")

    found = schedules.find("nightly")
    assert found is not None
    assert (found.last_job_id, found.asked_job_id) == ("job-1", "job-2")
    with pytest.raises(NotFound):
        schedules.ask("another", "job-3")


def test_a_removed_schedule_stays_until_it_is_forgotten_and_runs_no_more(schedules: Schedules) -> None:
    stored = schedules.put(nightly())
    removed = schedules.put(replace(stored, removed=True))

    assert [schedule.removed for schedule in schedules.all()] == [True]
    assert schedules.claim(by_time(), now=NOW) == 0
    schedules.forget(removed)

    assert schedules.find("nightly") is None


def test_one_that_was_made_again_is_not_forgotten_and_has_no_past(schedules: Schedules) -> None:
    stored = schedules.put(nightly())
    schedules.claim(by_time(), now=NOW)
    schedules.done(by_time(), at=NOW, job_id="job-1")
    removed = schedules.put(replace(stored, removed=True))
    again = schedules.put(replace(removed, removed=False))

    schedules.forget(removed)
    schedules.forget(again)

    assert schedules.find("nightly") == again
    assert (again.last_run, again.last_due, again.last_job_id) == (None, None, None)


# moto loses writes that meet.
@pytest.mark.parametrize("schedules", ["memory", "ministack", "dynamodb_local"], indirect=True)
def test_of_many_who_claim_at_once_one_gets_it(schedules: Schedules) -> None:
    schedules.put(nightly())

    with ThreadPoolExecutor(max_workers=6) as pool:
        tries = list(pool.map(lambda _: schedules.claim(by_time(), now=NOW), range(12)))

    assert sorted(tries)[-2:] == [0, 1]


# What rings

ROLE = "arn:aws:iam::000000000000:role/scheduler"


def _function(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


def _scheduler(prefix: str) -> Timetable:
    from candor.adapters.eventbridge_scheduler import SchedulerTimetable

    return SchedulerTimetable(prefix=prefix, function_arn=_function("keep-time"), role_arn=ROLE)


@pytest.fixture(params=["memory", "moto", "ministack"])
def timetable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Timetable]:
    from candor.adapters.memory_schedules import MemoryTimetable

    if request.param == "memory":
        yield MemoryTimetable()
    elif request.param == "moto":
        with mock_aws():
            yield _scheduler("stack.")
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield _scheduler(f"s{uuid.uuid4().hex[:8]}.")


ENTRY = Entry(name="nightly", expression="cron(0 3 * * ? *)", enabled=True)


def test_what_is_set_is_found(timetable: Timetable) -> None:
    assert timetable.find("nightly") is None

    timetable.set(ENTRY)

    assert timetable.find("nightly") == ENTRY
    assert timetable.find("nightl") is None


def test_setting_it_again_changes_it(timetable: Timetable) -> None:
    timetable.set(ENTRY)

    changed = replace(ENTRY, expression="rate(6 hours)", enabled=False)
    timetable.set(changed)

    assert timetable.find("nightly") == changed
    timetable.set(replace(changed, enabled=True))
    assert timetable.find("nightly") == replace(changed, enabled=True)


def test_what_is_removed_rings_no_more_and_can_be_removed_twice(timetable: Timetable) -> None:
    timetable.set(ENTRY)

    timetable.remove("nightly")
    timetable.remove("nightly")

    assert timetable.find("nightly") is None


@pytest.fixture(params=["moto", "ministack"])
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "moto":
        with mock_aws():
            yield "stack."
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield f"s{uuid.uuid4().hex[:8]}."


def test_the_service_calls_the_function_with_the_schedules_name(aws: str) -> None:
    _scheduler(aws).set(ENTRY)

    found = boto3.client("scheduler").get_schedule(Name=f"{aws}nightly")

    assert (found["GroupName"], found["ScheduleExpressionTimezone"]) == ("default", "UTC")
    assert found["Target"]["Arn"] == _function("keep-time")
    assert found["Target"]["RoleArn"] == ROLE
    assert json.loads(found["Target"]["Input"]) == {"schedule": "nightly"}


def test_one_that_would_call_another_function_counts_as_missing(aws: str) -> None:
    from candor.adapters.eventbridge_scheduler import SchedulerTimetable

    _scheduler(aws).set(ENTRY)

    moved = SchedulerTimetable(prefix=aws, function_arn=_function("elsewhere"), role_arn=ROLE)

    assert moved.find("nightly") is None
    moved.set(ENTRY)
    assert moved.find("nightly") == ENTRY


def test_a_name_too_long_for_the_service_is_still_one_of_ours(aws: str) -> None:
    prefix = f"{aws}{'long-' * 6}."
    timetable, name = _scheduler(prefix), "n" * 40
    timetable.set(replace(ENTRY, name=name))
    timetable.set(replace(ENTRY, name=f"{name[:-1]}m", enabled=False))

    assert timetable.find(name) == replace(ENTRY, name=name)
    names = [found["Name"] for found in boto3.client("scheduler").list_schedules()["Schedules"]]
    assert len([found for found in names if found.startswith(prefix) and len(found) <= 64]) == 2


@pytest.mark.slow
def test_after_a_storm_of_changes_every_row_rings_as_it_says_and_nothing_else_does(
    ministack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not over moto: it shows rows that are half written.
    from candor.adapters.dynamodb_schedules import DynamoSchedules
    from candor.adapters.memory_jobs import MemoryJobs

    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    aws = f"s{uuid.uuid4().hex[:8]}."
    rows = DynamoSchedules(create_table("ConfigTable"))
    scheduling = Scheduling(
        schedules=rows, timetable=_scheduler(aws), jobs=MemoryJobs(), check_address=lambda url: url
    )

    def storm(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(12):
            name = rng.choice(["one", "two"])
            # Of those who change the same thing at the same moment some lose, and are told so.
            with contextlib.suppress(Conflict, NotFound):
                if rng.random() < 0.4:
                    scheduling.delete(name)
                else:
                    expression = f"rate({rng.randint(2, 9)} hours)"
                    scheduling.put(name, Change(kind=Kind.RECONCILE, expression=expression))

    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(storm, range(6)))

    mine = [schedule for schedule in scheduling.list() if not schedule.built_in]
    service = boto3.client("scheduler")
    ringing = {
        found["Name"].removeprefix(aws): service.get_schedule(Name=found["Name"])["ScheduleExpression"]
        for found in service.list_schedules()["Schedules"]
        if found["Name"].startswith(aws)
    }
    assert ringing == {schedule.name: schedule.expression for schedule in mine}


def test_a_service_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    timetable = _scheduler("stack.")

    for call in (
        lambda: timetable.find("nightly"),
        lambda: timetable.set(ENTRY),
        lambda: timetable.remove("nightly"),
        lambda: timetable.ring("nightly"),
    ):
        with pytest.raises(Unavailable):
            call()
