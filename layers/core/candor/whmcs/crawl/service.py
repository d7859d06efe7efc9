"""
Crawling tickets: a helpdesk's list is gone through page by page, and every ticket of it stored.

Every step can be done twice. Tickets are stored first; then the job's checkpoint is moved, if nobody else has
moved it: a worker that is killed in between leaves work that comes to "unchanged" when it is done again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from candor.documents import Change
from candor.errors import CandorError, NotFound, Refused, TooMany, Unavailable, UpstreamFailed
from candor.jobs import JobError
from candor.messages import TicketsToCrawl
from candor.tickets.values import Approval, Ticket, TicketDraft, ticket_id_of
from candor.whmcs.crawl.course import Course, Means, Remaining
from candor.whmcs.crawl.opening import Opening
from candor.whmcs.crawl.orders import LAST, Order
from candor.whmcs.site.values import Access, Helpdesk, Listed, TicketRef

AT_ONCE: Final = 4
"""Tickets that are asked for at once: a helpdesk is somebody's small server."""

STEP: Final = 25
"""Tickets between two checkpoints: what a killed worker does again at most."""

MOST_PAGES: Final = 20_000
"""A list that is longer than this goes in circles."""


class Keeps(Protocol):
    """Stores tickets, makes them findable, and lets knowledge follow: `tickets.keeping.Keeping`."""

    def keep(
        self,
        drafts: Sequence[TicketDraft],
        *,
        approval: Approval = Approval.PENDING,
        job_id: str | None = None,
    ) -> Sequence[tuple[Ticket, Change]]: ...

    def drop(self, ticket_ids: Sequence[str]) -> None: ...


class FindsByTid(Protocol):
    """What a crawl asks of the store of tickets."""

    def some(self, ticket_ids: Sequence[str]) -> Sequence[Ticket]: ...

    def with_tid(self, tid: str) -> Sequence[Ticket]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Batch:
    """What reading some tickets came to."""

    drafts: tuple[TicketDraft, ...]
    done: tuple[TicketRef, ...]
    """Those that need not be read again, failed and gone ones included."""
    gone: int
    failed: tuple[tuple[TicketRef, CandorError], ...]
    unread: bool
    """Whether the time was too short for some of them."""
    halt: CandorError | None
    """Why the others were not read: the site wants a pause, or has shut its door."""


class TicketCrawling:
    """Works off the messages of a crawl."""

    def __init__(
        self,
        *,
        means: Means,
        opening: Opening,
        tickets: FindsByTid,
        keeping: Keeps,
        open_helpdesk: Callable[[Access], Helpdesk],
    ) -> None:
        self._means = means
        self._opening = opening
        self._tickets = tickets
        self._keeping = keeping
        self._open_helpdesk = open_helpdesk

    def go_on(self, message: TicketsToCrawl, *, remaining: Remaining) -> None:
        """The next tickets of a job, as far as the time reaches."""
        means = self._means
        try:
            job = means.jobs.get(message.job_id)
        except NotFound:
            return  # It has aged away: nobody waits for it.
        if job.status.ended:
            means.orders.forget(job.job_id)
            return
        course = Course(means, job, message, remaining)
        if course.is_too_early():
            return
        try:
            order = means.orders.of(job.job_id)
            access = self._opening.access(order.sent, session=order.session)
            helpdesk = self._open_helpdesk(access)
        except Unavailable:
            raise
        except CandorError as error:
            course.stop(str(error), at_the_door=isinstance(error, Refused))
            return
        place = f"{access.area.value} of {access.base_url}"
        if not job.checkpoint:
            since = self._since(message.since, access)
            if not course.moved(replace(course.tally, since=since, place=place)):
                return
        elif course.tally.place not in ("", place):
            course.stop("The helpdesk's settings name another one than this crawl began with: begin again.")
            return
        self._crawl(course, helpdesk, access, order)

    def _since(self, said: str, access: Access) -> datetime | None:
        if said == LAST:
            return self._means.memory.last(access)
        return datetime.fromisoformat(said) if said else None

    def _crawl(self, course: Course, helpdesk: Helpdesk, access: Access, order: Order) -> None:
        reading = _Reading(course, helpdesk, order, self._means, self._tickets, self._keeping)
        while True:
            if not course.has_time:
                course.hand_on()
                return
            try:
                listed = helpdesk.listed(page_token=course.tally.page, since=course.tally.since)
            except CandorError as error:
                if not course.halted(error):
                    return
                continue
            reading.let_in()
            try:
                halt = reading.page(listed)
            except _Left:
                return
            if halt is not None:
                if not course.halted(halt):
                    return
            elif listed.next is None or course.tally.pages >= MOST_PAGES:
                course.end(access, way=helpdesk.way)
                return
            elif not course.moved(course.tally.turned(listed.next)):
                return


class _Unread:
    """Not asked for: there was no time left."""


class _Left(Exception):
    """Another worker goes on with it, or nobody is to any more."""


