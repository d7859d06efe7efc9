"""Tickets in memory with all that learns of them."""

from dataclasses import dataclass, field

from candor.tickets.learning import url_of
from candor.tickets.values import Approval, Message, Role, TicketDraft
from tests.doubles.knowledge import Knowledge


def solved(
    number: str,
    *,
    asked: str = "My site shows error 500 since the PHP update of last night. What can I do about it?",
    answered: str = "Open cPanel, choose Select PHP Version, go back to 8.1: the plugin is too old for 8.3.",
    subject: str = "Error 500 after update",
    **told: object,
) -> TicketDraft:
    replies = (Message(role=Role.STAFF, content=answered, name="Olga Petrenko"),)
    fields = {"replies": replies, "status": "Closed", "name": "John Miller", **told}
    return TicketDraft(number=number, subject=subject, description=asked, **fields)  # type: ignore[arg-type]


@dataclass(kw_only=True)
class Learnt:
    """The rows, their documents, and what makes the one follow the other."""

    knowledge: Knowledge = field(default_factory=Knowledge)

    def __post_init__(self) -> None:
        self.tickets, self.learning = self.knowledge.tickets, self.knowledge.learning
        self.folding = self.knowledge.folding

    def approved(self, *drafts: TicketDraft) -> list[str]:
        """Put and approve them, and follow; their ids."""
        rows = [ticket for ticket, _ in self.tickets.put(drafts, approval=Approval.APPROVED)]
        self.learning.follow([row.ticket_id for row in rows])
        return [row.ticket_id for row in rows]

    def decide(self, ticket_id: str, approval: Approval) -> None:
        """As a reviewer does."""
        if approval != Approval.APPROVED:
            self.learning.forget([ticket_id])
        self.tickets.decide(ticket_id, approval, by="reviewer")
        self.learning.follow([ticket_id])

    def titles(self) -> list[str]:
        """Of the documents there are."""
        return sorted(row.title for row in self.knowledge.documents.all() if not row.deleted)

    def has_document(self, ticket_id: str) -> bool:
        url = url_of(self.tickets.get(ticket_id))
        return any(row.url == url for row in self.knowledge.documents.all() if not row.deleted)
