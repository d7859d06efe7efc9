"""In-memory documents: the truth in a dictionary, for tests and for small demos."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from candor.documents import (
    Change,
    Contents,
    Document,
    Draft,
    Listing,
    Origin,
    Status,
    document_id_of,
    origin_of,
    succession,
)
from candor.errors import Conflict, NotFound
from candor.jobs import Jobs
from candor.redaction import without_cards


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryDocuments:
    """`Documents` in a dictionary. `changed` gets the id of every row that became pending: the stream."""

    def __init__(
        self,
        *,
        jobs: Jobs | None = None,
        changed: Callable[[str], None] | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._jobs = jobs
        self._changed = changed
        self._clock = clock
        self._lock = threading.RLock()
        self._rows: dict[str, Document] = {}
        self._contents: dict[str, Contents] = {}

    def put(
        self, draft: Draft, *, job_id: str | None = None, expected_version: int | None = None
    ) -> tuple[Document, Change]:
        draft, document_id = without_cards(draft), document_id_of(draft.url)
        with self._lock:
            current = self._rows.get(document_id)
            if expected_version is not None and (current is None or current.version != expected_version):
                raise Conflict("The document has been changed by somebody else.")
            document, change = succession(current, draft, job_id=job_id, now=self._clock())
            self._rows[document_id] = document
            if change == Change.UNCHANGED:
                return document, change
            self._contents[document_id] = Contents(text=draft.text, raw=draft.raw)
            if current is not None:
                self._tell(current)
        self._publish(document_id)
        return document, change

    def put_many(
        self, drafts: Sequence[Draft], *, job_id: str | None = None
    ) -> Sequence[tuple[Document, Change]]:
        return [self.put(draft, job_id=job_id) for draft in drafts]

    def get(self, document_id: str) -> Document:
        document = self.find(document_id)
        if document is None or document.deleted:
            raise NotFound("There is no such document.")
        return document

    def find(self, document_id: str) -> Document | None:
        return self._rows.get(document_id)

    def find_many(self, document_ids: Sequence[str]) -> Mapping[str, Document]:
        return {one: row for one in document_ids if (row := self._rows.get(one)) is not None}

    def contents(self, document: Document) -> Contents:
        with self._lock:
            row = self._rows.get(document.document_id)
            if row is None or row.version != document.version or row.deleted:
                raise NotFound("That version has been replaced.")
            return self._contents[document.document_id]

    def delete(self, document_id: str, *, source: str | None = None) -> None:
        with self._lock:
            row = self.get(document_id)
            if source is not None and row.source != source:
                raise NotFound("Another source owns this document now.")
            self._rows[document_id] = replace(
                row,
                version=row.version + 1,
                served_version=0,
                chunks_count=0,
                deleted=True,
                status=Status.QUEUED,
                pending=True,
                awaited_by=(),
                updated_at=self._clock(),
            )
            self._contents.pop(document_id, None)
            self._tell(row)
        self._publish(document_id)

    def list(
        self,
        *,
        page: int,
        page_size: int,
        doc_type: str | None = None,
        text: str | None = None,
        status: Status | None = None,
        origin: Origin | None = None,
    ) -> Listing:
        sought = (text or "").casefold()
        rows = [
            row
            for row in list(self._rows.values())
            if not row.deleted
            and (doc_type is None or row.doc_type == doc_type)
            and (status is None or row.status == status)
            and (origin is None or origin is origin_of(row.source))
            and (sought in row.title.casefold() or sought in row.url.casefold())
        ]
        rows.sort(key=lambda row: (row.created_at, row.document_id), reverse=True)
        start = (page - 1) * page_size
        return Listing(items=tuple(rows[start : start + page_size]), total=len(rows))

    def mark_served(self, served: Sequence[tuple[Document, int]]) -> frozenset[str]:
        return frozenset(document.document_id for document, count in served if self._serve(document, count))

    def _serve(self, document: Document, chunks_count: int) -> bool:
        with self._lock:
            row = self._current(document)
            if row is None or not row.pending:
                return False
            self._rows[row.document_id] = replace(
                row,
                served_version=row.version,
                chunks_count=chunks_count,
                status=Status.INDEXED_UNCONFIRMED,
            )
            return True

    def mark_indexed(self, documents: Sequence[Document], *, confirmed: bool) -> frozenset[str]:
        return frozenset(one.document_id for one in documents if self._settle(one, confirmed))

    def _settle(self, document: Document, confirmed: bool) -> bool:
        with self._lock:
            row = self._rows.get(document.document_id)
            if row is None or row.version != document.version or not row.pending:
                return False
            status = Status.INDEXED if confirmed else Status.INDEXED_UNCONFIRMED
            self._rows[row.document_id] = replace(row, status=status, pending=False, error=None)
            self._tell(row)
            return True

    def mark_failed(self, document: Document, error: str) -> bool:
        with self._lock:
            row = self._current(document)
            if row is None or not row.pending:
                return False
            self._rows[row.document_id] = replace(row, status=Status.FAILED, pending=False, error=error)
            self._tell(row, failed=1)
            return True

    def reopen(self, document: Document) -> bool:
        with self._lock:
            row = self._rows.get(document.document_id)
            if row is None or row.version != document.version:
                return False
            if not row.pending:
                self._rows[row.document_id] = replace(row, pending=True, awaited_by=())
        self._publish(document.document_id)
        return True

    def served_versions(self, document_ids: Iterable[str]) -> Mapping[str, int]:
        rows = (self._rows.get(document_id) for document_id in document_ids)
        return {
            row.document_id: row.served_version
            for row in rows
            if row is not None and not row.deleted and row.served_version > 0
        }

    def pending(self) -> Iterator[str]:
        return iter([row.document_id for row in list(self._rows.values()) if row.pending])

    def of_source(self, source: str) -> Iterator[Document]:
        return iter([row for row in self.all() if row.source == source and not row.deleted])

    def whole_of_source(self, source: str) -> Iterator[tuple[Document, Contents]]:
        with self._lock:
            rows = sorted(self.of_source(source), key=lambda row: row.document_id)
            return iter([(row, self._contents[row.document_id]) for row in rows])

    def all(self) -> Iterator[Document]:
        return iter(self.some(after="", limit=len(self._rows)))

    def some(self, *, after: str, limit: int) -> Sequence[Document]:
        with self._lock:
            ids = sorted(document_id for document_id in self._rows if document_id > after)
            return [self._rows[document_id] for document_id in ids[:limit]]

    def text_keys(self, document_id: str) -> frozenset[str]:
        return frozenset()  # All texts lie in the dictionary.

    def _current(self, document: Document) -> Document | None:
        row = self._rows.get(document.document_id)
        return row if row is not None and row.version == document.version and not row.deleted else None

    def _tell(self, row: Document, *, failed: int = 0) -> None:
        if self._jobs is None or not row.pending:
            return
        for job_id in row.awaited_by:
            try:
                self._jobs.progress(job_id, done=1, failed=failed)
            except NotFound:
                continue  # A job that has aged away waits for nothing.

    def _publish(self, document_id: str) -> None:
        if self._changed is not None:
            self._changed(document_id)
