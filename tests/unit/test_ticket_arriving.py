"""Arriving: a dropped file of tickets, whatever interrupts it and whatever was decided before."""

import json
from typing import Any

import pytest

from candor.jobs import Job, JobStatus
from candor.labels import Labels
from candor.messages import ObjectChanged
from candor.tickets.values import Approval, Wanted
from tests.doubles.knowledge import Knowledge
from tests.doubles.learnt import solved

KEY = "source/sample_conversations.json"
ANSWERS = {
    1: "Open Backups in the panel, choose the day and press Restore.",
    2: "The nameservers are ns1.acme.example and ns2.acme.example.",
    3: "Raise max_execution_time to 300 in MultiPHP INI Editor.",
}


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "external_id": str(number),
        "subject": f"Problem {number}",
        "description": f"What can I do about problem {number}?",
        "status": "Closed",
        "email": "ann@customer.co",
        "metadata": {"replies": [{"role": "staff", "content": ANSWERS[number]}]},
        **fields,
    }


def talks(*numbers: int) -> dict[str, Any]:
    return {"source": "whmcs", "conversations": [record(number) for number in numbers]}


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge()


def notice(knowledge: Knowledge, *, removed: bool = False, seconds: float = 1_000) -> None:
    change = ObjectChanged(key=KEY, removed=removed, sequencer="1")
    knowledge.ingesting.changed(change, remaining=lambda: seconds)


def drop(knowledge: Knowledge, content: Any) -> Job:
    knowledge.drop(KEY, content)
    notice(knowledge)
    knowledge.work()
    jobs, _ = knowledge.jobs.list(page=1, page_size=1, kind="read_source")
    return jobs[0]


def learnt(knowledge: Knowledge) -> list[str]:
    return sorted(row.url for row in knowledge.documents.all() if not row.deleted)


def test_a_dropped_file_is_approved_tickets_and_one_document_each(knowledge: Knowledge) -> None:
    job = drop(knowledge, talks(1, 2, 3))

    assert job.status == JobStatus.SUCCEEDED
    assert (job.done, job.total, job.failed) == (3, 3, 0)
    assert (job.result["created"], job.result["ok"]) == (3, 3)
    assert learnt(knowledge) == ["ticket://whmcs/1", "ticket://whmcs/2", "ticket://whmcs/3"]
    row = knowledge.tickets.find("2")
    assert (row.approval, row.source_file, row.email) == (Approval.APPROVED, KEY, "ann@customer.co")
    assert knowledge.directory.count(Wanted(approval=Approval.APPROVED)) == 3


def test_the_job_ends_when_its_tickets_can_be_asked_for(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, talks(1, 2))
    notice(knowledge)
    before = knowledge.job()

    knowledge.work()

    assert (before.status, before.done) == (JobStatus.RUNNING, 0)
    assert knowledge.job().status == JobStatus.SUCCEEDED
    assert "ticket://whmcs/2" in knowledge.quotable("nameservers")


def test_the_same_file_again_changes_nothing(knowledge: Knowledge) -> None:
    drop(knowledge, talks(1, 2))
    before = [(row.document_id, row.version) for row in knowledge.documents.all()]

    job = drop(knowledge, {**talks(1, 2), "note": "other bytes"})

    assert (job.result["unchanged"], job.result["withdrawn"], job.done) == (2, 0, 2)
    assert [(row.document_id, row.version) for row in knowledge.documents.all()] == before


@pytest.mark.parametrize("decided", [Approval.PENDING, Approval.REJECTED])
def test_reading_again_never_changes_what_was_decided(knowledge: Knowledge, decided: Approval) -> None:
    drop(knowledge, talks(1, 2))
    knowledge.reviewing.decide("1", decided, by="reviewer")

    drop(knowledge, {**talks(1, 2), "note": "other bytes"})

    assert knowledge.tickets.find("1").approval == decided
    assert learnt(knowledge) == ["ticket://whmcs/2"]


def test_a_ticket_that_is_pending_from_elsewhere_stays_so(knowledge: Knowledge) -> None:
    knowledge.keeping.keep([solved("1")])

    drop(knowledge, talks(1))

    assert knowledge.tickets.find("1").approval == Approval.PENDING
    assert learnt(knowledge) == []


def test_a_field_that_a_file_lacks_is_not_blanked(knowledge: Knowledge) -> None:
    drop(knowledge, talks(1))
    bare = {"external_id": "1", "subject": "Problem 1 again", "description": "What can I do about problem 1?"}

    drop(knowledge, {"source": "whmcs", "conversations": [bare]})

    row = knowledge.tickets.find("1")
    assert (row.subject, row.email, row.status) == ("Problem 1 again", "ann@customer.co", "Closed")
    assert len(knowledge.tickets.talk(row).replies) == 1


