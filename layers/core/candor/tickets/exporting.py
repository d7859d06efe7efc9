"""
Exporting tickets: all that are approved as one file, which dropped under `source/` teaches the same again.

A job in three phases: pieces of the file are laid down a hundred tickets at a time, joined into the file,
which so becomes the new one all at once, and every ticket of it is made sure to be knowledge.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

from candor.errors import Conflict, NotFound
from candor.jobs import Job, Jobs, JobStatus
from candor.messages import Queue, TicketsToExport
from candor.objects import EXPORT_PREFIX, IMPORTS_PREFIX, Objects
from candor.tickets.learning import Learning, is_knowledge
from candor.tickets.showing import masked_talk, masked_ticket
from candor.tickets.store import TicketDirectory, Tickets
from candor.tickets.values import WHMCS, Approval, Message, Talk, Ticket, Wanted

KIND: Final = "export_tickets"
KEY: Final = f"{EXPORT_PREFIX}sample_conversations.json"
KEY_WITH_PEOPLE: Final = f"{EXPORT_PREFIX}sample_conversations_with_people.json"
"""Under a name of its own: who takes the usual file from where it always lies never gets addresses."""

_STEP: Final = 100
_READERS: Final = 8
_LOOK_EVERY: Final = 0.2


class TicketExporting:
    """Writes the file, a part of it each time it is called."""

    def __init__(
        self,
        *,
        tickets: Tickets,
        directory: TicketDirectory,
        learning: Learning,
        objects: Objects,
        jobs: Jobs,
        queue: Queue,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tickets = tickets
        self._directory = directory
        self._learning = learning
        self._objects = objects
        self._jobs = jobs
        self._queue = queue
        self._now = now
        self._clock = clock
        self._pause = pause

    def begin(self, *, by: str, include_pii: bool = False) -> Job:
        """
        A queued job. `include_pii` adds e-mail, name and client id of each ticket.

        What was said is masked in any case: a password is nobody's sample.
        """
        total = self._directory.count(Wanted(approval=Approval.APPROVED))
        key = KEY_WITH_PEOPLE if include_pii else KEY
        job = self._jobs.start(kind=KIND, subject=key, created_by=by, total=2 * total)
        plan = {"key": key, "people": include_pii, "phase": "write", "after": "", "parts": 0, "count": 0}
        job = self._jobs.progress(job.job_id, checkpoint=plan)
        self.later(job.job_id)
        return job

    def later(self, job_id: str) -> None:
        """Have a worker go on with it."""
        self._queue.send(TicketsToExport(job_id=job_id))

    def wait(self, job_id: str, *, seconds: float) -> Job:
        """The job when it ends, or as it is when the time is over."""
        until = self._clock() + seconds
        while not (job := self._jobs.get(job_id)).status.ended and self._clock() < until:
            self._pause(_LOOK_EVERY)
        return job

    def go_on(self, job_id: str, *, seconds: float) -> Job:
        """Work on it for about so long."""
        job = self._jobs.get(job_id)
        ends = self._clock() + seconds
        while not job.status.ended and "phase" in job.checkpoint:
            phases = {"write": self._write, "join": self._join, "learn": self._learn}
            try:
                job = phases[job.checkpoint["phase"]](job)
            except Conflict:
                return self._jobs.get(job_id)  # Another worker has this job, and is ahead of us.
            if self._clock() >= ends:
                break
        if job.status is JobStatus.CANCELLED and "parts" in job.checkpoint:
            self._clear(job)
        return job

    def _write(self, job: Job) -> Job:
        """The next hundred tickets as a piece of the file."""
        plan = job.checkpoint
        ids = self._directory.after(Wanted(approval=Approval.APPROVED), plan["after"], limit=_STEP)
        if not ids:
            return self._moved(job, {**plan, "phase": "join"}, done=0)
        # The directory says where to look; the row says whether it is approved.
        rows = [row for row in self._tickets.some(ids) if is_knowledge(row)]
        with ThreadPoolExecutor(max_workers=_READERS) as pool:
            talks = list(pool.map(self._talk, rows))
        told = [
            _record(ticket, talk, people=plan["people"])
            for ticket, talk in zip(rows, talks, strict=True)
            if talk is not None
        ]
        if told:
            lines = [json.dumps(each, ensure_ascii=False).encode("utf-8", "replace") for each in told]
            self._objects.put(_part(job, plan["parts"]), b",\n".join(lines), content_type="application/json")
        after = {
            **plan,
            "after": ids[-1],
            "parts": plan["parts"] + bool(told),
            "count": plan["count"] + len(told),
        }
        return self._moved(job, after, done=len(ids))

    def _join(self, job: Job) -> Job:
        plan = job.checkpoint
        self._objects.write(plan["key"], self._pieces(job), content_type="application/json")
        return self._moved(job, {**plan, "phase": "learn", "after": ""}, done=0)

    def _pieces(self, job: Job) -> Iterator[bytes]:
        plan = job.checkpoint
        head = {
            "source": WHMCS,
            "ingested_at": self._now().isoformat(),
            "conversations_count": plan["count"],
        }
        yield json.dumps(head).removesuffix("}").encode() + b', "conversations": ['
        for number in range(plan["parts"]):
            yield (b",\n" if number else b"\n") + self._objects.read(_part(job, number))
        yield b"\n]}\n"

    def _learn(self, job: Job) -> Job:
        """Make sure that they are knowledge; then the job has ended."""
        plan = job.checkpoint
        ids = self._directory.after(Wanted(approval=Approval.APPROVED), plan["after"], limit=_STEP)
        if ids:
            self._learning.follow(ids)
            return self._moved(job, {**plan, "after": ids[-1]}, done=len(ids))
        self._clear(job)
        result = {"status": "ok", "key": plan["key"], "count": plan["count"]}
        return self._jobs.finish(job.job_id, JobStatus.SUCCEEDED, result=result)

    def _moved(self, job: Job, plan: Mapping[str, Any], *, done: int) -> Job:
        # Tickets that were approved since the beginning were not counted: what is done is never more.
        more = max(0, job.done + done - job.total)
        return self._jobs.progress(
            job.job_id, done=done, total=more, checkpoint=plan, checkpoint_was=job.checkpoint
        )

    def _talk(self, ticket: Ticket) -> Talk | None:
        try:
            return self._tickets.talk(ticket)
        except NotFound:
            # Changed since we looked: the next export has it as it is then.
            found = self._tickets.some([ticket.ticket_id])
            return self._tickets.talk(found[0]) if found and is_knowledge(found[0]) else None

    def _clear(self, job: Job) -> None:
        self._objects.delete(*(_part(job, number) for number in range(job.checkpoint["parts"] + 1)))


def _part(job: Job, number: int) -> str:
    """Work of ours, which ages away by itself when a job is given up."""
    return f"{IMPORTS_PREFIX}{job.job_id}/{number:06}.json"


def _record(ticket: Ticket, talk: Talk, *, people: bool) -> dict[str, Any]:
    """A ticket as a file under `source/` has it."""
    shown, said = masked_ticket(ticket), masked_talk(ticket, talk)
    record: dict[str, Any] = {
        "id": ticket.ticket_id,
        "external_id": ticket.external_id,
        "subject": shown.subject,
        "description": said.description,
        "status": ticket.status,
        "priority": ticket.priority,
        "detail_url": ticket.detail_url,
    }
    if people:
        record |= {"client_id": ticket.client_id, "email": ticket.email, "name": ticket.name}
    record["created_at"] = ticket.created_at.isoformat()
    record["metadata"] = {
        **(ticket.metadata if people else {}),
        "tid": ticket.tid,
        "department": ticket.department,
        "opened_by": ticket.opened_by.value,
        # Where the file as a whole, or the number, does not say it already.
        **({"helpdesk": ticket.helpdesk} if ticket.helpdesk != WHMCS else {}),
        **({"number": ticket.number} if ticket.number != ticket.external_id else {}),
        "replies": [_reply(reply) for reply in said.replies],
    }
    return record


def _reply(reply: Message) -> dict[str, Any]:
    return {
        "role": reply.role.value,
        "content": reply.content,
        **({"posted": reply.posted.isoformat()} if reply.posted else {}),
        **({"rating": reply.rating} if reply.rating else {}),
    }
