"""
Publish changes: ids of changed documents go from the table's stream into the index queue, nothing else.

Raising is the retry: a stream delivers a batch again until it has been taken.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.edge.observability import logger, observed
from candor.messages import DocumentToIndex, Queue


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    index_queue: Queue


@cache
def service() -> Service:
    return Service(index_queue=wiring.index_queue())


def publish_changes(event: dict[str, Any], context: Any) -> None:
    """A batch of the documents table's stream."""
    records = event.get("Records", ())
    ids = list(dict.fromkeys(document_id for record in records for document_id in _waiting(record)))
    service().index_queue.send(*(DocumentToIndex(document_id=document_id) for document_id in ids))
    logger.info("published", extra={"records": len(records), "documents": len(ids)})


def _waiting(record: Mapping[str, Any]) -> Iterator[str]:
    """The row's id, if after this change its version still waits for both indexes."""
    image: Mapping[str, Mapping[str, Any]] = record["dynamodb"].get("NewImage", {})
    if "pending" not in image:
        return
    served, current = int(image["served_version"]["N"]), int(image["version"]["N"])
    # A version that is served already has a worker: this change is that worker's own.
    if image["deleted"]["BOOL"] or served < current:
        yield image["document_id"]["S"]


handler = observed(publish_changes, build=service)
