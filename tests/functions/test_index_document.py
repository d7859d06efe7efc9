"""Index document, through the real handler, with real SQS batches."""

from pathlib import Path
from typing import Any

import pytest

from candor.documents import Draft, document_id_of
from candor.jobs import JobStatus
from functions.index_document import app
from tests.doubles.gateway import Context, wire_event
from tests.doubles.knowledge import Knowledge

REFUNDS = "https://example.com/help/refunds"
MIGRATIONS = "https://example.com/help/migrations"
FIRST, SECOND = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


@pytest.fixture
def knowledge(monkeypatch: pytest.MonkeyPatch) -> Knowledge:
    knowledge = Knowledge()
    service = app.Service(
        indexing=knowledge.indexing,
        reconciling=knowledge.reconciling,
        jobs=knowledge.jobs,
        graveyard=knowledge.graves,
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return knowledge


def put(knowledge: Knowledge, *urls: str) -> None:
    for url in urls:
        knowledge.documents.put(Draft(url=url, title="Help", text=f"Words about {url.rsplit('/', 1)[-1]}."))


def receive(case: str, context: Any = None) -> list[str]:
    answer = app.handler(wire_event(Path(f"events/index_document/{case}.json")), context or Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_batch_of_documents_becomes_searchable(knowledge: Knowledge) -> None:
    put(knowledge, REFUNDS, MIGRATIONS)

    assert receive("batch") == []

    assert knowledge.quotable("refunds") == [REFUNDS]
    assert knowledge.quotable("migrations") == [MIGRATIONS]
    assert list(knowledge.documents.pending()) == []


def test_only_what_failed_comes_back(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    put(knowledge, REFUNDS, MIGRATIONS)
    contents = knowledge.documents.contents

    def broken(document: Any) -> Any:
        if document.url == MIGRATIONS:
            raise ZeroDivisionError
        return contents(document)

    monkeypatch.setattr(knowledge.documents, "contents", broken)

    assert receive("batch") == [SECOND]
    assert knowledge.quotable("refunds") == [REFUNDS]


def test_with_no_time_left_nothing_is_begun(knowledge: Knowledge) -> None:
    put(knowledge, REFUNDS, MIGRATIONS)

    class Late(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 1_000

    assert receive("batch", Late()) == [FIRST, SECOND]
    assert list(knowledge.keywords.stored()) == []


def test_nonsense_is_buried_and_the_rest_is_done(knowledge: Knowledge) -> None:
    put(knowledge, REFUNDS)

    assert receive("partly_nonsense") == []

    assert [body for body, _ in knowledge.graves.buried] == ["not a message"]
    assert knowledge.quotable("refunds") == [REFUNDS]


def test_a_document_that_never_was_is_nothing_to_do(knowledge: Knowledge) -> None:
    assert receive("batch") == []


def test_reconciling_leaves_its_report_as_a_job(knowledge: Knowledge) -> None:
    put(knowledge, REFUNDS)
    knowledge.work()
    knowledge.vectors.forget(document_id_of(REFUNDS))

    assert receive("reconcile") == []

    job = knowledge.job()
    assert (job.kind, job.status) == ("reconcile", JobStatus.SUCCEEDED)
    assert (job.result["missing"], job.result["requeued"]) == (1, 1)
    knowledge.work()
    assert [one.document_id for one in knowledge.vectors.stored()] == [document_id_of(REFUNDS)]
