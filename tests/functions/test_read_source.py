"""Read source, through the real handler, with real SQS batches."""

from pathlib import Path
from typing import Any

import pytest

from candor.jobs import JobStatus
from functions.read_source import app
from tests.doubles import whmcs_dump as whmcs
from tests.doubles.gateway import Context, wire_event
from tests.doubles.importing import Imports
from tests.doubles.knowledge import Knowledge

KEY = "source/help pages/custom_docs.json"
PAGE = {
    "url": "https://example.com/a",
    "title": "Backups",
    "text": "Seven nightly copies of every site are kept, and each can be restored from the panel.",
}


@pytest.fixture
def knowledge(monkeypatch: pytest.MonkeyPatch) -> Knowledge:
    knowledge = Knowledge()
    service = app.Service(
        ingesting=knowledge.ingesting,
        importing=Imports(knowledge=knowledge).importing,
        graveyard=knowledge.graves,
        deferral=knowledge.deferred,
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return knowledge


def receive(case: str) -> Any:
    return app.handler(wire_event(Path(f"events/read_source/{case}.json")), Context())


def test_a_dropped_file_becomes_documents_under_its_decoded_key(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, {"pages": [PAGE]})

    assert receive("created") == {"batchItemFailures": []}

    knowledge.work()
    [row] = knowledge.documents.all()
    assert (row.url, row.source) == (PAGE["url"], KEY)
    job = knowledge.job()
    assert (job.status, job.kind, job.subject) == (JobStatus.SUCCEEDED, "read_source", KEY)
    assert knowledge.quotable("nightly copies") == [PAGE["url"]]


def test_the_same_notification_again_does_nothing_twice(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, {"pages": [PAGE]})
    receive("created")
    knowledge.work()
    before = list(knowledge.documents.all())

    receive("created")
    knowledge.work()

    assert list(knowledge.documents.all()) == before
    assert knowledge.jobs.list(page=1, page_size=10)[1] == 1


def test_a_removed_object_withdraws_its_documents(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, {"pages": [PAGE]})
    receive("created")
    knowledge.work()
    knowledge.objects.delete(KEY)

    assert receive("removed") == {"batchItemFailures": []}

    assert knowledge.quotable("nightly copies") == []
    assert knowledge.job().result == {"status": "ok", "withdrawn": 1}


def test_a_removal_that_comes_late_leaves_what_has_been_dropped_since(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, {"pages": [PAGE]})
    receive("created")
    knowledge.work()

    receive("removed")
    knowledge.work()

    assert knowledge.quotable("nightly copies") == [PAGE["url"]]


class LongContext(Context):
    """Of a worker that has its five minutes."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def test_a_dropped_dump_becomes_tickets_by_the_messages_that_follow(knowledge: Knowledge) -> None:
    knowledge.drop("source/whmcs.sql", whmcs.of(3))
    assert receive("created_dump") == {"batchItemFailures": []}
    [message] = knowledge.source_queue.take()
    event = wire_event(Path("events/read_source/dump.json"))
    event["Records"][0]["body"] = message.to_json()

    assert app.handler(event, LongContext()) == {"batchItemFailures": []}

    job = knowledge.job()
    assert (job.kind, job.status, job.result["created"]) == ("import_dump", JobStatus.SUCCEEDED, 3)
    sources = [ticket.source_file for ticket in knowledge.tickets.after("", limit=10)]
    assert sources == ["source/whmcs.sql"] * 3


@pytest.mark.parametrize(("body", "told"), [(b"", "is empty"), (b"Hello.", "holds no SQL at its beginning")])
def test_a_dropped_sql_file_that_is_no_dump_is_told_what_is_wrong_with_it(
    knowledge: Knowledge, body: bytes, told: str
) -> None:
    knowledge.drop("source/whmcs.sql", body)

    receive("created_dump")

    [error] = knowledge.job().errors
    assert error.reason == (
        f"whmcs.sql {told}: a database dump is expected, as mysqldump or phpMyAdmin write it."
    )


def test_an_import_with_no_time_left_goes_on_by_another_message(knowledge: Knowledge) -> None:
    knowledge.drop("source/whmcs.sql", whmcs.of(3))
    receive("created_dump")
    [message] = knowledge.source_queue.take()
    event = wire_event(Path("events/read_source/dump.json"))
    event["Records"][0]["body"] = message.to_json()

    app.handler(event, Context())

    assert knowledge.source_queue.take() == [message]
    assert not knowledge.job().status.ended


@pytest.mark.parametrize("case", ["test_event", "elsewhere", "continued", "dump"])
def test_what_concerns_nothing_of_ours_is_taken_and_forgotten(knowledge: Knowledge, case: str) -> None:
    knowledge.drop("exports/custom_docs.json", {"pages": [PAGE]})

    assert receive(case) == {"batchItemFailures": []}

    assert list(knowledge.documents.all()) == []
    assert knowledge.jobs.list(page=1, page_size=1)[1] == 0
    assert knowledge.graves.buried == []


def test_nonsense_is_buried_with_its_reason_and_does_not_come_back(knowledge: Knowledge) -> None:
    assert receive("nonsense") == {"batchItemFailures": []}

    [(body, reason)] = knowledge.graves.buried
    assert body == "not a message"
    assert "S3 notification" in reason


def test_a_store_that_is_down_sends_the_message_back(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    from candor.errors import Unavailable

    def down(_: str) -> None:
        raise Unavailable("The bucket is not available right now.")

    monkeypatch.setattr(knowledge.objects, "find", down)

    assert receive("created") == {
        "batchItemFailures": [{"itemIdentifier": "00000000-0000-4000-8000-000000000001"}]
    }
