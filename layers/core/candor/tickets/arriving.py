"""Arriving: tickets that a dropped file brings, and those that leave when it is replaced or removed."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from candor.documents import Change
from candor.errors import NotFound
from candor.sources.records import tidy
from candor.tickets.keeping import Keeping
from candor.tickets.learning import Learning
from candor.tickets.showing import masked_talk, masked_ticket
from candor.tickets.store import Tickets
from candor.tickets.values import Approval, Ticket, TicketDraft

_STEP: Final = 100
_READERS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """What has become of one ticket of a file."""

    change: Change
    awaited: bool
    """Its document is counted, when it is searchable, by whoever makes it so."""


class Arriving:
    """What `ingesting` does with a record that is a ticket."""

    def __init__(self, *, tickets: Tickets, keeping: Keeping, learning: Learning) -> None:
        self._tickets = tickets
        self._keeping = keeping
        self._learning = learning

    def bring(self, drafts: Sequence[TicketDraft], *, job_id: str) -> Sequence[Arrival]:
        """
        Keep them, approved where they are new: whoever drops an export of solved tickets has approved them.

        What a person decided of a known one stays. One arrival for each draft, in order.
        """
        kept = self._keeping.put(self._unmasked(drafts), approval=Approval.APPROVED)
        followed = self._learning.follow([ticket.ticket_id for ticket, _ in kept], job_id=job_id)
        of_ticket = {each.ticket_id: each for each in followed}
        return [
            Arrival(
                # A killed step is done again: what our own job has brought just before is not "unchanged".
                change=_again(change, of_ticket[ticket.ticket_id].brought),
                awaited=of_ticket[ticket.ticket_id].awaited,
            )
            for ticket, change in kept
        ]

    def _unmasked(self, drafts: Sequence[TicketDraft]) -> list[TicketDraft]:
        """
        Drafts that tell of a known ticket what our own export shows of it, told without words.

        An export is masked: dropped again it would put `[name]` where the name stands.
        """
        rows = {row.ticket_id: row for row in self._tickets.some([each.ticket_id for each in drafts])}
        with ThreadPoolExecutor(max_workers=_READERS) as pool:
            return list(pool.map(lambda draft: self._as_known(draft, rows.get(draft.ticket_id)), drafts))

    def _as_known(self, draft: TicketDraft, row: Ticket | None) -> TicketDraft:
        if row is None:
            return draft
        try:
            talk = masked_talk(row, self._tickets.talk(row))
        except NotFound:
            return draft  # Replaced by another writer just now: of two at once the later one counts.
        told = [draft.description, *(reply.content for reply in draft.replies)]
        if told != [tidy(talk.description), *(tidy(reply.content) for reply in talk.replies)]:
            return draft
        same = draft.subject == _line(masked_ticket(row).subject)
        subject = "" if same else draft.subject
        # Where the helpdesk did not say when it was opened, an export says when it came in.
        opened_at = None if draft.opened_at == row.created_at else draft.opened_at
        return replace(
            draft, subject=subject, description="", replies=(), attachments=(), opened_at=opened_at
        )

    def withdraw(self, source_file: str, *, keep: Collection[str], in_time: Callable[[], bool]) -> int | None:
        """
        Tickets of this file that are not among those to keep are knowledge no more; how many those were.

        None when the time did not suffice: to be called again.
        """
        gone = (each for each in self._tickets.of_source(source_file) if each not in keep)
        withdrawn = 0
        for step in _steps(gone):
            if not in_time():
                return None
            changed = self._tickets.withdraw(step, source_file=source_file)
            self._keeping.enter(self._tickets.some(changed))
            # All of the step: whoever was killed between these lines has withdrawn and not forgotten them.
            self._learning.follow(step)
            withdrawn += len(changed)
        return withdrawn


def _line(text: str) -> str:
    return " ".join(tidy(text).split())


def _again(change: Change, brought: Change | None) -> Change:
    return brought if change == Change.UNCHANGED and brought is not None else change


def _steps(ids: Iterator[str]) -> Iterator[list[str]]:
    while step := list(islice(ids, _STEP)):
        yield step
