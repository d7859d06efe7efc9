"""Keeping: where every way that a ticket comes by ends."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from candor.documents import Change
from candor.errors import Unavailable
from candor.tickets.entries import SAID, entry_of
from candor.tickets.keeping import SLICE
from candor.tickets.learning import url_of
from candor.tickets.values import Approval, Message, Role, Talk, TicketDraft, Wanted, ticket_id_of
from tests.doubles.knowledge import Knowledge
from tests.doubles.tickets import draft, lesson

CARD = "4111 1111 1111 1111"


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge()


def found(knowledge: Knowledge, text: str) -> int:
    return knowledge.directory.count(Wanted(text=text))


def documents(knowledge: Knowledge) -> set[str]:
    return {row.url for row in knowledge.documents.all() if not row.deleted}


def test_what_is_kept_is_found_by_everything_it_is_called_and_what_was_said(knowledge: Knowledge) -> None:
    told = draft(
        "42",
        external_id="conv-9",
        attachments=("traceroute.log",),
        replies=(Message(role=Role.STAFF, content="Please restart dovecot."),),
    )

    knowledge.keeping.keep([told])

    for text in (
        "42", "conv-9", "#ABC-000042", "77", "ann@customer.example", "Miller", "mailbox", "dovecot",
        "traceroute",
    ):  # fmt: skip
        assert found(knowledge, text) == 1, text


def test_new_tickets_are_no_knowledge_until_somebody_approves_them(knowledge: Knowledge) -> None:
    knowledge.keeping.keep([lesson(1)])

    assert documents(knowledge) == set()


def test_tickets_that_come_approved_are_learnt(knowledge: Knowledge) -> None:
    ((ticket, _),) = knowledge.keeping.keep([lesson(1)], approval=Approval.APPROVED)

    assert documents(knowledge) == {url_of(ticket)}


def test_an_approved_ticket_that_changes_is_learnt_anew(knowledge: Knowledge) -> None:
    ((ticket, _),) = knowledge.keeping.keep([lesson(1)], approval=Approval.APPROVED)
    more = replace(
        lesson(1),
        replies=(Message(role=Role.STAFF, content="Open the panel, choose Limits, and set memory to 512M."),),
    )

    knowledge.keeping.keep([more])

    (row,) = [row for row in knowledge.documents.all() if row.url == url_of(ticket)]
    assert "512M" in knowledge.documents.contents(row).text


@pytest.mark.parametrize("part", ["directory", "learning"])
def test_whoever_was_interrupted_keeps_all_of_it_by_doing_it_again(
    knowledge: Knowledge, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise Unavailable("It is down.")

    with monkeypatch.context() as broken:
        where = knowledge.directory if part == "directory" else knowledge.learning
        broken.setattr(where, "put" if part == "directory" else "follow", down)
        with pytest.raises(Unavailable):
            knowledge.keeping.keep([lesson(1)], approval=Approval.APPROVED)

    ((ticket, change),) = knowledge.keeping.keep([lesson(1)], approval=Approval.APPROVED)

    assert change == Change.UNCHANGED
    assert found(knowledge, lesson(1).subject) == 1
    assert documents(knowledge) == {url_of(ticket)}


def test_a_ticket_that_tells_only_its_status_keeps_its_words(knowledge: Knowledge) -> None:
    knowledge.keeping.keep([draft()])

    knowledge.keeping.keep([TicketDraft(number="1", status="Open")])

    assert knowledge.directory.count(Wanted(text="mailbox", status="open")) == 1


def test_what_was_joined_to_another_ticket_is_none_of_its_own_any_more(knowledge: Knowledge) -> None:
    ((child, _),) = knowledge.keeping.keep([lesson(2)], approval=Approval.APPROVED)
    assert documents(knowledge) == {url_of(child)}

    knowledge.keeping.keep([draft("1", merged=("2", "3"))])

    assert knowledge.tickets.some([ticket_id_of("whmcs", "2")]) == []
    assert documents(knowledge) == set()
    assert knowledge.directory.count(Wanted()) == 1


def test_a_withdrawn_ticket_is_learnt_again_when_its_file_is_back(knowledge: Knowledge) -> None:
    ((ticket, _),) = knowledge.keeping.keep([lesson(1)], approval=Approval.APPROVED)
    knowledge.tickets.withdraw([ticket.ticket_id])
    knowledge.learning.forget([ticket.ticket_id])
    assert documents(knowledge) == set()

    ((_, change),) = knowledge.keeping.keep([lesson(1)], approval=Approval.APPROVED)

    assert change == Change.UPDATED
    assert documents(knowledge) == {url_of(ticket)}


def test_a_pair_comes_back_for_each_draft(knowledge: Knowledge) -> None:
    pairs = knowledge.keeping.keep([draft("1"), draft("2"), draft("1")])

    assert [ticket.number for ticket, _ in pairs] == ["1", "2", "1"]
    assert knowledge.keeping.keep([]) == []


def test_many_tickets_come_back_in_their_order_and_all_are_found(knowledge: Knowledge) -> None:
    numbers = [str(number) for number in range(3 * SLICE + 7, 0, -1)]

    pairs = knowledge.keeping.keep([draft(number) for number in numbers])

    assert [ticket.number for ticket, _ in pairs] == numbers
    assert {change for _, change in pairs} == {Change.CREATED}
    assert knowledge.directory.count(Wanted()) == len(numbers)


def test_what_is_told_later_of_a_ticket_counts_however_many_come_between(knowledge: Knowledge) -> None:
    between = [draft(str(number)) for number in range(2, 2 * SLICE)]

    knowledge.keeping.keep([draft("1", subject="Earlier"), *between, draft(" 1 ", subject="Later")])

    assert found(knowledge, "later") == 1
    assert found(knowledge, "earlier") == 0


def test_the_directory_names_no_ticket_that_is_not_stored(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = [draft(str(number)) for number in range(1, 5 * SLICE)]
    put = knowledge.tickets.put

    def failing(some: Sequence[TicketDraft], *, approval: Approval = Approval.PENDING) -> object:
        if some[0].number == drafts[3 * SLICE].number:
            raise Unavailable("The database is not available right now.")
        return put(some, approval=approval)

    with monkeypatch.context() as broken:
        broken.setattr(knowledge.tickets, "put", failing)
        with pytest.raises(Unavailable):
            knowledge.keeping.keep(drafts)

    entered = knowledge.directory.after(Wanted(), "", limit=10_000)
    assert len(knowledge.tickets.some(list(entered))) == len(entered) < len(drafts)
    knowledge.keeping.keep(drafts)
    assert knowledge.directory.count(Wanted()) == len(drafts)


def test_an_entry_holds_the_beginning_of_each_message_and_no_card(knowledge: Knowledge) -> None:
    ((ticket, _),) = knowledge.keeping.keep([draft()])
    talk = Talk(
        description="first " + "x" * 10_000,
        replies=tuple(Message(role=Role.STAFF, content=f"reply{n} {CARD} " + "y" * 500) for n in range(40)),
    )

    words = entry_of(ticket, talk).words

    assert "first" in words
    assert "reply0" in words
    assert "reply39" not in words
    assert "1111" not in words
    assert len(words) < SAID + 1_000
