"""Proposing: what customers were content with is offered for review, and never approved by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from candor.tickets.proposing import Proposing
from candor.tickets.values import Approval, Role
from tests.doubles.knowledge import Knowledge

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def turns(*said: str) -> list[tuple[Role, str, datetime]]:
    """Customer and staff in turn, a minute each."""
    roles = (Role.CUSTOMER, Role.STAFF)
    return [(roles[at % 2], text, START + timedelta(minutes=at)) for at, text in enumerate(said)]


ASKED = "How do I move my shop to another server of yours?"
TOLD = "Order the new server, then press Transfer in the panel of the old one; it takes an hour."


def proposing(knowledge: Knowledge) -> Proposing:
    return Proposing(tickets=knowledge.tickets, keeping=knowledge.keeping)


def test_a_well_rated_conversation_becomes_a_pending_ticket() -> None:
    knowledge = Knowledge()

    ticket = proposing(knowledge).propose("c-1", turns(ASKED, TOLD), rating=5)

    assert ticket is not None
    assert (ticket.helpdesk, ticket.number, ticket.approval) == ("conversation", "c-1", Approval.PENDING)
    assert knowledge.tickets.talk(ticket).replies[0].rating == 5
    assert list(knowledge.documents.all()) == []


@pytest.mark.parametrize("rating", [1, 2, 3])
def test_a_lower_rating_proposes_nothing(rating: int) -> None:
    knowledge = Knowledge()

    assert proposing(knowledge).propose("c-1", turns(ASKED, TOLD), rating=rating) is None
    assert knowledge.tickets.after("", limit=10) == []


@pytest.mark.parametrize("said", [(), (ASKED,), (ASKED, "Hello! We will check and get back to you.")])
def test_a_conversation_without_an_answer_proposes_nothing(said: tuple[str, ...]) -> None:
    assert proposing(Knowledge()).propose("c-1", turns(*said), rating=5) is None


def test_proposed_again_it_holds_what_was_said_since() -> None:
    knowledge = Knowledge()
    desk = proposing(knowledge)
    desk.propose("c-1", turns(ASKED, TOLD), rating=4)

    ticket = desk.propose("c-1", turns(ASKED, TOLD, "And the mailboxes?", "They move along."), rating=5)

    assert ticket is not None
    assert ticket.messages == 4
    assert len(knowledge.tickets.after("", limit=10)) == 1


@pytest.mark.parametrize("decided", [Approval.APPROVED, Approval.REJECTED])
def test_what_was_decided_of_it_is_of_what_was_read(decided: Approval) -> None:
    knowledge = Knowledge()
    desk = proposing(knowledge)
    first = desk.propose("c-1", turns(ASKED, TOLD), rating=5)
    assert first is not None
    knowledge.tickets.decide(first.ticket_id, decided, by="reviewer")

    again = desk.propose("c-1", turns(ASKED, TOLD, "Then?", "Delete everything, it is faster."), rating=5)

    assert again is not None
    assert (again.messages, again.approval) == (2, decided)
