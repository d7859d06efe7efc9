"""
Ingesting: files become documents and tickets, each file as a job that continues where it stopped.

A notification only says where to look: what is done follows from the object as it is now. A step is
counted by moving the job's checkpoint, so a step that is done twice counts once.
"""

import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final

from candor.documents import Change, Documents, Draft
from candor.errors import Conflict, Invalid, NotFound, UnsupportedType
from candor.importing.first_look import may_be_dump
from candor.importing.orders import Orders
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.labels import Labels
from candor.messages import ObjectChanged, Queue, SourceToRead
from candor.objects import INGEST_PREFIX, SOURCE_PREFIX, UPLOADS_PREFIX, ObjectInfo, Objects, mark_of
from candor.redaction import mask_cards_in
from candor.sources import read
from candor.sources.deadlines import READ_SECONDS
from candor.sources.records import Record
from candor.tallying import KEPT, Census, Tally
from candor.tickets.arriving import Arriving
from candor.tickets.values import TicketDraft

STEP: Final = 100
"""Records between two checkpoints: what a killed worker does again at most."""

MIN_SECONDS: Final = 15.0
"""With less than this left the rest goes to the next invocation: a step must fit."""

API_SOURCE: Final = "api"

_NAMESPACE: Final = uuid.UUID("0d3c1b5e-6f7a-5c57-8a34-1f0e5b9f8a21")

Remaining = Callable[[], float]


