"""Index document, through the real handler, with real SQS batches."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from candor.documents import Draft, document_id_of
from candor.indexing.building import DROPPED_AFTER, SEEN_BY_ALL
from candor.jobs import JobStatus
from candor.messages import IndexToBuild
from functions.index_document import app
from tests.doubles.gateway import Context, wire_event
from tests.doubles.knowledge import Knowledge
from tests.doubles.library import Library

REFUNDS = "https://example.com/help/refunds"
MIGRATIONS = "https://example.com/help/migrations"
FIRST, SECOND = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


@pytest.fixture
def knowledge(monkeypatch: pytest.MonkeyPatch) -> Knowledge:
    knowledge = Knowledge()
    service = app.Service(
        indexing=knowledge.indexing,
        reconciling=knowledge.reconciling,
        building=Library().building,
        jobs=knowledge.jobs,
        graveyard=knowledge.graves,
        deferral=knowledge.deferred,
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


JOB = "5e0d1a52-6a0c-4c1c-9a8e-0d2f6f1a7b10"
"""The one that events/index_document/build.json speaks of."""


@pytest.fixture
def library(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Indexes one of which is being built, behind the handler."""
    library = Library().filled(3)
    service = app.Service(
        indexing=library.indexing,
        reconciling=knowledge.reconciling,
        building=library.building,
        jobs=knowledge.jobs,
        graveyard=knowledge.graves,
        deferral=knowledge.deferred,
    )
    monkeypatch.setattr(app, "service", lambda: service)
    library.generations.start(
        replace(
            library.default,
            generation_id="2",
            vectors="new-32-g2",
            embedder="new",
            embedder_name="new",
            dimensions=32,
            job_id=JOB,
        )
    )
    library.jobs.start(kind="reindex", subject="new", created_by="ada", job_id=JOB)
    return library


class Fresh(Context):
    """An invocation that has just begun."""

    def get_remaining_time_in_millis(self) -> int:
        return 119_000


def test_a_message_is_a_step_of_the_build_and_asks_for_the_next(library: Library) -> None:
    library.queue.now += SEEN_BY_ALL

    assert receive("build", Fresh()) == []

    assert (library.jobs.get(JOB).status, library.jobs.get(JOB).total) == (JobStatus.RUNNING, 3)
    assert library.queue.take() == IndexToBuild(build=JOB)
    library.queue.send(IndexToBuild(build=JOB))
    library.work()
    assert library.live().embedder == "new"


def test_reconciling_wakes_a_build_whose_message_was_lost(library: Library) -> None:
    assert receive("reconcile") == []

    assert library.queue.take() == IndexToBuild(build=JOB)


def test_an_index_nobody_asks_any_more_is_removed_when_its_time_has_come(library: Library) -> None:
    library.queue.send(IndexToBuild(build=JOB))
    library.work_until(lambda: library.live().embedder == "new")

    assert receive("drop") == []
    assert library.left_over() == ["old-64"]

    library.queue.now += DROPPED_AFTER
    assert receive("drop") == []
    assert library.left_over() == []
