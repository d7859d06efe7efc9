"""
Learning: knowledge follows the rows: an approved ticket is a document, or stands in for one like it.

Nothing here is told what to do. Each step reads the row, makes its document as the row wants it, and reads
again: if the row, or its place among its like, has changed meanwhile, it acts again. So of any number of
workers and reviewers at once the last to act has seen the last decision, and doing it twice changes nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from typing import Final

from candor.documents import Change, Documents, Draft, Origin, document_id_of
from candor.errors import NotFound, Unavailable
from candor.tickets.distilling import Lesson, Nothing, distil
from candor.tickets.folding import Folding, Rank
from candor.tickets.likeness import print_of
from candor.tickets.store import Tickets
from candor.tickets.values import Approval, Ticket

SOURCE: Final = Origin.TICKETS.value
DOC_TYPE: Final = "conversation"

WORKERS: Final = 8
"""Tickets at once: nine tenths of each is waiting for the tables."""

_STEP: Final = 100
_ROUNDS: Final = 40


class Outcome(StrEnum):
    """What the knowledge of a ticket is after it was followed."""

    LEARNED = "learned"
    """It has a document."""
    FOLDED = "folded"
    """Another one, of a ticket like it, is quoted for both."""
    NOTHING = "nothing"
    """It is approved, and there is nothing in it to learn."""
    NONE = "none"
    """It is not approved, withdrawn, or not there: it has no document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    ticket_id: str
    outcome: Outcome
    reason: str = ""
    """Why there is nothing to learn, as a sentence."""
    change: Change = Change.UNCHANGED
    """What became of its document."""
    awaited: bool = False
    """The job's `done` advances when its document is searchable: whoever follows does not count it."""
    brought: Change | None = None
    """How this job has changed its document, now or when it did the same step before."""
    deleted: bool = False
    """It had a document, and has lost it."""

    @property
    def wrote(self) -> bool:
        return self.change != Change.UNCHANGED


def url_of(ticket: Ticket) -> str:
    """What a ticket's document is called. It says nothing of the customer, and leads nowhere."""
    return f"ticket://{ticket.helpdesk}/{ticket.external_id or ticket.number}"


def is_knowledge(ticket: Ticket) -> bool:
    return ticket.approval == Approval.APPROVED and not ticket.withdrawn


