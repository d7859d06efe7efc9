"""Document rows: how a document lies in its table, and how it is read back."""

import json
import zlib
from datetime import datetime
from typing import Any

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model

from candor.adapters.dynamodb_lists import shard_of
from candor.documents import Contents, Document, Status

LIST_SHARDS = 4
SOURCE_SHARDS = 8
PENDING_SHARDS = 8

LISTED = [
    "url",
    "title",
    "doc_type",
    "source",
    "version",
    "served_version",
    "status",
    "error",
    "chunks_count",
    "checksum",
    "effective_date",
    "product",
    "region",
    "metadata",
    "updated_at",
]
"""What `by_created` holds beside its keys: what a list shows."""

ALL_BUT_BODY = (
    "document_id",
    "created_at",
    "deleted",
    "pending",
    "job_id",
    "awaited_by",
    "revision",
    "body_key",
    "old_texts",
    *LISTED,
)
"""What is read when nobody wants the text: it is nine tenths of a row."""


class _ByCreated(GlobalSecondaryIndex["DocumentRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_created"
        projection = IncludeProjection(LISTED)

    list_shard = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _BySource(GlobalSecondaryIndex["DocumentRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_source"
        projection = KeysOnlyProjection()

    source_shard = UnicodeAttribute(hash_key=True)
    document_id = UnicodeAttribute(range_key=True)


class _Pending(GlobalSecondaryIndex["DocumentRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "pending"
        projection = KeysOnlyProjection()

    pending = UnicodeAttribute(hash_key=True)
    document_id = UnicodeAttribute(range_key=True)


class DocumentRow(Model):
    document_id = UnicodeAttribute(hash_key=True)
    url = UnicodeAttribute()
    title = UnicodeAttribute()
    doc_type = UnicodeAttribute()
    source = UnicodeAttribute()
    version = NumberAttribute()
    served_version = NumberAttribute()
    status = UnicodeAttribute()
    error = UnicodeAttribute(null=True)
    chunks_count = NumberAttribute()
    checksum = UnicodeAttribute()
    effective_date = UnicodeAttribute(null=True)
    product = UnicodeAttribute(null=True)
    region = UnicodeAttribute(null=True)
    metadata = UnicodeAttribute()
    deleted = BooleanAttribute()
    job_id = UnicodeAttribute(null=True)
    awaited_by: ListAttribute[str] = ListAttribute(default=list)
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()

    revision = NumberAttribute()
    """Counts writes, as `version` counts contents."""
    body = BinaryAttribute(null=True, legacy_encoding=False)
    body_key = UnicodeAttribute(null=True)
    old_texts: ListAttribute[str] = ListAttribute(default=list)
    pending = UnicodeAttribute(null=True)
    list_shard = UnicodeAttribute(null=True)
    source_shard = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)

    by_created = _ByCreated()
    by_source = _BySource()
    by_pending = _Pending()


def packed(contents: Contents) -> bytes:
    """Both texts, compressed: prose shrinks to a third."""
    text = json.dumps([contents.text, contents.raw], ensure_ascii=False)
    return zlib.compress(text.encode("utf-8", "replace"))


def body_of(body: bytes) -> Contents:
    text, raw = json.loads(zlib.decompress(body))
    return Contents(text=text, raw=raw)


def fill(row: DocumentRow, document: Document) -> None:
    """The living document's attributes, the ones its indexes are made of included."""
    row.url = document.url
    row.title = document.title
    row.doc_type = document.doc_type
    row.source = document.source
    row.version = document.version
    row.served_version = document.served_version
    row.status = document.status.value
    row.error = document.error
    row.chunks_count = document.chunks_count
    row.checksum = document.checksum
    row.effective_date = document.effective_date
    row.product = document.product
    row.region = document.region
    row.metadata = json.dumps(dict(document.metadata), ensure_ascii=False)
    row.deleted = document.deleted
    row.job_id = document.job_id
    row.awaited_by = list(document.awaited_by)
    row.created_at = document.created_at.isoformat()
    row.updated_at = document.updated_at.isoformat()
    row.pending = shard_of(document.document_id, PENDING_SHARDS)
    row.list_shard = shard_of(document.document_id, LIST_SHARDS)
    row.source_shard = f"{document.source}#{shard_of(document.document_id, SOURCE_SHARDS)}"


def document_of(row: DocumentRow) -> Document:
    return Document(
        document_id=row.document_id,
        url=row.url,
        title=row.title,
        doc_type=row.doc_type,
        source=row.source,
        version=int(row.version),
        served_version=int(row.served_version),
        status=Status(row.status),
        error=row.error,
        chunks_count=int(row.chunks_count),
        checksum=row.checksum,
        effective_date=row.effective_date,
        product=row.product,
        region=row.region,
        metadata=json.loads(row.metadata),
        deleted=bool(row.deleted),
        job_id=row.job_id,
        awaited_by=tuple(row.awaited_by or ()),
        pending=row.pending is not None,
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
    )


def outdated(row: DocumentRow | None) -> list[Any]:
    """The texts in the bucket that nobody needs once the row has moved on."""
    if row is None:
        return []
    return [*row.old_texts, *([row.body_key] if row.body_key is not None else [])]
