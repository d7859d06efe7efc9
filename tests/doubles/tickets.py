"""Tickets for tests: drafts with something in every field, and entries of a directory."""

import random
from datetime import UTC, datetime
from typing import Any

from candor.tickets.store import Entry
from candor.tickets.values import Approval, Message, Role, TicketDraft, ticket_id_of

OPENED = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def draft(number: str = "1", **fields: Any) -> TicketDraft:
    """A ticket of an imaginary host, whole."""
    whole: dict[str, Any] = {
        "number": number,
        "tid": f"ABC-{number:>06}",
        "subject": "Mail does not arrive",
        "description": "Since yesterday no mail reaches my mailbox. What can I do?",
        "replies": (
            Message(role=Role.STAFF, name="Vera", content="The mailbox is full. Please delete old mail."),
        ),
        "status": "Closed",
        "priority": "Medium",
        "department": "Support",
        "client_id": "77",
        "email": "ann@customer.example",
        "name": "Ann Miller",
        "opened_at": OPENED,
        "last_reply_at": OPENED,
        "source_file": "source/dump.sql",
        "metadata": {"service": "vps-1"},
    }
    return TicketDraft(**{**whole, **fields})


def lesson(number: int, **fields: Any) -> TicketDraft:
    """One that something of its own can be learnt from."""
    rng = random.Random(number)
    thing = "".join(rng.choices("bcdfglmnprst", k=7))
    answer = f"Open the panel, choose {thing.title()} and set {thing} to {number}: then restart {thing}d."
    told: dict[str, Any] = {
        "subject": f"{thing.title()} fails with error {number}",
        "description": f"Since the update {thing} fails with error {number} on my server. What can I do?",
        "replies": (Message(role=Role.STAFF, name="Vera", content=answer),),
    }
    return draft(str(number), **{**told, **fields})


def entry(number: str = "1", words: str = "Mail does not arrive", **fields: Any) -> Entry:
    whole: dict[str, Any] = {
        "ticket_id": ticket_id_of("whmcs", number),
        "version": 1,
        "words": words,
        "status": "Closed",
        "approval": Approval.PENDING,
        "department": "Support",
        "helpdesk": "whmcs",
        "source_file": "source/dump.sql",
        "worth": 50,
        "created_at": OPENED,
        "revision": 1,
    }
    return Entry(**{**whole, **fields})
