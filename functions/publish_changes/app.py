"""
Publish changes: ids of changed documents go from the table's stream into the index queue; and that something
changed which an export shows goes into the export queue. Nothing else.

Raising is the retry: a stream delivers a batch again until it has been taken.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from candor import wiring
from candor.edge.observability import logger, observed
from candor.exporting import DELAY_SECONDS, DOCUMENT_SOURCES
from candor.messages import DocumentToIndex, ExportToWrite, Queue


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    index_queue: Queue
    export_queue: Queue


@cache
def service() -> Service:
    return Service(index_queue=wiring.index_queue(), export_queue=wiring.export_queue())


def publish_changes(event: dict[str, Any], context: Any) -> None:
    """A batch of the documents table's stream."""
    records = event.get("Records", ())
    ids = list(dict.fromkeys(document_id for record in records for document_id in _waiting(record)))
    service().index_queue.send(*(DocumentToIndex(document_id=document_id) for document_id in ids))
    exported = any(map(_is_exported, records))
    if exported:
        # After the rows: whoever reads from this moment on sees them.
        change = ExportToWrite(changed_at=datetime.now(UTC).isoformat())
        service().export_queue.send(change, delay_seconds=DELAY_SECONDS)
    logger.info("published", extra={"records": len(records), "documents": len(ids), "export": exported})


def _waiting(record: Mapping[str, Any]) -> Iterator[str]:
    """The row's id, if after this change its version still waits for both indexes."""
    image: Mapping[str, Mapping[str, Any]] = record["dynamodb"].get("NewImage", {})
    if "pending" not in image:
        return
    served, current = int(image["served_version"]["N"]), int(image["version"]["N"])
    # A version that is served already has a worker: this change is that worker's own.
    if image["deleted"]["BOOL"] or served < current:
        yield image["document_id"]["S"]


def _is_exported(record: Mapping[str, Any]) -> bool:
    """Whether the row is in an export, or was: a file may have taken over what the API had made."""
    images = (record["dynamodb"].get(name, {}) for name in ("NewImage", "OldImage"))
    return any(image.get("source", {}).get("S") in DOCUMENT_SOURCES for image in images)


handler = observed(publish_changes, build=service)