class Ingesting:
    """Reads dropped files and request bodies into documents, and withdraws what is no longer there."""

    def __init__(
        self,
        *,
        documents: Documents,
        tickets: Callable[[], Arriving],
        jobs: Jobs,
        objects: Objects,
        queue: Queue,
        dumps: Orders | None = None,
    ) -> None:
        """`tickets` is asked when a file is read: who only queues files needs none."""
        self._documents = documents
        self._tickets = tickets
        self._jobs = jobs
        self._objects = objects
        self._queue = queue
        self._dumps = dumps

    def accept(self, records: Sequence[Mapping[str, Any]], *, created_by: str) -> Job:
        """
        Take documents handed in together. On return they are durable and on their way.

        The body is stored as it came, but for card numbers, and read like a dropped file: one write however
        many there are.
        """
        job_id = str(uuid.uuid4())
        key = f"{INGEST_PREFIX}{job_id}.json"
        documents = mask_cards_in(list(records))
        body = json.dumps({"documents": documents}, ensure_ascii=False).encode("utf-8", "replace")
        self._objects.put(key, body, content_type="application/json")
        job = self._jobs.start(
            kind="ingest",
            subject=f"{len(records)} documents",
            created_by=created_by,
            job_id=job_id,
            total=len(records),
        )
        self._queue.send(SourceToRead(key=key, job_id=job_id))
        return job

    def queue_object(self, info: ObjectInfo, *, created_by: str, salt: str = "") -> Job:
        """The job that reads this content of the object; queued unless it has ended already."""
        if job := self._import(info, created_by=created_by, salt=salt):
            return job
        job = self._job_of(info, created_by=created_by, salt=salt)
        if not job.status.ended:
            self._queue.send(SourceToRead(key=info.key, job_id=job.job_id, mark=mark_of(info)))
        return job

    def changed(self, change: ObjectChanged, *, remaining: Remaining) -> None:
        """Something happened to a key: read the object, or withdraw it if it is gone."""
        if not _is_source(change.key):
            return
        info = self._objects.find(change.key)
        if info is None:
            self._withdraw_all(change.key, change.sequencer, remaining)
        else:
            # Removed and there again: whoever saw it removed may have withdrawn what the new one brought.
            salt = change.sequencer if change.removed else ""
            if self._dumps is not None:
                self._dumps.renew(change.key)
            if self._import(info, created_by="s3", salt=salt):
                return
            job = self._job_of(info, created_by="s3", salt=salt)
            self.read(SourceToRead(key=info.key, job_id=job.job_id, mark=mark_of(info)), remaining=remaining)

    def read(self, message: SourceToRead, *, remaining: Remaining) -> None:
        """Go on with a job: as far as the time reaches, the rest by a message of its own."""
        if message.removed:
            self._withdraw_all(message.key, message.mark, remaining)
            return
        try:
            job = self._jobs.get(message.job_id)
        except NotFound:
            return  # It has aged away, or never was: nobody waits for it.
        if job.status.ended or job.sealed:
            return
        if self._replaced(message):
            self._give_way(message)
            return
        try:
            census = self.census(message.key)
        except (Invalid, UnsupportedType) as error:
            self._refuse(job, message.key, str(error))
            return
        except NotFound:
            self._give_way(message)
            return
        finished = self._read_on(job, message, census, remaining)
        if finished is not None:
            self._conclude(finished, message, census, remaining)

    def census(self, key: str, *, seconds: float = READ_SECONDS) -> Census:
        """Look through the object; `Invalid` or `UnsupportedType` when as a whole it cannot be read."""
        census = Census()
        for record in self._records(key, seconds=seconds):
            census.see(record)
        return census

    def _read_on(self, job: Job, message: SourceToRead, census: Census, remaining: Remaining) -> Job | None:
        """The job when its last record has been taken; None when this worker is to stop before."""
        tally = Tally.of(job.checkpoint)
        # A file of one document took long to read: once is enough.
        few = len(census.records) <= KEPT
        found = iter(census.records) if few else self._records(message.key)
        records = (record for record in found if record.index >= tally.next)
        if tally.next == 0 and census.total == 0:
            return job
        while tally.next < census.total:
            if remaining() < MIN_SECONDS:
                self._queue.send(replace(message, start=tally.next))
                return None
            step = list(itertools.islice(records, STEP))
            if not step:
                break  # The object shrank between two looks at it: `_conclude` sees that.
            before, first = job.checkpoint, tally.next == 0
            errors = [JobError(file=message.key, record=-1, reason=note) for note in census.notes if first]
            done, failed = self._take(message.key, step, job.job_id, census, tally, errors)
            tally.next = step[-1].index + 1
            try:
                job = self._jobs.progress(
                    job.job_id,
                    done=done,
                    failed=failed,
                    total=census.total - job.total if first else 0,
                    errors=errors,
                    checkpoint=tally.as_checkpoint(),
                    checkpoint_was=before,
                )
            except Conflict:
                return None  # Another worker has this job; its checkpoint is ahead of ours.
            if job.status.ended:
                return None  # Cancelled.
        return job

    def _take(
        self,
        key: str,
        step: Sequence[Record],
        job_id: str,
        census: Census,
        tally: Tally,
        errors: list[JobError],
    ) -> tuple[int, int]:
        """Write a step's documents and tickets; how many records are done with, and how many failed."""
        drafts: list[Draft] = []
        tickets: list[TicketDraft] = []
        done = failed = 0
        for record in step:
            if census.counts(record):
                drafts.extend([record.draft] if record.draft is not None else [])
                tickets.extend([record.ticket] if record.ticket is not None else [])
                continue
            done += 1
            if record.identity is None and not record.skipped:
                failed += 1
                tally.error += 1
            else:
                tally.skipped += 1
            if record.identity is None:
                errors.append(JobError(file=key, record=record.index, reason=record.reason))
        for document, change in self._documents.put_many(drafts, job_id=job_id):
            ours = job_id in document.awaited_by
            if change == Change.UNCHANGED and not (ours and document.job_id == job_id):
                tally.count(change)
            else:
                new = change == Change.CREATED or document.version == 1
                tally.count(Change.CREATED if new else Change.UPDATED)
            # Those we wait for are counted when they are searchable, by whoever makes them so.
            done += 0 if ours else 1
        for arrival in self._tickets().bring(tickets, job_id=job_id) if tickets else ():
            tally.count(arrival.change)
            done += 0 if arrival.awaited else 1
        return done, failed

    def _conclude(self, job: Job, message: SourceToRead, census: Census, remaining: Remaining) -> None:
        if self._replaced(message):
            self._give_way(message)
            return
        withdrawn = 0
        if _is_source(message.key):
            gone = self._withdraw(message.key, remaining, keep=census.document_ids | census.ticket_ids)
            if gone is None:
                self._queue.send(replace(message, start=census.total))
                return
            withdrawn = gone
        tally = Tally.of(job.checkpoint)
        self._jobs.seal(job.job_id, result=tally.as_result(total=census.total, withdrawn=withdrawn))

    def _refuse(self, job: Job, key: str, reason: str) -> None:
        """A file that as a whole cannot be read; what an earlier content of it brought stays."""
        error = JobError(file=key, record=-1, reason=reason)
        try:
            self._jobs.progress(
                job.job_id,
                done=1,
                failed=1,
                total=1 - job.total,
                errors=[error],
                checkpoint={"refused": 1},
                checkpoint_was=job.checkpoint,
            )
        except Conflict:
            return
        result = {**Tally(error=1).as_result(total=1, withdrawn=0), "status": "error"}
        self._jobs.finish(job.job_id, JobStatus.FAILED, result=result)

    def _give_way(self, message: SourceToRead) -> None:
        """The object is no longer what this job was to read: what lies there now is read in full."""
        self._jobs.finish(message.job_id, JobStatus.CANCELLED, result={"status": "replaced"})
        if not _is_source(message.key):
            return
        info = self._objects.find(message.key)
        if info is None:
            self._queue.send(replace(message, removed=True, start=0))
        else:
            # Its own job may have finished before ours wrote its last rows: so another one, after both.
            self.queue_object(info, created_by="s3", salt=message.job_id)

    def is_dump(self, info: ObjectInfo) -> bool:
        """Whether it is imported, and not read."""
        return self._dumps is not None and self._dumps.takes(info)

    def _import(self, info: ObjectInfo, *, created_by: str, salt: str) -> Job | None:
        """The import's job, when the object is a dump."""
        if self._dumps is None:
            return None
        return self._dumps.of_drop(info, job_id=_job_id(info, salt), created_by=created_by)

    def _withdraw_all(self, key: str, sequencer: str, remaining: Remaining) -> None:
        if self._dumps is not None and self._dumps.retired(key):
            return
        withdrawn = self._withdraw(key, remaining)
        if withdrawn is None:
            self._queue.send(SourceToRead(key=key, job_id="", removed=True, mark=sequencer))
            return
        if withdrawn:
            job_id = str(uuid.uuid5(_NAMESPACE, f"{key}\nremoved\n{sequencer}"))
            self._jobs.start(kind="withdraw_source", subject=key, created_by="s3", job_id=job_id)
            self._jobs.finish(job_id, JobStatus.SUCCEEDED, result={"status": "ok", "withdrawn": withdrawn})
        if info := self._objects.find(key):
            self.queue_object(info, created_by="s3", salt=sequencer)

    def _withdraw(self, key: str, remaining: Remaining, *, keep: frozenset[str] = frozenset()) -> int | None:
        """Delete what the key owns and `keep` does not name; None when the time did not suffice."""
        withdrawn = 0
        for document in self._documents.of_source(key):
            if document.document_id in keep:
                continue
            if remaining() < MIN_SECONDS:
                return None
            try:
                self._documents.delete(document.document_id, source=key)
            except NotFound:
                continue  # Another source has taken it over, or it is gone already.
            withdrawn += 1
        if may_be_dump(key):
            return withdrawn  # A dump's tickets stay: they are a person's to decide about.
        tickets = self._tickets().withdraw(key, keep=keep, in_time=lambda: remaining() >= MIN_SECONDS)
        return None if tickets is None else withdrawn + tickets

    def _job_of(self, info: ObjectInfo, *, created_by: str, salt: str) -> Job:
        """A drop and its job are one: the same event again finds the same job."""
        job_id = _job_id(info, salt)
        return self._jobs.start(kind="read_source", subject=info.key, created_by=created_by, job_id=job_id)

    def _replaced(self, message: SourceToRead) -> bool:
        if not message.mark:
            return False
        info = self._objects.find(message.key)
        return info is None or mark_of(info) != message.mark

    def _records(self, key: str, *, seconds: float = READ_SECONDS) -> Iterator[Record]:
        uploaded = self._objects.find(key) if key.startswith(UPLOADS_PREFIX) else None
        labels = Labels.of(uploaded.metadata) if uploaded else None
        with self._objects.open(key) as stream:
            for record in read(stream, key, seconds=seconds):
                if record.draft is not None and key.startswith(INGEST_PREFIX):
                    yield replace(record, draft=replace(record.draft, source=API_SOURCE))
                elif record.draft is not None and labels is not None:
                    yield replace(record, draft=labels.on(record.draft))
                else:
                    yield record


def _job_id(info: ObjectInfo, salt: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{info.key}\n{mark_of(info)}\n{salt}"))


def _is_source(key: str) -> bool:
    return key.startswith(SOURCE_PREFIX) and not key.endswith("/") and PurePosixPath(key).name != ""
