"""Exporting and reconciling tickets: one file that teaches the same again, and three stores that agree."""

import json
from dataclasses import replace
from typing import Any

import pytest

from candor.jobs import JobStatus
from candor.tickets.exporting import KEY, KEY_WITH_PEOPLE
from candor.tickets.reconciling import TicketReconciling
from candor.tickets.values import Approval, Message, Role, TicketDraft
from tests.doubles.knowledge import Knowledge
from tests.doubles.learnt import solved

TOPICS = {
    "1": "Open Backups in the panel, choose the day and press Restore.",
    "2": "The nameservers are ns1.acme.example and ns2.acme.example; enter both at your registrar.",
    "3": "Raise max_execution_time to 300 in MultiPHP INI Editor and reload the page.",
}


def drafts() -> list[TicketDraft]:
    return [
        solved(
            number,
            subject=f"Problem {number} of John Miller",
            asked=f"I have problem {number}. My password: hunter2secret. John Miller, john@miller-shop.co",
            answered=answer,
            email="john@miller-shop.co",
            client_id="client-0077",
            tid=f"ABC-{number}",
            department="Support",
            detail_url=f"https://billing.example.com/admin/supporttickets.php?action=view&id={number}",
            metadata={"phone": "+44 20 7946 0018"},
        )
        for number, answer in TOPICS.items()
    ]


def kept(knowledge: Knowledge, *some: TicketDraft) -> list[str]:
    pairs = knowledge.keeping.keep(some or drafts(), approval=Approval.APPROVED)
    return [ticket.ticket_id for ticket, _ in pairs]


def exported(knowledge: Knowledge, *, include_pii: bool = False, seconds: float = 60) -> dict[str, Any]:
    job = knowledge.ticket_exporting.begin(by="tester", include_pii=include_pii)
    while not job.status.ended:
        job = knowledge.ticket_exporting.go_on(job.job_id, seconds=seconds)
    assert job.status is JobStatus.SUCCEEDED
    found: dict[str, Any] = json.loads(knowledge.objects.read(job.result["key"]))
    assert job.result["count"] == found["conversations_count"] == len(found["conversations"])
    return found


def test_the_file_has_the_shape_of_the_contract() -> None:
    knowledge = Knowledge()
    kept(knowledge)

    found = exported(knowledge)

    assert list(found)[:4] == ["source", "ingested_at", "conversations_count", "conversations"]
    first = next(one for one in found["conversations"] if one["external_id"] == "2")
    wanted = {"id", "external_id", "subject", "description", "status", "priority", "detail_url", "metadata"}
    assert wanted <= first.keys()
    assert first["metadata"]["replies"][0]["role"] == "staff"
    assert "ns1.acme.example" in first["metadata"]["replies"][0]["content"]


def test_nobody_and_no_secret_is_in_it() -> None:
    knowledge = Knowledge()
    kept(knowledge)

    text = json.dumps(exported(knowledge))

    for secret in ("John", "Miller", "miller", "hunter2secret", "Petrenko", "client-0077", "7946"):
        assert secret not in text.replace("supporttickets", "")


def test_people_are_in_it_only_when_asked_for_and_under_another_name() -> None:
    knowledge = Knowledge()
    kept(knowledge)

    found = exported(knowledge, include_pii=True)

    first = found["conversations"][0]
    told = (first["email"], first["name"], first["client_id"])
    assert told == ("john@miller-shop.co", "John Miller", "client-0077")
    assert "hunter2secret" not in json.dumps(found)
    assert knowledge.objects.find(KEY) is None
    assert knowledge.objects.find(KEY_WITH_PEOPLE) is not None


@pytest.mark.parametrize("approval", [Approval.PENDING, Approval.REJECTED])
def test_what_is_not_approved_is_not_in_it(approval: Approval) -> None:
    knowledge = Knowledge()
    ids = kept(knowledge)
    knowledge.reviewing.decide(ids[0], approval, by="reviewer")

    assert exported(knowledge)["conversations_count"] == 2


def test_dropped_on_a_fresh_stack_it_teaches_the_same() -> None:
    first, second = Knowledge(), Knowledge()
    kept(first)

    second.drop("source/sample_conversations.json", exported(first))
    second.ingesting.queue_object(next(iter(second.objects.list("source/"))), created_by="tester")
    second.work()

    def lessons(knowledge: Knowledge) -> dict[str, tuple[str, str]]:
        rows = [row for row in knowledge.documents.all() if not row.deleted]
        return {row.url: (row.title, knowledge.documents.contents(row).text) for row in rows}

    assert lessons(second) == lessons(first)
    assert {row.approval for row in second.tickets.after("", limit=10)} == {Approval.APPROVED}


