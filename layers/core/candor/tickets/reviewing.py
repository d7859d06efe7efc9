"""
Reviewing: people approve and reject tickets, one, some, or all that a filter means.

Whatever leaves `approved` is out of the answers before its row says so, and what enters is learned after; at
the end what is known is looked at once more, for another reviewer may have decided meanwhile. To decide the
same again does all of it again and changes nothing: whoever was interrupted simply repeats it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from candor.errors import Conflict, Invalid, NotFound, TooLarge
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.messages import Queue, TicketsToDecide
from candor.tickets.keeping import Keeping, Lessons
from candor.tickets.store import TicketDirectory, Tickets
from candor.tickets.values import Approval, Ticket, Wanted

KIND: Final = "decide_tickets"

AT_ONCE: Final = 100
"""Tickets of one step of a job, and of one request that names them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """What came of one of several: None where there is no such ticket."""

    reference: str
    ticket: Ticket | None
    changed: bool


class Reviewing:
    """Decides about tickets, and has knowledge follow."""

    def __init__(
        self,
        *,
        tickets: Tickets,
        directory: TicketDirectory,
        keeping: Keeping,
        learning: Lessons,
        jobs: Jobs,
        queue: Queue,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tickets = tickets
        self._directory = directory
        self._keeping = keeping
        self._learning = learning
        self._jobs = jobs
        self._queue = queue
        self._now = now
        self._clock = clock

    def decide(self, reference: str, approval: Approval, *, by: str) -> Ticket:
        """One, by id or external_id; `NotFound`. What it was known for is gone from answers on return."""
        ticket = self._tickets.find(reference)
        decided = self._decide([ticket], approval, by=by)
        if not decided:
            raise NotFound("There is no such ticket.")
        return decided[0][0]

    def decide_some(self, references: Sequence[str], approval: Approval, *, by: str) -> Sequence[Decided]:
        """Several, by id or external_id, each told apart: one that is not there stops no other."""
        rows = self._named(references)
        existing = {row.ticket_id: row for row in rows.values() if row is not None}
        decided = self._decide(list(existing.values()), approval, by=by)
        return _told_apart(references, rows, decided)

    def foresee_some(self, references: Sequence[str], approval: Approval) -> Sequence[Decided]:
        """What `decide_some` would answer now; nothing is decided."""
        rows = self._named(references)
        existing = [row for row in rows.values() if row is not None]
        foreseen = [(replace(row, approval=approval), row.approval is not approval) for row in existing]
        return _told_apart(references, rows, foreseen)

    def count(self, wanted: Wanted) -> int:
        """How many a filter means at this moment."""
        return self._directory.count(wanted)

    def begin(self, wanted: Wanted, approval: Approval, *, by: str) -> Job:
        """Decide about all that a filter means now, as a job; those that come in later are not among them."""
        job = self._jobs.start(
            kind=KIND, subject=_told(wanted, approval), created_by=by, total=self._directory.count(wanted)
        )
        plan = {
            "wanted": _as_json(wanted),
            "approval": approval.value,
            "after": "",
            "changed": 0,
            "skipped": 0,
        }
        job = self._jobs.progress(job.job_id, checkpoint=plan)
        self.later(job.job_id)
        return job

    def later(self, job_id: str) -> None:
        """Have a worker go on with it."""
        self._queue.send(TicketsToDecide(job_id=job_id))

    def go_on(self, job_id: str, *, seconds: float) -> Job:
        """Decide about more of them for about so long; ends the job when there are no more."""
        job = self._jobs.get(job_id)
        ends = self._clock() + seconds
        again = True
        while not job.status.ended and "wanted" in job.checkpoint:
            job, again = self._step(job, again=again)
            if self._clock() >= ends:
                break
        return job

    def _step(self, job: Job, *, again: bool) -> tuple[Job, bool]:
        """
        The job after its next step, and whether another worker may have done the one after it.

        `again`: one that was killed may have done this one: its tickets have left the filter then, and are
        what they are to be. So whom a step is about is written down before it.
        """
        plan = job.checkpoint
        try:
            if "ids" not in plan:
                plan, was, again = {**plan, **self._next(job)}, plan, False
                job = self._jobs.progress(job.job_id, checkpoint=plan, checkpoint_was=was)
        except Conflict:
            return self._jobs.get(job.job_id), True
        if job.status.ended:
            return job, True
        ids = plan["ids"]
        if not ids:
            return self._end(job), False
        wanted, approval = _from_json(plan["wanted"]), Approval(plan["approval"])
        rows = [row for row in self._tickets.some(ids) if self._is_meant(row, wanted, job)]
        decided, errors = self._decide_each(rows, approval, by=job.created_by)
        changing = frozenset(plan["changing"]) if again else frozenset()
        done = {
            **plan,
            "after": ids[-1],
            "changed": plan["changed"] + sum(c or ticket.ticket_id in changing for ticket, c in decided),
            "skipped": plan["skipped"] + len(ids) - len(decided) - len(errors),
        }
        # What the next step is about is written down with what this one did: one write for both.
        after = {**done, **self._next(job, after=ids[-1])}
        # The total was counted at the beginning: what is done is never more.
        more = max(0, job.done + len(ids) - job.total)
        try:
            job = self._jobs.progress(
                job.job_id,
                done=len(ids),
                failed=len(errors),
                total=more,
                errors=errors,
                checkpoint=after,
                checkpoint_was=plan,
            )
        except Conflict:
            # The same message was at work twice, and the other was sooner.
            return self._jobs.get(job.job_id), True
        return job, False

    def _next(self, job: Job, *, after: str | None = None) -> dict[str, list[str]]:
        """The tickets of the step after that one, and those of them that it will change; none at the end."""
        plan = job.checkpoint
        wanted, approval = _from_json(plan["wanted"]), Approval(plan["approval"])
        ids = list(self._directory.after(wanted, plan["after"] if after is None else after, limit=AT_ONCE))
        changing = [row.ticket_id for row in self._tickets.some(ids) if row.approval is not approval]
        return {"ids": ids, "changing": changing}

    def _end(self, job: Job) -> Job:
        plan = job.checkpoint
        if job.done < job.total:
            # Some have left the filter since they were counted.
            self._jobs.progress(job.job_id, total=job.done - job.total)
        result = {
            "status": "ok",
            "approval_status": plan["approval"],
            "count": job.done - job.failed - plan["skipped"],
            "changed": plan["changed"],
            "skipped": plan["skipped"],
            "failed": job.failed,
        }
        ended = JobStatus.FAILED if 0 < job.done == job.failed else JobStatus.SUCCEEDED
        return self._jobs.finish(job.job_id, ended, result=result)

    def _is_meant(self, row: Ticket, wanted: Wanted, job: Job) -> bool:
        """The directory may be a moment behind; and what came in after the job was asked for nobody meant."""
        if wanted.approval not in (None, row.approval) and row.approval.value != job.checkpoint["approval"]:
            return False
        return row.arrived_at is None or row.arrived_at <= job.created_at

    def _decide(
        self, rows: Sequence[Ticket], approval: Approval, *, by: str
    ) -> Sequence[tuple[Ticket, bool]]:
        ids = [row.ticket_id for row in rows]
        if not ids:
            return []
        if approval is not Approval.APPROVED:
            leaving = [row.ticket_id for row in rows if row.approval is Approval.APPROVED]
            if leaving:
                self._learning.forget(leaving)
        decided = self._tickets.decide_all(ids, approval, by=by)
        self._learning.follow(ids)
        self._keeping.enter([ticket for ticket, _ in decided])
        return decided

    def _decide_each(
        self, rows: Sequence[Ticket], approval: Approval, *, by: str
    ) -> tuple[list[tuple[Ticket, bool]], list[JobError]]:
        """One that can never be decided holds up no other; what may succeed later is raised."""
        try:
            return list(self._decide(rows, approval, by=by)), []
        except (Invalid, Conflict, NotFound, TooLarge):
            decided: list[tuple[Ticket, bool]] = []
            errors: list[JobError] = []
            for row in rows:
                try:
                    decided += self._decide([row], approval, by=by)
                except (Invalid, Conflict, NotFound, TooLarge) as error:
                    errors.append(JobError(file=row.ticket_id, record=-1, reason=str(error)))
            return decided, errors

    def _named(self, references: Sequence[str]) -> dict[str, Ticket | None]:
        found = {ticket.ticket_id: ticket for ticket in self._tickets.some(references)}
        return {reference: found.get(reference) or self._found(reference) for reference in references}

    def _found(self, reference: str) -> Ticket | None:
        try:
            return self._tickets.find(reference)
        except NotFound:
            return None


def _told_apart(
    references: Sequence[str], rows: Mapping[str, Ticket | None], decided: Sequence[tuple[Ticket, bool]]
) -> Sequence[Decided]:
    """What came of each reference; two of them may mean the same ticket."""
    after = {ticket.ticket_id: (ticket, changed) for ticket, changed in decided}
    told = []
    for reference in references:
        row = rows[reference]
        ticket, changed = after.get(row.ticket_id, (None, False)) if row is not None else (None, False)
        told.append(Decided(reference=reference, ticket=ticket, changed=changed))
    return told


def _as_json(wanted: Wanted) -> dict[str, Any]:
    fields = asdict(wanted)
    return {**fields, "approval": wanted.approval.value if wanted.approval else ""}


def _from_json(fields: Mapping[str, Any]) -> Wanted:
    approval = Approval(fields["approval"]) if fields["approval"] else None
    return Wanted(**{**fields, "approval": approval})


def _told(wanted: Wanted, approval: Approval) -> str:
    """The job in a few words, without those that were looked for: they can be a customer's."""
    named = {
        "status": wanted.status,
        "approval_status": wanted.approval.value if wanted.approval else "",
        "department": wanted.department,
        "helpdesk": wanted.helpdesk,
        "source_file": wanted.source_file,
        "q": "…" if wanted.text.strip() else "",
    }
    which = ", ".join(f"{name}={value}" for name, value in named.items() if value)
    return f"{approval.value}: {which or 'all tickets'}"[:300]
