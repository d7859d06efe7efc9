"""Dead letters: sent again as a job that survives whoever works on it, and never shown with their words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from candor.adapters.memory_dead_letters import MemoryDeadLetters
from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.memory_storage import MemoryQueue
from candor.dead_letters import CHANGES, Moved, Redriving, subject_of
from candor.errors import NotFound
from candor.jobs import JobStatus
from candor.messages import DeadLettersToRedrive, ExportToWrite, IndexToReconcile


class Desk:
    """Redriving over queues in memory, with a clock that can be turned."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)
        self.sent: list[str] = []
        self.letters: Any = MemoryDeadLetters(
            {"index": self.sent.append, CHANGES: None}, clock=lambda: self.moment
        )
        self.jobs, self.index_queue, self.export_queue = MemoryJobs(), MemoryQueue(), MemoryQueue()

    @property
    def redriving(self) -> Redriving:
        return Redriving(
            letters=self.letters,
            jobs=self.jobs,
            index_queue=self.index_queue,
            export_queue=self.export_queue,
            now=lambda: self.moment,
        )

    def fill(self, count: int, queue: str = "index") -> list[str]:
        ids = [self.letters.add(queue, json.dumps({"document_id": f"d{n}"})) for n in range(count)]
        self.moment += timedelta(seconds=1)
        return ids


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_redrive_sends_all_and_says_how_many(desk: Desk) -> None:
    desk.fill(3)

    job = desk.redriving.begin("index", message_ids=None, created_by="ada")

    assert len(desk.sent) == 3
    assert (job.kind, job.subject, job.status) == ("redrive", "index", JobStatus.SUCCEEDED)
    assert (job.done, job.total, job.failed) == (3, 3, 0)
    assert job.result == {"status": "ok", "queue": "index", "moved": 3, "missing": []}


def test_an_empty_queue_is_redriven_at_once(desk: Desk) -> None:
    assert desk.redriving.begin("index", message_ids=None, created_by="ada").status == JobStatus.SUCCEEDED


def test_those_that_are_not_there_are_named(desk: Desk) -> None:
    first, *_ = desk.fill(3)

    job = desk.redriving.begin("index", message_ids=[first, "nobody", first], created_by="ada")

    assert len(desk.sent) == 1
    assert (job.status, job.done, job.total, job.failed) == (JobStatus.SUCCEEDED, 2, 2, 1)
    assert job.result["missing"] == ["nobody"]
    assert "nobody" in job.errors[0].reason


def test_a_redrive_that_finds_nothing_it_was_to_send_has_failed(desk: Desk) -> None:
    job = desk.redriving.begin("index", message_ids=["nobody"], created_by="ada")

    assert (job.status, job.done, job.total) == (JobStatus.FAILED, 1, 1)


def test_an_unknown_queue_begins_no_job(desk: Desk) -> None:
    with pytest.raises(NotFound, match="changes, index"):
        desk.redriving.begin("indices", message_ids=None, created_by="ada")

    assert desk.jobs.list(page=1, page_size=1)[1] == 0
    assert len(desk.export_queue) == 0


def test_what_a_killed_request_left_is_sent_by_the_worker_its_message_wakes(desk: Desk) -> None:
    desk.fill(3)
    letters = desk.letters

    class Killed(BaseException):
        pass

    class DiesAfterOne:
        def __getattr__(self, name: str) -> Any:
            return getattr(letters, name)

        def redrive(self, queue: str, **how: Any) -> Moved:
            [first, *_] = letters.messages(queue)
            letters.redrive(queue, **{**how, "message_ids": [first.message_id]})
            raise Killed

    desk.letters = DiesAfterOne()
    with pytest.raises(Killed):
        desk.redriving.begin("index", message_ids=None, created_by="ada")
    desk.letters = letters

    [message] = desk.export_queue.take()
    assert isinstance(message, DeadLettersToRedrive)
    job = desk.redriving.go_on(message.job_id, seconds=100)

    assert len(desk.sent) == 3
    assert (job.status, job.done <= job.total) == (JobStatus.SUCCEEDED, True)


