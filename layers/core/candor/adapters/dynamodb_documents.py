"""
Documents in DynamoDB: one row a document, its text beside it or, when large, in the bucket.

| index | hash | range | holds |
|---|---|---|---|
| table | document_id | | everything |
| by_created | list_shard, 0..3 | created_at | what lists show; deleted rows are not in it |
| by_source | source_shard, `<source>#<0..7>` | document_id | keys; deleted rows are not in it |
| pending | pending, 0..7 | document_id | keys; only rows whose version is not in both indexes |

Every write names the row's `revision` it was made from, so no writer undoes another.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action

from candor.adapters import document_lists
from candor.adapters.document_rows import (
    ALL_BUT_BODY,
    PENDING_SHARDS,
    DocumentRow,
    body_of,
    document_of,
    fill,
    outdated,
    packed,
)
from candor.adapters.document_writes import DocumentWrites, Write, save_of, update_of
from candor.adapters.dynamodb import bound_to, translated
from candor.adapters.dynamodb_jobs import JobRow
from candor.adapters.dynamodb_lists import shard_of
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
        self._objects = objects
        self._clock = clock
        job_rows = bound_to(JobRow, jobs_table) if jobs_table else None
        self._writes = DocumentWrites(self._rows, job_rows, now=lambda: clock().isoformat())
        self._found: dict[str, DocumentRow] = {}

    def put(
        self, draft: Draft, *, job_id: str | None = None, expected_version: int | None = None
    ) -> tuple[Document, Change]:
        [result] = self._put([draft], job_id, expected_version)
        return result

    def put_many(
        self, drafts: Sequence[Draft], *, job_id: str | None = None
    ) -> Sequence[tuple[Document, Change]]:
        return self._put(drafts, job_id)

    def _put(
        self, drafts: Sequence[Draft], job_id: str | None, expected_version: int | None = None
    ) -> Sequence[tuple[Document, Change]]:
        """All that is to be written in one go; once more those whose rows have moved on meanwhile."""
        cleaned = {document_id_of(draft.url): without_cards(draft) for draft in drafts}
        results: dict[str, tuple[Document, Change]] = {}
        for _ in range(_ATTEMPTS):
            waiting = [document_id for document_id in cleaned if document_id not in results]
            if not waiting:
                return [results[document_id_of(draft.url)] for draft in drafts]
            rows = self._find_rows(waiting)
            begun: list[tuple[DocumentRow | None, Document, Change, Write]] = []
            for document_id in waiting:
                row, draft = rows.get(document_id), cleaned[document_id]
                current = document_of(row) if row else None
                if expected_version is not None and (current is None or current.version != expected_version):
                    raise Conflict("The document has been changed by somebody else.")
                document, change = succession(current, draft, job_id=job_id, now=self._clock())
                if document is current:
                    results[document_id] = document, change
                elif row is not None and change == Change.UNCHANGED:
                    waits = update_of(
                        self._rows(document_id),
                        [DocumentRow.awaited_by.set(list(document.awaited_by))],
                        DocumentRow.revision == row.revision,
                    )
                    begun.append((None, document, change, waits))
                else:
                    fresh = self._fresh(row, document, packed(Contents(text=draft.text, raw=draft.raw)))
                    begun.append((fresh, document, change, self._replacement(row, fresh)))
            written = self._writes.commit([write for *_, write in begun])
            for (fresh_row, document, change, _), done in zip(begun, written, strict=True):
                if done:
                    results[document.document_id] = document, change
                elif fresh_row is not None:
                    self._clear_unwritten(fresh_row)
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

    def find_many(self, document_ids: Sequence[str]) -> Mapping[str, Document]:
        rows = self._find_rows(document_ids, "body")
        for row in rows.values():
            if not row.deleted:
                _keep(self._found, row)
        return {document_id: document_of(row) for document_id, row in rows.items()}

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
                DocumentRow.old_texts.set(outdated(row)),
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

    def mark_served(self, served: Sequence[tuple[Document, int]]) -> frozenset[str]:
        rows: list[DocumentRow] = []
        writes: list[Write] = []
        for document, chunks_count in served:
            row = self._rows(document.document_id)
            actions: list[Action] = [
                DocumentRow.served_version.set(document.version),
                DocumentRow.chunks_count.set(chunks_count),
                DocumentRow.status.set(Status.INDEXED_UNCONFIRMED.value),
            ]
            # No revision: nothing but a newer version, or the end of the waiting, stands against it.
            current = (DocumentRow.version == document.version) & DocumentRow.pending.exists()
            writes.append(update_of(row, actions, current & (DocumentRow.deleted == False)))  # noqa: E712 - a condition
            rows.append(row)
        done = self._writes.commit(writes)
        return frozenset(row.document_id for row, is_done in zip(rows, done, strict=True) if is_done)

    def mark_indexed(self, documents: Sequence[Document], *, confirmed: bool) -> frozenset[str]:
        waiting = {document.document_id: document for document in documents}
        marked: set[str] = set()
        for _ in range(_ATTEMPTS):
            if not waiting:
                return frozenset(marked)
            writes: dict[str, Write] = {}
            rows = self._find_rows(list(waiting))
            for document_id, document in waiting.items():
                row = rows.get(document_id)
                if row is not None and int(row.version) == document.version and row.pending is not None:
                    writes[document_id] = self._settling(row, confirmed)
            # Those whose row was changed between the reading and the writing are read again.
            done = dict(zip(writes, self._writes.commit(list(writes.values())), strict=True))
            marked |= {document_id for document_id, is_done in done.items() if is_done}
            waiting = {
                document_id: waiting[document_id] for document_id, is_done in done.items() if not is_done
            }
        raise Unavailable("Too many writers are changing this document at once.")

    def _settling(self, row: DocumentRow, confirmed: bool) -> Write:
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
        return self._change(row, actions, tell=True)

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
        if self._writes.commit([update_of(row, actions, settled)]) == [True]:
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
        return frozenset(outdated(self._find(document_id, "body_key", "old_texts")))

    def _fresh(self, row: DocumentRow | None, document: Document, body: bytes) -> DocumentRow:
        """A new version whole. Its text is in place before the row that names it."""
        fresh = self._rows(document.document_id)
        fill(fresh, document)
        fresh.revision = (row.revision if row else 0) + 1
        fresh.old_texts = outdated(row)
        if len(body) <= MAX_INLINE:
            fresh.body = body
        else:
            # Never a key that was used before: whoever clears what no row names must not meet a second write.
            fresh.body_key = f"texts/{document.document_id}/{document.version}-{uuid.uuid4().hex}"
            self._objects.put(fresh.body_key, body)
        return fresh

    def _replacement(self, row: DocumentRow | None, fresh: DocumentRow) -> Write:
        condition = DocumentRow.revision == row.revision if row else DocumentRow.document_id.does_not_exist()
        return save_of(fresh, condition, list(row.awaited_by) if row and row.pending is not None else [])

    def _clear_unwritten(self, fresh: DocumentRow) -> None:
        if fresh.body_key is not None:
            winner = self._find(fresh.document_id, "body_key")
            if winner is None or winner.body_key != fresh.body_key:
                self._objects.delete(fresh.body_key)

    def _change(self, row: DocumentRow, actions: Sequence[Action], *, tell: bool) -> Write:
        """Of a row that was read, if nobody else has changed it since; with `tell`, end its jobs' waiting."""
        jobs = list(row.awaited_by) if tell and row.pending is not None else []
        return update_of(self._rows(row.document_id), actions, DocumentRow.revision == row.revision, jobs)

    def _update(
        self, row: DocumentRow, actions: Sequence[Action], *, tell: bool = False, failed: int = 0
    ) -> bool:
        return self._writes.commit([self._change(row, actions, tell=tell)], failed=failed) == [True]

    def _find_rows(self, document_ids: Sequence[str], *more: str) -> dict[str, DocumentRow]:
        if len(document_ids) == 1:
            row = self._find(document_ids[0], *ALL_BUT_BODY, *more)
            return {row.document_id: row} if row else {}
        attributes = [*ALL_BUT_BODY, *more]
        with translated():
            found = self._rows.batch_get(
                list(document_ids), consistent_read=True, attributes_to_get=attributes
            )
            return {row.document_id: row for row in found}

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


def _keep(rows: dict[str, DocumentRow], row: DocumentRow) -> None:
    """For a moment: what nobody comes back for makes room."""
    rows.pop(row.document_id, None)
    while len(rows) >= _KEPT:
        rows.pop(next(iter(rows)), None)
    rows[row.document_id] = row
