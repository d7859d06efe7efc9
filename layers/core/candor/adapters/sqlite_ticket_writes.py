"""
Ticket directory writes: many entries in few statements, in the order in which FTS5 takes them.

A statement writes hundreds of rows: SQLite works through it while the interpreter goes on elsewhere, and of
an import's threads each would wait for its turn after every single row. FTS5 empties what it has gathered
whenever a row comes before the last one, so rows are written by their places: at a third of the cost.
"""

import sqlite3
import zlib
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from candor.errors import Unavailable
from candor.tickets.store import Entry, latest_of
from candor.tickets.values import Approval

SLOTS: Final = 256
"""
Places in the order of lists for each second, taken as entries come; the next ones when it is full. Few, for
a place is what FTS5 writes for each word: with a place for each microsecond it was ten times as large.
"""

APPROVALS: Final = tuple(Approval)

_HOUR: Final = 3_600 * SLOTS

_END: Final = 1 << 62

_VALUES: Final = 990
"""Of one statement; SQLite's oldest builds allow 999."""

_EPOCH: Final = datetime(1, 1, 1, tzinfo=UTC)

_HELD: Final = "ticket_id, place, created, version, revision, terms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What the directory holds of a ticket; `mark`: of its terms."""

    place: int
    created: int
    version: int
    revision: int
    mark: int