def test_what_does_not_fit_into_the_time_is_gone_on_with(desk: Desk) -> None:
    desk.fill(5)
    letters = desk.letters

    class OneAtATime:
        def __getattr__(self, name: str) -> Any:
            return getattr(letters, name)

        def redrive(self, queue: str, **how: Any) -> Moved:
            desk.moment += timedelta(seconds=3)
            [first, *more] = letters.messages(queue)
            letters.redrive(queue, **{**how, "message_ids": [first.message_id]})
            return Moved(message_ids=(first.message_id,), exhausted=not more)

    desk.letters = OneAtATime()

    job = desk.redriving.begin("index", message_ids=None, created_by="ada")

    assert (job.status, job.done, job.total) == (JobStatus.RUNNING, 2, 5)
    assert desk.redriving.go_on(job.job_id, seconds=1_000).status == JobStatus.SUCCEEDED
    assert len(desk.sent) == 5


def test_a_cancelled_redrive_sends_nothing_more(desk: Desk) -> None:
    job = desk.jobs.start(kind="redrive", subject="index", created_by="ada")
    plan = {"queue": "index", "before": desk.moment.isoformat(), "message_ids": None}
    desk.jobs.progress(job.job_id, checkpoint=plan)
    desk.jobs.cancel(job.job_id)
    desk.fill(2)

    assert desk.redriving.go_on(job.job_id, seconds=10).status == JobStatus.CANCELLED
    assert desk.sent == []


def test_changes_that_were_not_published_are_found_by_reconciling(desk: Desk) -> None:
    desk.fill(2, CHANGES)

    job = desk.redriving.begin(CHANGES, message_ids=None, created_by="ada")

    assert job.status == JobStatus.SUCCEEDED
    assert desk.index_queue.take() == [
        IndexToReconcile(reconcile=True, job_id=job.result["reconcile_job_id"])
    ]
    assert any(isinstance(message, ExportToWrite) for message in desk.export_queue.take())
    assert desk.letters.messages(CHANGES) == []
    assert desk.jobs.get(job.result["reconcile_job_id"]).kind == "reconcile"


def test_the_notes_about_lost_changes_stay_until_reconciling_has_been_asked_for(desk: Desk) -> None:
    desk.fill(2, CHANGES)

    class Down:
        def send(self, *_: object, delay_seconds: int = 0) -> None:
            raise RuntimeError("down")

    desk.index_queue = Down()  # type: ignore[assignment]
    with pytest.raises(RuntimeError):
        desk.redriving.begin(CHANGES, message_ids=None, created_by="ada")

    assert len(desk.letters.messages(CHANGES)) == 2


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ('{"document_id": "d1", "text": "secret"}', "d1"),
        ('{"key": "source/a b.json", "job_id": "j"}', "source/a b.json"),
        ('{"Records": [{"s3": {"object": {"key": "source/a+b%C3%BC.json"}}}]}', "source/a bü.json"),
        ('{"url": "https://example.com/x"}', "https://example.com/x"),
        ('{"job_id": "j1"}', "j1"),
        (
            '{"DDBStreamBatchInfo": {"batchSize": 3, "startSequenceNumber": "77"}}',
            "3 changes from 77",
        ),
        ("a customer wrote this", ""),
        ("[1, 2]", ""),
        ('{"document_id": {"x": 1}}', ""),
        ('{"Records": [7, {"s3": 5}, {"s3": {"object": []}}]}', ""),
        ('"' + "[" * 5_000, ""),
        ("[" * 100_000, ""),
    ],
)
def test_a_message_is_known_by_its_names_alone(body: str, subject: str) -> None:
    assert subject_of(body) == subject


def test_a_subject_is_short_whatever_the_message() -> None:
    assert len(subject_of(json.dumps({"key": "k" * 10_000}))) == 300
