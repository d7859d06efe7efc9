"""
Journal: what has changed since the last checkpoint, numbered, on disk before anybody is told.

One line is one commit: a checksum, a number one higher than the line before, and the changes. A commit is
whole or absent, never half: a line that a kill cut short fails its checksum and was never acknowledged.
"""

import asyncio
import itertools
import json
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

Change = list[Any]
"""
A change says what is so afterwards (`["put", …, item]`), never what to do: replaying it twice changes
nothing.
"""


class JournalDamaged(Exception):
    """Acknowledged lines are missing from the middle of the journal."""


class Journal:
    """
    Appends changes and makes them durable in groups.

    `add` may be called from any thread. `commit` returns when all that was added before it is on disk;
    callers that wait at the same time share one fsync.
    """

    def __init__(self, folder: Path, *, last: int, default: Callable[[Any], Any] | None = None) -> None:
        """`last` is the last number used so far; `default` makes JSON of what json cannot."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._default = default
        self._lock = threading.Lock()
        self._pending: list[str] = []
        self._added = 0
        self._durable = 0
        self._number = last
        self._flush: asyncio.Task[None] | None = None
        # One thread: lines reach the file in the order of their numbers.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._file = self._open()
        self.size = 0

    @property
    def last(self) -> int:
        """The number of the last line written."""
        return self._number

    @property
    def waiting(self) -> bool:
        """Whether changes were added that are not on disk yet."""
        return self._durable < self._added

    def add(self, change: Change) -> None:
        """Note a change. Its values are taken as they are now; the caller may go on changing them."""
        text = json.dumps(change, separators=(",", ":"), default=self._default)
        with self._lock:
            self._pending.append(text)
            self._added += 1

    async def commit(self) -> None:
        """Wait until everything added so far is on disk. Raises `OSError` if it cannot be written."""
        target = self._added
        while self._durable < target:
            if self._flush is None or self._flush.done():
                self._flush = asyncio.create_task(self._write_pending())
            # Shielded: a client that hangs up must not take the others' commit with it.
            await asyncio.shield(self._flush)

    async def rotate(self) -> int:
        """Go on in a new file; every line up to the number returned lies in the files before it."""
        await self.commit()
        await asyncio.get_running_loop().run_in_executor(self._writer, self._reopen)
        return self._number

    def forget(self, last: int) -> None:
        """Remove the files whose lines are all numbered `last` or lower."""
        files = _files(self._folder)
        for file, following in itertools.pairwise(files):
            if _first(following) <= last + 1:
                file.unlink()

    def close(self) -> None:
        self._writer.shutdown()
        self._file.close()

    async def _write_pending(self) -> None:
        with self._lock:
            texts, upto = self._pending, self._added
            self._pending = []
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._append, texts)
        self._durable = upto

    def _append(self, texts: list[str]) -> None:
        line = _line(self._number + 1, texts)
        self._file.write(line)
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self._number += 1
        self.size += len(line)

    def _open(self) -> TextIO:
        file = (self._folder / f"{self._number + 1:012}.jsonl").open("w", encoding="utf-8")
        sync_folder(self._folder)
        return file

    def _reopen(self) -> None:
        self._file.close()
        self._file = self._open()
        self.size = 0


def read(folder: Path, *, after: int) -> Iterator[tuple[int, list[Change]]]:
    """
    The commits numbered above `after`, in order.

    A torn last line is left out. Raises `JournalDamaged` when numbers are missing.
    """
    expected = None
    for file in _files(folder):
        for number, changes in _whole_lines(file):
            if expected is not None and number != expected:
                raise JournalDamaged(f"{file}: line {number} follows line {expected - 1}.")
            expected = number + 1
            if number > after:
                yield number, changes
    first = _files(folder)[0] if _files(folder) else None
    if first is not None and _first(first) > after + 1 and expected is not None:
        raise JournalDamaged(f"{first}: the lines {after + 1} to {_first(first) - 1} are missing.")


def sync_folder(folder: Path) -> None:
    """Make a folder's own entries durable: a file's fsync does not cover its name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(number: int, texts: list[str]) -> str:
    body = f'{{"n":{number},"c":[{",".join(texts)}]}}'
    return f"{zlib.crc32(body.encode()):08x} {body}\n"


def _whole_lines(file: Path) -> Iterator[tuple[int, list[Change]]]:
    with file.open("rb") as lines:
        for line in lines:
            checksum, _, body = line.partition(b" ")
            if not body.endswith(b"\n") or f"{zlib.crc32(body[:-1]):08x}".encode() != checksum:
                return
            parsed = json.loads(body)
            yield parsed["n"], parsed["c"]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def _first(file: Path) -> int:
    return int(file.stem)
