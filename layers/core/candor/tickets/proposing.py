"""Proposing: a conversation that a customer was content with becomes a ticket to be reviewed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from candor.tickets.distilling import Nothing, lesson_of
from candor.tickets.keeping import Keeping
from candor.tickets.store import Tickets
from candor.tickets.values import Approval, Message, Role, Ticket, TicketDraft, ticket_id_of

HELPDESK: Final = "conversation"

CONTENT: Final = 4
"""Of five: from here on it is worth a person's look."""


class Proposing:
    """Proposes, and never approves: what a model wrote is no knowledge until a person has said so."""

    def __init__(self, *, tickets: Tickets, keeping: Keeping) -> None:
        self._tickets = tickets
        self._keeping = keeping

    def propose(
        self,
        conversation_id: str,
        turns: Sequence[tuple[Role, str, datetime]],
        *,
        rating: int,
        subject: str = "",
    ) -> Ticket | None:
        """
        The pending ticket; None for a rating below 4 of 5, or where nothing was answered.

        Proposed again it holds what was said since, until somebody has decided: then it stays as it was
        when they did.
        """
        messages = [Message(role=role, content=text, posted=at) for role, text, at in turns if text.strip()]
        if rating < CONTENT or isinstance(lesson_of(subject, messages), Nothing):
            return None
        known = self._tickets.some([ticket_id_of(HELPDESK, conversation_id)])
        if known and known[0].approval != Approval.PENDING:
            return known[0]
        draft = draft_of(conversation_id, messages, rating=rating, subject=subject)
        [(ticket, _)] = self._keeping.keep([draft], approval=Approval.PENDING)
        return ticket


def draft_of(conversation_id: str, messages: Sequence[Message], *, rating: int, subject: str) -> TicketDraft:
    """Whose conversation it was is not told: a reviewer needs the words alone."""
    first, *replies = messages
    last = max((at for at, each in enumerate(replies) if each.role == Role.STAFF), default=-1)
    return TicketDraft(
        helpdesk=HELPDESK,
        number=conversation_id,
        subject=subject,
        description=first.content,
        opened_by=first.role,
        replies=tuple(
            Message(role=each.role, content=each.content, posted=each.posted, rating=min(5, rating))
            if at == last
            else each
            for at, each in enumerate(replies)
        ),
        status="Closed",
        opened_at=first.posted,
        last_reply_at=messages[-1].posted,
        source_file=HELPDESK,
    )
