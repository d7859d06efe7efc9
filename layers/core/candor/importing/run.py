"""Run: one worker's turn at an import, from where the job's checkpoint says to where the time ends."""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from candor.documents import Documents, Draft, document_id_of
from candor.errors import Conflict, Invalid, NotFound
from candor.importing.course import SCALE, Course
from candor.importing.orders import ImportOrder, work_prefix
from candor.importing.receipts import Receipt, Receipts
from candor.importing.results import expected_tickets, part_of, problems_of, result_of
from candor.importing.storing import Keeps, Storing
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.objects import Objects, mark_of
from candor.tickets.store import Tickets
from candor.tickets.values import TicketDraft
from candor.whmcs import dumps

STEP: Final = 1_000
"""Tickets between two checkpoints, unless they are long ones."""

STEP_LETTERS: Final = 8_000_000

DOCUMENTS_STEP: Final = 100

MIN_SECONDS: Final = 30.0
"""With less than this left the rest goes to the next invocation: a part must be joined, and a step fit."""

LOOK_SECONDS: Final = 2.0
"""Between two reports while the files are read, and two looks whether they are still the same."""

Remaining = Callable[[], float]


class Stopped(Exception):
    """The job was cancelled, or another worker is ahead."""


class Replaced(Exception):
    """What lies there is no longer what was to be imported."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What imports work with. `spill` and `dump`: made for a job's id, and for the keys of its files."""

    jobs: Jobs
    objects: Objects
    documents: Documents
    tickets: Tickets
    keeping: Keeps
    receipts: Receipts
    spill: Callable[[str], dumps.Spill]
    dump: Callable[[Sequence[str]], dumps.Dump]
    base_url: Callable[[], str] = lambda: ""
    """Of the helpdesk, for links to its tickets and articles."""
    keep_days: float = 1.0
    """How long an imported file lies there; 0: it is removed at once."""
    clock: Callable[[], datetime] = _now


