"""Dump tables: which installation a table belongs to, how its columns stand, and how many rows it had."""

from dataclasses import replace
from typing import Final

from candor.whmcs.dumps.layouts import REPLIES, TABLES, TICKETS, parted
from candor.whmcs.dumps.values import Installation, Layout, Manner, Scan

SKIPPED_KEPT: Final = 40


class Count:
    """Rows of one table of one installation."""

    def __init__(self, tables: "Tables", installation: str, table: str) -> None:
        self._tables, self.installation, self._table = tables, installation, table

    def add(self, rows: int, charset: str) -> None:
        if rows:
            counts = self._tables.rows.setdefault(self.installation, {})
            counts[self._table] = counts.get(self._table, 0) + rows
            name = charset or "not said"
            self._tables.charsets[name] = self._tables.charsets.get(name, 0) + rows


class Tables:
    """What is known of a dump's tables so far. One database with one prefix is one installation."""

    def __init__(self, scan: Scan, *, extras: bool) -> None:
        self._extras = extras
        self.installations = list(scan.installations)
        self.layouts = dict(scan.layouts)
        self.used = dict(scan.used)
        self.rows = {name: dict(counts) for name, counts in scan.rows.items()}
        self.charsets = dict(scan.charsets)
        self.skipped = list(scan.tables_skipped)
        self.malformed = scan.malformed

    def into(self, scan: Scan) -> Scan:
        return replace(
            scan,
            installations=tuple(self.installations),
            layouts=dict(self.layouts),
            used=dict(self.used),
            rows={name: dict(counts) for name, counts in self.rows.items()},
            charsets=dict(self.charsets),
            tables_skipped=tuple(self.skipped),
            malformed=self.malformed,
        )

    def wanted(self, kind: str) -> bool:
        return self._extras or bool(TABLES[kind].by) or TABLES[kind].block != "extras"

    def pass_over(self, table: str) -> None:
        if table not in self.skipped and len(self.skipped) < SKIPPED_KEPT:
            self.skipped.append(table)

    def define(self, table: str, layout: Layout, *, database: str, source: int) -> None:
        """
        A CREATE TABLE. The same table defined again in another file is that of another installation.

        Ids of two installations mean different tickets: their rows must never meet.
        """
        names = parted(table)
        if names is None:
            self.pass_over(table)
            return
        prefix, kind = names
        found = self._latest(database, prefix)
        if found is not None and source > self._source_of(f"{found.key}|{kind}", source):
            found = None
        if found is None:
            found = self._new(database, prefix, source)
        key = f"{found.key}|{kind}"
        if layout.columns:
            self.layouts[key] = replace(layout, source=source)

    def layout(self, table: str, *, database: str, source: int) -> Layout | None:
        prefix, kind = parted(table) or ("", "")
        return self.layouts.get(f"{self._of(database, prefix, source).key}|{kind}")

    def counting(
        self, table: str, columns: tuple[str, ...], found: str, *, database: str, source: int
    ) -> Count:
        prefix, kind = parted(table) or ("", "")
        installation = self._of(database, prefix, source).key
        self.used[f"{installation}|{kind}"] = Layout(columns=columns, found=found)
        return Count(self, installation, kind)

    def charset(self, manner: Manner, *, source: int) -> str:
        """What the dump says of the letters in this table: for its connection, or else for the table."""
        if manner.charset and manner.charset != "binary":
            return manner.charset
        prefix, kind = parted(manner.table) or ("", "")
        layout = self.layouts.get(f"{self._of(manner.database, prefix, source).key}|{kind}")
        return layout.charset if layout else ""

    def with_tickets(self) -> list[tuple[int, Installation]]:
        """Installations that have tickets or replies to tickets, those with most first."""
        counted = [
            (sum(self.rows.get(one.key, {}).get(kind, 0) for kind in (TICKETS, REPLIES)), one)
            for one in self.installations
        ]
        return sorted((one for one in counted if one[0]), key=lambda one: -one[0])

    def _of(self, database: str, prefix: str, source: int) -> Installation:
        return self._latest(database, prefix) or self._new(database, prefix, source)

    def _latest(self, database: str, prefix: str) -> Installation | None:
        return next(
            (one for one in reversed(self.installations) if (one.database, one.prefix) == (database, prefix)),
            None,
        )

    def _new(self, database: str, prefix: str, source: int) -> Installation:
        made = Installation(database=database, prefix=prefix, source=source)
        self.installations.append(made)
        return made

    def _source_of(self, key: str, default: int) -> int:
        layout = self.layouts.get(key)
        return default if layout is None else layout.source