class _Reading:
    """Reads the tickets of pages, and stores them."""

    def __init__(
        self,
        course: Course,
        helpdesk: Helpdesk,
        order: Order,
        means: Means,
        tickets: FindsByTid,
        keeping: Keeps,
    ) -> None:
        self._course = course
        self._helpdesk = helpdesk
        self._order = order
        self._means = means
        self._tickets = tickets
        self._keeping = keeping
        self._is_in = False

    def let_in(self) -> None:
        """A page of the list has been shown."""
        if not self._is_in:
            self._is_in = True
            self._means.memory.let_in(self._helpdesk.way)
        self._keep_session()

    def page(self, listed: Listed) -> CandorError | None:
        """All of a page's tickets; what stood in the way of the rest of them. Raises `_Left`."""
        known = set(self._course.tally.recent)
        todo = [ref for ref in listed.refs if ref.number not in known]
        self._count(listed, len(todo))
        for start in range(0, len(todo), STEP):
            if not self._course.has_time:
                self._course.hand_on()
                raise _Left
            batch = self._batch(todo[start : start + STEP])
            self._keep_session()
            self._store(batch)
            if batch.halt is not None:
                return batch.halt
            if batch.unread:
                self._course.hand_on()
                raise _Left
        return None

    def _count(self, listed: Listed, todo: int) -> None:
        course = self._course
        tally = course.tally.listing(listed.left_out)
        if tally is course.tally:
            return  # Counted before a pause, or by the worker before this one.
        left_out = sum(listed.left_out.values())
        ahead = course.job.done + left_out + todo
        # The list's own number where it tells one; else there is at least as much again behind this page.
        behind = 0 if listed.next is None else len(listed.refs) + left_out
        total = max(listed.total or ahead + behind, ahead)
        if not course.moved(tally, done=left_out, total=total - course.job.total):
            raise _Left

    def _batch(self, refs: Sequence[TicketRef]) -> _Batch:
        def read(ref: TicketRef) -> TicketDraft | CandorError | _Unread | None:
            if self._course.is_late:
                return _Unread()
            try:
                return self._helpdesk.ticket(ref)
            except UpstreamFailed:
                pass  # A connection that broke, most often: once more.
            except CandorError as error:
                return error
            try:
                return self._helpdesk.ticket(ref)
            except CandorError as error:
                return error

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            found = list(zip(refs, pool.map(read, refs), strict=True))
        errors = [(ref, one) for ref, one in found if isinstance(one, CandorError)]
        halts = [one for _, one in errors if isinstance(one, TooMany | Unavailable | Refused)]
        failed = [(ref, one) for ref, one in errors if not isinstance(one, TooMany | Unavailable | Refused)]
        # A door that is shut weighs more than a pause that is asked for.
        halt = min(halts, key=lambda error: not isinstance(error, Refused), default=None)
        if halt is None and len(failed) == len(refs) > 1:
            # One page that fails is that page's fault; all of them at once are the site's.
            halt, failed = Unavailable(f"No ticket can be read any more. {failed[0][1]}"), []
        drafts = [one for _, one in found if isinstance(one, TicketDraft)]
        gone = [ref.number for ref, one in found if one is None]
        read_now = {ref.number for ref, one in found if isinstance(one, TicketDraft)}
        over = {*read_now, *gone, *(ref.number for ref, _ in failed)}
        return _Batch(
            drafts=tuple(drafts),
            done=tuple(ref for ref in refs if ref.number in over),
            gone=len(gone),
            failed=tuple(failed),
            unread=any(isinstance(one, _Unread) for _, one in found),
            halt=halt,
        )

    def _store(self, batch: _Batch) -> None:
        if not batch.done:
            return
        course = self._course
        kept = self._kept(self._placed(batch.drafts))
        tally = course.tally.read(batch.done, kept, gone=batch.gone, failed=[ref for ref, _ in batch.failed])
        errors = [
            JobError(
                file=f"ticket {ref.tid or ref.number}", record=course.job.done + place, reason=str(error)
            )
            for place, (ref, error) in enumerate(batch.failed)
        ]
        if not course.moved(tally, done=len(batch.done), errors=errors):
            raise _Left

    def _kept(self, placed: Sequence[tuple[TicketDraft, Ticket | None]]) -> list[tuple[Ticket, Change]]:
        usual = [draft for draft, old in placed if old is None]
        kept = list(self._keeping.keep(usual)) if usual else []
        for draft, old in placed:
            if old is not None:
                # Under its right key from now on, approved or not as it was; then the other one goes.
                kept += self._keeping.keep([draft], approval=old.approval)
                self._keeping.drop([old.ticket_id])
        return kept

    def _placed(self, drafts: Sequence[TicketDraft]) -> list[tuple[TicketDraft, Ticket | None]]:
        """
        Each draft under the key its ticket is known by, with the row that it takes the place of, if any.

        The client area tells public numbers alone. They may be used twice, so the subject has to be the same.
        """
        named = [replace(draft, source_file=draft.source_file or "crawl") for draft in drafts]
        by_tid = {_by_tid(draft): draft for draft in named if draft.tid and draft.number != _by_tid(draft)}
        ids = [ticket_id_of(draft.helpdesk, number) for number, draft in by_tid.items()]
        old = {row.number: row for row in self._tickets.some(ids)} if ids else {}
        placed: list[tuple[TicketDraft, Ticket | None]] = []
        for draft in named:
            before = old.get(_by_tid(draft))
            if draft.tid and draft.number == _by_tid(draft):
                placed.append((self._known(draft), None))
            else:
                placed.append((draft, before if before is not None and _is_same(draft, before) else None))
        return placed

    def _known(self, draft: TicketDraft) -> TicketDraft:
        """A draft of the client area, by the key of the row that is known under its public number."""
        for row in self._tickets.with_tid(draft.tid):
            if row.number != draft.number and row.helpdesk == draft.helpdesk and _is_same(draft, row):
                return replace(draft, number=row.number, external_id=row.external_id)
        return draft

    def _keep_session(self) -> None:
        """Whoever goes on after this worker need not log in again: a one-time code is good for once."""
        session = self._helpdesk.session
        if session and session != self._order.session:
            self._order = replace(self._order, session=session)
            self._means.orders.keep(self._course.job.job_id, self._order)


def _by_tid(draft: TicketDraft) -> str:
    return f"tid-{draft.tid}"


def _is_same(draft: TicketDraft, row: Ticket) -> bool:
    return " ".join(draft.subject.split()).casefold() == " ".join(row.subject.split()).casefold()
