"""Bucket imports: a dump's files and an import's work files as objects."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from candor.errors import NotFound
from candor.objects import Objects

_PIECE = 1024 * 1024


class BucketDump:
    """`Dump` whose files are objects, by their keys."""

    def __init__(self, objects: Objects, keys: Sequence[str]) -> None:
        self._objects = objects
        self._keys = tuple(keys)
        self._sizes: dict[str, int] = {}

    @property
    def files(self) -> Sequence[str]:
        return self._keys

    def size(self, file: str) -> int:
        if file not in self._sizes:
            info = self._objects.find(file)
            if info is None:
                raise NotFound(f"There is no object {file} any more.")
            self._sizes[file] = info.size
        return self._sizes[file]

    def open(self, file: str, start: int = 0) -> BinaryIO:
        # Closing the stream is all that leaving the context would do.
        return self._objects.open(file, start=start).__enter__()


class BucketSpill:
    """`Spill` under one prefix: every block is an object of its own, for S3 cannot append."""

    def __init__(self, objects: Objects, prefix: str) -> None:
        self._objects = objects
        self._prefix = prefix

    def append(self, name: str, data: bytes) -> None:
        self._objects.put(f"{self._prefix}{name}", data)

    def read(self, name: str) -> Iterator[bytes]:
        try:
            with self._objects.open(f"{self._prefix}{name}") as stream:
                while piece := stream.read(_PIECE):
                    yield piece
        except NotFound:
            return

    def names(self) -> Iterator[str]:
        for info in self._objects.list(self._prefix):
            yield info.key.removeprefix(self._prefix)

    def clear(self) -> None:
        self._objects.delete(*(f"{self._prefix}{name}" for name in list(self.names())))