class Run:
    def __init__(self, *, tools: Tools, job: Job, order: ImportOrder, remaining: Remaining) -> None:
        self.job = job
        self._tools = tools
        self._order = order
        self._remaining = remaining
        self._course = Course.of(job.checkpoint)
        self._spill = tools.spill(job.job_id)
        self._dump = tools.dump([file.key for file in order.files])
        self._options = dumps.Options(
            departments=order.departments,
            statuses=order.statuses,
            since=order.since,
            base_url=tools.base_url(),
        )
        self.storing = Storing(
            order=order,
            tickets=tools.tickets,
            keeping=tools.keeping,
            documents=tools.documents,
            clock=tools.clock,
        )
        self._looked = self._noted = 0.0
        self._saved = False
        """Whether the checkpoint is one of ours: then the next step is done for the first time."""

    @property
    def has_stored(self) -> bool:
        return self._course.phase != "scanning"

    def work(self) -> bool:
        """Whether it has come to its end. Raises `Stopped`, `Replaced`, and `Invalid` for what is no dump."""
        self._look(at_once=True)
        if self._course.phase == "scanning" and not self._read():
            return False
        scan = self._scanned()
        if self._course.phase == "tickets" and not self._store_tickets(scan):
            return False
        if self._course.phase == "documents" and not self._store_documents(scan):
            return False
        self._end(scan)
        return True

    # ------------------------------------------------------------------ reading
    def _read(self) -> bool:
        course = self._course
        try:
            scan = dumps.scan(
                self._dump,
                self._spill,
                self._options,
                checkpoint=dumps.Scan.of(course.scan) if course.scan else None,
                remaining=self._remaining,
                on_progress=self._seen,
            )
        except (NotFound, Conflict):
            raise Replaced from None
        self._look(at_once=True)
        if not scan.finished:
            self._note(scan)
            return False
        if self._order.dropped and (sentence := part_of(scan, self._order.key)):
            raise Invalid(sentence)
        body = json.dumps(scan.as_checkpoint(), ensure_ascii=False).encode("utf-8", "surrogatepass")
        self._tools.objects.put(self._scan_key, body, content_type="application/json")
        course.phase, course.scan = "tickets", {}
        self._stored(scan)
        self._save(errors=problems_of(scan))
        return True

    def _seen(self, scan: dumps.Scan) -> None:
        self._look()
        if time.monotonic() - self._noted > LOOK_SECONDS:
            self._noted = time.monotonic()
            self._note(scan)

    def _note(self, scan: dumps.Scan) -> None:
        # As the row will give it back: lists for tuples.
        self._course.scan = json.loads(json.dumps(scan.as_checkpoint()))
        self._course.read(scan.bytes_done, scan.bytes_total, dry_run=self._order.dry_run)
        self._save()

    def _scanned(self) -> dumps.Scan:
        body = self._tools.objects.read(self._scan_key)
        return dumps.Scan.of(json.loads(body.decode("utf-8", "surrogatepass")))

    @property
    def _scan_key(self) -> str:
        return f"{work_prefix(self.job.job_id)}scan.json"

    # ------------------------------------------------------------------ storing
    def _store_tickets(self, scan: dumps.Scan) -> bool:
        course = self._course
        for partition in range(course.partition, scan.partitions):
            if self._remaining() < MIN_SECONDS:
                return False
            tally = dumps.Tally()
            drafts = dumps.tickets(
                scan, self._spill, partition, self._options, tally=tally, source_file=self._order.owner
            )
            steps = _steps(itertools.islice(drafts, course.index, None))
            step = next(steps, None)
            if step and len(course.known) != len(step):
                course.known = self.storing.ticket_versions(step)
                self._save()
            while step:
                if self._remaining() < MIN_SECONDS:
                    return False
                self._look()
                errors = self._keep(step)
                following = next(steps, None)
                course.index += len(step)
                # What the next step finds is written down with what this one did: one write for both.
                course.known = self.storing.ticket_versions(following) if following else []
                self._stored(scan)
                self._save(errors=errors)
                step = following
            course.partition, course.index, course.known = partition + 1, 0, []
            # It counts what was stored before this turn too: the whole part has gone through.
            course.add(tally)
        course.phase = "documents"
        course.wrote(dry_run=self._order.dry_run)
        self._save()
        return True

    def _keep(self, step: Sequence[TicketDraft]) -> list[JobError]:
        errors: list[JobError] = []
        outcomes = self.storing.keep(step, self._course.known, again=not self._saved)
        for draft, outcome in zip(step, outcomes, strict=True):
            if isinstance(outcome, Invalid):
                self._course.failed += 1
                reason = f"Ticket {draft.number}: {outcome}"
                errors.append(JobError(file=self._order.key, record=-1, reason=reason))
            else:
                self._course.count(outcome)
        return errors

    def _stored(self, scan: dumps.Scan) -> None:
        self._course.stored(
            partitions=scan.partitions, expected=expected_tickets(scan), dry_run=self._order.dry_run
        )

    def _store_documents(self, scan: dumps.Scan) -> bool:
        course, tally = self._course, dumps.Tally()
        drafts = itertools.islice(self._documents(scan, tally), course.documents, None)
        while step := list(itertools.islice(drafts, DOCUMENTS_STEP)):
            if self._remaining() < MIN_SECONDS:
                return False
            self._look()
            if len(course.known) != len(step):
                course.known = self.storing.document_versions(step)
                self._save()
            for change in self.storing.put(step, course.known, again=not self._saved):
                course.count_document(change)
            course.known = []
            course.wrote(dry_run=self._order.dry_run)
            self._save()
        course.add(tally)
        course.phase = "ending"
        self._save()
        return True

    def _documents(self, scan: dumps.Scan, tally: dumps.Tally | None = None) -> Iterator[Draft]:
        return dumps.documents(scan, self._spill, self._options, tally=tally, source=self._order.owner)

    # ------------------------------------------------------------------ the end
    def _end(self, scan: dumps.Scan) -> None:
        self._look(at_once=True)
        course, order, tools = self._course, self._order, self._tools
        receipts: list[Receipt] = []
        if not order.dry_run:
            # Of a dump that ends in the middle, or may, nobody knows what it would have held.
            if scan.whole:
                keep = frozenset(document_id_of(draft.url) for draft in self._documents(scan))
                course.documents_withdrawn += self.storing.withdraw(keep=keep)
            receipts = [
                Receipt(key=file.key, mark=file.mark, job_id=self.job.job_id, imported_at=tools.clock())
                for file in order.files
            ]
            for receipt in receipts:
                tools.receipts.write(receipt)
        course.done, course.stage = SCALE, "done"
        self._save()
        tools.jobs.finish(self.job.job_id, JobStatus.SUCCEEDED, result=result_of(scan, course, order))
        if not tools.keep_days:
            for receipt in receipts:
                tools.receipts.retire(receipt)

    # ------------------------------------------------------------------ keeping track
    def _save(self, *, errors: Sequence[JobError] = ()) -> None:
        try:
            self.job = self._tools.jobs.progress(
                self.job.job_id,
                done=self._course.done - self.job.done,
                total=SCALE - self.job.total,
                failed=self._course.failed - self.job.failed,
                errors=errors,
                checkpoint=self._course.as_checkpoint(),
                checkpoint_was=self.job.checkpoint,
            )
        except Conflict:
            raise Stopped from None
        self._saved = True
        if self.job.status.ended:
            raise Stopped

    def _look(self, *, at_once: bool = False) -> None:
        """See whether the files are still those that were meant."""
        # Of a thousand files it is not asked every other second.
        pause = LOOK_SECONDS * (1 + len(self._order.files) // 20)
        if not at_once and time.monotonic() - self._looked < pause:
            return
        self._looked = time.monotonic()
        for file in self._order.files:
            info = self._tools.objects.find(file.key)
            if info is None or mark_of(info) != file.mark:
                raise Replaced


def _steps(drafts: Iterable[TicketDraft]) -> Iterator[list[TicketDraft]]:
    """In order: many short ones at a time, or few long ones."""
    step: list[TicketDraft] = []
    letters = 0
    for draft in drafts:
        step.append(draft)
        letters += len(draft.description) + sum(len(reply.content) for reply in draft.replies)
        if len(step) >= STEP or letters > STEP_LETTERS:
            yield step
            step, letters = [], 0
    if step:
        yield step
