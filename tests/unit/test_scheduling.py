"""Scheduling: what is due is done once, and what rings follows the rows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from candor.adapters.memory_jobs import MemoryJobs
from candor.crawling import refreshing, service
from candor.errors import Conflict, Invalid, Malformed, NotFound, Unavailable
from candor.jobs import Job, JobStatus
from candor.messages import IndexToReconcile
from candor.schedules.keeping_time import Order, starts_crawling
from candor.schedules.service import MOST, Change
from candor.schedules.values import ALL, BUILT_IN, LEASE, Entry, Kind
from tests.doubles.clockwork import Clockwork

NIGHTLY, EXPIRY, WEEKLY = "nightly-reconcile", "daily-expiry", "weekly-re-crawl"


@pytest.fixture
def clockwork() -> Clockwork:
    return Clockwork()


def make(clockwork: Clockwork, name: str = "mine", **fields: Any) -> None:
    given: dict[str, Any] = {"kind": Kind.RE_CRAWL, "expression": "rate(6 hours)", **fields}
    clockwork.scheduling.put(name, Change(**given))


def messages(clockwork: Clockwork) -> int:
    return sum(isinstance(message, IndexToReconcile) for message in clockwork.knowledge.index_queue.take(99))


# Looking and changing


def test_the_built_in_schedules_are_there_before_anything_was_stored(clockwork: Clockwork) -> None:
    shown = clockwork.scheduling.list()

    assert [(one.name, one.kind, one.enabled) for one in shown] == [
        (EXPIRY, Kind.EXPIRE, True),
        (NIGHTLY, Kind.RECONCILE, True),
        (WEEKLY, Kind.RE_CRAWL, False),
    ]
    assert clockwork.scheduling.get(NIGHTLY).next_run(clockwork.now) == datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert clockwork.scheduling.get(WEEKLY).next_run(clockwork.now) is None
    assert clockwork.schedules.all() == []


def test_a_new_schedule_rings_as_it_says(clockwork: Clockwork) -> None:
    make(clockwork, expression="  rate(6 hours) ", target="https://example.com/help")

    schedule = clockwork.scheduling.get("mine")
    assert (schedule.target, schedule.enabled) == ("https://example.com/help", True)
    assert schedule.next_run(clockwork.now) == clockwork.now + timedelta(hours=6)
    assert clockwork.timetable.find("mine") == Entry(name="mine", expression="rate(6 hours)", enabled=True)


def test_what_is_left_out_keeps_its_value(clockwork: Clockwork) -> None:
    make(clockwork, target="https://example.com/")

    clockwork.scheduling.put("mine", Change(enabled=False))

    schedule = clockwork.scheduling.get("mine")
    assert (schedule.kind, schedule.expression, schedule.target) == (
        Kind.RE_CRAWL,
        "rate(6 hours)",
        "https://example.com/",
    )
    entry = clockwork.timetable.find("mine")
    assert entry is not None
    assert not entry.enabled


def test_a_change_that_changes_nothing_counts_its_time_on(clockwork: Clockwork) -> None:
    make(clockwork)
    due = clockwork.scheduling.get("mine").next_run(clockwork.now)
    clockwork.wait(hours=5)

    make(clockwork)
    clockwork.scheduling.put("mine", Change())
    clockwork.scheduling.put("mine", Change(target="https://example.com/"))

    assert clockwork.scheduling.get("mine").next_run(clockwork.now) == due


def test_a_new_expression_and_switching_on_count_from_now(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(hours=5)

    clockwork.scheduling.put("mine", Change(expression="rate(7 hours)"))

    assert clockwork.scheduling.get("mine").next_run(clockwork.now) == clockwork.now + timedelta(hours=7)
    clockwork.scheduling.put("mine", Change(enabled=False))
    clockwork.wait(hours=5)
    clockwork.scheduling.put("mine", Change(enabled=True))
    assert clockwork.scheduling.get("mine").next_run(clockwork.now) == clockwork.now + timedelta(hours=7)


@pytest.mark.parametrize("name", ["", "a b", "Nightly", "a_b", "a/b", "x" * 41, "ä", "a.b"])
def test_a_name_is_small_letters_digits_and_dashes(clockwork: Clockwork, name: str) -> None:
    with pytest.raises(Invalid, match="name is 1 to 40"):
        make(clockwork, name)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"expression": "rate(5 apples)"}, "expression", "is no unit"),
        ({"expression": "rate(4 minutes)"}, "expression", "every 5 minutes"),
        ({"expression": "cron(0/2 * * * ? *)"}, "expression", "every 5 minutes"),
        ({"expression": "cron(0 3 1 1 ? 2020)"}, "expression", "never comes due"),
        ({"kind": Kind.CRAWL_TICKETS, "expression": "rate(4 minutes)"}, "expression", "every 5 minutes"),
        ({"kind": Kind.CRAWL_TICKETS, "target": "https://example.com/"}, "target", 'always "all"'),
        ({"kind": Kind.RECONCILE, "target": "https://example.com/"}, "target", 'always "all"'),
        ({"target": "example.com"}, "target", "address of a site"),
        ({"target": "file:///etc/passwd"}, "target", "address of a site"),
    ],
)
def test_what_cannot_be_meant_names_its_field(
    clockwork: Clockwork, fields: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        make(clockwork, **fields)

    assert [fault.loc for fault in refused.value.faults] == [("body", field)]
    assert clockwork.schedules.all() == []
    assert clockwork.timetable.find("mine") is None


def test_a_new_schedule_needs_its_kind_and_expression(clockwork: Clockwork) -> None:
    with pytest.raises(Invalid, match="say its kind and expression") as refused:
        clockwork.scheduling.put("mine", Change(enabled=True))

    assert [fault.loc[-1] for fault in refused.value.faults] == ["kind", "expression"]


def test_an_address_nobody_may_fetch_is_refused(clockwork: Clockwork) -> None:
    with pytest.raises(Malformed):
        make(clockwork, target="http://127.0.0.1/")

    assert clockwork.schedules.all() == []


def test_reconciling_may_come_every_minute(clockwork: Clockwork) -> None:
    make(clockwork, kind=Kind.RECONCILE, expression="rate(1 minute)")


def test_with_another_kind_the_target_is_everything_again(clockwork: Clockwork) -> None:
    make(clockwork, target="https://example.com/")

    clockwork.scheduling.put("mine", Change(kind=Kind.RECONCILE))

    assert clockwork.scheduling.get("mine").target == ALL


def test_a_built_in_schedule_can_be_changed_but_not_deleted_or_made_into_another(
    clockwork: Clockwork,
) -> None:
    clockwork.scheduling.put(NIGHTLY, Change(expression="cron(30 1 * * ? *)"))
    clockwork.scheduling.put(WEEKLY, Change(enabled=True))

    with pytest.raises(Conflict, match="enabled:false"):
        clockwork.scheduling.delete(EXPIRY)
    with pytest.raises(Conflict, match="keeps its kind"):
        clockwork.scheduling.put(NIGHTLY, Change(kind=Kind.EXPIRE))
    assert clockwork.scheduling.get(NIGHTLY).expression == "cron(30 1 * * ? *)"
    assert clockwork.scheduling.get(WEEKLY).next_run(clockwork.now) == datetime(2026, 11, 22, 2, tzinfo=UTC)


def test_a_deleted_schedule_rings_no_more_and_its_name_is_free(clockwork: Clockwork) -> None:
    make(clockwork)

    clockwork.scheduling.delete("mine")

    assert clockwork.timetable.find("mine") is None
    assert clockwork.schedules.find("mine") is None
    with pytest.raises(NotFound):
        clockwork.scheduling.get("mine")
    with pytest.raises(NotFound):
        clockwork.scheduling.delete("mine")
    make(clockwork, expression="rate(7 hours)")


def test_there_is_an_end_to_how_many_schedules_there_may_be(clockwork: Clockwork) -> None:
    for number in range(MOST - len(BUILT_IN)):
        make(clockwork, f"s-{number}")

    with pytest.raises(Conflict, match="50 schedules"):
        make(clockwork, "one-more")
    make(clockwork, "s-1", expression="rate(7 hours)")


# Repairing


def breaking(clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def broken(_: Any) -> None:
        raise Unavailable("EventBridge Scheduler is not available right now.")

    monkeypatch.setattr(clockwork.timetable, method, broken)


def test_a_change_that_did_not_reach_what_rings_is_put_right(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(clockwork)
    with monkeypatch.context() as patch:
        breaking(clockwork, patch, "set")
        with pytest.raises(Unavailable):
            clockwork.scheduling.put("mine", Change(expression="rate(1 day)"))

    assert clockwork.scheduling.repair() == 1 + len(BUILT_IN)

    assert clockwork.timetable.find("mine") == Entry(name="mine", expression="rate(1 day)", enabled=True)
    assert clockwork.scheduling.repair() == 0


def test_what_the_service_does_not_take_leaves_everything_as_it_was(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(clockwork)
    set_entry = clockwork.timetable.set

    def choosy(entry: Entry) -> None:
        if entry.expression != "rate(6 hours)":
            raise Invalid("EventBridge Scheduler does not take this schedule.")
        set_entry(entry)

    monkeypatch.setattr(clockwork.timetable, "set", choosy)

    for name in ("mine", "another"):
        with pytest.raises(Invalid, match="does not take"):
            make(clockwork, name, expression="rate(8 hours)")

    assert clockwork.scheduling.get("mine").expression == "rate(6 hours)"
    assert clockwork.schedules.find("another") is None


def test_a_deletion_that_stopped_half_way_is_carried_on(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(clockwork)
    with monkeypatch.context() as patch:
        breaking(clockwork, patch, "remove")
        with pytest.raises(Unavailable):
            clockwork.scheduling.delete("mine")
    with pytest.raises(NotFound):
        clockwork.scheduling.get("mine")

    clockwork.scheduling.repair()

    assert clockwork.timetable.find("mine") is None
    assert clockwork.schedules.find("mine") is None


def test_what_somebody_changed_by_hand_is_put_right(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.scheduling.repair()
    clockwork.timetable.set(Entry(name="mine", expression="rate(5 apples)", enabled=True))
    clockwork.timetable.remove(NIGHTLY)

    assert clockwork.scheduling.repair() == 2

    assert clockwork.timetable.find("mine") == Entry(name="mine", expression="rate(6 hours)", enabled=True)


def test_the_built_in_schedules_are_stored_once_and_changes_of_them_stay(clockwork: Clockwork) -> None:
    clockwork.scheduling.put(NIGHTLY, Change(enabled=False))

    clockwork.scheduling.repair()
    clockwork.scheduling.repair()

    assert {schedule.name for schedule in clockwork.schedules.all()} == BUILT_IN.keys()
    assert not clockwork.scheduling.get(NIGHTLY).enabled
    entry = clockwork.timetable.find(NIGHTLY)
    assert entry is not None
    assert not entry.enabled


def test_one_that_cannot_be_put_right_does_not_keep_the_others_from_it(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_entry = clockwork.timetable.set

    def sometimes(entry: Entry) -> None:
        if entry.name == EXPIRY:
            raise Unavailable("Not now.")
        set_entry(entry)

    monkeypatch.setattr(clockwork.timetable, "set", sometimes)

    with pytest.raises(Unavailable):
        clockwork.scheduling.repair()

    assert clockwork.timetable.find(NIGHTLY) is not None
    assert clockwork.timetable.find(WEEKLY) is not None


def test_of_two_changes_at_once_what_rings_is_the_one_that_is_stored(clockwork: Clockwork) -> None:
    make(clockwork)

    def change(hours: int) -> None:
        clockwork.scheduling.put("mine", Change(expression=f"rate({hours} hours)"))

    for _ in range(20):
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(change, (7, 8, 9, 10)))
        entry = clockwork.timetable.find("mine")
        assert entry is not None
        assert entry.expression == clockwork.scheduling.get("mine").expression


def test_a_change_between_storing_and_ringing_is_seen(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(clockwork)
    set_entry, later = clockwork.timetable.set, [Change(expression="rate(9 hours)")]

    def slow(entry: Entry) -> None:
        if later:
            clockwork.scheduling.put("mine", later.pop())
        set_entry(entry)

    monkeypatch.setattr(clockwork.timetable, "set", slow)
    clockwork.scheduling.put("mine", Change(expression="rate(8 hours)"))

    entry = clockwork.timetable.find("mine")
    assert entry is not None
    assert entry.expression == clockwork.scheduling.get("mine").expression == "rate(9 hours)"


# Carrying out


def test_a_schedule_is_carried_out_when_it_is_due_and_not_before(clockwork: Clockwork) -> None:
    make(clockwork, target="https://example.com/")
    clockwork.wait(hours=5, minutes=59)
    assert clockwork.ring("mine") is None
    clockwork.wait(minutes=1)

    job_id = clockwork.ring("mine")

    assert [(order.job_id, order.target, order.created_by) for order in clockwork.crawls] == [
        (job_id, "https://example.com/", "schedule:mine")
    ]
    schedule = clockwork.scheduling.get("mine")
    assert (schedule.last_run, schedule.last_job_id) == (clockwork.now, job_id)
    assert clockwork.scheduling.last_status(schedule) == JobStatus.SUCCEEDED
    assert schedule.next_run(clockwork.now) == clockwork.now + timedelta(hours=6)


def test_a_ring_a_moment_too_early_counts(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(hours=6, seconds=-10)

    assert clockwork.ring("mine")
    shown = clockwork.scheduling.get("mine").next_run(clockwork.now)
    clockwork.wait(seconds=20)
    assert clockwork.ring("mine") is None
    assert shown == clockwork.now + timedelta(hours=6, seconds=-10), "what has just been done comes next"


def test_however_often_it_is_rung_an_occurrence_is_done_once(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(hours=6)

    rings: list[Callable[[], str | None]] = [lambda: clockwork.ring("mine")] * 8
    with ThreadPoolExecutor(max_workers=4) as pool:
        started = [job for job in pool.map(lambda ring: ring(), rings) if job is not None]

    assert len(started) == len(clockwork.crawls) == 1
    clockwork.wait(hours=6)
    assert clockwork.ring("mine") not in (None, started[0])


def test_of_what_was_missed_only_the_last_is_made_up_for(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(days=9, hours=1)

    assert clockwork.keeping.run_all(remaining=lambda: 600) == 1

    assert len(clockwork.crawls) == 1
    assert clockwork.keeping.run_all(remaining=lambda: 600) == 0


def test_a_schedule_does_not_overtake_itself(clockwork: Clockwork) -> None:
    clockwork.crawls_last = True
    make(clockwork, expression="rate(5 minutes)")
    clockwork.wait(minutes=5)
    first = clockwork.ring("mine")
    clockwork.wait(minutes=7)

    assert clockwork.ring("mine") is None
    assert clockwork.scheduling.run_now("mine", created_by="ada").job_id == first
    clockwork.knowledge.jobs.finish(str(first), JobStatus.SUCCEEDED)

    assert clockwork.ring("mine") not in (None, first)


def test_a_job_that_fell_silent_holds_up_nothing_for_ever(clockwork: Clockwork) -> None:
    clockwork.crawls_last = True
    make(clockwork, expression="rate(1 hour)")
    clockwork.wait(hours=1)
    first = clockwork.ring("mine")
    clockwork.wait(hours=6)
    assert clockwork.ring("mine") is None

    clockwork.wait(hours=1)

    assert clockwork.ring("mine") not in (None, first)


def test_what_is_off_deleted_or_unknown_is_not_carried_out(clockwork: Clockwork) -> None:
    make(clockwork)
    make(clockwork, "gone")
    clockwork.scheduling.delete("gone")
    clockwork.scheduling.put("mine", Change(enabled=False))
    clockwork.wait(days=1)

    assert [clockwork.ring(name) for name in ("mine", "gone", "never-was")] == [None] * 3


def test_a_first_heartbeat_does_not_make_up_for_nights_before_the_deploy(clockwork: Clockwork) -> None:
    clockwork.scheduling.repair()

    assert clockwork.keeping.run_all(remaining=lambda: 600) == 0
    clockwork.wait(hours=13)
    assert clockwork.keeping.run_all(remaining=lambda: 600) == 2


def test_reconciling_is_a_job_of_the_index_worker(clockwork: Clockwork) -> None:
    clockwork.scheduling.repair()
    clockwork.wait(hours=12)

    job_id = clockwork.ring(NIGHTLY)

    assert clockwork.knowledge.index_queue.take() == [IndexToReconcile(reconcile=True, job_id=str(job_id))]
    job = clockwork.knowledge.jobs.get(str(job_id))
    assert (job.kind, job.subject, job.created_by) == ("reconcile", "both indexes", f"schedule:{NIGHTLY}")


def test_somebody_may_ask_for_a_run_now(clockwork: Clockwork) -> None:
    job = clockwork.scheduling.run_now(NIGHTLY, created_by="ada")
    assert clockwork.timetable.rings == [NIGHTLY]

    assert clockwork.ring(NIGHTLY) == job.job_id
    assert clockwork.ring(NIGHTLY) is None

    assert messages(clockwork) == 1
    assert clockwork.knowledge.jobs.get(job.job_id).created_by == "ada"
    assert clockwork.scheduling.get(NIGHTLY).last_job_id == job.job_id
    # The night's own run comes all the same.
    clockwork.wait(hours=12)
    assert clockwork.ring(NIGHTLY) not in (None, job.job_id)


def test_asking_twice_is_asking_once_until_it_has_ended(clockwork: Clockwork) -> None:
    first = clockwork.scheduling.run_now(NIGHTLY, created_by="ada")

    assert clockwork.scheduling.run_now(NIGHTLY, created_by="bob").job_id == first.job_id
    clockwork.ring(NIGHTLY)
    assert clockwork.scheduling.run_now(NIGHTLY, created_by="bob").job_id == first.job_id
    clockwork.knowledge.jobs.finish(first.job_id, JobStatus.SUCCEEDED)
    assert clockwork.scheduling.run_now(NIGHTLY, created_by="bob").job_id != first.job_id


def test_a_schedule_that_is_off_can_be_asked_for(clockwork: Clockwork) -> None:
    clockwork.scheduling.run_now(WEEKLY, created_by="ada")

    assert clockwork.ring(WEEKLY)

    assert [order.target for order in clockwork.crawls] == [ALL]


def test_a_wish_that_was_not_heard_is_found_by_the_heartbeat(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking(clockwork, monkeypatch, "ring")

    job = clockwork.scheduling.run_now(NIGHTLY, created_by="ada")

    assert clockwork.keeping.run_all(remaining=lambda: 600) == 1
    assert clockwork.scheduling.get(NIGHTLY).last_job_id == job.job_id


def test_what_fails_is_tried_three_times_and_then_shows_as_a_failed_job(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(hours=6)
    clockwork.broken = Unavailable("The queue is not available right now.")

    for _ in range(2):
        with pytest.raises(Unavailable):
            clockwork.ring("mine")
    job_id = clockwork.ring("mine")

    job = clockwork.knowledge.jobs.get(str(job_id))
    assert job.status == JobStatus.FAILED
    assert job.result["error"] == "It could not be started: The queue is not available right now."
    assert clockwork.scheduling.last_status(clockwork.scheduling.get("mine")) == JobStatus.FAILED
    assert clockwork.ring("mine") is None
    clockwork.broken = None
    clockwork.wait(hours=6)
    assert clockwork.ring("mine")


def test_what_can_never_succeed_is_not_tried_again(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(hours=6)
    clockwork.broken = Malformed("The host does not exist.")

    job = clockwork.knowledge.jobs.get(str(clockwork.ring("mine")))

    assert (job.status, job.errors[0].reason) == (
        JobStatus.FAILED,
        "It could not be started: The host does not exist.",
    )


def test_a_failure_that_passes_costs_no_run(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(hours=6)
    clockwork.broken = Unavailable("Not now.")
    with pytest.raises(Unavailable):
        clockwork.ring("mine")
    clockwork.broken = None

    assert clockwork.ring("mine")


def test_an_unexpected_error_is_shown_without_its_words(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(hours=6)
    clockwork.broken = KeyError("a customer's words")
    for _ in range(2):
        with pytest.raises(KeyError):
            clockwork.ring("mine")

    job = clockwork.knowledge.jobs.get(str(clockwork.ring("mine")))

    assert job.result["error"] == "It could not be started: KeyError"


def test_one_schedule_that_fails_keeps_no_other_from_its_run(clockwork: Clockwork) -> None:
    make(clockwork, "a-crawl")
    make(clockwork, "z-reconcile", kind=Kind.RECONCILE)
    clockwork.wait(hours=6)
    clockwork.broken = Unavailable("Not now.")

    with pytest.raises(Unavailable):
        clockwork.keeping.run_all(remaining=lambda: 600)

    assert clockwork.scheduling.get("z-reconcile").last_job_id is not None


def test_a_run_whose_function_was_killed_is_done_by_a_later_heartbeat(clockwork: Clockwork) -> None:
    make(clockwork)
    clockwork.wait(hours=6)
    schedule = clockwork.schedules.find("mine")
    assert schedule is not None
    run = schedule.due(clockwork.now)
    assert run is not None
    clockwork.schedules.claim(run, now=clockwork.now)

    assert clockwork.ring("mine") is None
    clockwork.wait(seconds=LEASE.total_seconds() + 1)

    assert clockwork.ring("mine") == run.job_id


def test_work_that_outlasts_its_time_is_gone_on_with(clockwork: Clockwork) -> None:
    for number in range(3):
        clockwork.knowledge.objects.put(f"texts/{number}/1-aa", b"x")
    clockwork.scheduling.repair()
    clockwork.now = datetime.now(UTC) + timedelta(days=3)
    job_id = clockwork.ring(EXPIRY, seconds=1)

    assert clockwork.knowledge.jobs.get(str(job_id)).status == JobStatus.QUEUED
    assert clockwork.scheduling.get(EXPIRY).last_job_id is None
    assert clockwork.ring(EXPIRY) == job_id

    job = clockwork.knowledge.jobs.get(str(job_id))
    assert (job.status, job.result["removed"]["texts"]) == (JobStatus.SUCCEEDED, 3)


def test_a_job_that_aged_away_has_no_status(clockwork: Clockwork) -> None:
    make(clockwork)
    stored = clockwork.scheduling.get("mine")

    assert clockwork.scheduling.last_status(stored) is None
    assert clockwork.scheduling.last_status(replace(stored, last_job_id="long-ago")) is None


def test_a_job_is_called_as_if_somebody_had_started_it_by_hand(clockwork: Clockwork) -> None:
    make(clockwork, target="https://example.com/")

    kinds = [
        clockwork.knowledge.jobs.get(clockwork.scheduling.run_now(name, created_by="ada").job_id).kind
        for name in ("mine", WEEKLY, NIGHTLY)
    ]

    assert kinds == [service.KIND, refreshing.KIND, "reconcile"]


def test_a_crawl_is_ordered_of_one_site_or_of_every_page_as_the_job_of_its_run() -> None:
    jobs, begun = MemoryJobs(), []

    def begin_site(base: str, *, created_by: str, job_id: str) -> Job:
        begun.append(base)
        return jobs.start(kind="crawl_website", subject=base, created_by=created_by, job_id=job_id)

    def begin_all(*, created_by: str, job_id: str) -> Job:
        begun.append("everything")
        return jobs.start(kind="re_crawl_all", subject="the web", created_by=created_by, job_id=job_id)

    start = starts_crawling(begin_site=begin_site, begin_all=begin_all)
    orders = [
        Order(job_id=f"job-{n}", subject="pages", target=target, created_by="schedule:mine")
        for n, target in enumerate(("https://example.com/", ALL))
    ]

    assert [start(order, lambda: 600.0) for order in orders] == ["job-0", "job-1"]
    assert begun == ["https://example.com/", "everything"]
    assert jobs.get("job-1").created_by == "schedule:mine"
