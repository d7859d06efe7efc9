"""Objects: files in a bucket, and the port behind which they are kept."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

SOURCE_PREFIX = "source/"
"""What lies here becomes knowledge; a key elsewhere triggers nothing."""

INGEST_PREFIX = "uploads/ingest/"
"""Request bodies to be read, each under its job's id; what lies under `uploads/` ages away by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """One stored object. `modified` has a resolution of seconds: finer parts differ between calls."""

    key: str
    etag: str
    size: int
    modified: datetime


def mark_of(info: ObjectInfo) -> str:
    """Tells one content of a key from the next: the same bytes dropped again are another drop."""
    return f"{info.etag.strip(chr(34))}@{int(info.modified.timestamp())}"


class Objects(Protocol):
    """A bucket. Every method raises `Unavailable` when it cannot be reached in time."""

    def put(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Store it, replacing what was there. Durable on return."""
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """The object's bytes as a stream, or `NotFound`."""
        ...

    def read(self, key: str) -> bytes:
        """The object's bytes at once, or `NotFound`."""
        ...

    def find(self, key: str) -> ObjectInfo | None: ...

    def delete(self, *keys: str) -> None:
        """Gone. One that is not there is gone already."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Everything under the prefix, in the order of the keys."""
        ...
