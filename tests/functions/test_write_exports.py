"""Write exports, through the real handler, with real SQS batches."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from candor.adapters.memory_exports import MemoryExportMarks
from candor.documents import Draft
from candor.errors import Unavailable
from candor.exporting import Exporting, custom_docs
from candor.messages import DeadLettersToRedrive
from functions.write_exports import app
from tests.doubles.gateway import Context, wire_event
from tests.doubles.knowledge import Knowledge

KEY = "exports/custom_docs.json"
FIRST, SECOND = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


@dataclass
class Office:
    knowledge: Knowledge
    exporting: Exporting


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    knowledge = Knowledge()
    exporting = Exporting(
        exports=[custom_docs(knowledge.documents)],
        objects=knowledge.objects,
        marks=MemoryExportMarks(),
        queue=knowledge.export_queue,
    )
    service = app.Service(
        exporting=exporting,
        redriving=knowledge.redriving,
        graveyard=knowledge.graves,
        deferral=knowledge.deferred,
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return Office(knowledge=knowledge, exporting=exporting)


def receive(case: str) -> list[str]:
    answer = app.handler(wire_event(Path(f"events/write_exports/{case}.json")), Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.mark.parametrize("case", ["changed", "in_any_case"])
def test_a_change_is_written_into_the_export(office: Office, case: str) -> None:
    office.knowledge.documents.put(Draft(url="https://example.com/a", title="A page", text="Some words."))

    assert receive(case) == []

    assert b"A page" in office.knowledge.objects.read(KEY)


def test_an_export_triggers_nothing(office: Office) -> None:
    receive("in_any_case")

    assert len(office.knowledge.source_queue) == len(office.knowledge.index_queue) == 0
    assert len(office.knowledge.export_queue) == 0


def test_a_database_that_is_down_sends_every_message_back_after_a_pause(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(source: str) -> Any:
        raise Unavailable("The database is not available right now.", retry_after=7)

    monkeypatch.setattr(office.knowledge.documents, "whole_of_source", down)

    assert receive("changed") == [FIRST, SECOND]
    assert office.knowledge.deferred.pauses == {"handle-1": 7, "handle-2": 7}
    assert office.knowledge.objects.find(KEY) is None


def test_a_redrive_is_gone_on_with(office: Office) -> None:
    letters, jobs = office.knowledge.letters, office.knowledge.jobs
    letters.add("index", "nonsense")
    job_id = "3f2b8a52-5d0e-4f55-9a31-6d1f6c1b7a01"
    jobs.start(kind="redrive", subject="index", created_by="ada", job_id=job_id)
    before = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    jobs.progress(job_id, checkpoint={"queue": "index", "before": before, "message_ids": None})

    assert receive("redrive") == []

    assert office.knowledge.redriven == ["nonsense"]
    assert jobs.get(job_id).status.ended


def test_a_redrive_nobody_knows_any_more_is_nothing_to_do(office: Office) -> None:
    assert receive("redrive") == []
    assert office.knowledge.graves.buried == []


def test_a_redrive_that_does_not_end_in_time_is_gone_on_with_by_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = office.knowledge.jobs.start(
        kind="redrive", subject="index", created_by="ada", job_id="3f2b8a52-5d0e-4f55-9a31-6d1f6c1b7a01"
    )

    # A redrive whose plan has not been written yet has not begun: it is looked at again.
    assert receive("redrive") == []
    assert office.knowledge.export_queue.take() == [DeadLettersToRedrive(job_id=job.job_id)]


def test_nonsense_is_buried_with_its_reason(office: Office) -> None:
    assert receive("nonsense") == []

    [(body, reason)] = office.knowledge.graves.buried
    assert body == "not a message"
    assert "ExportToWrite" in reason
