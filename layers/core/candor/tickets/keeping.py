"""Keeping: drafts become rows, rows are found in the directory, and what is approved becomes knowledge."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Protocol

from candor.documents import Change
from candor.errors import NotFound
from candor.redaction import mask_cards
from candor.tickets.store import Entry, TicketDirectory, Tickets
from candor.tickets.succession import called
from candor.tickets.values import Approval, Talk, Ticket, TicketDraft, ticket_id_of

SAID: Final = 4_000
"""Letters of what was said that a ticket is found by: the beginning of each message, up to so many in all."""

SLICE: Final = 125
"""Drafts stored at a time."""

_ENTERED: Final = 2 * SLICE
"""Tickets entered at a time. For fewer than 200 OpenSearch is waited for until it finds them."""

_AT_ONCE: Final = 2
"""Slices being stored while earlier ones are entered: one waits for the table, one is made ready for it."""

_OF_ONE: Final = 1_500
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

    def __init__(self, *, tickets: Tickets, directory: TicketDirectory, learning: Lessons) -> None:
        self._tickets = tickets
        self._directory = directory
        self._learning = learning

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
        told = {ticket_id_of(draft.helpdesk, draft.number): draft for draft in drafts}
        kept: list[tuple[Ticket, Change]] = []
        entered = 0
        for done in self._stored(_slices(drafts), approval):
            # Not before they are stored: the directory names nothing that is not there.
            kept += done
            if len(kept) - entered >= _ENTERED or len(kept) == len(drafts):
                self._enter([ticket for ticket, _ in kept[entered:]], told)
                entered = len(kept)
        self._drop_children(drafts)
        return kept

    def _stored(
        self, slices: Sequence[Sequence[TicketDraft]], approval: Approval
    ) -> Iterator[Sequence[tuple[Ticket, Change]]]:
        """What became of each slice, in their order. The next ones are on their way meanwhile."""
        put = partial(self._tickets.put, approval=approval)
        if len(slices) == 1:
            yield put(slices[0])
            return
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            yield from pool.map(put, slices)

    def enter(self, tickets: Sequence[Ticket]) -> None:
        """Have the directory say of these rows what they say."""
        self._enter(tickets, {})

    def drop(self, ticket_ids: Sequence[str]) -> None:
        """Remove tickets, what is known of them included."""
        self._learning.forget(ticket_ids)
        for ticket_id in ticket_ids:
            self._tickets.delete(ticket_id)
        self._directory.remove(ticket_ids)

    def _enter(self, tickets: Sequence[Ticket], drafts: dict[str, TicketDraft]) -> None:
        rows = {ticket.ticket_id: ticket for ticket in tickets}
        absent = self._directory.revise(list(rows.values()))
        entries = (self._entry(rows[ticket_id], drafts.get(ticket_id)) for ticket_id in absent)
        self._directory.put([entry for entry in entries if entry is not None])

    def _entry(self, ticket: Ticket, draft: TicketDraft | None) -> Entry | None:
        if draft is not None and draft.description and draft.replies:
            said = Talk(description=draft.description, attachments=draft.attachments, replies=draft.replies)
            return entry_of(ticket, said)
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


def entry_of(ticket: Ticket, talk: Talk) -> Entry:
    """What the directory is to know of a ticket."""
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
    return Entry(
        ticket_id=ticket.ticket_id,
        version=ticket.version,
        words="\n".join((*(one for one in named if one), *_said(talk))),
        status=ticket.status,
        approval=ticket.approval,
        department=ticket.department,
        helpdesk=ticket.helpdesk,
        source_file=ticket.source_file,
        worth=ticket.worth,
        created_at=ticket.created_at,
        revision=ticket.revision,
    )


def _said(talk: Talk) -> Iterable[str]:
    left = SAID
    for message in (talk.description, *(reply.content for reply in talk.replies)):
        if left <= 0:
            return
        part = message[: min(left, _OF_ONE)]
        left -= len(part)
        yield mask_cards(part)
