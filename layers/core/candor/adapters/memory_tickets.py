"""In-memory tickets: rows and directory in dictionaries, for tests and for small demos."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from candor.documents import Change
from candor.errors import NotFound
from candor.tickets.store import Entry
from candor.tickets.succession import called, succession, together
from candor.tickets.values import Approval, Order, Talk, Ticket, TicketDraft, Wanted
from candor.tickets.words import asked


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryTickets:
    """`Tickets` in a dictionary."""

    def __init__(self, *, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._rows: dict[str, Ticket] = {}
        self._talks: dict[str, Talk] = {}

    def put(
        self, drafts: Sequence[TicketDraft], *, approval: Approval = Approval.PENDING
    ) -> Sequence[tuple[Ticket, Change]]:
        ids, whole = together(drafts)
        with self._lock:
            done = {ticket_id: self._put(draft, approval) for ticket_id, draft in whole.items()}
        return [done[ticket_id] for ticket_id in ids]

    def get(self, ticket_id: str) -> Ticket:
        try:
            return self._rows[ticket_id]
        except KeyError:
            raise NotFound("There is no such ticket.") from None

    def find(self, reference: str) -> Ticket:
        if reference in self._rows:
            return self._rows[reference]
        name = called(reference)
        found = [row for row in list(self._rows.values()) if row.external_id == name]
        if not found:
            raise NotFound("There is no such ticket.")
        return max(found, key=lambda row: (row.created_at, row.ticket_id))

    def some(self, ticket_ids: Sequence[str]) -> Sequence[Ticket]:
        rows = (self._rows.get(ticket_id) for ticket_id in ticket_ids)
        return [row for row in rows if row is not None]

    def with_tid(self, tid: str) -> Sequence[Ticket]:
        name = called(tid)
        found = [row for row in list(self._rows.values()) if name and row.tid == name]
        return sorted(found, key=lambda row: (row.created_at, row.ticket_id), reverse=True)

    def talk(self, ticket: Ticket) -> Talk:
        with self._lock:
            row = self._rows.get(ticket.ticket_id)
            if row is None or row.version != ticket.version:
                raise NotFound("That version has been replaced.")
            return self._talks[ticket.ticket_id]

    def decide(self, ticket_id: str, approval: Approval, *, by: str) -> tuple[Ticket, bool]:
        with self._lock:
            row = self.get(ticket_id)
            if row.approval == approval:
                return row, False
            decided = replace(row, approval=approval, decided_by=by)
            return self._written(decided), True

    def decide_all(
        self, ticket_ids: Sequence[str], approval: Approval, *, by: str
    ) -> Sequence[tuple[Ticket, bool]]:
        return [
            self.decide(row.ticket_id, approval, by=by) for row in self.some(list(dict.fromkeys(ticket_ids)))
        ]

    def withdraw(self, ticket_ids: Sequence[str], *, source_file: str | None = None) -> Sequence[str]:
        with self._lock:
            gone = [
                row
                for row in self.some(ticket_ids)
                if not row.withdrawn and source_file in (None, row.source_file)
            ]
            for row in gone:
                self._written(replace(row, withdrawn=True))
        return [row.ticket_id for row in gone]

    def of_source(self, source_file: str) -> Iterator[str]:
        return iter([row.ticket_id for row in list(self._rows.values()) if row.source_file == source_file])

    def delete(self, ticket_id: str) -> None:
        with self._lock:
            self._rows.pop(ticket_id, None)
            self._talks.pop(ticket_id, None)

    def text_keys(self, ticket_id: str) -> frozenset[str]:
        return frozenset()  # All of them lie in the dictionary.

    def after(self, ticket_id: str, *, limit: int) -> Sequence[Ticket]:
        with self._lock:
            ids = sorted(one for one in self._rows if one > ticket_id)
            return [self._rows[one] for one in ids[:limit]]

    def _put(self, draft: TicketDraft, approval: Approval) -> tuple[Ticket, Change]:
        ticket_id = draft.ticket_id
        current = self._rows.get(ticket_id)
        ticket, talk, change = succession(
            current, lambda: self._talks[ticket_id], draft, approval=approval, now=self._clock()
        )
        self._rows[ticket_id] = ticket
        if talk is not None:
            self._talks[ticket_id] = talk
        return ticket, change

    def _written(self, row: Ticket) -> Ticket:
        self._rows[row.ticket_id] = replace(row, updated_at=self._clock(), revision=row.revision + 1)
        return self._rows[row.ticket_id]


class MemoryTicketDirectory:
    """`TicketDirectory` in a dictionary: every question looks at every entry."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}
        self._terms: dict[str, tuple[str, ...]] = {}

    def put(self, entries: Sequence[Entry]) -> None:
        with self._lock:
            for entry in entries:
                held = self._entries.get(entry.ticket_id)
                if held is None or held.revision <= entry.revision:
                    self._entries[entry.ticket_id] = entry
                    self._terms[entry.ticket_id] = tuple(entry.terms)

    def revise(self, tickets: Sequence[Ticket]) -> Sequence[str]:
        absent = []
        with self._lock:
            for ticket in tickets:
                held = self._entries.get(ticket.ticket_id)
                if held is None or held.version < ticket.version:
                    absent.append(ticket.ticket_id)
                elif held.revision <= ticket.revision:
                    self._entries[ticket.ticket_id] = replace(
                        held,
                        status=ticket.status,
                        approval=ticket.approval,
                        department=ticket.department,
                        source_file=ticket.source_file,
                        worth=ticket.worth,
                        revision=ticket.revision,
                    )
        return absent

    def remove(self, ticket_ids: Iterable[str]) -> None:
        with self._lock:
            for ticket_id in ticket_ids:
                self._entries.pop(ticket_id, None)
                self._terms.pop(ticket_id, None)

    def page(
        self, wanted: Wanted, *, page: int, page_size: int, order: Order = Order.NEWEST
    ) -> tuple[Sequence[str], int]:
        found = self._found(wanted)
        found.sort(key=lambda entry: (entry.created_at, entry.ticket_id), reverse=True)
        if order is Order.WORTH:
            found.sort(key=lambda entry: entry.worth, reverse=True)
        start = (page - 1) * page_size
        return [entry.ticket_id for entry in found[start : start + page_size]], len(found)

    def count(self, wanted: Wanted) -> int:
        return len(self._found(wanted))

    def after(self, wanted: Wanted, ticket_id: str, *, limit: int) -> Sequence[str]:
        return sorted(e.ticket_id for e in self._found(wanted) if e.ticket_id > ticket_id)[:limit]

    def entries_after(self, ticket_id: str, *, limit: int) -> Sequence[tuple[str, int, Approval]]:
        with self._lock:
            entries = sorted(self._entries.values(), key=lambda entry: entry.ticket_id)
        return [(e.ticket_id, e.version, e.approval) for e in entries if e.ticket_id > ticket_id][:limit]

    def _found(self, wanted: Wanted) -> list[Entry]:
        words = asked(wanted.text)
        if words is None:
            return []
        with self._lock:
            return [
                entry
                for entry in self._entries.values()
                if wanted.approval in (None, entry.approval)
                and _same(wanted.status, entry.status)
                and _same(wanted.department, entry.department)
                and _same(wanted.helpdesk, entry.helpdesk)
                and wanted.source_file in ("", entry.source_file)
                and all(
                    any(term.startswith(beginning) for term in self._terms[entry.ticket_id])
                    for beginning in words
                )
            ]


def _same(wanted: str, found: str) -> bool:
    return not wanted or wanted.casefold() == found.casefold()
