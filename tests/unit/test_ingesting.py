"""Ingesting: files become documents, whatever interrupts it."""

from typing import Any

import pytest

from candor.documents import document_id_of
from candor.errors import Unavailable
from candor.jobs import Job, JobStatus
from candor.messages import ObjectChanged, SourceToRead
from candor.objects import INGEST_PREFIX, mark_of
from tests.doubles.knowledge import Knowledge

KEY = "source/docs.json"
LONG = "This page says enough about hosting to be worth keeping for everybody who asks."


class Crash(BaseException):
    """The worker is gone."""


def page(number: int, text: str = LONG) -> dict[str, Any]:
    return {"url": f"https://example.com/{number}", "title": f"Page {number}", "text": text}


def pages(*numbers: int, text: str = LONG) -> dict[str, Any]:
    return {"pages": [page(number, text) for number in numbers]}


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge()


def notice(
    knowledge: Knowledge, *, removed: bool = False, sequencer: str = "1", seconds: float = 1_000
) -> None:
    change = ObjectChanged(key=KEY, removed=removed, sequencer=sequencer)
    knowledge.ingesting.changed(change, remaining=lambda: seconds)


def drop(knowledge: Knowledge, content: Any, **options: Any) -> Job:
    """Drop a file, have the workers read it, and return its job."""
    knowledge.drop(KEY, content)
    notice(knowledge, **options)
    knowledge.work()
    return knowledge.job()


def test_a_file_ends_as_a_job_with_every_record_counted(knowledge: Knowledge) -> None:
    content = pages(1, 2, 3)
    content["pages"] += [
        page(1, LONG + " Newer."),
        {"url": "https://x"},
        7,
        {"url": "https://y", "text": LONG},
    ]

    job = drop(knowledge, content)

    assert job.status == JobStatus.SUCCEEDED
    assert (job.done, job.total, job.failed) == (7, 7, 1)
    assert job.result == {
        "status": "ok",
        "ok": 4,
        "skipped": 2,
        "error": 1,
        "created": 4,
        "updated": 0,
        "unchanged": 0,
        "withdrawn": 0,
        "total": 7,
    }
    assert [(error.file, error.record) for error in job.errors] == [(KEY, 4), (KEY, 5)]


def test_a_posted_card_number_does_not_even_reach_the_bucket(knowledge: Knowledge) -> None:
    record = {"url": "https://example.com/1", "title": "T", "raw_text": f"{LONG} 4111 1111 1111 1111"}

    job = knowledge.ingesting.accept([record], created_by="me")

    stored = knowledge.objects.read(f"{INGEST_PREFIX}{job.job_id}.json").decode()
    assert "[card]" in stored
    assert "4111 1111" not in stored
    assert "1111 1111" not in stored


def test_of_two_records_with_one_url_the_last_wins(knowledge: Knowledge) -> None:
    drop(knowledge, {"pages": [page(1, LONG + " First."), page(2), page(1, LONG + " Second.")]})

    row = knowledge.documents.get(document_id_of("https://example.com/1"))
    assert knowledge.documents.contents(row).text.endswith("Second.")
    assert row.version == 1


def test_the_same_file_again_changes_nothing(knowledge: Knowledge) -> None:
    drop(knowledge, pages(1, 2))
    rows = list(knowledge.documents.all())
    [info] = knowledge.objects.list(KEY)

    knowledge.ingesting.queue_object(info, created_by="a person", salt="again")
    knowledge.work()

    job = knowledge.job()
    assert (job.status, job.result["unchanged"], job.result["created"]) == (JobStatus.SUCCEEDED, 2, 0)
    assert list(knowledge.documents.all()) == rows


def test_a_replaced_file_replaces_its_documents(knowledge: Knowledge) -> None:
    drop(knowledge, pages(1, 2))

    job = drop(knowledge, {"pages": [page(2, LONG + " Changed."), page(3)]}, sequencer="2")

    assert knowledge.urls() == ["https://example.com/2", "https://example.com/3"]
    assert {name: job.result[name] for name in ("created", "updated", "withdrawn")} == {
        "created": 1,
        "updated": 1,
        "withdrawn": 1,
    }
    assert sorted(knowledge.quotable("hosting page")) == ["https://example.com/2", "https://example.com/3"]


def test_a_broken_replacement_is_reported_and_takes_nothing_away(knowledge: Knowledge) -> None:
    drop(knowledge, pages(1))

    job = drop(knowledge, b'{"pages": [', sequencer="2")

    assert job.status == JobStatus.FAILED
    assert [(error.record, error.reason[:20]) for error in job.errors] == [(-1, "docs.json is not JSO")]
    assert knowledge.urls() == ["https://example.com/1"]


def test_an_emptied_file_withdraws_everything(knowledge: Knowledge) -> None:
    drop(knowledge, pages(1, 2))

    job = drop(knowledge, {"pages": []}, sequencer="2")

    assert (job.status, job.result["withdrawn"], job.total) == (JobStatus.SUCCEEDED, 2, 0)
    assert knowledge.urls() == []


def test_a_document_another_file_has_taken_over_is_not_withdrawn(knowledge: Knowledge) -> None:
    drop(knowledge, pages(1))
    knowledge.drop("source/other.json", pages(1))
    knowledge.ingesting.changed(
        ObjectChanged(key="source/other.json", removed=False, sequencer="2"), remaining=lambda: 1_000
    )
    knowledge.objects.delete(KEY)

    notice(knowledge, removed=True, sequencer="3")
    knowledge.work()

    assert knowledge.urls() == ["https://example.com/1"]


