"""Entries: what the directory is told of a ticket."""

from collections.abc import Iterable
from typing import Final

from candor.redaction import mask_cards
from candor.tickets.store import Entry
from candor.tickets.values import Reckoned, Talk, Ticket, TicketDraft

SAID: Final = 4_000
"""Letters of what was said that a ticket is found by: the beginning of each message, up to so many in all."""

_OF_ONE: Final = 1_500


def entry_of(ticket: Ticket, talk: Talk | TicketDraft) -> Entry:
    """What the directory is to know of a ticket."""
    return _entry(ticket, words=words_of(ticket, talk))


def entry_of_new(ticket: Ticket, reckoned: Reckoned) -> Entry:
    """The same of one that is new, of what was reckoned before."""
    return _entry(ticket, reckoned=reckoned.terms)


def words_of(ticket: Ticket | TicketDraft, talk: Talk | TicketDraft) -> str:
    """What it is looked for in."""
    named = (
        ticket.tid,
        ticket.external_id,
        ticket.number,
        ticket.client_id,
        ticket.subject,
        ticket.name,
        ticket.email,
        *talk.attachments[:20],
    )
    return "\n".join((*(one for one in named if one), *said(talk)))


def _entry(ticket: Ticket, *, words: str = "", reckoned: str = "") -> Entry:
    return Entry(
        ticket_id=ticket.ticket_id,
        version=ticket.version,
        words=words,
        reckoned=reckoned,
        status=ticket.status,
        approval=ticket.approval,
        department=ticket.department,
        helpdesk=ticket.helpdesk,
        source_file=ticket.source_file,
        worth=ticket.worth,
        created_at=ticket.created_at,
        revision=ticket.revision,
    )


def said(talk: Talk | TicketDraft) -> Iterable[str]:
    """The beginnings of its messages by which it is found."""
    left = SAID
    for message in (talk.description, *(reply.content for reply in talk.replies)):
        if left <= 0:
            return
        part = message[: min(left, _OF_ONE)]
        left -= len(part)
        yield mask_cards(part)
