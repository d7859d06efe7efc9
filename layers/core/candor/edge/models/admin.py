"""Admin's models: ingest in bulk, jobs, and reconciliation."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from candor.edge.models import Body, Flag, Paging, Query, Reply
from candor.edge.models.documents import RecordBody
from candor.jobs import Job, JobStatus

MAX_DOCUMENTS = 10_000


class IngestBody(Body):
    documents: Annotated[list[RecordBody], Field(min_length=1, max_length=MAX_DOCUMENTS)]


class FromSourceQuery(Query):
    prefix: Annotated[str, Field(max_length=1_000)] | None = None
    """What is read: everything under this part of `source/`."""
    source_dir: Annotated[str, Field(max_length=1_000)] | None = None
    """The older name of `prefix`."""
    dry_run: Flag = False
    """Read and count; change nothing."""
    wait: bool = True
    """Answer with the result if it is there within 25 seconds."""


class AcceptedReply(Reply):
    """A job has been taken on; both names are the same id."""

    job_id: str
    id: str
    status: JobStatus

    @classmethod
    def of(cls, job: Job) -> Self:
        return cls(job_id=job.job_id, id=job.job_id, status=JobStatus.QUEUED)


class IngestReply(AcceptedReply):
    documents_count: int


class ReindexBody(Body):
    embedder: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """`embedded`, `minilm`, `wordllama`, or the name of a model. Left out: the one the settings name."""
    dimensions: Annotated[int, Field(ge=1, le=20_000)] | None = None
    """Left out: as many as the model gives."""


class JobsQuery(Paging):
    kind: Annotated[str, Field(max_length=100)] | None = None
    """Only jobs of this kind: `read_source`, `ingest`, `reconcile`, …"""
    status: JobStatus | None = None


class ProgressReply(Reply):
    done: int
    total: int
    failed: int


class JobErrorReply(Reply):
    file: str
    record: int
    """Counted from 0; -1: the file as a whole."""
    reason: str


class JobReply(Reply):
    id: str
    job_id: str
    kind: str
    subject: str
    status: JobStatus
    progress: ProgressReply
    stage: str | None = None
    """What it is doing just now, where it does several things one after the other."""
    eta_seconds: int | None
    result: dict[str, Any]
    errors: list[JobErrorReply]
    created_by: str
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, job: Job, now: datetime) -> Self:
        return cls(
            id=job.job_id,
            job_id=job.job_id,
            kind=job.kind,
            subject=job.subject,
            status=job.status,
            progress=ProgressReply(done=job.done, total=job.total, failed=job.failed),
            stage=stage if isinstance(stage := job.checkpoint.get("stage"), str) else None,
            eta_seconds=job.eta_seconds(now),
            result=dict(job.result),
            errors=[JobErrorReply(file=e.file, record=e.record, reason=e.reason) for e in job.errors],
            created_by=job.created_by,
            created_at=job.created_at.isoformat(),
            updated_at=job.updated_at.isoformat(),
        )


class JobsReply(Reply):
    items: list[JobReply]
    total: int
    page: int
    page_size: int


class CountsReply(Reply):
    ok: int
    skipped: int
    error: int


class FileReply(Reply):
    name: str
    job_id: str | None
    ok: int
    skipped: int
    error: int
    errors: list[JobErrorReply]


class FromSourceReply(Reply):
    status: str
    job_id: str | None
    id: str | None
    results: CountsReply
    total: int
    files: list[FileReply]
