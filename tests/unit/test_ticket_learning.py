"""Learning from tickets: knowledge is as the rows say, whoever decides what at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from candor.documents import Origin
from candor.tickets.learning import Learning, Outcome
from candor.tickets.values import Approval, Message, Role, Talk, Ticket
from tests.doubles.learnt import Learnt, solved

ANSWERS = [
    "Choose Restart in the panel of the server and wait for two minutes until it answers again.",
    "The certificate is renewed every night; remove the CAA record that forbids Let's Encrypt.",
    "Raise the upload limit to 128 MB in MultiPHP INI Editor, then reload the page.",
    "Port 25 is closed for new servers during their first month; use port 587 with a login.",
    "Backups of seven nights lie in JetBackup; choose the day and press Restore.",
]


def test_an_approved_ticket_is_one_document() -> None:
    learnt = Learnt()

    learnt.approved(solved("1"))

    (row,) = learnt.knowledge.documents.all()
    assert (row.url, row.doc_type, row.source) == ("ticket://whmcs/1", "conversation", "tickets")
    listing = learnt.knowledge.documents.list(page=1, page_size=20, origin=Origin.TICKETS)
    assert listing.total == 1


def test_the_companys_own_addresses_are_told_from_when_they_are_named() -> None:
    learnt, own = Learnt(), ["help@acme-hosting.net"]
    learnt.knowledge.learning = learnt.learning = Learning(
        tickets=learnt.tickets,
        documents=learnt.knowledge.documents,
        folding=learnt.folding,
        keep=lambda: own,
    )
    answered = "Write to help@acme-hosting.net and to olga@acme-hosting.net from the address of your account."

    learnt.approved(solved("1", asked="How do I close my account? I have moved away.", answered=answered))
    own.append("@acme-hosting.net")
    learnt.approved(solved("2", asked="Who changes the owner of a domain name of mine?", answered=answered))

    texts = [learnt.knowledge.documents.contents(row).text for row in learnt.knowledge.documents.all()]
    assert sorted(text.count("@acme-hosting.net") for text in texts) == [1, 2]


def test_a_pending_ticket_is_none() -> None:
    learnt = Learnt()
    (pair,) = learnt.tickets.put([solved("1")])

    (followed,) = learnt.learning.follow([pair[0].ticket_id])

    assert followed.outcome == Outcome.NONE
    assert learnt.titles() == []


@pytest.mark.parametrize("left_for", [Approval.REJECTED, Approval.PENDING])
def test_a_ticket_that_leaves_approved_leaves_the_answers(left_for: Approval) -> None:
    learnt = Learnt()
    (ticket_id,) = learnt.approved(solved("1"))

    learnt.decide(ticket_id, left_for)

    assert learnt.titles() == []


def test_a_withdrawn_ticket_comes_back_when_it_is_put_again() -> None:
    learnt = Learnt()
    (ticket_id,) = learnt.approved(solved("1"))

    learnt.tickets.withdraw([ticket_id])
    learnt.learning.follow([ticket_id])
    gone = learnt.titles()
    learnt.tickets.put([solved("1")])
    learnt.learning.follow([ticket_id])

    assert gone == []
    assert len(learnt.titles()) == 1


def test_a_deleted_ticket_that_was_forgotten_first_leaves_nothing() -> None:
    learnt = Learnt()
    (ticket_id,) = learnt.approved(solved("1"))

    learnt.learning.forget([ticket_id])
    learnt.tickets.delete(ticket_id)
    learnt.learning.follow([ticket_id])

    assert learnt.titles() == []
    assert learnt.folding.members(ticket_id) == ()


def test_following_twice_changes_nothing() -> None:
    learnt = Learnt()
    ids = learnt.approved(solved("1"), solved("2", subject="Reboot", answered=ANSWERS[0]))
    before = [(row.document_id, row.version) for row in learnt.knowledge.documents.all()]

    again = learnt.learning.follow([*ids, *ids])

    assert [one.outcome for one in again] == [Outcome.LEARNED, Outcome.LEARNED]
    assert [(row.document_id, row.version) for row in learnt.knowledge.documents.all()] == before


def test_new_messages_of_an_approved_ticket_change_its_document() -> None:
    learnt = Learnt()
    (ticket_id,) = learnt.approved(solved("1"))
    longer = solved("1")
    more = Message(role=Role.STAFF, content="Clear the cache at LiteSpeed > Purge all as well.")

    learnt.tickets.put([replace(longer, replies=(*longer.replies, more))])
    learnt.learning.follow([ticket_id])

    (row,) = [row for row in learnt.knowledge.documents.all() if not row.deleted]
    assert "Purge all" in learnt.knowledge.documents.contents(row).text


def test_an_approved_ticket_without_an_answer_says_why_it_teaches_nothing() -> None:
    learnt = Learnt()
    (pair,) = learnt.tickets.put([solved("1", replies=())], approval=Approval.APPROVED)

    (followed,) = learnt.learning.follow([pair[0].ticket_id])

    assert followed.outcome == Outcome.NOTHING
    assert followed.reason == "Nobody of the staff has answered."


def test_a_ticket_that_no_longer_teaches_loses_its_document() -> None:
    learnt = Learnt()
    (ticket_id,) = learnt.approved(solved("1"))
    waiting = Message(role=Role.STAFF, content="We are looking into it.")

    learnt.tickets.put([solved("1", replies=(waiting,))])
    learnt.learning.follow([ticket_id])

    assert learnt.titles() == []


def test_a_job_waits_for_the_documents_it_brought() -> None:
    learnt = Learnt()
    job = learnt.knowledge.jobs.start(kind="export_tickets", subject="all", created_by="t", total=2)
    rows = learnt.tickets.put(
        [solved("1"), solved("2", subject="Mail", answered=ANSWERS[3])], approval=Approval.APPROVED
    )

    followed = learnt.learning.follow([row.ticket_id for row, _ in rows], job_id=job.job_id)
    before = learnt.knowledge.jobs.get(job.job_id).done
    learnt.knowledge.work()

    assert [one.awaited for one in followed] == [True, True]
    assert before == 0
    assert learnt.knowledge.jobs.get(job.job_id).done == 2


class Interrupted(Learnt):
    """Lets something happen between a worker's look at a row and what it makes of it."""

    def between(self, happens: object) -> None:
        tickets, pending = self.tickets, [happens]
        original = tickets.talk

        def talk(ticket: Ticket) -> Talk:
            if pending:
                pending.pop()()  # type: ignore[operator]
            return original(ticket)

        tickets.talk = talk  # type: ignore[method-assign]