def test_replacing_the_file_withdraws_what_it_no_longer_holds(knowledge: Knowledge) -> None:
    drop(knowledge, talks(1, 2))

    job = drop(knowledge, talks(2, 3))

    assert job.result["withdrawn"] == 1
    assert learnt(knowledge) == ["ticket://whmcs/2", "ticket://whmcs/3"]
    assert knowledge.tickets.find("1").withdrawn
    assert knowledge.tickets.find("1").approval == Approval.APPROVED


def test_removing_the_file_withdraws_all_and_dropping_it_again_brings_them_back(knowledge: Knowledge) -> None:
    drop(knowledge, talks(1, 2))

    knowledge.objects.delete(KEY)
    notice(knowledge, removed=True)
    knowledge.work()
    gone = learnt(knowledge)
    drop(knowledge, {**talks(1, 2), "note": "dropped a second later"})

    assert gone == []
    assert learnt(knowledge) == ["ticket://whmcs/1", "ticket://whmcs/2"]


def test_a_ticket_that_another_file_has_brought_since_stays(knowledge: Knowledge) -> None:
    drop(knowledge, talks(1, 2))
    knowledge.keeping.keep([solved("1", source_file="source/other.json")])

    drop(knowledge, talks(2))

    assert not knowledge.tickets.find("1").withdrawn
    assert len(learnt(knowledge)) == 2


def test_of_one_ticket_told_twice_the_last_counts(knowledge: Knowledge) -> None:
    content = {"source": "whmcs", "conversations": [record(1), record(1, subject="Newer")]}

    job = drop(knowledge, content)

    assert (job.result["ok"], job.result["skipped"]) == (1, 1)
    assert knowledge.tickets.find("1").subject == "Newer"


def test_pages_and_tickets_in_one_list_are_counted_together(knowledge: Knowledge) -> None:
    page = {
        "url": "https://example.com/1",
        "title": "T",
        "text": "A page that says enough about hosting to be worth it.",
    }

    job = drop(knowledge, [record(1), page, {"subject": "without a number", "description": "x"}, record(2)])

    assert (job.result["ok"], job.result["error"], job.result["total"]) == (3, 1, 4)
    assert job.done == 4
    assert learnt(knowledge) == ["https://example.com/1", "ticket://whmcs/1", "ticket://whmcs/2"]


def test_a_ticket_without_an_answer_is_kept_and_counted_though_nothing_is_learnt(
    knowledge: Knowledge,
) -> None:
    job = drop(knowledge, {"tickets": [record(1, metadata={}), record(2)]})

    assert (job.status, job.done, job.result["ok"]) == (JobStatus.SUCCEEDED, 2, 2)
    assert learnt(knowledge) == ["ticket://whmcs/2"]


def test_alike_tickets_of_one_file_end_the_job_as_well(knowledge: Knowledge) -> None:
    same = [record(1, external_id=str(number)) for number in range(40)]

    job = drop(knowledge, {"tickets": same})

    assert (job.status, job.done, job.total) == (JobStatus.SUCCEEDED, 40, 40)
    assert len(learnt(knowledge)) == 1


class Crash(BaseException):
    """The worker is gone."""


@pytest.mark.parametrize("at", ["put", "follow", "progress"])
def test_a_killed_worker_leaves_a_job_that_ends_with_the_truth(
    knowledge: Knowledge, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {
        "put": (knowledge.keeping, "put"),
        "follow": (knowledge.learning, "follow"),
        "progress": (knowledge.jobs, "progress"),
    }[at]
    original = getattr(*place)

    def crash(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(*place, original)
        original(*args, **options)
        raise Crash

    knowledge.drop(KEY, talks(1, 2, 3))
    monkeypatch.setattr(*place, crash)
    with pytest.raises(Crash):
        notice(knowledge)

    notice(knowledge)
    knowledge.work()

    job = knowledge.job()
    assert (job.status, job.done, job.total, job.result["created"]) == (JobStatus.SUCCEEDED, 3, 3, 3)
    assert len(learnt(knowledge)) == 3


def test_with_too_little_time_the_rest_comes_later(knowledge: Knowledge) -> None:
    knowledge.drop(KEY, talks(1, 2))
    notice(knowledge, seconds=1)
    before = learnt(knowledge)

    knowledge.work()

    assert before == []
    assert knowledge.job().status == JobStatus.SUCCEEDED
    assert len(learnt(knowledge)) == 2


def test_an_uploaded_file_of_one_ticket_is_read_like_a_drop(knowledge: Knowledge) -> None:
    body = json.dumps({"tickets": [record(1)]}).encode()

    job = knowledge.uploading.take("talks.json", body, Labels(), created_by="me")
    knowledge.work()

    assert isinstance(job, Job)
    assert learnt(knowledge) == ["ticket://whmcs/1"]
