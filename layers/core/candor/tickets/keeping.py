"""Keeping: drafts become rows, rows are found in the directory, and what is approved becomes knowledge."""

from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import chain, repeat
from typing import Final, Protocol

from candor.documents import Change
from candor.errors import NotFound
from candor.tickets.entries import entry_of, entry_of_new
from candor.tickets.reckoning import Spread, ahead, in_turn
from candor.tickets.store import Entry, TicketDirectory, Tickets
from candor.tickets.succession import called
from candor.tickets.values import Approval, Ticket, TicketDraft, ticket_id_of

SLICE: Final = 100
"""Drafts stored at a time: one request reads their rows, one writes them."""

_ENTERED: Final = 5 * SLICE
"""
Tickets entered at a time, in one transaction. For fewer than 200 OpenSearch is waited for until it finds
them.
"""

_AT_ONCE: Final = 2
"""Slices being stored while earlier ones are entered: one waits for the table, one is made ready for it."""

_ATTEMPTS: Final = 5


class Lessons(Protocol):
    """Who makes knowledge of approved tickets (`tickets.learning`)."""

    def follow(self, ticket_ids: Iterable[str], *, job_id: str | None = None) -> object: ...

    def forget(self, ticket_ids: Iterable[str]) -> None: ...


class Keeping:
    """
    Where every way that a ticket comes by ends.

    Each step may be done twice and ends the same: whoever was killed in between does all of it again.
    """

    def __init__(
        self,
        *,
        tickets: Tickets,
        directory: TicketDirectory,
        learning: Lessons,
        spread: Spread = in_turn,
    ) -> None:
        self._tickets = tickets
        self._directory = directory
        self._learning = learning
        self._spread = spread
        self._brings_news = True
        """Most of the last many drafts did: of a dump that is imported again nothing need be reckoned."""

    def keep(
        self,
        drafts: Sequence[TicketDraft],
        *,
        approval: Approval = Approval.PENDING,
        job_id: str | None = None,
    ) -> Sequence[tuple[Ticket, Change]]:
        """
        Store at most 1,000 drafts, have them found, and have those that are approved learned.

        Durable on return; `job_id` awaits the documents that are made. A pair for each draft.
        """
        kept = self.put(drafts, approval=approval)
        # Those that did not change too: who was killed before this line had changed them.
        known = [t.ticket_id for t, _ in kept if t.approval is Approval.APPROVED and not t.withdrawn]
        if known:
            self._learning.follow(list(dict.fromkeys(known)), job_id=job_id)
        return kept

    def put(
        self, drafts: Sequence[TicketDraft], *, approval: Approval = Approval.PENDING
    ) -> Sequence[tuple[Ticket, Change]]:
        """The same without learning: for whoever follows them himself."""
        slices = _slices(drafts)
        kept: list[tuple[Ticket, Change]] = []
        told: dict[str, TicketDraft] = {}
        entered = 0
        with closing(self._stored(slices, approval)) as parts:
            for some, done in parts:
                kept += done
                told |= {ticket.ticket_id: draft for (ticket, _), draft in zip(done, some, strict=True)}
                # Not before they are stored: the directory names nothing that is not there.
                if len(kept) - entered >= _ENTERED or len(kept) == len(drafts):
                    # Where a ticket is told twice, no draft says all of it.
                    self._enter(kept[entered:], told if len(told) == len(kept) else {})
                    entered = len(kept)
        self._drop_children(drafts)
        return kept

    def _stored(
        self, slices: Sequence[Sequence[TicketDraft]], approval: Approval
    ) -> Generator[tuple[Sequence[TicketDraft], Sequence[tuple[Ticket, Change]]]]:
        """Each slice and what became of it, in their order. The next ones are on their way meanwhile."""
        put = partial(self._tickets.put, approval=approval)
        if len(slices) == 1:
            yield slices[0], put(slices[0])
            return
        waiting: deque[tuple[Sequence[TicketDraft], Future[Sequence[tuple[Ticket, Change]]]]] = deque()
        news = 0
        with closing(self._ready(slices)) as ready, ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            for some in chain(ready, repeat(None)):
                if some is not None:
                    waiting.append((some, pool.submit(put, some)))
                if not waiting:
                    break
                if some is None or len(waiting) > _AT_ONCE:
                    those, storing = waiting.popleft()
                    done = storing.result()
                    news += sum(change is not Change.UNCHANGED for _, change in done)
                    yield those, done
        self._brings_news = 2 * news > sum(map(len, slices))

    def _ready(self, slices: Sequence[Sequence[TicketDraft]]) -> Generator[Sequence[TicketDraft]]:
        yield from ahead(slices, self._spread) if self._brings_news else slices

    def enter(self, tickets: Sequence[Ticket]) -> None:
        """Have the directory say of these rows what they say."""
        self._enter([(ticket, Change.UNCHANGED) for ticket in tickets], {})

    def drop(self, ticket_ids: Sequence[str]) -> None:
        """Remove tickets, what is known of them included."""
        self._learning.forget(ticket_ids)
        for ticket_id in ticket_ids:
            self._tickets.delete(ticket_id)
        self._directory.remove(ticket_ids)

    def _enter(self, kept: Sequence[tuple[Ticket, Change]], told: Mapping[str, TicketDraft]) -> None:
        rows = {ticket.ticket_id: (ticket, change) for ticket, change in kept}
        absent = self._directory.revise([ticket for ticket, _ in rows.values()])
        entries = (self._entry(*rows[ticket_id], told.get(ticket_id)) for ticket_id in absent)
        self._directory.put([entry for entry in entries if entry is not None])

    def _entry(self, ticket: Ticket, change: Change, draft: TicketDraft | None) -> Entry | None:
        if draft is not None and change is Change.CREATED and draft.reckoned:
            return entry_of_new(ticket, draft.reckoned)
        # A blank keeps what is known: of a new ticket that is nothing.
        if draft is not None and (change is Change.CREATED or (draft.description and draft.replies)):
            return entry_of(ticket, draft)
        for _ in range(_ATTEMPTS):
            try:
                return entry_of(ticket, self._tickets.talk(ticket))
            except NotFound:
                # Replaced meanwhile: the one who did writes its entry, and ours is none the worse.
                found = self._tickets.some([ticket.ticket_id])
                if not found:
                    return None
                ticket = found[0]
        return None

    def _drop_children(self, drafts: Sequence[TicketDraft]) -> None:
        """What was joined to another ticket is none of its own any more."""
        ids = dict.fromkeys(ticket_id_of(d.helpdesk, number) for d in drafts for number in d.merged)
        children = [ticket.ticket_id for ticket in self._tickets.some(list(ids))] if ids else []
        if children:
            self.drop(children)


def _slices(drafts: Sequence[TicketDraft]) -> Sequence[Sequence[TicketDraft]]:
    """Few at a time; all at once where a ticket is told twice, for what is told later counts."""
    distinct = {ticket_id_of(draft.helpdesk, called(draft.number)) for draft in drafts}
    if len(distinct) < len(drafts):
        return [drafts]
    return [drafts[start : start + SLICE] for start in range(0, len(drafts), SLICE)] or [drafts]
