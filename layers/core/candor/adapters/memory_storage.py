"""In-memory storage: a bucket and a queue without a service, for tests and for small demos."""

import hashlib
import io
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import quote

from candor.errors import NotFound
from candor.messages import Message
from candor.objects import ObjectInfo, UploadForm


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryObjects:
    """`Objects` in a dictionary."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._objects: dict[str, tuple[bytes, ObjectInfo]] = {}

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        info = ObjectInfo(
            key=key,
            etag=hashlib.md5(body, usedforsecurity=False).hexdigest(),
            size=len(body),
            modified=self._clock().replace(microsecond=0),
            metadata=dict(metadata or {}),
        )
        self._objects[key] = (bytes(body), info)

    def write(
        self, key: str, pieces: Iterable[bytes], *, content_type: str = "application/octet-stream"
    ) -> None:
        self.put(key, b"".join(pieces), content_type=content_type)

    def open(self, key: str, *, start: int = 0) -> AbstractContextManager[BinaryIO]:
        return closing(io.BytesIO(self.read(key)[start:]))

    def upload_form(
        self, key: str, *, max_bytes: int, seconds: int, content_type: str, metadata: Mapping[str, str]
    ) -> UploadForm:
        fields = {"key": key, **{f"x-amz-meta-{name}": value for name, value in metadata.items()}}
        return UploadForm(
            url="memory:///", fields=fields | ({"Content-Type": content_type} if content_type else {})
        )

    def link(self, key: str, *, seconds: int) -> str:
        return f"memory:///{quote(key)}?seconds={seconds}"

    def read(self, key: str) -> bytes:
        try:
            return self._objects[key][0]
        except KeyError:
            raise NotFound(f"There is no object {key!r}.") from None

    def find(self, key: str) -> ObjectInfo | None:
        found = self._objects.get(key)
        return found[1] if found else None

    def delete(self, *keys: str) -> None:
        for key in keys:
            self._objects.pop(key, None)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return iter([info for key, (_, info) in sorted(self._objects.items()) if key.startswith(prefix)])


class MemoryQueue:
    """A `Queue` in a list. `take` hands out and removes what has been sent, oldest first, delays or not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: deque[Message] = deque()

    def send(self, *messages: Message, delay_seconds: int = 0) -> None:
        with self._lock:
            self._messages.extend(messages)

    def take(self, at_most: int = 10) -> list[Message]:
        with self._lock:
            return [self._messages.popleft() for _ in range(min(at_most, len(self._messages)))]

    def __len__(self) -> int:
        return len(self._messages)
