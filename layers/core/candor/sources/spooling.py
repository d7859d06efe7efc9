"""Spooling: a stream that can be looked into before it is read, and one that can be read in any order."""

import io
import tempfile
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Final, cast

from candor.errors import Invalid

MAX_FILE_BYTES: Final = 210_000_000
"""Of a file that must lie somewhere whole; uploads end at 200 MB, and a function's disk at 512."""

_IN_MEMORY: Final = 8_000_000
_CHUNK: Final = 1_000_000


class Peeked(io.RawIOBase):
    """A stream that begins with bytes already taken from it."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self._start = start
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        taken = self._start[: len(buffer)] or self._stream.read(len(buffer))
        self._start = self._start[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)


def peeked(stream: BinaryIO, size: int) -> tuple[bytes, BinaryIO]:
    """The first bytes, and a stream with all of them. A stream may hand out less than it is asked for."""
    head = b""
    while len(head) < size and (more := stream.read(size - len(head))):
        head += more
    return head, cast("BinaryIO", io.BufferedReader(Peeked(head, stream)))


def spooled(stream: BinaryIO, name: str) -> AbstractContextManager[BinaryIO]:
    """The whole stream where one can seek: in memory while it is small, else in a file without a name."""
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller's `with` closes it
    size = 0
    try:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > MAX_FILE_BYTES:
                raise Invalid(f"{name} is larger than {MAX_FILE_BYTES // 1_000_000} MB: split it.")
            spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return cast("AbstractContextManager[BinaryIO]", spool)
