"""Documents: what a company has written, one row a page, versioned."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from candor.objects import SOURCE_PREFIX

DOC_TYPES = ("policy", "tos", "faq", "howto", "pricing", "conversation", "other")
"""The types known from the first deploy. An unknown one in a document is accepted."""

_NAMESPACE = uuid.UUID("7d6f0f7e-9a0b-5d58-9d0e-6a2b7f3c1e55")


def document_id_of(url: str) -> str:
    """A document's id follows from its url, so that two writers of one url meet in one row."""
    return str(uuid.uuid5(_NAMESPACE, url))


class Status(StrEnum):
    """How far a document's current version has come."""

    QUEUED = "queued"
    INDEXED = "indexed"
    INDEXED_UNCONFIRMED = "indexed_unconfirmed"
    """Findable by words; the vector index has not confirmed it yet."""
    FAILED = "failed"


class Origin(StrEnum):
    """Where a document comes from; the row's `source` says it more exactly for a file."""

    API = "api"
    UPLOAD = "upload"
    WEB = "web"
    FILE = "file"
    """Dropped into the bucket: its source is the object's key."""
    TICKETS = "tickets"
    """Learned from an approved ticket: it follows the ticket's row."""


def origin_of(source: str) -> Origin | None:
    """Where a source's documents come from; None for one that is none of these."""
    if source.startswith(SOURCE_PREFIX):
        return Origin.FILE
    return next((origin for origin in Origin if origin.value == source), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A document as it is handed in: everything but what the store itself decides."""

    url: str
    title: str
    text: str
    """Cleaned text, Markdown-like: headings, lists and tables kept."""
    doc_type: str = "other"
    raw: str = ""
    """The original (HTML, say) where it differs from `text`."""
    effective_date: str | None = None
    product: str | None = None
    region: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = "api"

    @property
    def checksum(self) -> str:
        """Of all that an index or a reader would see; equal checksums mean nothing to do."""
        parts = (self.url, self.title, self.text, self.doc_type, self.raw, self.source)
        optional = (self.effective_date, self.product, self.region, sorted(self.metadata.items()))
        return hashlib.sha256(repr((parts, optional)).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """
    A document as it is stored.

    `version` counts changes; `served_version` is the one whose passages may be quoted (0: none
    yet). They differ while a change is being indexed: old passages answer until the new ones do.
    """

    document_id: str
    url: str
    title: str
    doc_type: str
    source: str
    version: int
    served_version: int
    status: Status
    error: str | None
    chunks_count: int
    checksum: str
    effective_date: str | None
    product: str | None
    region: str | None
    metadata: Mapping[str, Any]
    deleted: bool
    job_id: str | None
    """The job that brought the current version."""
    awaited_by: tuple[str, ...] = ()
    """Jobs whose `done` advances, once, when the current version is searchable, failed or superseded."""
    pending: bool = False
    """Whether the current version is not yet in both indexes."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """The two texts of a document's current version."""

    text: str
    raw: str


def draft_of(document: Document, contents: Contents) -> Draft:
    """The draft that would put this document as it is: to change a part of it."""
    return Draft(
        url=document.url,
        title=document.title,
        text=contents.text,
        doc_type=document.doc_type,
        raw=contents.raw,
        effective_date=document.effective_date,
        product=document.product,
        region=document.region,
        metadata=document.metadata,
        source=document.source,
    )


class Change(StrEnum):
    """What a `put` did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def succession(
    current: Document | None, draft: Draft, *, job_id: str | None, now: datetime
) -> tuple[Document, Change]:
    """
    The row after `draft` is put where `current` stands; the very same object when nothing is to be written.

    Content that failed to be indexed, or was deleted, is new when it comes again.
    """
    if current is None or current.deleted:
        change = Change.CREATED
    elif current.checksum != draft.checksum or current.status == Status.FAILED:
        change = Change.UPDATED
    elif job_id is None or not current.pending or job_id in current.awaited_by:
        return current, Change.UNCHANGED
    else:
        return replace(current, awaited_by=(*current.awaited_by, job_id)), Change.UNCHANGED

    alive = current if change == Change.UPDATED else None
    return (
        Document(
            document_id=document_id_of(draft.url),
            url=draft.url,
            title=draft.title,
            doc_type=draft.doc_type,
            source=draft.source,
            # A deleted row counts on: passages of its versions may still lie in an index.
            version=current.version + 1 if current else 1,
            served_version=alive.served_version if alive else 0,
            status=Status.QUEUED,
            error=None,
            chunks_count=alive.chunks_count if alive else 0,
            checksum=draft.checksum,
            effective_date=draft.effective_date,
            product=draft.product,
            region=draft.region,
            metadata=draft.metadata,
            deleted=False,
            job_id=job_id,
            awaited_by=(job_id,) if job_id else (),
            pending=True,
            created_at=alive.created_at if alive else now,
            updated_at=now,
        ),
        change,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One page of a list."""

    items: tuple[Document, ...]
    total: int


class Documents(Protocol):
    """
    Where documents are kept: the truth that every index is checked against.

    A write returns only when it is durable. Each accepted change leaves the row *pending*, and a
    pending row reaches the index queue by the table's stream (an outbox: no second write to lose).
    """

    def put(
        self, draft: Draft, *, job_id: str | None = None, expected_version: int | None = None
    ) -> tuple[Document, Change]:
        """
        Create or update by url. The same content again changes nothing. Last write wins.

        The row's `awaited_by` names `job_id` unless the content was there and searchable already. With an
        `expected_version` that is not the current one: `Conflict`.
        """
        ...

    def put_many(
        self, drafts: Sequence[Draft], *, job_id: str | None = None
    ) -> Sequence[tuple[Document, Change]]:
        """The same for several drafts of different urls, in their order, with as few requests as it takes."""
        ...

    def get(self, document_id: str) -> Document:
        """The row, or `NotFound` (a deleted one is not found)."""
        ...

    def find(self, document_id: str) -> Document | None:
        """The row as it is, deleted ones too, read consistently; None when there is none."""
        ...

    def find_many(self, document_ids: Sequence[str]) -> Mapping[str, Document]:
        """The same for several ids; those without a row are left out."""
        ...

    def contents(self, document: Document) -> Contents:
        """The texts of this version; `NotFound` if a later one has replaced it."""
        ...

    def delete(self, document_id: str, *, source: str | None = None) -> None:
        """
        Gone from answers on return; the index is cleared later. `NotFound` if unknown.

        With a `source`, only if that source still owns it: `NotFound` otherwise.
        """
        ...

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
        """Newest first by creation; `text` is looked for in title and url, in any case."""
        ...

    def mark_served(self, served: Sequence[tuple[Document, int]]) -> frozenset[str]:
        """
        Words are findable: quote these versions from now on. Each comes with how many passages it has.

        Returns the ids of those that are still current; the others are left as they are. The rows stay
        pending until `mark_indexed`.
        """
        ...

    def mark_indexed(self, documents: Sequence[Document], *, confirmed: bool) -> frozenset[str]:
        """Both indexes hold these versions: no longer pending. Returns the ids of those still current."""
        ...

    def mark_failed(self, document: Document, error: str) -> bool:
        """This version can never be indexed, with the reason as a sentence. No longer pending."""
        ...

    def reopen(self, document: Document) -> bool:
        """Pending again, though nothing changed: an index has lost it. False if it is no longer current."""
        ...

    def served_versions(self, document_ids: Iterable[str]) -> Mapping[str, int]:
        """The version of each document that may be quoted; one that may not is left out."""
        ...

    def pending(self) -> Iterator[str]:
        """Ids of rows whose current version is not yet in both indexes."""
        ...

    def of_source(self, source: str) -> Iterator[Document]:
        """Rows a source owns, deleted ones left out."""
        ...

    def whole_of_source(self, source: str) -> Iterator[tuple[Document, Contents]]:
        """The same with the texts of their current versions, in an order that stays, a few at a time."""
        ...

    def all(self) -> Iterator[Document]:
        """Every row, deleted ones included, in any order; for `reconcile`."""
        ...

    def some(self, *, after: str, limit: int) -> Sequence[Document]:
        """
        The next rows in the order of `all`, deleted ones included: for work that goes on another time.

        `after` is the last id one has got, blank for the beginning. Nothing: there are no more.
        """
        ...

    def text_keys(self, document_id: str) -> frozenset[str]:
        """
        The objects in the bucket that the row names, read consistently: its text's, and what it will clear.

        Each write of a text has a key of its own: one that is older than any write may take, and is not
        among these, never will be.
        """
        ...