def test_dropped_on_the_same_stack_it_changes_nothing_that_was_said() -> None:
    knowledge = Knowledge()
    ids = kept(knowledge)
    before = [(row.version, row.subject, knowledge.tickets.talk(row)) for row in knowledge.tickets.some(ids)]

    knowledge.drop("source/sample_conversations.json", exported(knowledge))
    knowledge.ingesting.queue_object(next(iter(knowledge.objects.list("source/"))), created_by="tester")
    knowledge.work()

    after = [(row.version, row.subject, knowledge.tickets.talk(row)) for row in knowledge.tickets.some(ids)]
    assert after == before
    assert knowledge.jobs.list(page=1, page_size=1, kind="read_source")[0][0].result["unchanged"] == 3


def test_an_export_goes_on_where_it_stopped() -> None:
    knowledge = Knowledge()
    kept(
        knowledge, *(solved(str(n), subject=f"S{n}", answered=f"Press button {n} twice.") for n in range(250))
    )

    found = exported(knowledge, seconds=0)

    assert found["conversations_count"] == 250
    assert len({one["external_id"] for one in found["conversations"]}) == 250
    assert [info.key for info in knowledge.objects.list("imports/")] == []


def test_an_empty_export_is_a_file_without_conversations() -> None:
    assert exported(Knowledge())["conversations"] == []


def test_a_cancelled_export_leaves_the_old_file_and_no_pieces() -> None:
    knowledge = Knowledge()
    kept(knowledge)
    exported(knowledge)
    before = knowledge.objects.read(KEY)
    job = knowledge.ticket_exporting.begin(by="tester")
    knowledge.ticket_exporting.go_on(job.job_id, seconds=0)

    knowledge.jobs.cancel(job.job_id)
    knowledge.ticket_exporting.go_on(job.job_id, seconds=60)

    assert knowledge.objects.read(KEY) == before
    assert [info.key for info in knowledge.objects.list("imports/")] == []


def test_exporting_learns_what_was_approved_and_not_learnt() -> None:
    knowledge = Knowledge()
    knowledge.keeping.put(drafts(), approval=Approval.APPROVED)

    exported(knowledge)

    assert len([row for row in knowledge.documents.all() if not row.deleted]) == 3


def reconciled(knowledge: Knowledge, *, seconds: float = 60) -> dict[str, Any]:
    reconciling: TicketReconciling = knowledge.ticket_reconciling
    job = reconciling.begin(by="tester")
    while not job.status.ended:
        job = reconciling.go_on(job.job_id, seconds=seconds)
    return dict(job.result)


def differences(result: dict[str, Any]) -> dict[str, int]:
    return {name: n for name, n in result.items() if name not in ("status", "tickets", "approved") and n}


def test_what_agrees_has_no_difference() -> None:
    knowledge = Knowledge()
    kept(knowledge)

    result = reconciled(knowledge)

    assert (result["tickets"], result["approved"]) == (3, 3)
    assert differences(result) == {}


def test_every_difference_is_found_repaired_and_gone_the_second_time() -> None:
    knowledge = Knowledge()
    ids = kept(knowledge)
    # An entry was lost, one is of a ticket that is not there, one says what was decided before.
    knowledge.directory.remove([ids[0]])
    [(orphan, _)] = knowledge.keeping.keep([solved("99", subject="Orphan", answered="Press the red button.")])
    knowledge.tickets.delete(orphan.ticket_id)
    knowledge.tickets.decide(ids[1], Approval.REJECTED, by="reviewer")
    # A document was lost, one has outlived its ticket.
    knowledge.learning.forget([ids[2]])
    knowledge.keeping.keep(
        [solved("98", subject="Outlived", answered="Press the green button.")], approval=Approval.APPROVED
    )
    outlived = knowledge.tickets.find("98")
    knowledge.tickets.delete(outlived.ticket_id)

    first, second = reconciled(knowledge), reconciled(knowledge, seconds=0)

    assert differences(first) == {
        "entries_added": 1,
        "entries_removed": 2,
        "entries_corrected": 1,
        "learned": 1,
        "forgotten": 2,
    }
    assert differences(second) == {}
    urls = {row.url for row in knowledge.documents.all() if not row.deleted}
    assert urls == {"ticket://whmcs/1", "ticket://whmcs/3"}


def test_a_document_of_a_killed_change_is_made_anew() -> None:
    knowledge = Knowledge()
    (ticket_id,) = kept(knowledge, solved("1"))
    more = Message(role=Role.STAFF, content="Clear the cache of LiteSpeed afterwards, else it stays.")
    knowledge.tickets.put([replace(solved("1"), replies=(*solved("1").replies, more))])

    result = reconciled(knowledge)

    (row,) = knowledge.documents.all()
    assert differences(result)["learned"] == 1
    assert "LiteSpeed" in knowledge.documents.contents(row).text
    assert knowledge.tickets.get(ticket_id).version == 2
