"""Reconciling: proves that both indexes hold what the documents say, and repairs what they do not."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from candor.documents import Document, Documents, Status
from candor.errors import NotFound
from candor.indexing.generations import NO_EMBEDDER
from candor.indexing.shelves import Following, Shelves
from candor.ingesting import Ingesting
from candor.jobs import Jobs, JobStatus
from candor.messages import DocumentToIndex, Queue, SourceToRead
from candor.objects import INGEST_PREFIX, SOURCE_PREFIX, Objects
from candor.search import KeywordIndex, Stored, VectorIndex

EXAMPLES_KEPT: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """
    One thing an index has wrong.

    `missing`: passages of the served version are not there. `stale`: an earlier version still is.
    `extra`: passages of a document that is deleted or never was.
    """

    kind: str
    index: str
    document_id: str


@dataclass(kw_only=True, slots=True)
class Report:
    documents: int = 0
    passages: dict[str, int] = field(default_factory=dict)
    pending: int = 0
    differences: list[Difference] = field(default_factory=list)
    requeued: int = 0
    sources_requeued: int = 0

    def as_result(self) -> dict[str, Any]:
        counts = defaultdict(int, {"missing": 0, "stale": 0, "extra": 0})
        for difference in self.differences:
            counts[difference.kind] += 1
        return {
            "status": "ok",
            "documents": self.documents,
            "passages": self.passages,
            "pending": self.pending,
            **counts,
            "requeued": self.requeued,
            "sources_requeued": self.sources_requeued,
            "examples": [
                {"kind": d.kind, "index": d.index, "document_id": d.document_id}
                for d in self.differences[:EXAMPLES_KEPT]
            ],
        }


class Reconciling:
    """
    Holds all rows' versions in memory while it compares: about 200 bytes a document.

    Without `vectors` search is by words alone, and there is nothing else to compare.
    """

    def __init__(
        self,
        *,
        documents: Documents,
        keywords: KeywordIndex,
        vectors: VectorIndex | None,
        index_queue: Queue,
        jobs: Jobs,
        objects: Objects,
        ingesting: Ingesting,
        source_queue: Queue,
    ) -> None:
        self._documents = documents
        self._indexes: dict[str, KeywordIndex | VectorIndex] = {"keywords": keywords}
        if vectors is not None:
            self._indexes["vectors"] = vectors
        self._index_queue = index_queue
        self._jobs = jobs
        self._objects = objects
        self._ingesting = ingesting
        self._source_queue = source_queue

    def run(self, job_id: str) -> Report:
        """Compare, repair, queue again, and leave the report as the job's result."""
        report = self.compare()
        if self._jobs.get(job_id).status.ended:
            return report  # Cancelled while it compared: it is not to change anything any more.
        self._repair(report)
        self._requeue_sources(report)
        self._jobs.finish(job_id, JobStatus.SUCCEEDED, result=report.as_result())
        return report

    def compare(self) -> Report:
        """What is wrong now. Rows on their way are counted, not compared: they are about to change."""
        report = Report()
        rows: dict[str, Document] = {}
        for document in self._documents.all():
            rows[document.document_id] = document
            report.documents += 0 if document.deleted else 1
            report.pending += 1 if document.pending else 0
        for name, index in self._indexes.items():
            stored = list(index.stored())
            report.passages[name] = sum(one.passages for one in stored)
            for kind, document_id in _differences(rows, stored):
                if self._is_settled(rows.get(document_id), document_id):
                    report.differences.append(Difference(kind=kind, index=name, document_id=document_id))
        return report

    def _is_settled(self, seen: Document | None, document_id: str) -> bool:
        """Whether the row is still what was compared; if not, what looked wrong was work in progress."""
        now = self._documents.find(document_id)
        if seen is None or now is None:
            return now is seen
        return now.version == seen.version and not now.pending

    def _repair(self, report: Report) -> None:
        lost: set[str] = set()
        for difference in report.differences:
            document = self._documents.find(difference.document_id)
            index = self._indexes[difference.index]
            if document is None:
                index.forget(difference.document_id)
            elif document.deleted:
                index.forget(difference.document_id, keep_version=document.version)
            elif difference.kind == "stale":
                index.forget(difference.document_id, keep_version=document.served_version)
            else:
                if difference.kind == "extra":
                    index.forget(difference.document_id)
                lost.add(difference.document_id)
        for document_id in lost:
            document = self._documents.find(document_id)
            if document is not None and not document.deleted:
                self._documents.reopen(document)
        # Whatever is pending and has no message any more gets one; a second message does no harm.
        waiting = lost | set(self._documents.pending())
        self._index_queue.send(*(DocumentToIndex(document_id=document_id) for document_id in sorted(waiting)))
        report.requeued = len(waiting)

    def _requeue_sources(self, report: Report) -> None:
        for info in self._objects.list(SOURCE_PREFIX):
            if info.key.endswith("/"):
                continue
            job = self._ingesting.queue_object(info, created_by="reconcile")
            report.sources_requeued += 0 if job.status.ended else 1
        for info in self._objects.list(INGEST_PREFIX):
            job_id = PurePosixPath(info.key).stem
            try:
                over = self._jobs.get(job_id).status.ended
            except NotFound:
                over = False
                self._jobs.start(kind="ingest", subject=info.key, created_by="reconcile", job_id=job_id)
            if not over:
                self._source_queue.send(SourceToRead(key=info.key, job_id=job_id))
                report.sources_requeued += 1


class LiveReconciling:
    """`Reconciling` of whatever is live."""

    def __init__(
        self, shelves: Shelves, make: Callable[[KeywordIndex, VectorIndex | None], Reconciling]
    ) -> None:
        self._following = Following(
            shelves,
            lambda shelf: make(
                shelf.keywords, None if shelf.generation.embedder == NO_EMBEDDER else shelf.vectors
            ),
        )

    def run(self, job_id: str) -> Report:
        return self._following.now().run(job_id)

    def compare(self) -> Report:
        return self._following.now().compare()


def _differences(rows: Mapping[str, Document], stored: Iterable[Stored]) -> Iterator[tuple[str, str]]:
    held: dict[str, dict[int, int]] = defaultdict(dict)
    for one in stored:
        versions = held[one.document_id]
        versions[one.version] = versions.get(one.version, 0) + one.passages
    for document_id, versions in held.items():
        row = rows.get(document_id)
        if row is None or (row.deleted and not row.pending):
            yield "extra", document_id
        elif not row.pending:
            if any(version < row.served_version for version in versions):
                yield "stale", document_id
            # Passages of a version that failed after it was written lie there unserved until the next one.
            ceiling = row.version if row.status == Status.FAILED else row.served_version
            if any(version > ceiling for version in versions):
                yield "extra", document_id
    for document_id, row in rows.items():
        if row.pending or row.deleted or row.served_version == 0 or row.chunks_count == 0:
            continue
        if held.get(document_id, {}).get(row.served_version, 0) != row.chunks_count:
            yield "missing", document_id
