"""Embedded store: passages in SQLite, one writer at a time, any number of readers, in any process."""

import contextlib
import fcntl
import os
import secrets
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from candor.errors import Unavailable
from candor.search import Passage, Stored

_FIELDS = (
    "document_id", "version", "ordinal", "title", "path", "text", "url", "doc_type", "source", "language",
    "status",
)  # fmt: skip
_COLUMNS = ", ".join(_FIELDS)
_AT_A_TIME = 500
"""Values in one IN list; SQLite allows 999 in its oldest builds."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS passages (
  key INTEGER PRIMARY KEY AUTOINCREMENT, passage_id TEXT NOT NULL UNIQUE,
  document_id TEXT NOT NULL, version INTEGER NOT NULL, ordinal INTEGER NOT NULL,
  title TEXT NOT NULL, path TEXT NOT NULL, text TEXT NOT NULL, url TEXT NOT NULL, doc_type TEXT NOT NULL,
  source TEXT NOT NULL, language TEXT NOT NULL, status TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS passages_by_document ON passages (document_id, version);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT OR IGNORE INTO meta VALUES ('identity', lower(hex(randomblob(8))));
"""

_COMPLETE = "SELECT name FROM sqlite_master WHERE name = 'meta'"

_UPSERT = (
    f"INSERT INTO passages (passage_id, {_COLUMNS}) VALUES ({', '.join('?' * (len(_FIELDS) + 1))}) "  # noqa: S608
    f"ON CONFLICT (passage_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _FIELDS)}"
)

_WAL_AT_MOST = 8 << 20
"""Bytes of write-ahead log that are folded back; left alone it grows for as long as readers come and go."""