def test_a_rejection_between_look_and_document_wins() -> None:
    learnt = Interrupted()
    (pair,) = learnt.tickets.put([solved("1")], approval=Approval.APPROVED)
    ticket_id = pair[0].ticket_id
    learnt.between(lambda: learnt.decide(ticket_id, Approval.REJECTED))

    (followed,) = learnt.learning.follow([ticket_id])

    assert followed.outcome == Outcome.NONE
    assert learnt.titles() == []


def test_new_messages_between_look_and_document_are_in_it() -> None:
    learnt = Interrupted()
    (pair,) = learnt.tickets.put([solved("1")], approval=Approval.APPROVED)
    learnt.between(lambda: learnt.tickets.put([solved("1", answered=ANSWERS[2])]))

    learnt.learning.follow([pair[0].ticket_id])

    (row,) = [row for row in learnt.knowledge.documents.all() if not row.deleted]
    assert "128 MB" in learnt.knowledge.documents.contents(row).text


@pytest.mark.parametrize("seed", range(6))
def test_of_many_reviewers_at_once_the_last_decision_counts(seed: int) -> None:
    learnt = Learnt()
    # Three of them are alike, two are not: leading, standing in and leaving meet.
    drafts = [solved(str(number)) for number in range(3)]
    drafts += [solved(str(9 + number), subject="Other", answered=ANSWERS[number]) for number in range(2)]
    ids = [row.ticket_id for row, _ in learnt.tickets.put(drafts)]
    start = threading.Barrier(6)

    def review(reviewer: int) -> None:
        start.wait()
        for turn in range(8):
            ticket_id = ids[(reviewer + turn * (seed + 1)) % len(ids)]
            learnt.decide(ticket_id, list(Approval)[(reviewer + turn + seed) % 3])

    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(review, range(6)))

    approved = [row for row in learnt.tickets.some(ids) if row.approval == Approval.APPROVED]
    alike = [row for row in approved if row.number in "012"]
    assert len(learnt.titles()) == len(approved) - len(alike) + bool(alike)
    for row in approved:
        assert any(map(learnt.has_document, learnt.folding.members(row.ticket_id)))
