"""Showing: who may not know whose a ticket is reads it without anybody's name."""

from dataclasses import replace

import pytest

from candor.tickets.showing import NAME, masked_talk, masked_ticket
from candor.tickets.values import Message, Role, Talk
from tests.doubles.knowledge import Knowledge
from tests.doubles.tickets import draft


def shown(said: str, *, customer: str = "Jo Miller", staff: str = "Vera") -> str:
    """What such a reader sees of a reply."""
    ((ticket, _),) = Knowledge().keeping.keep([replace(draft(), name=customer)])
    reply = Message(role=Role.STAFF, name=staff, content=said)
    return masked_talk(ticket, Talk(description="It fails.", replies=(reply,))).replies[0].content


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("Hello Jo,\nplease restart.", f"Hello {NAME},\nplease restart."),
        ("hi jo! Please restart.", f"hi {NAME}! Please restart."),
        ("Dear Jo Miller,", f"Dear {NAME},"),
        ("Restart it.\n\nJo", f"Restart it.\n\n{NAME}"),
        ("Restart it.\n-- Jo.", f"Restart it.\n-- {NAME}."),
        ("Restart it.\nBest regards, Jo", f"Restart it.\nBest regards, {NAME}"),
    ],
)
def test_names_of_two_letters_are_masked_where_people_are_called_by_them(said: str, seen: str) -> None:
    assert shown(said) == seen


@pytest.mark.parametrize(
    "said", ["No, it does not.", "Hello,\nno problem: set it to No.", "Hello there. No, restart it first."]
)
def test_a_word_that_is_a_name_besides_stays_in_a_sentence(said: str) -> None:
    assert shown(said, customer="No Li") == said


def test_a_subject_that_greets_names_nobody() -> None:
    ((ticket, _),) = Knowledge().keeping.keep([replace(draft(), name="Jo", subject="Hello Jo")])

    assert masked_ticket(ticket).subject == f"Hello {NAME}"
