"""
Ticket directory in SQLite: one file on one machine, several processes at once.

| table | holds |
|---|---|
| entries | a narrow row a ticket, in the order of lists: 200,000 are looked at in some 20 ms |
| by_worth | the same columns in the other order of lists |
| words | FTS5 over `candor.tickets.words`, its rows in the order of lists too: matches come sorted |
| said | the terms of each row, which an FTS5 without contents wants to be told when they go |

There is no index for each filter: none could serve all of their combinations, and to look at every row is
fast. What a killed writer had begun is undone by SQLite.
"""

import contextlib
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from candor.adapters.embedded_store import translated
from candor.adapters.sqlite_ticket_writes import APPROVALS, forget, held_of, lines_of, write
from candor.errors import Unavailable
from candor.tickets.store import Entry
from candor.tickets.values import Approval, Order, Ticket, Wanted
from candor.tickets.words import WORDS_VERSION, asked

_INDEXED: Final = 3
"""Beginnings up to so many letters FTS5 looks up; of a longer one it joins what lies under each term."""

_FEW_TERMS: Final = 40

_MOST_COUNTS: Final = 200

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (
  place INTEGER PRIMARY KEY, created INTEGER NOT NULL, ticket_id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, revision INTEGER NOT NULL, status INTEGER NOT NULL,
  approval INTEGER NOT NULL, department INTEGER NOT NULL,
  helpdesk INTEGER NOT NULL, source INTEGER NOT NULL, worth INTEGER NOT NULL, terms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS by_worth ON entries
  (worth, place, status, approval, department, helpdesk, source, ticket_id);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5
  (terms, content='', detail=none, prefix='1 2 3', tokenize="ascii tokenchars '-.:/@+#_'");
CREATE TABLE IF NOT EXISTS said (place INTEGER PRIMARY KEY, terms BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS labels (label_id INTEGER PRIMARY KEY, label TEXT NOT NULL UNIQUE);
"""

_COMPLETE: Final = "SELECT name FROM sqlite_master WHERE name = 'labels'"


class SqliteTicketDirectory:
    """A `TicketDirectory` in a folder. The folder is made by the first put; until then it knows none."""

    def __init__(self, folder: Path | str) -> None:
        self._file = Path(folder) / f"tickets-{WORDS_VERSION}.db"
        self._guard = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._labels: dict[str, int] = {}
        self._counts: dict[tuple[Any, ...], int] = {}
        self._counted_at: tuple[int, int] = (0, 0)

    def put(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        lines = lines_of(entries)
        with self._transaction() as connection:
            write(connection, lines, partial(self._label, connection))

    def revise(self, tickets: Sequence[Ticket]) -> Sequence[str]:
        if not tickets:
            return []
        if self._open(create=False) is None:
            return [ticket.ticket_id for ticket in tickets]
        absent, changed = [], []
        with self._guard, translated():
            held = held_of(self._reading(), [ticket.ticket_id for ticket in tickets])
        for ticket in tickets:
            row = held.get(ticket.ticket_id)
            if row is None or row.version < ticket.version:
                absent.append(ticket.ticket_id)
            elif row.revision < ticket.revision:
                changed.append(ticket)
        if changed:
            with self._transaction() as connection:
                for ticket in changed:
                    connection.execute(
                        "UPDATE entries SET revision = ?, status = ?, approval = ?, department = ?,"
                        " source = ?, worth = ? WHERE ticket_id = ? AND revision < ?",
                        (
                            ticket.revision,
                            self._label(connection, ticket.status.casefold()),
                            APPROVALS.index(ticket.approval),
                            self._label(connection, ticket.department.casefold()),
                            self._label(connection, ticket.source_file),
                            ticket.worth,
                            ticket.ticket_id,
                            ticket.revision,
                        ),
                    )
        return absent

    def remove(self, ticket_ids: Iterable[str]) -> None:
        gone = list(ticket_ids)
        if not gone or self._open(create=False) is None:
            return
        with self._transaction() as connection:
            forget(connection, [row.place for row in held_of(connection, gone).values()])

    def page(
        self, wanted: Wanted, *, page: int, page_size: int, order: Order = Order.NEWEST
    ) -> tuple[Sequence[str], int]:
        query = self._query(wanted)
        if query is None:
            return [], 0
        total = self._count(query)
        start = (page - 1) * page_size
        if start >= total:
            return [], total
        # From whichever end is nearer.
        from_end = start > total // 2
        count = min(page_size, total - start)
        offset = total - start - count if from_end else start
        way = "ASC" if from_end else "DESC"
        source, conditions, values = query
        if order is Order.WORTH:
            by = f"worth {way}, place {way}"
            source = (
                source.replace("entries", "entries INDEXED BY by_worth") if source == "entries" else source
            )
        else:
            by = f"place {way}" if source == "entries" else f"words.rowid {way}"
        rows = self._rows(
            f"SELECT ticket_id FROM {source} WHERE {conditions} ORDER BY {by} LIMIT ? OFFSET ?",  # noqa: S608
            (*values, count, offset),
        )
        found = [ticket_id for (ticket_id,) in rows]
        return (found[::-1] if from_end else found), total

    def count(self, wanted: Wanted) -> int:
        query = self._query(wanted)
        return self._count(query) if query else 0

    def after(self, wanted: Wanted, ticket_id: str, *, limit: int) -> Sequence[str]:
        query = self._query(wanted)
        if query is None:
            return []
        source, conditions, values = query
        rows = self._rows(
            f"SELECT ticket_id FROM {source} WHERE {conditions} AND ticket_id > ? ORDER BY ticket_id LIMIT ?",  # noqa: S608
            (*values, ticket_id, limit),
        )
        return [found for (found,) in rows]

    def entries_after(self, ticket_id: str, *, limit: int) -> Sequence[tuple[str, int, Approval]]:
        if self._open(create=False) is None:
            return []
        rows = self._rows(
            "SELECT ticket_id, version, approval FROM entries WHERE ticket_id > ? ORDER BY ticket_id LIMIT ?",
            (ticket_id, limit),
        )
        return [(found, version, APPROVALS[approval]) for found, version, approval in rows]

    def close(self) -> None:
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _query(self, wanted: Wanted) -> tuple[str, str, list[Any]] | None:
        """Where to look, the conditions and their values; None when nothing can be found."""
        if self._open(create=False) is None:
            return None
        words = asked(wanted.text)
        if words is None:
            return None
        conditions, values = ["1"], list[Any]()
        if words:
            conditions.append("words MATCH ?")
            values.append(self._match(words))
        filters = {
            "status": wanted.status.casefold(),
            "department": wanted.department.casefold(),
            "helpdesk": wanted.helpdesk.casefold(),
            "source": wanted.source_file,
        }
        for column, label in filters.items():
            if label:
                found = self._rows("SELECT label_id FROM labels WHERE label = ?", (label,))
                if not found:
                    return None
                conditions.append(f"{column} = ?")
                values.append(found[0][0])
        if wanted.approval is not None:
            conditions.append("approval = ?")
            values.append(APPROVALS.index(wanted.approval))
        source = "words CROSS JOIN entries ON entries.place = words.rowid" if words else "entries"
        return source, " AND ".join(conditions), values

    def _match(self, words: Sequence[str]) -> str:
        """All words, in FTS5's language. No term holds a quotation mark."""
        return " AND ".join(self._any_of(beginning) for beginning in words)

    def _any_of(self, beginning: str) -> str:
        """The few terms that begin so are named: 200,000 matches in 5 ms instead of 60."""
        if len(beginning) > _INDEXED:
            terms = self._rows(
                "SELECT term FROM temp.vocabulary WHERE term >= ? AND term < ? LIMIT ?",
                (beginning, f"{beginning}\U0010ffff", _FEW_TERMS + 1),
            )
            if 0 < len(terms) <= _FEW_TERMS:
                return "(" + " OR ".join(f'"{term}"' for (term,) in terms) + ")"
        return f'"{beginning}"*'

    def _count(self, query: tuple[str, str, list[Any]]) -> int:
        """Remembered until anything is written, by whichever process: one who turns pages counts once."""
        source, conditions, values = query
        asked_for = (source, conditions, *values)
        with self._guard:
            ((written_by_others,),) = self._rows("PRAGMA data_version", ())
            now = (int(written_by_others), self._reading().total_changes)
            if now != self._counted_at or len(self._counts) >= _MOST_COUNTS:
                self._counts, self._counted_at = {}, now
            if asked_for not in self._counts:
                self._counts[asked_for] = self._counted(source, conditions, values)
            return self._counts[asked_for]

    def _counted(self, source: str, conditions: str, values: list[Any]) -> int:
        if source != "entries" and len(values) == 1:
            source = "words"  # Nothing but words: the rows themselves need not be looked at.
        ((total,),) = self._rows(f"SELECT count(*) FROM {source} WHERE {conditions}", values)  # noqa: S608
        return int(total)

    def _label(self, connection: sqlite3.Connection, label: str) -> int:
        found = self._labels.get(label)
        if found is None:
            connection.execute("INSERT OR IGNORE INTO labels (label) VALUES (?)", (label,))
            row = connection.execute("SELECT label_id FROM labels WHERE label = ?", (label,)).fetchone()
            found = self._labels[label] = int(row[0])
        return found

    def _rows(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._guard, translated():
            return self._reading().execute(statement, values).fetchall()

    def _reading(self) -> sqlite3.Connection:
        connection = self._open(create=False)
        if connection is None:
            raise Unavailable("The embedded directory of tickets has been removed.")
        return connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. A label that was made in one that failed is not remembered."""
        connection = self._open(create=True)
        assert connection is not None
        with self._guard, translated():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                self._labels.clear()
                raise
            connection.execute("COMMIT")

    def _open(self, *, create: bool) -> sqlite3.Connection | None:
        with self._guard, translated():
            if self._connection is None:
                if create:
                    self._file.parent.mkdir(parents=True, exist_ok=True)
                elif not self._file.exists():
                    return None
                connection = sqlite3.connect(
                    self._file, timeout=30, isolation_level=None, check_same_thread=False
                )
                connection.execute("PRAGMA mmap_size=1073741824")
                # A killed process loses nothing; the machine's own end at most the last commits, which the
                # rows still have and `reconcile` finds.
                connection.execute("PRAGMA synchronous=NORMAL")
                if connection.execute(_COMPLETE).fetchone() is None:
                    if not create:  # Its writer is just making it.
                        connection.close()
                        return None
                    connection.execute("PRAGMA journal_mode=WAL")
                    connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
                connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, words, row)")
                self._connection = connection
                weakref.finalize(self, connection.close)
            return self._connection
