"""In-memory books of entries: in a dictionary, for tests and for small demos."""

import threading
from collections.abc import Collection
from dataclasses import replace

from candor.entries import Book, Entry
from candor.errors import Conflict, Unavailable


class MemoryBooks:
    """`Books` in a dictionary."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self.reads = 0
        self._lock = threading.Lock()
        self._books: dict[str, Book] = {}

    def version(self, name: str) -> int:
        return self._book(name).version

    def read(self, name: str) -> Book:
        self.reads += 1
        return self._book(name)

    def write(
        self,
        name: str,
        *,
        version: int,
        put: Entry | None = None,
        drop: str | None = None,
        gone: Collection[str] = (),
    ) -> None:
        self._book(name)
        with self._lock:
            before = self._books.get(name, Book())
            if before.version != version - 1:
                raise Conflict("Somebody else has changed the list.")
            entries = {entry.entry_id: entry for entry in before.entries if entry.entry_id != drop}
            if put is not None:
                entries[put.entry_id] = put
            self._books[name] = replace(
                before, version=version, entries=tuple(entries.values()), gone=frozenset(gone)
            )

    def _book(self, name: str) -> Book:
        if self.down:
            raise Unavailable("The in-memory lists have been taken down.")
        with self._lock:
            return self._books.get(name, Book())