class Learning:
    """Makes documents of approved tickets, and takes them away."""

    def __init__(
        self,
        *,
        tickets: Tickets,
        documents: Documents,
        folding: Folding,
        keep: Callable[[], Iterable[str]] = tuple,
        workers: int = WORKERS,
    ) -> None:
        """`keep` names the company's own addresses and telephones, which may be told, as they are now."""
        self._tickets = tickets
        self._documents = documents
        self._folding = folding
        self._keep = keep
        self._workers = workers

    def follow(self, ticket_ids: Iterable[str], *, job_id: str | None = None) -> Sequence[Followed]:
        """
        Make knowledge be as the rows say, in the order given; durable on return.

        With a `job_id` their documents are awaited by it, as those of a file are.
        """
        found: list[Followed] = []
        wanted = list(dict.fromkeys(ticket_ids))
        with ThreadPoolExecutor(max_workers=self._workers) as pool:
            for start in range(0, len(wanted), _STEP):
                step = wanted[start : start + _STEP]
                rows = {row.ticket_id: row for row in self._tickets.some(step)}
                found.extend(pool.map(self._followed, step, map(rows.get, step), repeat(job_id)))
        return found

    def forget(self, ticket_ids: Iterable[str]) -> None:
        """
        Their documents leave the answers on return; one like it takes the place of each that had some.

        For what is about to leave `approved`: while the row still says so, a `follow` would learn it again.
        """
        with ThreadPoolExecutor(max_workers=self._workers) as pool:
            wanted = list(dict.fromkeys(ticket_ids))
            for start in range(0, len(wanted), _STEP):
                rows = self._tickets.some(wanted[start : start + _STEP])
                heirs = [heir for heir in pool.map(self._forgotten, rows) if heir]
                list(pool.map(lambda heir: self._followed(heir, self._row(heir), None), heirs))

    def _forgotten(self, row: Ticket) -> str:
        self._delete(url_of(row))
        return self._folding.leave(row.ticket_id)

    def _followed(self, ticket_id: str, row: Ticket | None, job_id: str | None) -> Followed:
        """The ticket itself; then those whom its coming or going concerns, on whom no job waits."""
        result, others = self._settled(ticket_id, row, job_id)
        queue, seen = list(others), {ticket_id}
        while queue:
            other = queue.pop()
            if other and other not in seen:
                seen.add(other)
                queue.extend(self._settled(other, self._row(other), None)[1])
        return result

    def _settled(
        self, ticket_id: str, row: Ticket | None, job_id: str | None
    ) -> tuple[Followed, Sequence[str]]:
        """Act, look, act again until nothing has changed while acting."""
        others: list[str] = []
        change, awaited, brought, deleted = Change.UNCHANGED, False, None, False
        for _ in range(_ROUNDS):
            # Once a document of ours is awaited the job hears of it, also when it is replaced or deleted.
            result, concerned = self._acted(ticket_id, row, None if awaited else job_id)
            others.extend(concerned)
            change = result.change if change == Change.UNCHANGED else change
            awaited, brought = awaited or result.awaited, brought or result.brought
            deleted = deleted or result.deleted
            after = self._row(ticket_id)
            same_place = result.outcome not in (Outcome.LEARNED, Outcome.FOLDED) or (
                self._folding.leads(ticket_id) == (result.outcome == Outcome.LEARNED)
            )
            if _state(after) == _state(row) and same_place:
                done = Followed(
                    ticket_id=ticket_id,
                    outcome=result.outcome,
                    reason=result.reason,
                    change=change,
                    awaited=awaited,
                    brought=brought,
                    deleted=deleted,
                )
                return done, others
            row = after
        raise Unavailable("The ticket is being changed again and again.", retry_after=5)

    def _acted(
        self, ticket_id: str, row: Ticket | None, job_id: str | None
    ) -> tuple[Followed, Sequence[str]]:
        if row is None or not is_knowledge(row):
            return self._unlearned(ticket_id, row, Outcome.NONE)
        try:
            lesson = distil(row, self._tickets.talk(row), keep=self._keep())
        except NotFound:
            # Replaced between two looks: the next look sees by what.
            return Followed(ticket_id=ticket_id, outcome=Outcome.NONE), ()
        if isinstance(lesson, Nothing):
            return self._unlearned(ticket_id, row, Outcome.NOTHING, lesson.reason)
        rank = Rank(worth=row.worth, created_at=row.created_at.isoformat())
        place = self._folding.join(ticket_id, print_of(lesson), rank)
        if not place.leads:
            deleted = self._delete(url_of(row))
            return Followed(ticket_id=ticket_id, outcome=Outcome.FOLDED, deleted=deleted), place.concerns
        document, change = self._documents.put(draft_of(row, lesson), job_id=job_id)
        awaited = job_id is not None and job_id in document.awaited_by
        ours = job_id is not None and job_id == document.job_id
        brought = (Change.CREATED if document.version == 1 else Change.UPDATED) if ours else None
        result = Followed(
            ticket_id=ticket_id, outcome=Outcome.LEARNED, change=change, awaited=awaited, brought=brought
        )
        return result, place.concerns

    def _unlearned(
        self, ticket_id: str, row: Ticket | None, outcome: Outcome, reason: str = ""
    ) -> tuple[Followed, Sequence[str]]:
        deleted = row is not None and self._delete(url_of(row))
        heir = self._folding.leave(ticket_id)
        return Followed(ticket_id=ticket_id, outcome=outcome, reason=reason, deleted=deleted), (heir,)

    def _delete(self, url: str) -> bool:
        document_id = document_id_of(url)
        row = self._documents.find(document_id)
        if row is None or row.deleted:
            return False
        try:
            self._documents.delete(document_id, source=SOURCE)
        except NotFound:
            return False  # Somebody else has deleted it, or another source has taken its address over.
        return True

    def _row(self, ticket_id: str) -> Ticket | None:
        return next(iter(self._tickets.some([ticket_id])), None)


def draft_of(ticket: Ticket, lesson: Lesson) -> Draft:
    """The document of a ticket. What identifies its customer stays behind."""
    return Draft(url=url_of(ticket), title=lesson.title, text=lesson.text, doc_type=DOC_TYPE, source=SOURCE)


def _state(row: Ticket | None) -> tuple[object, ...]:
    return () if row is None else (row.version, row.approval, row.withdrawn)