class PassageStore:
    """
    The passages of one index, `<folder>/<name>.db`, and the lock that writers take in turn.

    SQLite is the truth of an embedded index; whatever is built beside it can be rebuilt from it. A key
    belongs to one passage id for good: replacing a passage keeps it.
    """

    def __init__(self, folder: Path, name: str, *, schema: str, lock_seconds: float = 60.0) -> None:
        self.folder = folder
        self._name = name
        self._schema = _SCHEMA + schema
        self._lock_seconds = lock_seconds
        self._connection: sqlite3.Connection | None = None
        self.guard = threading.RLock()
        """Held around every use of the connection: threads share it."""

    @property
    def file(self) -> Path:
        return self.folder / f"{self._name}.db"

    def open(self, *, create: bool) -> sqlite3.Connection | None:
        """The connection, opened on first use; None while there is no store and none is to be made."""
        with self.guard, translated():
            if self._connection is None:
                if create:
                    self.folder.mkdir(parents=True, exist_ok=True)
                elif not self.file.exists():
                    return None
                connection = self._connect()
                if connection.execute(_COMPLETE).fetchone() is None:
                    if not create:  # Its writer is just making it.
                        connection.close()
                        return None
                    connection.execute("PRAGMA journal_mode=WAL")
                    connection.executescript(f"BEGIN IMMEDIATE;{self._schema}COMMIT;")
                self._connection = connection
                weakref.finalize(self, connection.close)
            return self._connection

    def reading(self) -> sqlite3.Connection:
        """The connection of a store known to exist."""
        connection = self.open(create=False)
        if connection is None:
            raise Unavailable("The embedded index has been removed.")
        return connection

    @contextlib.contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[bool]:
        """Be the only writer of all processes; False, and not locked, if that cannot be had at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{self._name}.lock").open("w") as handle:
            got = self._acquire(handle.fileno(), wait=wait)
            try:
                yield got
            finally:
                if got:
                    fcntl.flock(handle, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable on return. Call it with the lock held."""
        connection = self.open(create=True)
        assert connection is not None
        with self.guard, translated():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads of one moment."""
        connection = self.reading()
        with self.guard, translated():
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    def drop(self) -> None:
        """
        Remove the folder with all that lies in it.

        A process that has it open goes on seeing what it saw, without a file's name, until it lets go.
        """
        if not self.folder.exists():
            return
        with self.locked(), self.guard, translated():
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            # Renamed first: nobody finds half of it, and a kill leaves nothing that looks like an index.
            gone = self.folder.with_name(f"{self.folder.name}.{secrets.token_hex(4)}.dropped")
            self.folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def fold_log(self) -> None:
        """Give the write-ahead log back to the disk when it has grown; readers in between only delay it."""
        with contextlib.suppress(FileNotFoundError):
            if Path(f"{self.file}-wal").stat().st_size > _WAL_AT_MOST:
                with self.guard, translated():
                    connection = self.reading()
                    connection.execute("PRAGMA busy_timeout=100")
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                    connection.execute("PRAGMA busy_timeout=30000")

    def write(self, passages: Sequence[Passage], connection: sqlite3.Connection) -> dict[str, int]:
        """Upsert passages within a transaction; their keys by passage id."""
        connection.executemany(_UPSERT, [(p.passage_id, *(getattr(p, f) for f in _FIELDS)) for p in passages])
        return self.keys([p.passage_id for p in passages])

    def keys(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """The keys of those passages that exist."""
        rows = self.select("SELECT passage_id, key FROM passages WHERE passage_id IN", passage_ids)
        return {str(passage_id): int(key) for passage_id, key in rows}

    def passages(self, keys: Sequence[int]) -> dict[int, Passage]:
        """The passages behind keys; one that has been forgotten meanwhile is left out."""
        rows = self.select(f"SELECT key, {_COLUMNS} FROM passages WHERE key IN", keys)  # noqa: S608
        return {row[0]: passage_from(row[1:]) for row in rows}

    def every(self) -> Iterator[tuple[int, Passage]]:
        """All passages with their keys, a thousand at a time."""
        after = 0
        while True:
            with self.guard, translated():
                rows = self.reading().execute(
                    f"SELECT key, {_COLUMNS} FROM passages WHERE key > ? ORDER BY key LIMIT 1000",  # noqa: S608
                    (after,),
                ).fetchall()  # fmt: skip
            if not rows:
                return
            for row in rows:
                yield row[0], passage_from(row[1:])
            after = rows[-1][0]

    def of_document(self, document_id: str, *, below: int | None) -> list[int]:
        """The keys of a document's passages: of all versions, or of those below one."""
        with self.guard, translated():
            rows = self.reading().execute(
                "SELECT key FROM passages WHERE document_id = ? AND (? IS NULL OR version < ?)",
                (document_id, below, below),
            )
            return [key for (key,) in rows]

    def stored(self) -> Iterator[Stored]:
        if self.open(create=False) is None:
            return
        with self.guard, translated():
            rows = self.reading().execute(
                "SELECT document_id, version, count(*) FROM passages GROUP BY document_id, version"
            ).fetchall()  # fmt: skip
        for document_id, version, passages in rows:
            yield Stored(document_id=document_id, version=version, passages=passages)

    def select(self, statement: str, values: Sequence[str] | Sequence[int]) -> list[tuple]:  # type: ignore[type-arg]
        """The rows of `statement IN (values)`, any number of values."""
        rows: list[tuple] = []  # type: ignore[type-arg]
        if not values:
            return rows
        with self.guard, translated():
            connection = self.reading()
            for some in _portions(values):
                rows += connection.execute(f"{statement} ({','.join('?' * len(some))})", some)
        return rows

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")  # A commit is on the disk when a put returns.
        connection.execute("PRAGMA mmap_size=1073741824")
        return connection

    def _acquire(self, descriptor: int, *, wait: bool) -> bool:
        give_up = time.monotonic() + self._lock_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if not wait:
                    return False
                if time.monotonic() > give_up:
                    raise Unavailable("Another process has been writing to the embedded index.") from error
                time.sleep(0.005)
            else:
                return True


def passage_from(row: Sequence[object]) -> Passage:
    return Passage(**dict(zip(_FIELDS, row, strict=True)))  # type: ignore[arg-type]


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable, not only what the files hold."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """SQLite's and the disk's failures in Candor's words."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Unavailable("The embedded index cannot be used right now.") from error


def _portions(values: Sequence[str] | Sequence[int]) -> Iterable[Sequence[str] | Sequence[int]]:
    return (values[i : i + _AT_A_TIME] for i in range(0, len(values), _AT_A_TIME))
