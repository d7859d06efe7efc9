"""
Document lists: pages and filters over the index `by_created`, and everything a source owns.

A filtered list looks at every row, so it takes from each only what it looks for, as the service sends it;
whole rows are read for the page that is shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pynamodb.exceptions import DoesNotExist

from candor.adapters.document_rows import (
    ALL_BUT_BODY,
    LIST_SHARDS,
    SOURCE_SHARDS,
    DocumentRow,
    body_of,
    document_of,
)
from candor.adapters.dynamodb import translated
from candor.adapters.dynamodb_lists import newest
from candor.documents import Contents, Document, Listing, Origin
from candor.errors import NotFound
from candor.objects import SOURCE_PREFIX, Objects

_AT_ONCE = 100
"""Rows of one BatchGetItem."""

_MERGED = 200
"""How far down an unfiltered list its shards are merged row by row; deeper, ids alone are read and sorted."""


def page_of(
    rows: type[DocumentRow],
    *,
    page: int,
    page_size: int,
    doc_type: str | None,
    text: str | None,
    status: str | None,
    origin: Origin | None,
) -> Listing:
    """One page, newest first by creation, of what all the filters let through."""
    if not (doc_type or text or status or origin) and page * page_size <= _MERGED:
        with translated():
            found, total = newest(rows, "by_created", shards=LIST_SHARDS, page=page, page_size=page_size)
        return Listing(items=tuple(map(document_of, found)), total=total)
    equal = {"doc_type": doc_type, "status": status}
    filters = {name: value for name, value in equal.items() if value}
    if origin is not None and origin is not Origin.FILE:
        filters["source"] = origin.value
    sought = (text or "").casefold()
    with ThreadPoolExecutor(max_workers=LIST_SHARDS) as pool:
        runs = pool.map(
            lambda shard: list(_keys(rows, str(shard), filters, sought, origin)), range(LIST_SHARDS)
        )
        keys = sorted((key for run in runs for key in run), reverse=True)
    start = (page - 1) * page_size
    shown = [document_id for _, document_id in keys[start : start + page_size]]
    return Listing(items=tuple(_rows_by_id(rows, shown)), total=len(keys))


def of_source(rows: type[DocumentRow], source: str) -> Iterator[Document]:
    """What the source owns, as the rows say; the index that finds them may lag behind."""
    for part in _ids_of_source(rows, source):
        with translated():
            found = list(rows.batch_get(part, consistent_read=True, attributes_to_get=[*ALL_BUT_BODY]))
        yield from (document_of(row) for row in found if row.source == source and not row.deleted)


def whole_of_source(
    rows: type[DocumentRow], source: str, objects: Objects
) -> Iterator[tuple[Document, Contents]]:
    """The same with their texts, a hundred in memory at a time."""
    for part in _ids_of_source(rows, source):
        with translated():
            found = list(
                rows.batch_get(part, consistent_read=True, attributes_to_get=[*ALL_BUT_BODY, "body"])
            )
        for row in sorted(found, key=lambda row: str(row.document_id)):
            whole = _whole(rows, row, objects)
            if whole is not None and whole[0].source == source:
                yield whole


def _whole(rows: type[DocumentRow], row: DocumentRow, objects: Objects) -> tuple[Document, Contents] | None:
    while not row.deleted:
        try:
            body = row.body if row.body is not None else objects.read(row.body_key)
            return document_of(row), body_of(body)
        except NotFound:
            # A later version has cleared this one's text meanwhile.
            with translated():
                try:
                    now = rows.get(row.document_id, consistent_read=True)
                except DoesNotExist:
                    return None
            if now.body_key == row.body_key and not now.deleted:
                raise  # The text is missing indeed: an export without it would lie.
            row = now
    return None


def _keys(
    rows: type[DocumentRow],
    shard: str,
    filters: Mapping[str, str],
    sought: str,
    origin: Origin | None,
) -> Iterator[tuple[str, str]]:
    """Time of creation and id of what the filters let through."""
    wanted = {"document_id", "created_at", *filters, *(("title", "url") if sought else ())}
    if origin is Origin.FILE:
        wanted.add("source")
    for item in _items(rows, shard, sorted(wanted), filters):
        if sought and not (
            sought in _text(item, "title").casefold() or sought in _text(item, "url").casefold()
        ):
            continue
        if origin is Origin.FILE and not _text(item, "source").startswith(SOURCE_PREFIX):
            continue
        yield _text(item, "created_at"), _text(item, "document_id")


def _items(
    rows: type[DocumentRow], shard: str, attributes: Sequence[str], filters: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Raw items: making a model of each would take ten times as long as reading it."""
    condition: Any = None
    for name, value in filters.items():
        own = getattr(DocumentRow, name) == value
        condition = own if condition is None else condition & own
    start: Any = None
    while True:
        with translated():
            answer = rows._get_connection().query(
                shard,
                index_name="by_created",
                attributes_to_get=list(attributes),
                filter_condition=condition,
                exclusive_start_key=start,
            )
        yield from answer["Items"]
        start = answer.get("LastEvaluatedKey")
        if not start:
            return


def _rows_by_id(rows: type[DocumentRow], ids: Sequence[str]) -> Iterator[Document]:
    """These documents in this order, as they are; one that has been deleted since is left out."""
    with translated():
        found = rows.batch_get(list(ids), consistent_read=True, attributes_to_get=[*ALL_BUT_BODY])
        by_id = {row.document_id: row for row in found}
    for document_id in ids:
        row = by_id.get(document_id)
        if row is not None and not row.deleted:
            yield document_of(row)


def _ids_of_source(rows: type[DocumentRow], source: str) -> Iterator[list[str]]:
    for shard in range(SOURCE_SHARDS):
        with translated():
            keys = rows.query(f"{source}#{shard}", index_name="by_source")
            ids = [key.document_id for key in keys]
        for start in range(0, len(ids), _AT_ONCE):
            yield ids[start : start + _AT_ONCE]


def _text(item: Mapping[str, Any], name: str) -> str:
    return str(item.get(name, {}).get("S", ""))