def held_of(connection: sqlite3.Connection, ticket_ids: Iterable[str]) -> dict[str, Held]:
    rows = _among(connection, f"SELECT {_HELD} FROM entries WHERE ticket_id IN", dict.fromkeys(ticket_ids))  # noqa: S608
    return {
        ticket_id: Held(place=place, created=created, version=version, revision=revision, mark=mark)
        for ticket_id, place, created, version, revision, mark in rows
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An entry ready to be written; `created`: the first place of its second."""

    entry: Entry
    created: int
    terms: str
    mark: int


def lines_of(entries: Iterable[Entry]) -> Sequence[Line]:
    """The last state of each. Made before the transaction, for others wait while that is open."""
    return [_line(entry) for entry in latest_of(entries).values()]


def write(connection: sqlite3.Connection, lines: Iterable[Line], label: Callable[[str], int]) -> None:
    """All but those of which a later state is there already. In the caller's transaction."""
    wanted = {line.entry.ticket_id: line for line in lines}
    held = held_of(connection, wanted)
    pairs = [(line, held.get(ticket_id)) for ticket_id, line in wanted.items()]
    due = [(line, row) for line, row in pairs if row is None or row.revision <= line.entry.revision]
    stay = {line.entry.ticket_id: row.place for line, row in due if row and row.created == line.created}
    gone = [row.place for line, row in due if row and line.entry.ticket_id not in stay]
    said_anew = [(line, row) for line, row in due if _says_more(line, row)]
    forget_words(connection, [row.place for _, row in said_anew if row])
    _among(connection, "DELETE FROM entries WHERE place IN", gone)
    places = _Places(connection, [line.created for line, _ in due if line.entry.ticket_id not in stay])
    for line, _ in due:
        if line.entry.ticket_id not in stay:
            stay[line.entry.ticket_id] = places.free(line.created)
    words = sorted((stay[line.entry.ticket_id], line.terms) for line, _ in said_anew)
    _insert(connection, "INSERT INTO words (rowid, terms) VALUES", words)
    said = [(place, zlib.compress(terms.encode(), 1)) for place, terms in words]
    _insert(connection, "INSERT OR REPLACE INTO said VALUES", said)
    rows = sorted(_row(line, stay[line.entry.ticket_id], label) for line, _ in due)
    _insert(connection, "INSERT OR REPLACE INTO entries VALUES", rows)


def forget(connection: sqlite3.Connection, places: Sequence[int]) -> None:
    forget_words(connection, places)
    _among(connection, "DELETE FROM entries WHERE place IN", places)


def forget_words(connection: sqlite3.Connection, places: Sequence[int]) -> None:
    """An FTS5 without contents wants to be told the words that go."""
    told = _among(connection, "SELECT place, terms FROM said WHERE place IN", places)
    gone = sorted((place, zlib.decompress(terms).decode()) for place, terms in told)
    _insert(
        connection,
        "INSERT INTO words (words, rowid, terms) VALUES",
        [("delete", place, terms) for place, terms in gone],
    )
    _among(connection, "DELETE FROM said WHERE place IN", places)


class _Places:
    """Free places among those that are taken, also by entries that are not written yet."""

    def __init__(self, connection: sqlite3.Connection, wanted: Sequence[int]) -> None:
        self._connection = connection
        self._taken: list[int] = []
        """In order: the last one of each second that is wanted, and what has been given since."""
        seconds = sorted(set(wanted))
        for start in range(0, len(seconds), _VALUES):
            some = seconds[start : start + _VALUES]
            marks = ", ".join(["(?)"] * len(some))
            rows = connection.execute(
                f"WITH wanted (first) AS (VALUES {marks})"  # noqa: S608
                " SELECT (SELECT max(place) FROM entries WHERE place >= first AND place < first + ?)"
                " AS last FROM wanted WHERE last IS NOT NULL",
                [*some, SLOTS],
            )
            self._taken += [last for (last,) in rows]
        self._taken.sort()

    def free(self, first: int) -> int:
        """One at this second, behind those that have it; when it is full, in the hour, or at the end."""
        for room in (SLOTS, _HOUR, _END):
            last = self._last(first, first + room, anew=room > SLOTS)
            place = first if last is None else last + 1
            if place < first + room:
                insort(self._taken, place)
                return place
        raise Unavailable("The embedded directory of tickets has no place left at that time.")

    def _last(self, first: int, end: int, *, anew: bool) -> int | None:
        at = bisect_left(self._taken, end) - 1
        found = [self._taken[at]] if at >= 0 and self._taken[at] >= first else []
        if anew:
            (last,) = self._connection.execute(
                "SELECT max(place) FROM entries WHERE place >= ? AND place < ?", (first, end)
            ).fetchone()
            found += [int(last)] if last is not None else []
        return max(found, default=None)


def _line(entry: Entry) -> Line:
    terms = " ".join(entry.terms)
    created = _place_of(entry.created_at)
    return Line(entry=entry, created=created, terms=terms, mark=zlib.crc32(terms.encode()))


def _says_more(line: Line, row: Held | None) -> bool:
    """Whether its words are not there, or not where they belong now."""
    return row is None or row.created != line.created or row.mark != line.mark


def _row(line: Line, place: int, label: Callable[[str], int]) -> tuple[Any, ...]:
    entry = line.entry
    return (
        place,
        line.created,
        entry.ticket_id,
        entry.version,
        entry.revision,
        label(entry.status.casefold()),
        APPROVALS.index(entry.approval),
        label(entry.department.casefold()),
        label(entry.helpdesk.casefold()),
        label(entry.source_file),
        entry.worth,
        line.mark,
    )


def _place_of(created_at: datetime) -> int:
    since = created_at - _EPOCH
    return (since.days * 86_400 + since.seconds) * SLOTS


def _insert(connection: sqlite3.Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    row = f"({', '.join('?' * len(rows[0]))})"
    at_a_time = _VALUES // len(rows[0])
    for start in range(0, len(rows), at_a_time):
        some = rows[start : start + at_a_time]
        connection.execute(f"{into} {', '.join([row] * len(some))}", [one for each in some for one in each])


def _among(connection: sqlite3.Connection, statement: str, keys: Iterable[Any]) -> list[tuple[Any, ...]]:
    """What the statement, which ends in IN, gives for these keys."""
    wanted = list(keys)
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(wanted), _VALUES):
        some = wanted[start : start + _VALUES]
        found += connection.execute(f"{statement} ({', '.join('?' * len(some))})", some).fetchall()
    return found
