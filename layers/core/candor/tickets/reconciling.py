"""
Reconciling tickets: rows, their directory and their documents compared, and what differs repaired.

A job in three phases, each working through one of the three in steps: entries without a row go, rows without
an entry get one, knowledge follows every approved row, and documents whose ticket wants none leave. Run again
it finds nothing to do.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from candor.documents import Document, Documents
from candor.errors import Conflict, NotFound
from candor.jobs import Job, Jobs, JobStatus
from candor.messages import Queue, TicketsToReconcile
from candor.tickets.keeping import Keeping
from candor.tickets.learning import SOURCE, Learning, is_knowledge, url_of
from candor.tickets.store import TicketDirectory, Tickets
from candor.tickets.values import ticket_id_of

KIND: Final = "reconcile_tickets"

_STEP: Final = 100
_NAMESPACE: Final = uuid.UUID("9b1f7a52-3f0c-5d0e-8a55-6d1c53a1f0c4")
_COUNTS: Final = (
    "tickets",
    "approved",
    "entries_added",
    "entries_corrected",
    "entries_removed",
    "learned",
    "forgotten",
)
"""What the result tells. All but the first two are differences."""


def queue_reconciling(*, jobs: Jobs, queue: Queue, created_by: str, beside: str = "") -> Job:
    """The job, queued. `beside` is the id of a job it runs beside: asked twice for it, it is one."""
    job_id = str(uuid.uuid5(_NAMESPACE, beside)) if beside else str(uuid.uuid4())
    job = jobs.start(kind=KIND, subject="tickets", created_by=created_by, job_id=job_id)
    if not job.status.ended:
        queue.send(TicketsToReconcile(job_id=job.job_id))
    return job


class TicketReconciling:
    """Goes on with such a job."""

    def __init__(
        self,
        *,
        tickets: Tickets,
        directory: TicketDirectory,
        keeping: Keeping,
        learning: Learning,
        documents: Documents,
        jobs: Jobs,
        queue: Queue,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tickets = tickets
        self._directory = directory
        self._keeping = keeping
        self._learning = learning
        self._documents = documents
        self._jobs = jobs
        self._queue = queue
        self._clock = clock

    def begin(self, *, by: str) -> Job:
        """A queued job."""
        return queue_reconciling(jobs=self._jobs, queue=self._queue, created_by=by)

    def later(self, job_id: str) -> None:
        """Have a worker go on with it."""
        self._queue.send(TicketsToReconcile(job_id=job_id))

    def go_on(self, job_id: str, *, seconds: float) -> Job:
        """Work on it for about so long."""
        job = self._jobs.get(job_id)
        ends = self._clock() + seconds
        phases = {"entries": self._entries, "rows": self._rows, "documents": self._of_documents}
        while not job.status.ended:
            try:
                job = phases[job.checkpoint.get("phase", "entries")](job)
            except Conflict:
                return self._jobs.get(job_id)  # Another worker has this job, and is ahead of us.
            if self._clock() >= ends:
                break
        return job

    def _entries(self, job: Job) -> Job:
        after = job.checkpoint.get("after", "")
        entries = self._directory.entries_after(after, limit=_STEP)
        if not entries:
            return self._moved(job, {"phase": "rows", "after": ""})
        rows = {row.ticket_id: row for row in self._tickets.some([each[0] for each in entries])}
        lost = [ticket_id for ticket_id, _, _ in entries if ticket_id not in rows]
        # Looked at once more: a row is written before its entry, and deleted before it.
        lost = [each for each in lost if not self._tickets.some([each])]
        wrong = [
            row
            for ticket_id, version, approval in entries
            if (row := rows.get(ticket_id)) and (row.version != version or row.approval != approval)
        ]
        self._directory.remove(lost)
        self._keeping.enter(wrong)
        found = {"entries_removed": len(lost), "entries_corrected": len(wrong)}
        return self._moved(job, {"phase": "entries", "after": entries[-1][0]}, found)

    def _rows(self, job: Job) -> Job:
        rows = self._tickets.after(job.checkpoint.get("after", ""), limit=_STEP)
        if not rows:
            return self._moved(job, {"phase": "documents", "after": ""})
        absent = set(self._directory.revise(rows))
        self._keeping.enter([row for row in rows if row.ticket_id in absent])
        approved = [row.ticket_id for row in rows if is_knowledge(row)]
        followed = self._learning.follow(approved)
        found = {
            "tickets": len(rows),
            "approved": len(approved),
            "entries_added": len(absent),
            "learned": sum(each.wrote for each in followed),
            "forgotten": sum(each.deleted for each in followed),
        }
        return self._moved(job, {"phase": "rows", "after": rows[-1].ticket_id}, found)

    def _of_documents(self, job: Job) -> Job:
        """Documents of tickets that are approved no more, or are not there: their rows were not followed."""
        documents = self._documents.some(after=job.checkpoint.get("after", ""), limit=_STEP)
        if not documents:
            result = {"status": "ok", **{name: job.checkpoint.get(name, 0) for name in _COUNTS}}
            return self._jobs.finish(job.job_id, JobStatus.SUCCEEDED, result=result)
        ours = [each for each in documents if each.source == SOURCE and not each.deleted]
        forgotten = self._without_ticket(ours) if ours else 0
        moved = {"phase": "documents", "after": documents[-1].document_id}
        return self._moved(job, moved, {"forgotten": forgotten})

    def _without_ticket(self, documents: Sequence[Document]) -> int:
        named = {document.document_id: _ticket_id(document.url) for document in documents}
        rows = {row.ticket_id: row for row in self._tickets.some(list(named.values()))}
        gone = 0
        for document in documents:
            row = rows.get(named[document.document_id]) or self._by_name(document.url)
            if row is not None and url_of(row) == document.url:
                if not is_knowledge(row):
                    gone += sum(each.deleted for each in self._learning.follow([row.ticket_id]))
                continue
            try:
                self._documents.delete(document.document_id, source=SOURCE)
                gone += 1
            except NotFound:
                continue  # Deleted, or taken over, meanwhile.
        return gone

    def _by_name(self, url: str) -> Any:
        """The ticket whose helpdesk's own key is not what integrators call it by."""
        try:
            return self._tickets.find(url.rpartition("/")[2])
        except NotFound:
            return None

    def _moved(self, job: Job, plan: Mapping[str, Any], found: Mapping[str, int] | None = None) -> Job:
        counts = {
            name: job.checkpoint.get(name, 0) + (found or {}).get(name, 0)
            for name in _COUNTS
            if name in job.checkpoint or name in (found or {})
        }
        done = (found or {}).get("tickets", 0)
        return self._jobs.progress(
            job.job_id,
            done=done,
            total=done,
            checkpoint={**plan, **counts},
            checkpoint_was=job.checkpoint,
        )


def _ticket_id(url: str) -> str:
    helpdesk, _, number = url.removeprefix("ticket://").partition("/")
    return ticket_id_of(helpdesk, number)
