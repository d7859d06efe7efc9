"""Jobs: one contract, over every adapter."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from candor.errors import Conflict, NotFound
from candor.jobs import MAX_ERRORS_KEPT, JobError, Jobs, JobStatus
from tests.doubles import aws


@pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
def jobs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    from candor.adapters.dynamodb_jobs import DynamoJobs
    from candor.adapters.memory_jobs import MemoryJobs

    if request.param == "memory":
        yield MemoryJobs()
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoJobs(aws.create_jobs_table())


def started(jobs: Jobs, job_id: str | None = None, total: int = 0) -> str:
    return jobs.start(
        kind="read_source", subject="a.json", created_by="s3", job_id=job_id, total=total
    ).job_id


def test_a_job_begins_queued(jobs: Jobs) -> None:
    job = jobs.get(started(jobs, total=5))

    assert (job.status, job.done, job.total, job.failed) == (JobStatus.QUEUED, 0, 5, 0)
    assert (job.kind, job.subject, job.created_by) == ("read_source", "a.json", "s3")
    assert job.eta_seconds(datetime.now(UTC)) is None


def test_an_unknown_job_is_not_found(jobs: Jobs) -> None:
    with pytest.raises(NotFound):
        jobs.get("nobody")
    with pytest.raises(NotFound):
        jobs.progress("nobody", done=1)


def test_starting_the_same_job_again_finds_it_as_it_is(jobs: Jobs) -> None:
    started(jobs, "twice")
    jobs.progress("twice", done=2)

    again = jobs.start(kind="other", subject="b", created_by="x", job_id="twice")

    assert (again.kind, again.done) == ("read_source", 2)


def test_jobs_are_found_by_kind_and_by_status(jobs: Jobs) -> None:
    read = [started(jobs) for _ in range(3)]
    other = jobs.start(kind="reconcile", subject="both indexes", created_by="ada").job_id
    jobs.progress(read[0], total=1, done=1)
    jobs.seal(read[0], result={})
    jobs.progress(read[1], total=2, done=2, failed=2)
    jobs.seal(read[1], result={})
    jobs.finish(other, JobStatus.SUCCEEDED)

    def found(**filters: Any) -> tuple[set[str], int]:
        page, total = jobs.list(page=1, page_size=10, **filters)
        return {job.job_id for job in page}, total

    assert found(kind="read_source") == (set(read), 3)
    assert found(status=JobStatus.SUCCEEDED) == ({read[0], other}, 2)
    assert found(status=JobStatus.FAILED) == ({read[1]}, 1)
    assert found(kind="read_source", status=JobStatus.QUEUED) == ({read[2]}, 1)
    assert found(kind="nothing") == (set(), 0)


def test_jobs_are_counted_by_kind_and_status(jobs: Jobs) -> None:
    read = [started(jobs) for _ in range(3)]
    jobs.finish(jobs.start(kind="reconcile", subject="both", created_by="ada").job_id, JobStatus.FAILED)
    jobs.progress(read[0], total=1, done=1)
    jobs.seal(read[0], result={})
    now = datetime.now(UTC)

    counted = {
        (kind, status.value): count for (kind, status), count in jobs.count(now - timedelta(hours=1)).items()
    }

    assert counted == {
        ("read_source", "queued"): 2,
        ("read_source", "succeeded"): 1,
        ("reconcile", "failed"): 1,
    }
    assert jobs.count(now + timedelta(hours=1)) == {}


def test_a_filtered_list_has_pages_newest_first(jobs: Jobs) -> None:
    ids = [started(jobs) for _ in range(5)]

    pages = [jobs.list(page=page, page_size=2, kind="read_source") for page in (1, 2, 3, 4)]

    assert [job.job_id for page, _ in pages for job in page] == ids[::-1]
    assert {total for _, total in pages} == {5}


def test_progress_adds_up_and_a_queued_job_is_running(jobs: Jobs) -> None:
    job_id = started(jobs)

    jobs.progress(job_id, total=10, done=2, failed=1, errors=[JobError(file="a", record=0, reason="No url.")])
    job = jobs.progress(job_id, done=3)

    assert (job.status, job.done, job.total, job.failed) == (JobStatus.RUNNING, 5, 10, 1)
    assert job.errors == (JobError(file="a", record=0, reason="No url."),)
    assert job == jobs.get(job_id)
    assert job.eta_seconds(job.created_at + timedelta(seconds=10)) == 10


def test_the_first_errors_are_kept_and_all_are_counted(jobs: Jobs) -> None:
    job_id = started(jobs)
    many = [JobError(file="a", record=n, reason="No url.") for n in range(MAX_ERRORS_KEPT - 1)]

    jobs.progress(job_id, failed=len(many), errors=many)
    job = jobs.progress(
        job_id, failed=2, errors=[JobError(file="a", record=n, reason="x") for n in (900, 901)]
    )

    assert len(job.errors) == MAX_ERRORS_KEPT
    assert job.errors[-1].record == 900
    assert job.failed == MAX_ERRORS_KEPT + 1


def test_a_step_done_twice_counts_once(jobs: Jobs) -> None:
    job_id = started(jobs)
    jobs.progress(job_id, done=5, checkpoint={"next": 5, "ok": 5}, checkpoint_was={})

    with pytest.raises(Conflict):
        jobs.progress(job_id, done=5, checkpoint={"next": 5, "ok": 5}, checkpoint_was={})
    jobs.progress(job_id, done=1, checkpoint={"next": 6, "ok": 6}, checkpoint_was={"ok": 5, "next": 5})

    assert jobs.get(job_id).done == 6
    assert jobs.get(job_id).checkpoint == {"next": 6, "ok": 6}


def test_measured_progress_is_set_and_not_added(jobs: Jobs) -> None:
    job_id = started(jobs)
    reason = JobError(file="https://example.com/a", record=-1, reason="It answered 500.")

    jobs.measure(job_id, done=3, total=9, failed=1, errors=[reason], as_of=4)
    job = jobs.measure(job_id, done=5, total=11, failed=1, errors=[reason], as_of=5)

    assert (job.status, job.done, job.total, job.failed) == (JobStatus.RUNNING, 5, 11, 1)
    assert job.errors == (reason,)
    assert jobs.get(job_id) == job


def test_a_measurement_that_comes_late_changes_nothing(jobs: Jobs) -> None:
    job_id = started(jobs)
    jobs.measure(job_id, done=5, total=11, failed=0, errors=[], as_of=7)

    late = jobs.measure(job_id, done=3, total=9, failed=0, errors=[], as_of=6)

    assert (late.done, late.total) == (5, 11)
    assert jobs.measure(job_id, done=5, total=12, failed=0, errors=[], as_of=7).total == 11
    with pytest.raises(NotFound):
        jobs.measure("nobody", done=1, total=1, failed=0, errors=[], as_of=1)


def test_a_sealed_job_ends_when_its_last_item_is_done(jobs: Jobs) -> None:
    job_id = started(jobs, total=2)
    jobs.progress(job_id, done=1)

    assert jobs.seal(job_id, result={"ok": 2, "skipped": 0, "error": 0}).status == JobStatus.RUNNING
    job = jobs.progress(job_id, done=1, failed=1)

    assert job.status == JobStatus.SUCCEEDED
    assert job.result == {"ok": 1, "skipped": 0, "error": 1}


def test_a_job_of_which_nothing_succeeded_has_failed(jobs: Jobs) -> None:
    job_id = started(jobs, total=2)
    jobs.progress(job_id, done=2, failed=2)

    assert jobs.seal(job_id, result={}).status == JobStatus.FAILED


def test_an_empty_job_succeeds_when_it_is_sealed(jobs: Jobs) -> None:
    assert jobs.seal(started(jobs), result={"ok": 0}).status == JobStatus.SUCCEEDED


def test_a_cancelled_job_stays_cancelled(jobs: Jobs) -> None:
    job_id = started(jobs, total=1)

    assert jobs.cancel(job_id).status == JobStatus.CANCELLED

    assert jobs.finish(job_id, JobStatus.SUCCEEDED, result={"a": 1}).status == JobStatus.CANCELLED
    assert jobs.seal(job_id, result={"a": 1}).status == JobStatus.CANCELLED
    assert jobs.progress(job_id, done=1).status == JobStatus.CANCELLED


def test_a_finished_job_keeps_its_first_result(jobs: Jobs) -> None:
    job_id = started(jobs)
    jobs.finish(job_id, JobStatus.SUCCEEDED, result={"count": 1})

    again = jobs.finish(job_id, JobStatus.FAILED, result={"count": 2})

    assert (again.status, again.result) == (JobStatus.SUCCEEDED, {"count": 1})
    assert jobs.cancel(job_id).status == JobStatus.SUCCEEDED


def test_jobs_are_listed_newest_first(jobs: Jobs) -> None:
    ids = [started(jobs) for _ in range(5)]

    newest, total = jobs.list(page=1, page_size=2)

    assert [job.job_id for job in newest] == [ids[4], ids[3]]
    assert total == 5
    assert [job.job_id for job in jobs.list(page=2, page_size=2)[0]] == [ids[2], ids[1]]


def test_workers_that_report_at_once_lose_no_count(jobs: Jobs) -> None:
    job_id = started(jobs, total=40)

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda _: jobs.progress(job_id, done=1), range(40)))

    assert jobs.get(job_id).done == 40
