"""
Documents in DynamoDB: one row a document, its text beside it or, when large, in the bucket.

| index | hash | range | holds |
|---|---|---|---|
| table | document_id | | everything |
| by_created | list_shard, 0..3 | created_at | what lists show; deleted rows are not in it |
| by_source | source_shard, `<source>#<0..7>` | document_id | keys; deleted rows are not in it |
| pending | pending, 0..7 | document_id | keys; only rows whose version is not in both indexes |

Every write names the row's `revision` it was made from, so no writer undoes another. A job that waits for a
version is told in the same transaction that ends the waiting: told once, whatever crashes.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from candor.adapters import document_lists
from candor.adapters.document_rows import (
    ALL_BUT_BODY,
    PENDING_SHARDS,
    DocumentRow,
    body_of,
    document_of,
    fill,
    packed,
)
from candor.adapters.dynamodb import bound_to, failed_conditions, is_condition, translated
from candor.adapters.dynamodb_jobs import JobRow, told
from candor.adapters.dynamodb_lists import persistently, shard_of
from candor.documents import (
    Change,
    Contents,
    Document,
    Draft,
    Listing,
    Origin,
    Status,
    document_id_of,
    succession,
)
from candor.errors import Conflict, NotFound, Unavailable
from candor.objects import Objects
from candor.redaction import without_cards

MAX_INLINE = 32 * 1024
"""Bytes of compressed text kept in the row: nine tenths of all pages, one request less for each."""

TOMBSTONE_SECONDS = 15 * 24 * 3600
"""A deleted row outlives every message about it: a queue keeps one for 14 days at most."""

_ATTEMPTS = 12

_KEPT = 64
"""Rows remembered between two steps with the same document: a batch of them, at most 32 KB of text each."""


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoDocuments:
    """
    `Documents` in one table; waiting jobs are told in `jobs_table`, large texts lie in `objects`.

    Whoever writes needs the jobs' table; those who only read do without.
    """

    def __init__(
        self,
        table_name: str,
        *,
        objects: Objects,
        jobs_table: str | None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._rows = bound_to(DocumentRow, table_name)
        self._job_rows = bound_to(JobRow, jobs_table) if jobs_table else None
        self._objects = objects
        self._clock = clock
        self._found: dict[str, DocumentRow] = {}
        self._served: dict[str, DocumentRow] = {}

    def put(
        self, draft: Draft, *, job_id: str | None = None, expected_version: int | None = None
    ) -> tuple[Document, Change]:
        draft, document_id = without_cards(draft), document_id_of(draft.url)
        body = packed(Contents(text=draft.text, raw=draft.raw))
        for _ in range(_ATTEMPTS):
            row = self._find(document_id)
            current = document_of(row) if row else None
            if expected_version is not None and (current is None or current.version != expected_version):
                raise Conflict("The document has been changed by somebody else.")
            document, change = succession(current, draft, job_id=job_id, now=self._clock())
            if document is current:
                return document, change
            if row is not None and change == Change.UNCHANGED:
                action = DocumentRow.awaited_by.set(list(document.awaited_by))
                if self._update(row, [action]):
                    return document, change
                continue
            if self._replace(row, document, body):
                return document, change
        raise Unavailable("Too many writers are changing this document at once.")

    def get(self, document_id: str) -> Document:
        document = self.find(document_id)
        if document is None or document.deleted:
            raise NotFound("There is no such document.")
        return document

    def find(self, document_id: str) -> Document | None:
        # With its text, which costs no more to read: its contents are mostly what is asked for next.
        row = self._find(document_id, *ALL_BUT_BODY, "body")
        if row is not None and not row.deleted:
            _keep(self._found, row)
        return document_of(row) if row else None

    def contents(self, document: Document) -> Contents:
        row = self._found.pop(document.document_id, None)
        if row is None or int(row.version) != document.version:
            row = self._find(document.document_id, "version", "deleted", "body", "body_key")
        if row is None or row.deleted or int(row.version) != document.version:
            raise NotFound("That version has been replaced.")
        return body_of(row.body if row.body is not None else self._objects.read(row.body_key))

    def delete(self, document_id: str, *, source: str | None = None) -> None:
        for _ in range(_ATTEMPTS):
            row = self._find(document_id)
            if row is None or row.deleted:
                raise NotFound("There is no such document.")
            if source is not None and row.source != source:
                raise NotFound("Another source owns this document now.")
            actions: list[Action] = [
                DocumentRow.version.set(row.version + 1),
                DocumentRow.served_version.set(0),
                DocumentRow.chunks_count.set(0),
                DocumentRow.deleted.set(True),
                DocumentRow.status.set(Status.QUEUED.value),
                DocumentRow.pending.set(shard_of(document_id, PENDING_SHARDS)),
                DocumentRow.awaited_by.set([]),
                DocumentRow.old_texts.set(_outdated(row)),
                DocumentRow.updated_at.set(self._clock().isoformat()),
                DocumentRow.list_shard.remove(),
                DocumentRow.source_shard.remove(),
                DocumentRow.body.remove(),
                DocumentRow.body_key.remove(),
            ]
            if self._update(row, actions, tell=True):
                return
        raise Unavailable("Too many writers are changing this document at once.")

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
        return document_lists.page_of(
            self._rows,
            page=page,
            page_size=page_size,
            doc_type=doc_type,
            text=text,
            status=status.value if status else None,
            origin=origin,
        )

    def mark_served(self, document: Document, *, chunks_count: int) -> bool:
        row = self._rows(document.document_id)
        actions: list[Action] = [
            DocumentRow.served_version.set(document.version),
            DocumentRow.chunks_count.set(chunks_count),
            DocumentRow.status.set(Status.INDEXED_UNCONFIRMED.value),
        ]
        # No revision: nothing but a newer version, or the end of the waiting, stands against it.
        current = (DocumentRow.version == document.version) & DocumentRow.pending.exists()
        done = self._write(row, actions, current & (DocumentRow.deleted == False))  # noqa: E712 - a condition
        if done:
            row.body = None
            _keep(self._served, row)  # As it is now, all of it: `mark_indexed` need not read it again.
        return done

    def mark_indexed(self, document: Document, *, confirmed: bool) -> bool:
        for _ in range(_ATTEMPTS):
            # One that is no longer as it was refuses the write, and is read.
            row = self._served.pop(document.document_id, None) or self._find(document.document_id)
            if row is None or int(row.version) != document.version or row.pending is None:
                return False
            actions: list[Action] = [DocumentRow.pending.remove(), DocumentRow.error.remove()]
            if row.deleted:
                actions.append(DocumentRow.expires_at.set(int(time.time()) + TOMBSTONE_SECONDS))
            else:
                status = Status.INDEXED if confirmed else Status.INDEXED_UNCONFIRMED
                actions.append(DocumentRow.status.set(status.value))
            # The row forgets its old texts only after they are gone: a crash between leaves nothing behind.
            self._objects.delete(*row.old_texts)
            if row.old_texts:
                actions.append(DocumentRow.old_texts.set([]))
            if self._update(row, actions, tell=True):
                return True
        raise Unavailable("Too many writers are changing this document at once.")

    def mark_failed(self, document: Document, error: str) -> bool:
        for _ in range(_ATTEMPTS):
            row = self._find(document.document_id)
            if row is None or row.deleted or int(row.version) != document.version or row.pending is None:
                return False
            actions: list[Action] = [
                DocumentRow.pending.remove(),
                DocumentRow.error.set(error[:1_000]),
                DocumentRow.status.set(Status.FAILED.value),
            ]
            if self._update(row, actions, tell=True, failed=1):
                return True
        raise Unavailable("Too many writers are changing this document at once.")

    def reopen(self, document: Document) -> bool:
        actions: list[Action] = [
            DocumentRow.pending.set(shard_of(document.document_id, PENDING_SHARDS)),
            DocumentRow.awaited_by.set([]),
        ]
        row = self._rows(document.document_id)
        # A row that is pending anyway may have jobs waiting: it stays as it is, and is indexed all the same.
        settled = (DocumentRow.version == document.version) & DocumentRow.pending.does_not_exist()
        if self._write(row, actions, settled):
            return True
        now = self.find(document.document_id)
        return now is not None and now.version == document.version

    def served_versions(self, document_ids: Iterable[str]) -> Mapping[str, int]:
        wanted = list(dict.fromkeys(document_ids))
        with translated():
            rows = self._rows.batch_get(
                wanted,
                consistent_read=True,
                attributes_to_get=["document_id", "served_version", "deleted"],
            )
            return {
                row.document_id: int(row.served_version)
                for row in rows
                if not row.deleted and row.served_version > 0
            }

    def pending(self) -> Iterator[str]:
        with translated():
            for shard in range(PENDING_SHARDS):
                for row in self._rows.query(str(shard), index_name="pending"):
                    yield row.document_id

    def of_source(self, source: str) -> Iterator[Document]:
        return document_lists.of_source(self._rows, source)

    def whole_of_source(self, source: str) -> Iterator[tuple[Document, Contents]]:
        return document_lists.whole_of_source(self._rows, source, self._objects)

    def all(self) -> Iterator[Document]:
        with translated():
            for row in self._rows.scan(consistent_read=True, attributes_to_get=[*ALL_BUT_BODY]):
                yield document_of(row)

    def some(self, *, after: str, limit: int) -> Sequence[Document]:
        with translated():
            rows = self._rows.scan(
                consistent_read=True,
                attributes_to_get=[*ALL_BUT_BODY],
                last_evaluated_key={"document_id": {"S": after}} if after else None,
                limit=limit,
                page_size=limit,
            )
            return [document_of(row) for row in rows]

    def text_keys(self, document_id: str) -> frozenset[str]:
        return frozenset(_outdated(self._find(document_id, "body_key", "old_texts")))

    def _replace(self, row: DocumentRow | None, document: Document, body: bytes) -> bool:
        """Write a new version whole. Its text is in place before the row that names it."""
        fresh = self._rows(document.document_id)
        fill(fresh, document)
        fresh.revision = (row.revision if row else 0) + 1
        fresh.old_texts = _outdated(row)
        if len(body) <= MAX_INLINE:
            fresh.body = body
        else:
            # Never a key that was used before: whoever clears what no row names must not meet a second write.
            fresh.body_key = f"texts/{document.document_id}/{document.version}-{uuid.uuid4().hex}"
            self._objects.put(fresh.body_key, body)
        condition = DocumentRow.revision == row.revision if row else DocumentRow.document_id.does_not_exist()
        jobs = list(row.awaited_by) if row and row.pending is not None else []
        written = self._commit(
            lambda transaction: transaction.save(fresh, condition=condition),
            lambda: fresh.save(condition=condition),
            jobs,
            failed=0,
        )
        if not written and fresh.body_key is not None:
            winner = self._find(document.document_id, "body_key")
            if winner is None or winner.body_key != fresh.body_key:
                self._objects.delete(fresh.body_key)
        return written

    def _update(
        self, row: DocumentRow, actions: Sequence[Action], *, tell: bool = False, failed: int = 0
    ) -> bool:
        """Change a row that was read, if nobody else has since; with `tell`, end its jobs' waiting."""
        condition = DocumentRow.revision == row.revision
        jobs = list(row.awaited_by) if tell and row.pending is not None else []
        return self._write(self._rows(row.document_id), actions, condition, jobs, failed=failed)

    def _write(
        self,
        row: DocumentRow,
        actions: Sequence[Action],
        condition: Condition,
        jobs: Sequence[str] = (),
        *,
        failed: int = 0,
    ) -> bool:
        counted = [*actions, DocumentRow.revision.add(1)]
        return self._commit(
            lambda transaction: transaction.update(row, actions=counted, condition=condition),
            lambda: row.update(actions=counted, condition=condition),
            jobs,
            failed=failed,
        )

    def _commit(
        self,
        within: Callable[[TransactWrite], object],
        alone: Callable[[], object],
        jobs: Sequence[str],
        *,
        failed: int,
    ) -> bool:
        """One write, together with its jobs' counters where there are any. False if the row has moved on."""
        waiting = list(jobs)
        now = self._clock().isoformat()

        def transact() -> None:
            connection: Connection = self._rows._get_connection().connection
            with TransactWrite(connection=connection) as transaction:
                within(transaction)
                if self._job_rows is None:
                    raise Unavailable("A job waits for this document, and the jobs' table is not known here.")
                for job_id in waiting:
                    job, actions, exists = told(self._job_rows, job_id, failed=failed, now=now)
                    transaction.update(job, actions=actions, condition=exists)

        while True:
            try:
                with translated():
                    persistently(transact if waiting else alone)
                return True
            except PynamoDBException as error:
                if not is_condition(error):
                    raise
                broken = failed_conditions(error) if waiting else (0,)
                if 0 in broken:
                    return False
                # Jobs that have aged away wait for nothing.
                waiting = [job_id for place, job_id in enumerate(waiting, start=1) if place not in broken]

    def _find(self, document_id: str, *attributes: str) -> DocumentRow | None:
        with translated():
            try:
                return self._rows.get(
                    document_id,
                    consistent_read=True,
                    attributes_to_get=list(attributes) or [*ALL_BUT_BODY],
                )
            except DoesNotExist:
                return None


def _outdated(row: DocumentRow | None) -> list[Any]:
    """The texts in the bucket that nobody needs once the row has moved on."""
    if row is None:
        return []
    return [*row.old_texts, *([row.body_key] if row.body_key is not None else [])]


def _keep(rows: dict[str, DocumentRow], row: DocumentRow) -> None:
    """For a moment: what nobody comes back for makes room."""
    rows.pop(row.document_id, None)
    while len(rows) >= _KEPT:
        rows.pop(next(iter(rows)), None)
    rows[row.document_id] = row
