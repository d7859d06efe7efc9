"""Tickets: one contract, over every adapter."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from moto import mock_aws

from candor.documents import Change
from candor.errors import Invalid, NotFound
from candor.objects import TALKS_PREFIX, Objects
from candor.tickets.store import Tickets
from candor.tickets.values import Approval, Message, Role, TicketDraft, ticket_id_of
from tests.doubles import aws
from tests.doubles.tables import create_table
from tests.doubles.tickets import OPENED, draft

CARD = "4111 1111 1111 1111"


@dataclass(frozen=True, kw_only=True)
class Stores:
    tickets: Tickets
    objects: Objects
    loses_writes: bool = False


class Ticking:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self._now = datetime(2026, 6, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    from candor.adapters.dynamodb_tickets import DynamoTickets
    from candor.adapters.memory_storage import MemoryObjects
    from candor.adapters.memory_tickets import MemoryTickets
    from candor.adapters.s3 import S3Objects

    if request.param == "memory":
        yield Stores(tickets=MemoryTickets(clock=Ticking()), objects=MemoryObjects())
    elif request.param == "moto":
        with mock_aws():
            objects = S3Objects(aws.create_bucket())
            table = create_table("TicketsTable")
            tickets = DynamoTickets(table, objects=objects, clock=Ticking(), writers=1)
            yield Stores(tickets=tickets, objects=objects, loses_writes=True)
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        is_only_a_database = request.param == "dynamodb_local"
        objects = MemoryObjects() if is_only_a_database else S3Objects(aws.create_bucket())
        tickets = DynamoTickets(create_table("TicketsTable"), objects=objects, clock=Ticking())
        yield Stores(tickets=tickets, objects=objects)


AT_ONCE = pytest.mark.parametrize("stores", ["memory", "ministack", "dynamodb_local"], indirect=True)
"""Where writers meet; moto loses writes that do."""


@pytest.fixture
def tickets(stores: Stores) -> Tickets:
    return stores.tickets


def put(tickets: Tickets, one: TicketDraft, approval: Approval = Approval.PENDING) -> str:
    ((ticket, _),) = tickets.put([one], approval=approval)
    return ticket.ticket_id


def unlike(letters: int) -> str:
    """Text that no compression makes small."""
    return "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(letters))


def test_a_ticket_comes_back_as_it_was_put(tickets: Tickets) -> None:
    told = draft(
        replies=(
            Message(
                role=Role.STAFF,
                name="Vera",
                content="Kurz & gut: ü, ї, 日本",
                posted=OPENED + timedelta(hours=1),
                attachments=("steps.png",),
                rating=5,
            ),
            Message(role=Role.CUSTOMER, content="Thanks!"),
        ),
        attachments=("log.txt",),
        merged=("17", "18"),
        metadata={"service": "vps-1", "cc": ["a", "b"], "n": 3, "open": None},
        detail_url="https://billing.example.com/ticket?id=1",
    )

    ((ticket, change),) = tickets.put([told])

    assert change == Change.CREATED
    assert tickets.get(ticket.ticket_id) == ticket
    assert ticket.ticket_id == ticket_id_of("whmcs", "1")
    assert (ticket.external_id, ticket.tid, ticket.number) == ("1", "ABC-000001", "1")
    assert (ticket.version, ticket.messages, ticket.approval) == (1, 3, Approval.PENDING)
    assert (ticket.status, ticket.department, ticket.email) == ("Closed", "Support", "ann@customer.example")
    assert ticket.excerpt == told.description
    assert ticket.metadata == told.metadata
    assert ticket.merged == ("17", "18")
    assert (ticket.created_at, ticket.opened_at) == (OPENED, OPENED)
    assert ticket.decided_by is None
    talk = tickets.talk(ticket)
    assert (talk.description, talk.attachments) == (told.description, ("log.txt",))
    assert talk.replies == told.replies


def test_the_same_again_changes_nothing(tickets: Tickets) -> None:
    ((first, _),) = tickets.put([draft()])

    ((again, change),) = tickets.put([draft()])

    assert change == Change.UNCHANGED
    assert again == first == tickets.get(first.ticket_id)


@pytest.mark.parametrize(
    "field",
    [
        {"subject": "No mail"},
        {"description": "Other words."},
        {"status": "Open"},
        {"replies": (Message(role=Role.STAFF, content="Solved."),)},
        {"metadata": {"service": "vps-2"}},
        {"opened_at": OPENED + timedelta(days=1)},
    ],
)
def test_what_a_reader_sees_changed_is_a_new_version(tickets: Tickets, field: dict[str, object]) -> None:
    ((first, _),) = tickets.put([draft()])

    ((second, change),) = tickets.put([draft(**field)])

    assert change == Change.UPDATED
    assert (second.version, second.revision) == (2, 2)
    assert second.arrived_at == first.arrived_at
    with pytest.raises(NotFound):
        tickets.talk(first)


def test_what_a_draft_leaves_blank_stays_as_it_is_known(tickets: Tickets) -> None:
    ((first, _),) = tickets.put([draft(attachments=("log.txt",))])
    told = TicketDraft(number="1", status="Open", metadata={"service": "", "plan": "S"})

    ((second, change),) = tickets.put([told])

    assert change == Change.UPDATED
    assert tickets.talk(second) == replace(tickets.talk(second), attachments=("log.txt",))
    assert tickets.talk(second).description == draft().description
    assert tickets.talk(second).replies == draft().replies
    assert (second.status, second.subject, second.email) == ("Open", first.subject, first.email)
    assert second.metadata == {"service": "vps-1", "plan": "S"}
    assert (second.source_file, second.created_at) == (first.source_file, first.created_at)
    assert tickets.put([told])[0][1] == Change.UNCHANGED


def test_an_existing_ticket_keeps_its_approval_whatever_is_put(tickets: Tickets) -> None:
    ticket_id = put(tickets, draft())
    tickets.decide(ticket_id, Approval.REJECTED, by="ada")

    ((ticket, _),) = tickets.put([draft(status="Open")], approval=Approval.APPROVED)

    assert (ticket.approval, ticket.decided_by) == (Approval.REJECTED, "ada")


def test_a_new_ticket_may_come_approved(tickets: Tickets) -> None:
    ((ticket, _),) = tickets.put([draft()], approval=Approval.APPROVED)

    assert ticket.approval == Approval.APPROVED
    assert ticket.decided_by is None


def test_several_drafts_of_one_ticket_in_one_call_are_one_ticket(tickets: Tickets) -> None:
    told = [draft(status="Open"), draft("2"), TicketDraft(number="1", status="Closed", subject="Later")]

    pairs = tickets.put(told)

    assert [ticket.number for ticket, _ in pairs] == ["1", "2", "1"]
    assert pairs[0] == pairs[2]
    ticket = tickets.get(pairs[0][0].ticket_id)
    assert (ticket.version, ticket.status, ticket.subject) == (1, "Closed", "Later")
    assert tickets.talk(ticket).description == draft().description


def test_a_thousand_are_put_at_once_and_more_are_refused(stores: Stores) -> None:
    # moto copies the whole table for each transaction.
    tickets, count = stores.tickets, 150 if stores.loses_writes else 1_000
    many = [draft(str(number)) for number in range(count)]

    assert {change for _, change in tickets.put(many)} == {Change.CREATED}
    assert {change for _, change in tickets.put(many)} == {Change.UNCHANGED}
    pairs = tickets.put([replace(one, status="Open") if int(one.number) % 2 else one for one in many])
    assert sum(change == Change.UPDATED for _, change in pairs) == count // 2

    with pytest.raises(Invalid):
        tickets.put([draft(str(number)) for number in range(1_001)])


def test_a_card_number_is_stored_in_no_part_of_a_ticket(tickets: Tickets) -> None:
    told = draft(
        subject=f"Paid by {CARD}",
        description=f"It was {CARD}.",
        name=f"Ann {CARD}",
        replies=(Message(role=Role.CUSTOMER, name=CARD, content=f"Again: {CARD}"),),
        metadata={"note": [CARD]},
        attachments=(f"{CARD}.png",),
    )

    ((ticket, _),) = tickets.put([told])

    shown = repr((tickets.get(ticket.ticket_id), tickets.talk(ticket)))
    # Of a random id or a checksum four digits in a row may be alike.
    assert "1111 1111" not in shown
    assert "11111111" not in shown
    assert ticket.subject == "Paid by [card]"
    assert tickets.put([told])[0][1] == Change.UNCHANGED


def test_what_no_row_could_hold_is_stored_all_the_same(tickets: Tickets) -> None:
    told = draft(
        "n" * 5_000,
        subject="s" * 10_000,
        description="half a pair \ud800 and a nul \x00.",
        external_id="e" * 5_000,
        tid="t" * 5_000,
        status="x" * 5_000,
        metadata={"huge": "m" * 500_000, "small": "kept"},
        opened_at=datetime(2026, 3, 4, 9, 30),  # noqa: DTZ001 - as dumps tell it
    )

    ((ticket, _),) = tickets.put([told])

    assert tickets.put([told])[0][1] == Change.UNCHANGED
    assert tickets.find("e" * 5_000) == tickets.get(ticket.ticket_id)
    assert [one.ticket_id for one in tickets.with_tid("t" * 5_000)] == [ticket.ticket_id]
    assert ticket.metadata == {"huge": "[too large]", "small": "kept"}
    assert ticket.created_at == OPENED
    said = tickets.talk(ticket).description
    assert said.startswith("s" * 10_000)
    assert said.endswith("half a pair ? and a nul .")


def test_moments_of_any_zone_are_one_moment(tickets: Tickets) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    put(tickets, draft())

    ((_, change),) = tickets.put([draft(opened_at=OPENED.astimezone(there))])

    assert change == Change.UNCHANGED


def test_large_talks_come_back_whole_and_leave_nothing_behind(stores: Stores) -> None:
    tickets = stores.tickets
    long = unlike(200_000)
    ((first, _),) = tickets.put([draft(description=long)])
    assert tickets.talk(first).description == long

    ((second, _),) = tickets.put([draft(description=f"{long}!", status="Open")])

    assert tickets.talk(second).description == f"{long}!"
    assert len(list(stores.objects.list(TALKS_PREFIX))) <= 1
    ((third, change),) = tickets.put([TicketDraft(number="1", status="Closed")])
    assert change == Change.UPDATED
    assert tickets.talk(third).description == f"{long}!"

    tickets.put([draft()])
    assert list(stores.objects.list(TALKS_PREFIX)) == []

    tickets.put([draft(description=long)])
    tickets.delete(first.ticket_id)
    assert list(stores.objects.list(TALKS_PREFIX)) == []


def test_tickets_are_found_by_id_and_by_what_an_integrator_calls_them(tickets: Tickets) -> None:
    pairs = tickets.put([draft("1"), draft("2", external_id="conv-9"), draft("3", helpdesk="other")])
    first, second, third = (ticket for ticket, _ in pairs)

    assert tickets.find(first.ticket_id) == first
    assert tickets.find("1") == first
    assert tickets.find("conv-9") == second
    assert tickets.find("3") == third
    for unknown in ("2", "nobody", "", " ", ticket_id_of("whmcs", "nobody")):
        with pytest.raises(NotFound):
            tickets.find(unknown)
    with pytest.raises(NotFound):
        tickets.get("nobody")


def test_of_several_with_one_external_id_the_newest_is_found(tickets: Tickets) -> None:
    days = [timedelta(days=n) for n in (3, 9, 5)]
    for number, days_later in enumerate(days):
        put(tickets, draft(str(number), external_id="same", opened_at=OPENED + days_later))

    assert tickets.find("same").number == "1"


def test_a_public_number_may_belong_to_several(tickets: Tickets) -> None:
    put(tickets, draft("1", tid="XYZ-1"))
    put(tickets, draft("2", tid="XYZ-1", opened_at=OPENED + timedelta(days=1)))
    put(tickets, draft("3", tid=""))

    assert [ticket.number for ticket in tickets.with_tid("XYZ-1")] == ["2", "1"]
    assert tickets.with_tid("XYZ-2") == []
    assert tickets.with_tid("") == []


def test_some_come_in_the_order_asked_for_without_those_that_are_not(tickets: Tickets) -> None:
    ids = [put(tickets, draft(str(number))) for number in range(3)]

    found = tickets.some([ids[2], "nobody", ids[0], ids[2]])

    assert [ticket.ticket_id for ticket in found] == [ids[2], ids[0], ids[2]]
    assert tickets.some([]) == []


def test_a_decision_changes_the_row_once_and_no_version(tickets: Tickets) -> None:
    ticket_id = put(tickets, draft())

    first, changed = tickets.decide(ticket_id, Approval.APPROVED, by="ada")
    again, changed_again = tickets.decide(ticket_id, Approval.APPROVED, by="bob")

    assert (changed, changed_again) == (True, False)
    assert (first.approval, first.decided_by, first.version, first.revision) == ("approved", "ada", 1, 2)
    assert again == first == tickets.get(ticket_id)
    assert tickets.talk(first).description == draft().description
    with pytest.raises(NotFound):
        tickets.decide("nobody", Approval.APPROVED, by="ada")


def test_many_are_decided_at_once(tickets: Tickets) -> None:
    ids = [put(tickets, draft(str(number))) for number in range(5)]
    tickets.decide(ids[1], Approval.REJECTED, by="ada")

    decided = tickets.decide_all([ids[1], "nobody", *ids, ids[0]], Approval.REJECTED, by="bob")

    assert [(ticket.number, changed) for ticket, changed in decided] == [
        ("1", False),
        ("0", True),
        ("2", True),
        ("3", True),
        ("4", True),
    ]
    assert {ticket.approval for ticket in tickets.some(ids)} == {Approval.REJECTED}


def test_a_withdrawn_ticket_comes_back_with_its_decision(tickets: Tickets) -> None:
    ids = [put(tickets, draft(str(number)), Approval.APPROVED) for number in range(2)]

    assert tickets.withdraw([*ids, "nobody"]) == ids
    assert tickets.withdraw(ids) == []

    gone = tickets.get(ids[0])
    assert (gone.withdrawn, gone.approval, gone.version) == (True, Approval.APPROVED, 1)
    ((back, change),) = tickets.put([draft("0")])
    assert change == Change.UPDATED
    assert (back.withdrawn, back.approval, back.version) == (False, Approval.APPROVED, 1)
    assert tickets.talk(back).description == draft().description
    assert tickets.get(ids[1]).withdrawn


def test_only_the_source_that_brought_a_ticket_last_withdraws_it(tickets: Tickets) -> None:
    ids = [put(tickets, draft(str(number), source_file="source/a.json")) for number in range(3)]
    assert sorted(tickets.of_source("source/a.json")) == sorted(ids)

    assert tickets.put([draft("0", source_file="source/b.json")])[0][1] == Change.UNCHANGED

    assert list(tickets.of_source("source/b.json")) == [ids[0]]
    assert sorted(tickets.of_source("source/a.json")) == sorted(ids[1:])
    assert list(tickets.withdraw(ids, source_file="source/a.json")) == ids[1:]
    assert not tickets.get(ids[0]).withdrawn
    assert list(tickets.of_source("")) == []


def test_a_deleted_ticket_is_gone_and_comes_back_as_a_new_one(tickets: Tickets) -> None:
    ticket_id = put(tickets, draft(), Approval.APPROVED)

    tickets.delete(ticket_id)
    tickets.delete(ticket_id)

    with pytest.raises(NotFound):
        tickets.get(ticket_id)
    with pytest.raises(NotFound):
        tickets.find("1")
    ((ticket, change),) = tickets.put([draft()])
    assert (change, ticket.approval, ticket.version) == (Change.CREATED, Approval.PENDING, 1)


def test_all_rows_can_be_gone_through_in_an_order_that_stays(tickets: Tickets) -> None:
    ids = {ticket.ticket_id for ticket, _ in tickets.put([draft(str(number)) for number in range(23)])}

    seen: list[str] = []
    while rows := tickets.after(seen[-1] if seen else "", limit=5):
        assert len(rows) <= 5
        seen += [row.ticket_id for row in rows]

    assert len(seen) == 23
    assert set(seen) == ids


@AT_ONCE
def test_an_import_and_a_decision_at_once_both_count(stores: Stores) -> None:
    tickets = stores.tickets
    ids = [put(tickets, draft(str(number))) for number in range(20)]
    begin = threading.Barrier(3)

    def write(status: str) -> None:
        begin.wait()
        tickets.put([draft(str(number), status=status) for number in range(20)])

    def decide() -> None:
        begin.wait()
        for ticket_id in ids:
            tickets.decide(ticket_id, Approval.APPROVED, by="ada")

    with ThreadPoolExecutor(max_workers=3) as pool:
        works = [pool.submit(write, "Open"), pool.submit(write, "Answered"), pool.submit(decide)]
        for work in works:
            work.result()

    for ticket in tickets.some(ids):
        assert ticket.approval == Approval.APPROVED
        assert ticket.version == 3
        assert ticket.revision == 4
        assert tickets.talk(ticket).description == draft().description


@AT_ONCE
def test_of_two_first_writers_one_creates_and_the_other_finds_it(stores: Stores) -> None:
    tickets = stores.tickets
    many = [draft(str(number)) for number in range(150)]
    begin = threading.Barrier(4)

    def write() -> list[Change]:
        begin.wait()
        return [change for _, change in tickets.put(many)]

    with ThreadPoolExecutor(max_workers=4) as pool:
        changes = [work.result() for work in [pool.submit(write) for _ in range(4)]]

    for of_one in zip(*changes, strict=True):
        assert sorted(of_one) == [Change.CREATED, Change.UNCHANGED, Change.UNCHANGED, Change.UNCHANGED]
    assert {row.version for row in tickets.after("", limit=200)} == {1}
