"""Reading a dump's text: windows of bytes become rows in a basket, whatever stands between them is passed."""

import re
from dataclasses import replace

from candor.whmcs.dumps.layouts import TABLES, known, parted
from candor.whmcs.dumps.literals import row_at, skipping
from candor.whmcs.dumps.rows import RowReader, missing, row_reader
from candor.whmcs.dumps.spilling import MERGES, SEPARATORS, Basket, Section
from candor.whmcs.dumps.statements import Create, Insert, lead, statement
from candor.whmcs.dumps.tables import Tables
from candor.whmcs.dumps.values import Layout, Manner
from candor.whmcs.dumps.windows import Window

MALFORMED_KEPT = 20
"""Malformed rows told one by one; the others are counted."""


class Reader(Window):
    """
    Goes through one source's text, window by window.

    Every step either moves `at` on, or says that it needs more bytes.
    """

    def __init__(self, *, tables: Tables, basket: Basket, manner: Manner, source: int, file: str) -> None:
        super().__init__(file)
        self.manner = manner
        self.spilled = 0
        """Bytes put into the basket so far."""
        self.no_sql = b""
        """How the text begins that is no SQL."""
        self._tables = tables
        self._basket = basket
        self._source = source
        self._again: re.Pattern[bytes] | None = None
        """The end of the statement and the very same beginning of the next: most dumps have nothing else."""

    @property
    def whole(self) -> bool:
        """Whether the text may end here."""
        return self.manner.mode == "between"

    def go(self) -> None:
        """As far as the window allows."""
        steps = {"between": self._between, "rows": self._rows, "skip": self._skip}
        while not self.no_sql and steps[self.manner.mode]():
            pass

    def _between(self) -> bool:
        end, manner, failure = lead(self.window, self.at, self.manner)
        if failure:
            self.note(f"The tool that wrote the dump failed: {failure}")
        if end >= len(self.window):
            # What looks like white space to its end may be the beginning of a comment.
            self.at, self.manner = (end, manner) if self.last else (self.at, self.manner)
            if not self.last:
                self._pass_space()
            return False
        found = statement(self.window, end, manner, last=self.last)
        if found is None:
            self.at, self.manner = end, manner
            return False
        self.at, self.manner = end, manner
        if isinstance(found, Insert):
            self._insert(found)
        elif isinstance(found, Create):
            self._tables.define(
                found.table, found.layout, database=found.database or manner.database, source=self._source
            )
            self.at = found.end
            self._turn("skip")
        else:
            if not found.is_sql:
                head = self.window[end : end + 60].split(b"\n")[0]
                if not self.manner.begun:
                    self.no_sql = head or b" "
                    return False
                self.note(f"A statement that is no SQL was passed over: “{head.decode('utf-8', 'replace')}”.")
            self.manner = found.manner
            self.at = found.end
            self._turn("between" if found.ended else "skip")
        return True

    def _pass_space(self) -> None:
        found = re.compile(rb"[\s;]*+").match(self.window, self.at)
        self.at = found.end() if found else self.at

    def _turn(self, mode: str) -> None:
        if mode == "skip":
            self._again = None
        self.manner = replace(self.manner, mode=mode, begun=True)

    def _insert(self, found: Insert) -> None:
        head = self.window[self.at : found.end]
        self._again = re.compile(re.escape(self.manner.delimiter.encode()) + rb"\s*+" + re.escape(head))
        names = parted(found.table)
        database = found.database or self.manner.database
        start = self.at
        self.at = found.end
        if names is None or not self._tables.wanted(names[1]):
            self._tables.pass_over(found.table)
            self.manner = replace(self.manner, mode="skip", begun=True, table=found.table)
            return
        self.manner = replace(self.manner, begun=True, table=found.table, found="")
        if not found.rows:
            self.note(f"{found.table}: a statement that inserts without VALUES was passed over.", start)
            self._turn("skip")
            return
        layout = (
            Layout(columns=found.columns, found="the INSERT's own list")
            if found.columns is not None
            else self._tables.layout(found.table, database=database, source=self._source)
        )
        if layout is None:
            self.manner = replace(self.manner, mode="rows", columns=None, found="")
            return
        self._begin_rows(layout, start)

    def _begin_rows(self, layout: Layout, start: int) -> None:
        table = self.manner.table
        _, kind = parted(table) or ("", "")
        if lacking := missing(kind, layout.columns):
            self._tables.pass_over(table)
            self.note(
                f"{table} is no table of WHMCS's, it lacks {', '.join(sorted(lacking))}: passed over.",
                start,
            )
            self._turn("skip")
            return
        self.manner = replace(self.manner, mode="rows", columns=layout.columns, found=layout.found)

    def _rows(self) -> bool:
        manner = self.manner
        if manner.columns is None:
            return self._first_row()
        _, kind = parted(manner.table) or ("", "")
        reader = row_reader(kind, manner.columns, no_backslash=manner.no_backslash)
        count = self._tables.counting(
            manner.table, manner.columns, manner.found, database=manner.database, source=self._source
        )
        section = Section(
            table=kind,
            installation=count.installation,
            columns=reader.wanted,
            charset=self._tables.charset(manner, source=self._source),
            no_backslash=manner.no_backslash,
        )
        spec = TABLES[kind]
        lists = self._basket.parted(section) if spec.by else [self._basket.whole(spec.block, section)]
        count.add(self._take(reader, lists, section), section.charset)
        # It ended its rows, or changed its mind about escapes; else it waits for more bytes.
        return self.manner is not manner

    def _take(self, reader: RowReader, lists: list[list[bytes]], section: Section) -> int:
        """Every row that is whole in the window, into the lists; how many they were."""
        window, at, rows = self.window, self.at, 0
        usual, match, wide = reader.usual.match, reader.pattern.match, reader.wide.match
        join, by, merged, parts = b"\x1f".join, reader.by, reader.merged, len(lists)
        again = self._again.match if self._again else None
        cleaning, size = self.cleaning, 0
        while True:
            found = usual(window, at) or match(window, at)
            if found is not None:
                values = found.groups(b"")
                at = found.end()
            elif (found := wide(window, at)) is not None:
                values = reader.widely(found)
                at = found.end()
            else:
                if again is not None and (next_one := again(window, at)):
                    at = next_one.end()
                    continue
                self.at = at
                careful = self._with_care(reader)
                if careful is None:
                    break
                values, at = careful, self.at
            if cleaning:
                values = tuple(one.translate(None, SEPARATORS) for one in values)
            record = join(values)
            size += len(record)
            lists[int(values[by] or 0) % parts if by >= 0 else 0].append(record)
            rows += 1
            if merged >= 0 and values[by] and values[merged] not in (b"", b"0"):
                pair = replace(section, columns=("id", "merged_ticket_id"))
                self._basket.whole(MERGES, pair).append(join((values[by], values[merged])))
        self.spilled += size
        return rows

    def _with_care(self, reader: RowReader) -> tuple[bytes, ...] | None:
        """
        The next row when the pattern does not take it; None at the end of the rows, or of the window.

        `at` stands behind the row; where rows end, the manner says how it goes on.
        """
        while True:
            window, delimiter = self.window, self.manner.delimiter.encode()
            found = _SPACE.match(window, self.at)
            at = found.end() if found else self.at
            mark = window[at : at + 1]
            if not mark or (len(window) - at < 3 and not self.last):
                return None
            if window.startswith(delimiter, at):
                self.at = at + len(delimiter)
                self._turn("between")
                return None
            if mark == b",":
                self.at = at + 1
                continue
            if mark != b"(":
                self._turn("skip")  # ON DUPLICATE KEY UPDATE, or what no dump holds.
                return None
            row = row_at(window, at, no_backslash=self.manner.no_backslash)
            if row == "malformed" and not self.manner.no_backslash:
                other = row_at(window, at, no_backslash=True)
                if not isinstance(other, str) and len(other.values) == reader.count:
                    self.note(
                        f"A row of {self.manner.table} can only be read without backslash escapes "
                        "(NO_BACKSLASH_ESCAPES): what follows is read so.",
                        at,
                    )
                    self.manner = replace(self.manner, no_backslash=True)
                    return None
            if row == "incomplete":
                self.at = at
                return None
            if isinstance(row, str):
                self._malformed("cannot be read", at)
                self.at = at
                self._turn("skip")
                return None
            self.at = row.end
            if len(row.values) != reader.count:
                self._malformed(f"has {len(row.values)} values instead of {reader.count}", at)
                continue
            values = reader.captured(row.values)
            if any(values[place] and not _INTEGER.match(values[place]) for place in reader.numbers):
                self._malformed("has words where numbers belong", at)
                continue
            comma = _COMMA.match(window, self.at)
            self.at = comma.end() if comma else self.at
            return values

    def _malformed(self, sentence: str, at: int) -> None:
        self._tables.malformed += 1
        if self._tables.malformed <= MALFORMED_KEPT:
            self.note(f"A row of {self.manner.table} {sentence}: passed over.", at)

    def _first_row(self) -> bool:
        """The first row tells the layout by its count, where nothing else does."""
        row = row_at(self.window, self.at, no_backslash=self.manner.no_backslash)
        if row == "incomplete":
            return False
        layout = None
        if not isinstance(row, str):
            _, kind = parted(self.manner.table) or ("", "")
            layout = known(kind, row.values)
        if layout is None:
            what = f"{len(row.values)} columns" if not isinstance(row, str) else "a row that cannot be read"
            self.note(
                f"{self.manner.table} has {what} whose order nothing tells (no CREATE TABLE, no list "
                "of columns): passed over. Dump it with its structure, or with --complete-insert."
            )
            self._turn("skip")
            return True
        self._begin_rows(layout, self.at)
        return True

    def _skip(self) -> bool:
        delimiter = self.manner.delimiter.encode()
        match = skipping(self.manner.delimiter, no_backslash=self.manner.no_backslash).match
        again = self._again.match if self._again else None
        # The window may end between the two bytes of a word's beginning.
        stop = len(self.window) if self.last else max(self.at, len(self.window) - 8)
        while True:
            found = match(self.window, self.at, stop)
            self.at = found.end() if found else self.at
            if not self.window.startswith(delimiter, self.at):
                return False
            if again is not None and (next_one := again(self.window, self.at)):
                self.at = next_one.end()
                continue
            if not self.last and self.left < len(delimiter):
                return False
            self.at += len(delimiter)
            self._turn("between")
            return True


_SPACE = re.compile(
    rb"(?:\s++|/\*(?!M?!)[^*]*+(?:\*(?!/)[^*]*+)*+\*/|--(?=[\x00-\x20])[^\n]*+\n|#[^\n]*+\n)*+"
)
_INTEGER = re.compile(rb"-?\d{1,19}\Z")
_COMMA = re.compile(rb"\s*+,\s*+")
