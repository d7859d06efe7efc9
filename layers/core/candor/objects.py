"""Objects: files in a bucket, and the port behind which they are kept."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

SOURCE_PREFIX = "source/"
"""What lies here becomes knowledge; a key elsewhere triggers nothing."""

UPLOADS_PREFIX = "source/uploads/"
"""What was handed in through the API; it is read like anything else that is dropped."""

INGEST_PREFIX = "uploads/ingest/"
"""Request bodies to be read, each under its job's id; what lies under `uploads/` ages away by itself."""

IMPORTS_PREFIX = "imports/"
"""What an import works with, each under its job's id; cleared when it ends."""

IMPORTED_PREFIX = "imported/"
"""What is remembered of dumps that were imported: the files themselves are not kept."""

TALKS_PREFIX = "talks/"
"""What was said in tickets too large for their rows."""

EXPORT_PREFIX = "exports/"
"""What we write for others to read; it triggers nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """One stored object. `modified` has a resolution of seconds: finer parts differ between calls."""

    key: str
    etag: str
    size: int
    modified: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What was said of it when it was put; a `list` does not tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadForm:
    """A form that puts one object: its fields first, as they are, then the file in a field `file`."""

    url: str
    fields: Mapping[str, str]


def mark_of(info: ObjectInfo) -> str:
    """Tells one content of a key from the next: the same bytes dropped again are another drop."""
    return f"{info.etag.strip(chr(34))}@{int(info.modified.timestamp())}"


class Objects(Protocol):
    """A bucket. Every method raises `Unavailable` when it cannot be reached in time."""

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Store it, replacing what was there. Durable on return. `metadata` is ASCII, 2 KB at most."""
        ...

    def upload_form(
        self, key: str, *, max_bytes: int, seconds: int, content_type: str, metadata: Mapping[str, str]
    ) -> UploadForm:
        """What lets anybody put this key, with this metadata, for so long. A blank type: any."""
        ...

    def write(
        self, key: str, pieces: Iterable[bytes], *, content_type: str = "application/octet-stream"
    ) -> None:
        """
        Store what comes in pieces, of any size in all, holding a few megabytes of it at a time.

        Readers see the old object until the new one is complete; if the pieces end in an error, for ever.
        """
        ...

    def open(self, key: str, *, start: int = 0) -> AbstractContextManager[BinaryIO]:
        """The object's bytes as a stream, from `start` on (none at or after its end), or `NotFound`."""
        ...

    def link(self, key: str, *, seconds: int) -> str:
        """An address from which anybody may download the object for so long."""
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