def test_a_long_file_goes_on_in_the_next_invocation(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, pages(*range(350)))
    seconds = iter([100.0, 100.0, 1.0] + [100.0] * 50)

    knowledge.ingesting.changed(
        ObjectChanged(key=KEY, removed=False, sequencer="1"), remaining=lambda: next(seconds)
    )

    assert len(knowledge.urls()) == 200
    [message] = knowledge.source_queue.take()
    assert isinstance(message, SourceToRead)
    assert message.start == 200
    knowledge.ingesting.read(message, remaining=lambda: next(seconds))
    knowledge.work()
    job = knowledge.job()
    assert (job.status, job.done, job.total) == (JobStatus.SUCCEEDED, 350, 350)


@pytest.mark.parametrize("crash_at", range(1, 10))
def test_a_worker_killed_anywhere_leaves_counts_right(knowledge: Knowledge, crash_at: int) -> None:
    content = pages(*range(250))
    content["pages"][7:7] = [page(3), 7]
    knowledge.drop(KEY, content)
    calls = {"left": crash_at}

    def killing(port: Any, name: str, every: int) -> None:
        real = getattr(port, name)
        seen = {"calls": 0}

        def call(*args: Any, **kwargs: Any) -> Any:
            seen["calls"] += 1
            if seen["calls"] % every == 0:
                calls["left"] -= 1
                if calls["left"] == 0:
                    raise Crash
            return real(*args, **kwargs)

        setattr(port, name, call)

    killing(knowledge.jobs, "progress", 1)
    killing(knowledge.documents, "put", 40)
    killing(knowledge.jobs, "seal", 1)
    killing(knowledge.documents, "of_source", 1)
    with pytest.raises(Crash):
        notice(knowledge)

    notice(knowledge)
    knowledge.work()

    job = knowledge.job()
    assert (job.status, job.done, job.total, job.failed) == (JobStatus.SUCCEEDED, 252, 252, 1)
    assert {name: job.result[name] for name in ("created", "skipped", "error")} == {
        "created": 250,
        "skipped": 1,
        "error": 1,
    }
    assert len(knowledge.urls()) == 250


def test_a_message_delivered_to_two_workers_counts_once(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, pages(*range(150)))
    [info] = knowledge.objects.list(KEY)
    job = knowledge.ingesting.queue_object(info, created_by="s3")
    [message] = knowledge.source_queue.take()
    assert isinstance(message, SourceToRead)
    progress, nested = knowledge.jobs.progress, []

    def meanwhile(*args: Any, **kwargs: Any) -> Job:
        if not nested:
            nested.append(True)
            knowledge.ingesting.read(message, remaining=lambda: 1_000)
        return progress(*args, **kwargs)

    knowledge.jobs.progress = meanwhile  # type: ignore[method-assign]
    knowledge.ingesting.read(message, remaining=lambda: 1_000)
    knowledge.work()

    job = knowledge.jobs.get(job.job_id)
    assert (job.status, job.done, job.total) == (JobStatus.SUCCEEDED, 150, 150)


def test_an_object_replaced_while_it_is_read_is_read_again_in_full(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, pages(1, 2, 3))
    put, nested = knowledge.documents.put, []

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        if not nested:
            nested.append(True)
            knowledge.drop(KEY, pages(9))
            notice(knowledge, sequencer="2")
        return put(*args, **kwargs)

    knowledge.documents.put = meanwhile  # type: ignore[method-assign]

    notice(knowledge)
    knowledge.work()

    assert knowledge.urls() == ["https://example.com/9"]


def test_an_object_removed_while_it_is_read_leaves_nothing(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, pages(1, 2, 3))
    put, nested = knowledge.documents.put, []

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        if not nested:
            nested.append(True)
            knowledge.objects.delete(KEY)
            notice(knowledge, removed=True, sequencer="2")
        return put(*args, **kwargs)

    knowledge.documents.put = meanwhile  # type: ignore[method-assign]

    notice(knowledge)
    knowledge.work()

    assert knowledge.urls() == []
    assert knowledge.quotable("hosting") == []


def test_a_cancelled_job_stops_before_its_next_step(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, pages(*range(250)))
    progress = knowledge.jobs.progress

    def then_cancel(job_id: str, **more: Any) -> Job:
        progress(job_id, **more)
        return knowledge.jobs.cancel(job_id)

    knowledge.jobs.progress = then_cancel  # type: ignore[method-assign]

    notice(knowledge)

    assert len(knowledge.urls()) == 100
    assert knowledge.job().status == JobStatus.CANCELLED


def test_a_message_for_other_content_of_the_key_reads_the_content_there_is(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, pages(1))
    [old] = knowledge.objects.list(KEY)
    job = knowledge.ingesting.queue_object(old, created_by="s3")
    knowledge.drop(KEY, pages(2, 3))
    [new] = knowledge.objects.list(KEY)
    assert mark_of(old) != mark_of(new)

    knowledge.work()

    assert knowledge.jobs.get(job.job_id).status == JobStatus.CANCELLED
    assert knowledge.urls() == ["https://example.com/2", "https://example.com/3"]


def test_a_database_that_is_down_loses_nothing(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, pages(1, 2))
    put = knowledge.documents.put

    def down(*_: Any, **__: Any) -> Any:
        raise Unavailable("The database is not available right now.")

    knowledge.documents.put = down  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        notice(knowledge)
    knowledge.documents.put = put  # type: ignore[method-assign]

    notice(knowledge)
    knowledge.work()

    assert knowledge.job().status == JobStatus.SUCCEEDED
    assert knowledge.job().done == 2
