"""Dump streams: several files as one, counted as they are read, and read from any place."""

import io
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from candor.whmcs.dumps.values import Dump


class Pieces(io.RawIOBase):
    """The dump's files one after the other, from an offset on."""

    def __init__(self, dump: Dump, files: Sequence[str], offset: int) -> None:
        self._openers: list[Callable[[], BinaryIO]] = []
        for file in files:
            size = dump.size(file) if offset or len(files) > 1 else 0
            if offset and offset >= size:
                offset -= size
                continue
            self._openers.append(lambda file=file, start=offset: dump.open(file, start))  # type: ignore[misc]
            offset = 0
        self._stream: BinaryIO | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while True:
            if self._stream is None:
                if not self._openers:
                    return b""
                self._stream = self._openers.pop(0)()
            if data := self._stream.read(size):
                return data
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        super().close()


class Counted:
    """A stream that knows how much was read of it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self.count += len(data)
        return data

    def close(self) -> None:
        self._stream.close()


class Ranged(io.RawIOBase):
    """Files that can be read from any place, each jump a request of its own."""

    def __init__(self, dump: Dump, files: Sequence[str]) -> None:
        self._dump, self._files = dump, tuple(files)
        self._size = sum(dump.size(file) for file in files)
        self._at = 0
        self._stream: Pieces | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._at, self._size)[whence]
        at = max(0, base + offset)
        if at != self._at:
            self._drop()
        self._at = at
        return at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        if self._stream is None:
            self._stream = Pieces(self._dump, self._files, self._at)
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
