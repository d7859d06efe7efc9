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
from candor.jobs import JobStatus
from candor.messages import CustomerToErase, DeadLettersToRedrive, TicketsToDecide, TicketsToReconcile
from candor.tickets.values import Approval, Wanted
from functions.write_exports import app
from tests.doubles.gateway import Context, wire_event
from tests.doubles.knowledge import Knowledge
from tests.doubles.learnt import solved
from tests.doubles.talks import Talks
from tests.doubles.tickets import draft

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
        erasing=Talks(knowledge=knowledge).erasing,
        reviewing=knowledge.reviewing,
        ticket_exporting=knowledge.ticket_exporting,
        ticket_reconciling=knowledge.ticket_reconciling,
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


def test_a_customer_is_erased_step_by_step(office: Office) -> None:
    jobs, queue = office.knowledge.jobs, office.knowledge.export_queue
    job_id = "3f2b8a52-5d0e-4f55-9a31-6d1f6c1b7a02"
    jobs.start(kind="erase", subject="customer 0123", created_by="ada", job_id=job_id)
    nobody = {"customer": "0" * 64, "looks": 0, "conversations": 0, "messages": 0, "answers": 0, "turns": 0}
    jobs.progress(job_id, checkpoint=nobody)

    assert receive("erase") == []
    assert queue.take() == [CustomerToErase(job_id=job_id)]
    assert receive("erase") == []

    job = jobs.get(job_id)
    assert job.status is JobStatus.SUCCEEDED
    assert job.result == {"status": "ok", "conversations": 0, "messages": 0, "answers": 0, "turns": 0}


def test_nonsense_is_buried_with_its_reason(office: Office) -> None:
    assert receive("nonsense") == []

    [(body, reason)] = office.knowledge.graves.buried
    assert body == "not a message"
    assert "ExportToWrite" in reason


def test_a_decision_about_many_tickets_is_gone_on_with_until_it_is_done(office: Office) -> None:
    knowledge = office.knowledge
    knowledge.keeping.keep([draft(str(number)) for number in range(250)])
    job = knowledge.reviewing.begin(Wanted(status="Closed"), Approval.REJECTED, by="ada")
    assert knowledge.export_queue.take() == [TicketsToDecide(job_id=job.job_id)]

    event = wire_event(Path("events/write_exports/decide.json"))
    event["Records"][0]["body"] = TicketsToDecide(job_id=job.job_id).to_json()
    answer = app.handler(event, Context())

    assert answer["batchItemFailures"] == []
    ended = knowledge.jobs.get(job.job_id)
    assert (ended.status, ended.done, ended.result["changed"]) == (JobStatus.SUCCEEDED, 250, 250)
    assert {row.approval for row in knowledge.tickets.after("", limit=300)} == {Approval.REJECTED}


def test_a_decision_whose_job_is_gone_asks_for_nothing(office: Office) -> None:
    assert receive("decide") == []


def approved(office: Office, *numbers: str) -> None:
    office.knowledge.keeping.keep([solved(number) for number in numbers], approval=Approval.APPROVED)


def test_an_export_of_tickets_is_gone_on_with_until_it_is_written(office: Office) -> None:
    approved(office, "1")
    job = office.knowledge.ticket_exporting.begin(by="tester")
    event = wire_event(Path("events/write_exports/export_tickets.json"))
    event["Records"][0]["body"] = office.knowledge.export_queue.take()[0].to_json()

    answer = app.handler(event, Context())

    assert answer["batchItemFailures"] == []
    assert office.knowledge.jobs.get(job.job_id).result["count"] == 1
    assert office.knowledge.objects.find("exports/sample_conversations.json") is not None


def test_tickets_are_reconciled_beside_the_indexes(office: Office) -> None:
    approved(office, "1")
    office.knowledge.learning.forget([office.knowledge.tickets.find("1").ticket_id])
    job = office.knowledge.ticket_reconciling.begin(by="tester")
    event = wire_event(Path("events/write_exports/reconcile_tickets.json"))
    event["Records"][0]["body"] = office.knowledge.export_queue.take()[0].to_json()

    app.handler(event, Context())

    assert office.knowledge.jobs.get(job.job_id).result["learned"] == 1


def test_a_start_asks_for_a_reconciliation_without_knowing_a_job(office: Office) -> None:
    event = wire_event(Path("events/write_exports/reconcile_tickets.json"))
    event["Records"][0]["body"] = '{"kind": "reconcile_tickets"}'

    app.handler(event, Context())

    (job,), _ = office.knowledge.jobs.list(page=1, page_size=2)
    assert office.knowledge.export_queue.take() == [TicketsToReconcile(job_id=job.job_id)]


@pytest.mark.parametrize("case", ["export_tickets", "reconcile_tickets"])
def test_a_message_of_a_job_that_has_aged_away_is_done_with(office: Office, case: str) -> None:
    assert receive(case) == []
