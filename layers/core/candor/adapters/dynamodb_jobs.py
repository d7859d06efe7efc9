"""Jobs in DynamoDB: one row a job, its counters added to by whoever did the work."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.adapters.dynamodb_lists import newest, persistently, shard_of
from candor.errors import Conflict, NotFound
from candor.jobs import MAX_ERRORS_KEPT, Job, JobError, JobStatus, end_of_sealed, settled

KEPT_SECONDS = 90 * 24 * 3600

LIST_SHARDS = 4

_MERGED = 200
"""How far down an unfiltered list its shards are merged row by row; deeper, ids alone are read and sorted."""

_MAX_REASON = 500


class _ByCreated(GlobalSecondaryIndex["JobRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_created"
        projection = AllProjection()

    list_shard = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class JobRow(Model):
    """`started` and `ended` instead of one status: two writers that only set need no condition."""

    job_id = UnicodeAttribute(hash_key=True)
    list_shard = UnicodeAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    kind = UnicodeAttribute()
    subject = UnicodeAttribute()
    created_by = UnicodeAttribute()
    started = BooleanAttribute(default=False)
    ended = UnicodeAttribute(null=True)
    sealed = BooleanAttribute(default=False)
    done = NumberAttribute(default=0)
    total = NumberAttribute(default=0)
    failed = NumberAttribute(default=0)
    errors: ListAttribute[str] = ListAttribute(default=list)
    result = UnicodeAttribute(default="{}")
    checkpoint = UnicodeAttribute(default="{}")
    measured = NumberAttribute(null=True)
    expires_at = NumberAttribute()

    by_created = _ByCreated()


def told(
    rows: type[JobRow], job_id: str, *, done: int, failed: int, now: str
) -> tuple[JobRow, list[Action], Condition]:
    """The part of a transaction that counts items of a job as done. The condition: it still exists."""
    actions: list[Action] = [
        JobRow.done.add(done),
        JobRow.failed.add(failed),
        JobRow.started.set(True),
        JobRow.updated_at.set(now),
    ]
    return rows(job_id), actions, JobRow.job_id.exists()


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoJobs:
    """`Jobs` in one table, hash key `job_id`, listed by the index `by_created`, aged out by `expires_at`."""

    def __init__(self, table_name: str, *, clock: Callable[[], datetime] = _now) -> None:
        self._rows = bound_to(JobRow, table_name)
        self._clock = clock

    def start(
        self, *, kind: str, subject: str, created_by: str, job_id: str | None = None, total: int = 0
    ) -> Job:
        job_id = job_id or str(uuid.uuid4())
        now = self._clock().isoformat()
        row = self._rows(
            job_id,
            list_shard=shard_of(job_id, LIST_SHARDS),
            created_at=now,
            updated_at=now,
            kind=kind,
            subject=subject,
            created_by=created_by,
            total=total,
            expires_at=int(time.time()) + KEPT_SECONDS,
        )
        try:
            with translated():
                row.save(condition=JobRow.job_id.does_not_exist())
        except PynamoDBException:
            return self.get(job_id)
        return _job_of(row)

    def get(self, job_id: str) -> Job:
        return _job_of(self._row(job_id))

    def list(
        self, *, page: int, page_size: int, kind: str | None = None, status: JobStatus | None = None
    ) -> tuple[Sequence[Job], int]:
        if kind is not None or status is not None or page * page_size > _MERGED:
            return self._filtered(page, page_size, kind, status)
        with translated():
            rows, total = newest(self._rows, "by_created", shards=LIST_SHARDS, page=page, page_size=page_size)
        return [_job_of(row) for row in rows], total

    def _filtered(
        self, page: int, page_size: int, kind: str | None, status: JobStatus | None
    ) -> tuple[Sequence[Job], int]:
        """A job's status follows from its counters, so each is looked at; whole rows only for the page."""
        keys: list[tuple[str, str]] = []
        with translated():
            for shard in range(LIST_SHARDS):
                looked_at = self._rows.query(
                    str(shard),
                    index_name="by_created",
                    filter_condition=JobRow.kind == kind if kind is not None else None,
                    attributes_to_get=["job_id", "created_at", *_OF_STATUS],
                )
                keys += [
                    (row.created_at, row.job_id)
                    for row in looked_at
                    if status is None or _status_of(row) == status
                ]
            keys.sort(reverse=True)
            start = (page - 1) * page_size
            shown = [job_id for _, job_id in keys[start : start + page_size]]
            rows = {row.job_id: row for row in self._rows.batch_get(shown, consistent_read=True)}
        return [_job_of(rows[job_id]) for job_id in shown if job_id in rows], len(keys)

    def count(self, since: datetime) -> Mapping[tuple[str, JobStatus], int]:
        found: Counter[tuple[str, JobStatus]] = Counter()
        with translated():
            for shard in range(LIST_SHARDS):
                rows = self._rows.query(
                    str(shard),
                    JobRow.created_at >= since.astimezone(UTC).isoformat(),
                    index_name="by_created",
                    attributes_to_get=["kind", *_OF_STATUS],
                )
                found.update((row.kind, _status_of(row)) for row in rows)
        return found

    def progress(
        self,
        job_id: str,
        *,
        done: int = 0,
        failed: int = 0,
        total: int = 0,
        errors: Sequence[JobError] = (),
        checkpoint: Mapping[str, Any] | None = None,
        checkpoint_was: Mapping[str, Any] | None = None,
    ) -> Job:
        actions: list[Action] = [
            JobRow.done.add(done),
            JobRow.failed.add(failed),
            JobRow.total.add(total),
            JobRow.started.set(True),
        ]
        if errors and (room := MAX_ERRORS_KEPT - len(self._row(job_id).errors)) > 0:
            actions.append(
                JobRow.errors.set(JobRow.errors.append([_error_text(one) for one in errors[:room]]))
            )
        if checkpoint is not None:
            actions.append(JobRow.checkpoint.set(_json(checkpoint)))
        condition = None
        if checkpoint_was is not None:
            condition = JobRow.checkpoint == _json(checkpoint_was)
        return self._update(job_id, actions, condition, "Another worker has done this step.")

    def measure(
        self, job_id: str, *, done: int, total: int, failed: int, errors: Sequence[JobError], as_of: int
    ) -> Job:
        actions: list[Action] = [
            JobRow.done.set(done),
            JobRow.total.set(total),
            JobRow.failed.set(failed),
            JobRow.errors.set([_error_text(one) for one in errors[:MAX_ERRORS_KEPT]]),
            JobRow.started.set(True),
            JobRow.measured.set(as_of),
        ]
        newer = JobRow.measured.does_not_exist() | (JobRow.measured < as_of)
        try:
            return self._update(job_id, actions, newer, "A later report is there already.")
        except Conflict:
            return self.get(job_id)

    def seal(self, job_id: str, *, result: Mapping[str, Any]) -> Job:
        job = self.get(job_id)
        if job.sealed or job.status.ended:
            return job
        actions = [JobRow.sealed.set(True), JobRow.result.set(_json(result))]
        return self._ending(job_id, actions, JobRow.sealed == False)  # noqa: E712 - builds a condition

    def finish(self, job_id: str, status: JobStatus, *, result: Mapping[str, Any] | None = None) -> Job:
        job = self.get(job_id)
        if job.status.ended:
            return job
        actions: list[Action] = [JobRow.ended.set(status.value)]
        if result is not None:
            actions.append(JobRow.result.set(_json(result)))
        return self._ending(job_id, actions, None)

    def cancel(self, job_id: str) -> Job:
        return self.finish(job_id, JobStatus.CANCELLED)

    def _ending(self, job_id: str, actions: Sequence[Action], condition: Condition | None) -> Job:
        unended = JobRow.ended.does_not_exist()
        try:
            return self._update(job_id, actions, unended if condition is None else unended & condition, "")
        except Conflict:
            return self.get(job_id)  # Somebody ended it a moment earlier: the first word stands.

    def _update(
        self, job_id: str, actions: Sequence[Action], condition: Condition | None, conflict: str
    ) -> Job:
        row = self._rows(job_id)
        exists = JobRow.job_id.exists()
        whole = exists if condition is None else exists & condition
        stamped = [*actions, JobRow.updated_at.set(self._clock().isoformat())]
        try:
            with translated():
                persistently(lambda: row.update(actions=stamped, condition=whole))
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            self._row(job_id)
            raise Conflict(conflict) from error
        return _job_of(row)

    def _row(self, job_id: str) -> JobRow:
        with translated():
            try:
                return self._rows.get(job_id, consistent_read=True)
            except DoesNotExist as error:
                raise NotFound("There is no such job.") from error


_OF_STATUS = ("started", "ended", "sealed", "done", "total", "failed")


def _status_of(row: JobRow) -> JobStatus:
    if row.ended:
        return JobStatus(row.ended)
    if row.sealed and row.done >= row.total:
        return end_of_sealed(total=int(row.total), failed=int(row.failed))
    return JobStatus.RUNNING if row.started else JobStatus.QUEUED


def _job_of(row: JobRow) -> Job:
    status = JobStatus(row.ended) if row.ended else JobStatus.RUNNING if row.started else JobStatus.QUEUED
    return settled(
        Job(
            job_id=row.job_id,
            kind=row.kind,
            status=status,
            done=int(row.done),
            total=int(row.total),
            failed=int(row.failed),
            created_by=row.created_by,
            subject=row.subject,
            errors=tuple(JobError(**json.loads(text)) for text in row.errors),
            result=json.loads(row.result),
            checkpoint=json.loads(row.checkpoint),
            sealed=row.sealed,
            created_at=datetime.fromisoformat(row.created_at),
            updated_at=datetime.fromisoformat(row.updated_at),
        )
    )


def _error_text(error: JobError) -> str:
    return _json({"file": error.file, "record": error.record, "reason": error.reason[:_MAX_REASON]})


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
