"""
Rebuilding: every document written into an index that is being built, and that index compared with them.

What is written is the version that may be quoted. A document whose served version is not its current one has
lost that text: it is for the worker that brings the next version to both indexes, and is waited for here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from candor.chunking import chunk
from candor.documents import Document, Documents, Status
from candor.errors import Invalid, NotFound, Unavailable
from candor.indexing.service import Remaining
from candor.indexing.shelves import Shelf
from candor.jobs import JobError
from candor.messages import DocumentToIndex, Queue
from candor.search import KeywordIndex, Passage, VectorIndex

Half = Literal["words", "vectors"]

PASSAGES_AT_ONCE: Final = 256
"""Of one step. Small, so that fresh documents on the same queue wait for seconds at most."""

_EMBEDDED_AT_ONCE: Final = 128

PART_SECONDS: Final = 35.0
"""What embedding so many may take: a server that is busy is waited for half a minute."""


@dataclass(kw_only=True, slots=True)
class Differences:
    """What a new index has otherwise than the documents."""

    missing: list[str] = field(default_factory=list)
    """Can be written now."""
    waiting: list[str] = field(default_factory=list)
    """Their next version is on its way."""
    left_behind: list[str] = field(default_factory=list)
    """Their current version failed to be indexed, and the text of the one before is gone."""
    failed: list[str] = field(default_factory=list)
    """All that the old index refused, in whole or in part."""
    extra: list[tuple[Half, str]] = field(default_factory=list)
    passages: dict[str, int] = field(default_factory=dict)
    documents: int = 0

    @property
    def repairable(self) -> int:
        return len(self.missing) + len(self.extra)


class Rebuilding:
    """Works on those halves of one shelf that are new."""

    def __init__(
        self, *, documents: Documents, index_queue: Queue, shelf: Shelf, halves: Collection[Half]
    ) -> None:
        self._documents = documents
        self._index_queue = index_queue
        self._shelf = shelf
        indexes: dict[Half, KeywordIndex | VectorIndex] = {"words": shelf.keywords, "vectors": shelf.vectors}
        self._indexes = {half: index for half, index in indexes.items() if half in halves}

    def write(self, rows: Iterable[Document], *, remaining: Remaining) -> dict[str, JobError]:
        """Put what these documents serve; returns those that are refused for good, by id."""
        works = [(row, passages) for row in rows if (passages := self._passages(row)) is not None]
        refused = self._put(works, remaining)
        for row, _ in works:
            self._tidy(row)
        return refused

    def compare(self) -> Differences:
        """Holds all rows' versions in memory, as reconciling does. What has moved meanwhile is left out."""
        found = Differences()
        rows: dict[str, Document] = {}
        for row in self._documents.all():
            rows[row.document_id] = row
            found.documents += 0 if row.deleted else 1
            if row.status == Status.FAILED and not row.deleted:
                found.failed.append(row.document_id)
        suspects: dict[str, Document | None] = {}
        extra: list[tuple[Half, str]] = []
        for half, index in self._indexes.items():
            held: dict[str, dict[int, int]] = defaultdict(dict)
            for one in index.stored():
                versions = held[one.document_id]
                versions[one.version] = versions.get(one.version, 0) + one.passages
            found.passages[half] = sum(sum(versions.values()) for versions in held.values())
            extra += [(half, document_id) for document_id in _superfluous(rows, held)]
            suspects.update(dict.fromkeys(_missing(rows, held)))
        for half, document_id in extra:
            if self._is_still(rows.get(document_id), document_id):
                found.extra.append((half, document_id))
        for document_id in suspects:
            row = rows[document_id]
            if not self._is_still(row, document_id):
                continue
            if row.served_version == row.version:
                found.missing.append(document_id)
            elif row.status == Status.FAILED:
                found.left_behind.append(document_id)
            else:
                found.waiting.append(document_id)
        return found

    def repair(self, differences: Differences, *, remaining: Remaining) -> dict[str, JobError]:
        """As much of it as time allows; the next comparison tells what is left."""
        for half, document_id in differences.extra:
            if remaining() < PART_SECONDS:
                return {}
            row = self._documents.find(document_id)
            keep = None if row is None else row.version if row.deleted else row.served_version
            self._indexes[half].forget(document_id, keep_version=keep)
        refused: dict[str, JobError] = {}
        batch: list[Document] = []
        for document_id in differences.missing:
            if remaining() < PART_SECONDS:
                return refused
            if (row := self._documents.find(document_id)) is not None:
                batch.append(row)
            if sum(one.chunks_count for one in batch) >= PASSAGES_AT_ONCE:
                refused |= self.write(batch, remaining=remaining)
                batch = []
        return refused | self.write(batch, remaining=remaining)

    def hurry(self, document_ids: Sequence[str]) -> None:
        """Ask again for what is on its way: a message may have been lost, and one more does no harm."""
        self._index_queue.send(*(DocumentToIndex(document_id=document_id) for document_id in document_ids))

    def reopen(self, document_ids: Sequence[str]) -> None:
        """
        What the old index refused may be to the new one's liking, and the other way round: the worker that
        tries again writes down how it went.
        """
        for document_id in document_ids:
            row = self._documents.find(document_id)
            if row is not None and not row.deleted and self._documents.reopen(row):
                self._index_queue.send(DocumentToIndex(document_id=document_id))

    def _passages(self, row: Document) -> tuple[Passage, ...] | None:
        if row.deleted or row.served_version == 0 or row.served_version != row.version:
            return None
        try:
            passages = tuple(chunk(row, self._documents.contents(row).text))
        except NotFound:
            return None  # Replaced or deleted just now; whoever did that writes to both.
        if len(passages) != row.chunks_count and self._documents.reopen(row):
            # Cut otherwise than when it was indexed: the worker writes down how many there are now.
            self._index_queue.send(DocumentToIndex(document_id=row.document_id))
        return passages

    def _put(
        self, works: Sequence[tuple[Document, tuple[Passage, ...]]], remaining: Remaining
    ) -> dict[str, JobError]:
        passages = [passage for _, some in works for passage in some]
        try:
            if "words" in self._indexes and passages:
                self._shelf.keywords.put(passages)
            if "vectors" in self._indexes:
                for start in range(0, len(passages), _EMBEDDED_AT_ONCE):
                    if remaining() < PART_SECONDS:
                        raise Unavailable("There was no time left in this invocation.")
                    part = passages[start : start + _EMBEDDED_AT_ONCE]
                    self._shelf.vectors.put(part, self._shelf.embedder.embed_passages(part))
        except Invalid as error:
            refused: dict[str, JobError] = {}
            if len(works) > 1:
                for work in works:
                    refused |= self._put([work], remaining)
                return refused
            [(row, _)] = works
            return {row.document_id: JobError(file=row.url, record=-1, reason=str(error))}
        return {}

    def _tidy(self, written: Document) -> None:
        """It may have moved on while its passages were written, and been tidied before they came."""
        row = self._documents.find(written.document_id)
        if row is not None and row.version == written.version:
            return
        keep = None if row is None else row.version if row.deleted else row.served_version
        for index in self._indexes.values():
            index.forget(written.document_id, keep_version=keep)

    def _is_still(self, seen: Document | None, document_id: str) -> bool:
        """Whether the row is what was compared; if not, what looked wrong is somebody's work."""
        now = self._documents.find(document_id)
        if seen is None or now is None:
            return now is seen
        return (now.version, now.served_version, now.chunks_count, now.status) == (
            seen.version,
            seen.served_version,
            seen.chunks_count,
            seen.status,
        )


def _missing(rows: dict[str, Document], held: dict[str, dict[int, int]]) -> Iterator[str]:
    for document_id, row in rows.items():
        if row.deleted or row.served_version == 0 or row.chunks_count == 0:
            continue
        if held.get(document_id, {}).get(row.served_version, 0) != row.chunks_count:
            yield document_id


def _superfluous(rows: dict[str, Document], held: dict[str, dict[int, int]]) -> Iterator[str]:
    for document_id, versions in held.items():
        row = rows.get(document_id)
        wanted = None if row is None else row.version if row.deleted else row.served_version
        if wanted is None or any(version < wanted for version in versions):
            yield document_id
