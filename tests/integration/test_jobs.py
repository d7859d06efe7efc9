"""Jobs: one contract, over every adapter."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

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
