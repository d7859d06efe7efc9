"""Reckoning: what was reckoned before a ticket is stored is what would have been reckoned then."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import pytest

from candor.tickets.keeping import SLICE, Keeping
from candor.tickets.reckoning import reckoned
from candor.tickets.succession import MAX_FIELD, MAX_SUBJECT
from candor.tickets.values import Message, Role, TicketDraft, Wanted
from tests.doubles.knowledge import Knowledge
from tests.doubles.tickets import draft, lesson

CARD = "4111 1111 1111 1111"

HARD: Sequence[TicketDraft] = (
    draft("a", subject=f"Charged twice on {CARD}", description=f"My card {CARD} was charged twice."),
    draft("b", subject="word " * MAX_SUBJECT),
    draft("c", name="N" * (MAX_FIELD + 1), external_id="conv-9"),
    draft("d", description="A lone \ud800 surrogate and a NUL \x00 in it", subject=""),
    draft("e", description="", replies=()),
    draft(" f ", replies=(), metadata={"note": f"paid with {CARD}"}),
    draft("g", description="Почта не приходит уже второй день, что делать?", status=""),
    draft("h", replies=(Message(role=Role.STAFF, content="We will check and come back to you."),)),
    *(lesson(number) for number in range(2 * SLICE)),
)


class Counted:
    """Does everything here, and knows how often it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, parts: int, work: Callable[[int], bytes]) -> Generator[bytes]:
        self.times += 1
        yield from map(work, range(parts))


def keeping(knowledge: Knowledge, spread: Counted) -> Keeping:
    return Keeping(
        tickets=knowledge.tickets, directory=knowledge.directory, learning=knowledge.learning, spread=spread
    )


def rows(knowledge: Knowledge) -> list[tuple[object, ...]]:
    found = knowledge.tickets.after("", limit=10_000)
    return [(row.ticket_id, row.worth, row.checksum, row.subject, row.name, row.external_id) for row in found]


def questions(knowledge: Knowledge) -> list[Sequence[str]]:
    asked = (
        "charged",
        "1111",
        "conv-9",
        "surrogate",
        "почту",
        "ann@customer.example",
        "fails",
        "f",
        "N" * 40,
    )
    return [knowledge.directory.after(Wanted(text=text), "", limit=10_000) for text in asked]


def test_tickets_that_come_together_are_stored_and_found_as_if_each_came_alone() -> None:
    together, alone = Knowledge(), Knowledge()
    spread = Counted()

    keeping(together, spread).keep(HARD)
    for one in HARD:
        alone.keeping.keep([one])

    assert spread.times == 1
    assert rows(together) == rows(alone)
    assert questions(together) == questions(alone)
    assert any(questions(alone))


def test_what_is_known_of_a_ticket_counts_in_its_worth_too() -> None:
    together, alone = Knowledge(), Knowledge()
    blank = [replace(one, description="", replies=(), status="Open") for one in HARD]

    for one in (HARD, blank):
        keeping(together, Counted()).keep(one)
        for each in one:
            alone.keeping.keep([each])

    assert rows(together) == rows(alone)
    assert questions(together) == questions(alone)


def test_of_tickets_that_are_there_already_nothing_is_reckoned() -> None:
    knowledge, spread = Knowledge(), Counted()
    kept = keeping(knowledge, spread)
    kept.keep(HARD)

    kept.keep(HARD)
    kept.keep(HARD)
    assert spread.times == 2

    kept.keep([lesson(number) for number in range(1_000, 1_000 + 3 * SLICE)])
    kept.keep([lesson(number) for number in range(2_000, 2_000 + 3 * SLICE)])
    assert spread.times == 3


def test_a_new_ticket_is_entered_without_being_read_back(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as silent:
        silent.delattr(type(knowledge.tickets), "talk")
        knowledge.keeping.keep([draft("1", replies=()), draft("2", description="")])

    assert knowledge.directory.count(Wanted(text="mail")) == 2


def test_preparing_is_only_left_out_where_it_would_change_nothing() -> None:
    assert reckoned(draft()).is_prepared
    assert not any(reckoned(one).is_prepared for one in (*HARD[:4], HARD[5]))


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge()
