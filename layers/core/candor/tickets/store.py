"""
The ticket stores: two ports. `Tickets` keeps the truth; `TicketDirectory` finds among 200,000 of them.

The directory is a projection: whoever writes a row writes its entry right after it, and `reconcile` compares
them. What a list shows is always read from the rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from candor.documents import Change
from candor.tickets.values import Approval, Order, Talk, Ticket, TicketDraft, Wanted
from candor.tickets.words import terms_of


class Tickets(Protocol):
    """Where tickets are kept. A write returns only when it is durable. Card numbers are masked before it."""

    def put(
        self, drafts: Sequence[TicketDraft], *, approval: Approval = Approval.PENDING
    ) -> Sequence[tuple[Ticket, Change]]:
        """
        Create or update, in the order given; `approval` is that of new ones, an existing one keeps its own.

        The same again changes nothing. A draft's blank field, or its lack of replies, keeps what is known;
        several drafts of one ticket in one call are one, the last counts. One that was withdrawn is back.
        At most 1,000; the answer has a pair for each draft.
        """
        ...

    def get(self, ticket_id: str) -> Ticket:
        """The row, read consistently; `NotFound`."""
        ...

    def find(self, reference: str) -> Ticket:
        """By id or external_id (of several with that external_id, the newest); `NotFound`."""
        ...

    def some(self, ticket_ids: Sequence[str]) -> Sequence[Ticket]:
        """These rows in this order, read consistently; those that do not exist are left out."""
        ...

    def with_tid(self, tid: str) -> Sequence[Ticket]:
        """Those with this public number: usually one."""
        ...

    def talk(self, ticket: Ticket) -> Talk:
        """What was said, as of this version; `NotFound` if a later one has replaced it."""
        ...

    def decide(self, ticket_id: str, approval: Approval, *, by: str) -> tuple[Ticket, bool]:
        """Approve, reject or reopen: the row after it, and whether that changed it. `NotFound`."""
        ...

    def decide_all(
        self, ticket_ids: Sequence[str], approval: Approval, *, by: str
    ) -> Sequence[tuple[Ticket, bool]]:
        """The same for many, in this order; those that do not exist are left out."""
        ...

    def withdraw(self, ticket_ids: Sequence[str], *, source_file: str | None = None) -> Sequence[str]:
        """
        Their file was taken away: no knowledge until they are put again. Those that this changed.

        With a `source_file`, only those that no other one has brought meanwhile.
        """
        ...

    def of_source(self, source_file: str) -> Iterator[str]:
        """Ids of those that this source brought last, withdrawn ones too, in any order."""
        ...

    def delete(self, ticket_id: str) -> None:
        """The row and its text; nothing if there is none."""
        ...

    def text_keys(self, ticket_id: str) -> frozenset[str]:
        """The objects in the bucket that the row names, read consistently; as `Documents.text_keys`."""
        ...

    def after(self, ticket_id: str, *, limit: int) -> Sequence[Ticket]:
        """The next rows in an order that stays; blank: from the beginning; nothing: there are no more."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What the directory knows of a ticket."""

    ticket_id: str
    version: int
    words: str
    """What `Wanted.text` is looked for in: numbers, subject, name, address, how each message begins."""
    status: str
    approval: Approval
    department: str
    helpdesk: str
    source_file: str
    worth: int
    created_at: datetime
    revision: int = 0
    """Of two entries of a ticket the one of the higher revision is the later, whichever comes first."""
    reckoned: str = ""
    """The terms, by blanks, where they were made before; then `words` may be blank."""

    @property
    def terms(self) -> Sequence[str]:
        """What it is found by (`tickets.words`)."""
        return self.reckoned.split() if self.reckoned else terms_of(self.words)


def latest_of(entries: Iterable[Entry]) -> dict[str, Entry]:
    """By ticket, of several the one of the highest revision; of equal ones the last."""
    latest: dict[str, Entry] = {}
    for entry in entries:
        before = latest.get(entry.ticket_id)
        if before is None or entry.revision >= before.revision:
            latest[entry.ticket_id] = entry
    return latest


class TicketDirectory(Protocol):
    """Finds tickets by filter and words, at interactive speed for 200,000 of them."""

    def put(self, entries: Sequence[Entry]) -> None:
        """Found from now on as told (OpenSearch: within its refresh, which `put` waits for when few)."""
        ...

    def revise(self, tickets: Sequence[Ticket]) -> Sequence[str]:
        """
        What these rows say beside their words: approval, status, source and so on. The words stay.

        Ids of those whose words of this version it does not hold: they want `put`.
        """
        ...

    def remove(self, ticket_ids: Iterable[str]) -> None: ...

    def page(
        self, wanted: Wanted, *, page: int, page_size: int, order: Order = Order.NEWEST
    ) -> tuple[Sequence[str], int]:
        """Ids of one page, and how many there are in all."""
        ...

    def count(self, wanted: Wanted) -> int: ...

    def after(self, wanted: Wanted, ticket_id: str, *, limit: int) -> Sequence[str]:
        """The next ids in order of id: to work through all of them. Blank: from the beginning."""
        ...

    def entries_after(self, ticket_id: str, *, limit: int) -> Sequence[tuple[str, int, Approval]]:
        """Id, version and approval of the next entries in order of id; for `reconcile`."""
        ...
