"""
Storing: one step of an import's tickets or documents, and what it did.

A step may be done twice: by a worker that was killed after it, and by the next one. What the rows' versions
were before it tells the second what the first has done.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from candor.documents import Change, Document, Documents, Draft, document_id_of
from candor.errors import Invalid, NotFound
from candor.importing.orders import ImportOrder
from candor.tickets.store import Tickets
from candor.tickets.succession import prepared, succession
from candor.tickets.values import Approval, Ticket, TicketDraft


class Keeps(Protocol):
    """Stores tickets so that they are found, and learns from those that are approved (`tickets.keeping`)."""

    def keep(
        self, drafts: Sequence[TicketDraft], *, approval: Approval = ..., job_id: str | None = None
    ) -> Sequence[tuple[Ticket, Change]]: ...


class Storing:
    """Stores what an order asks for; in a dry run it foresees what that would do."""

    def __init__(
        self,
        *,
        order: ImportOrder,
        tickets: Tickets,
        keeping: Keeps,
        documents: Documents,
        clock: Callable[[], datetime],
    ) -> None:
        self._order = order
        self._tickets = tickets
        self._keeping = keeping
        self._documents = documents
        self._clock = clock

    def ticket_versions(self, step: Sequence[TicketDraft]) -> list[int]:
        """Of their rows as they are; 0 where there is none."""
        if self._order.dry_run:
            return [0] * len(step)
        ids = [draft.ticket_id for draft in step]
        rows = {row.ticket_id: row.version for row in self._tickets.some(ids)}
        return [rows.get(ticket_id, 0) for ticket_id in ids]

    def keep(
        self, step: Sequence[TicketDraft], befores: Sequence[int], *, again: bool
    ) -> list[Change | Invalid]:
        """
        What became of each ticket, or why it could not be stored.

        `again`: somebody may have done this step before, from the versions that are given.
        """
        if self._order.dry_run:
            return list(self._foreseen(step))
        outcomes: list[Change | Invalid] = []
        kept, repeated = self._kept(step)
        for before, outcome in zip(befores, kept, strict=True):
            if isinstance(outcome, Invalid):
                outcomes.append(outcome)
                continue
            ticket, change = outcome
            outcomes.append(_seen_again(change, before, ticket.version) if again or repeated else change)
        return outcomes

    def document_versions(self, step: Sequence[Draft]) -> list[int]:
        rows = self._documents.find_many([document_id_of(draft.url) for draft in step])
        found = [rows.get(document_id_of(draft.url)) for draft in step]
        return [0 if row is None or row.deleted else row.version for row in found]

    def put(self, step: Sequence[Draft], befores: Sequence[int], *, again: bool) -> list[Change]:
        """The same for documents. They are searchable a moment later; nobody waits for that."""
        if self._order.dry_run:
            rows = self._documents.find_many([document_id_of(draft.url) for draft in step])
            return [_foreseen(rows.get(document_id_of(draft.url)), draft) for draft in step]
        kept = self._documents.put_many(step)
        if not again:
            return [change for _, change in kept]
        return [
            _seen_again(change, before, document.version)
            for before, (document, change) in zip(befores, kept, strict=True)
        ]

    def withdraw(self, *, keep: frozenset[str]) -> int:
        """Delete the documents that the dump owned and `keep` does not name."""
        withdrawn = 0
        for document in self._documents.of_source(self._order.owner):
            if document.document_id not in keep:
                try:
                    self._documents.delete(document.document_id, source=self._order.owner)
                except NotFound:
                    continue  # Another source has taken it over, or it is gone already.
                withdrawn += 1
        return withdrawn

    def _kept(self, step: Sequence[TicketDraft]) -> tuple[list[tuple[Ticket, Change] | Invalid], bool]:
        """And whether some may have been stored before they were stored one by one."""
        # The import's job does not await what is learned: it counts on a scale of its own.
        approval = self._order.approval
        try:
            return list(self._keeping.keep(step, approval=approval)), False
        except Invalid:
            outcomes: list[tuple[Ticket, Change] | Invalid] = []
            for draft in step:
                try:
                    outcomes += self._keeping.keep([draft], approval=approval)
                except Invalid as error:
                    outcomes.append(error)
            return outcomes, True

    def _foreseen(self, step: Sequence[TicketDraft]) -> Iterator[Change]:
        rows = {row.ticket_id: row for row in self._tickets.some([draft.ticket_id for draft in step])}
        for draft in step:
            current = rows.get(draft.ticket_id)
            if current is None:
                yield Change.CREATED
            else:
                yield self._after(current, draft)

    def _after(self, current: Ticket, draft: TicketDraft) -> Change:
        _, _, change = succession(
            current,
            lambda: self._tickets.talk(current),
            prepared(draft),
            approval=self._order.approval,
            now=self._clock(),
        )
        return change


def _foreseen(row: Document | None, draft: Draft) -> Change:
    if row is None or row.deleted:
        return Change.CREATED
    return Change.UNCHANGED if row.checksum == draft.checksum else Change.UPDATED


def _seen_again(change: Change, before: int, after: int) -> Change:
    if change != Change.UNCHANGED or after <= before:
        return change
    return Change.UPDATED if before else Change.CREATED
