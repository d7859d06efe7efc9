"""SQL statements: what comes next in a dump, and what it says about the rows that follow."""

import re
from dataclasses import dataclass, replace
from typing import Final

from candor.whmcs.dumps.literals import COMMENT, NAME, skipping
from candor.whmcs.dumps.values import Layout, Manner

HEAD_BYTES: Final = 1 << 16
"""A statement's beginning, its column list included, is shorter."""

_LEAD: Final = re.compile(
    rb"(?:[\s;\x00\xef\xbb\xbf]++|" + COMMENT + rb"|/\*M?!999999\\-[^\n]*+\n|/\*M?!\d*+|\*/"
    rb"|(?:mysqldump|mariadb-dump|mydumper|Warning)[: ][^\n]*+\n)*+",
    re.DOTALL,
)
"""What stands between statements. Warnings that a shell has put into the file are no statements."""

_FAILED: Final = re.compile(rb"(?:mysqldump|mariadb-dump): (?:Error|Got error|Couldn't)[^\n]{0,200}")
_DATABASE: Final = re.compile(
    rb"(?:^--[^\n]{0,300}\bDatabase:|^-- (?:Datenbank|Base de (?:donn\xc3\xa9es|datos)"
    rb"|\xd0\x91\xd0\xb0\xd0\xb7\xd0\xb0"
    rb" \xd0\xb4\xd0\xb0\xd0\xbd\xd0\xbd\xd1\x8b\xd1\x85)\s?:)[ \t]*+`?([^`\s]{1,64})",
    re.MULTILINE,
)
_NAMED_TOOL: Final = re.compile(rb"^-- (?:MySQL|MariaDB) dump ", re.MULTILINE)
_COMPLETED: Final = re.compile(rb"^-- Dump completed", re.MULTILINE)

_INSERT: Final = re.compile(
    rb"(?:INSERT|REPLACE)\s++(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE)\s++)*+(?:INTO\s++)?+("
    + NAME
    + rb")(?:\s*+\.\s*+("
    + NAME
    + rb"))?+\s*+(?:\(([^()]*+)\)\s*+)?+(?:VALUES?\s*+(?=\()|(VALUES?|SET|SELECT|\())",
    re.IGNORECASE,
)
_INSERTS: Final = re.compile(rb"(?:INSERT|REPLACE)\s", re.IGNORECASE)
_CREATE: Final = re.compile(
    rb"CREATE\s++TABLE\s++(?:IF\s++NOT\s++EXISTS\s++)?+("
    + NAME
    + rb")(?:\s*+\.\s*+("
    + NAME
    + rb"))?+\s*+\(",
    re.IGNORECASE,
)
_CREATES: Final = re.compile(rb"CREATE\s++TABLE\s", re.IGNORECASE)
_COLUMN: Final = re.compile(
    rb"\s*+(" + NAME + rb")\s++([a-zA-Z]++)(?:[^,()'\"`]++|\((?:[^()'\"]++|'(?:[^'\\]|\\.|'')*+')*+\)"
    rb"|'(?:[^'\\]|\\.|'')*+'|\"[^\"]*+\"|`[^`]*+`)*+",
    re.DOTALL,
)
_KEYS: Final = re.compile(
    rb"\s*+(?:PRIMARY|UNIQUE|KEY|INDEX|CONSTRAINT|FULLTEXT|SPATIAL|CHECK|FOREIGN|PERIOD)\b",
    re.IGNORECASE,
)
_CHARSET: Final = re.compile(rb"(?:DEFAULT\s++)?(?:CHARSET|CHARACTER SET)\s*+=?\s*+(\w+)", re.IGNORECASE)
_SET: Final = re.compile(rb"SET\s", re.IGNORECASE)
_NAMES: Final = re.compile(rb"\bSET\s++(?:NAMES|CHARACTER SET|CHARSET)\s++['\"]?+(\w++)", re.IGNORECASE)
_MODE: Final = re.compile(rb"(?<!@OLD_)\bsql_mode\s*+:?=\s*+('[^']*+'|\"[^\"]*+\"|@\w++)", re.IGNORECASE)
_DELIMITER: Final = re.compile(rb"DELIMITER[ \t]++([^\s]{1,20})[^\n]*+(?:\n|\Z)", re.IGNORECASE)
_USE: Final = re.compile(rb"USE\s++(" + NAME + rb")", re.IGNORECASE)
_STATEMENT: Final = re.compile(
    rb"(?:SET|INSERT|REPLACE|CREATE|DROP|USE|LOCK|UNLOCK|ALTER|DELIMITER|START|BEGIN|COMMIT|ROLLBACK|DELETE"
    rb"|TRUNCATE|UPDATE|GRANT|REVOKE|CALL|FLUSH|ANALYZE|PREPARE|EXECUTE|DEALLOCATE|SELECT|WITH|RENAME|CHANGE"
    rb"|RESET|SAVEPOINT|SOURCE|DO|OPTIMIZE|CHECK|REPAIR|SHOW|STOP|XA|\()\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Insert:
    """Rows follow at `end`. `columns` None: the statement does not name them."""

    database: str
    table: str
    columns: tuple[str, ...] | None
    end: int
    rows: bool
    """Whether what follows are rows of values; `SET` and `SELECT` are other ways to insert."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Create:
    """A table is defined; `end` is behind its definition."""

    database: str
    table: str
    layout: Layout
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """Anything else: what it changes is in the manner, and the way goes on at `end`, still inside of it."""

    manner: Manner
    end: int
    is_sql: bool
    ended: bool = False
    """Whether nothing of it is left: a command that a line ends."""


def lead(window: bytes, at: int, manner: Manner) -> tuple[int, Manner, str]:
    """Past what stands between statements; what comments tell; and what the tool says of its failing."""
    found = _LEAD.match(window, at)
    end = found.end() if found else at
    if end == at:
        return at, manner, ""
    text = window[at:end]
    if b"--" in text:
        if named := _DATABASE.search(text):
            manner = replace(manner, database=named[1].decode("utf-8", "replace"))
        if manner.completion == "" and _NAMED_TOOL.search(text):
            manner = replace(manner, completion="expected")
        if _COMPLETED.search(text):
            manner = replace(manner, completion="seen")
    failed = _FAILED.search(text) if b"dump: " in text else None
    return end, manner, failed[0].decode("utf-8", "replace") if failed else ""


def statement(window: bytes, at: int, manner: Manner, *, last: bool) -> Insert | Create | Other | None:
    """
    The statement that begins at `at`; None when the window holds too little of it to tell.

    `last`: nothing comes after this window.
    """
    if not last and (len(window) - at < HEAD_BYTES or window.startswith((b"--", b"#", b"/*"), at)):
        return None  # A comment has its end in a later window.
    if _INSERTS.match(window, at):
        if insert := _INSERT.match(window, at):
            database, table = _names(insert)
            listed = insert[3]
            return Insert(
                database=database,
                table=table,
                columns=tuple(_name(one) for one in listed.split(b",")) if listed else None,
                end=insert.end(),
                rows=insert[4] is None,
            )
        return Other(manner=manner, end=at + 6, is_sql=True)
    if _CREATES.match(window, at) and (create := _CREATE.match(window, at)):
        end = _end(window, at, manner)
        if end is None and not last and len(window) - at < 16 * HEAD_BYTES:
            return None
        database, table = _names(create)
        stop = len(window) if end is None else end
        return Create(database=database, table=table, layout=_defined(window[create.end() : stop]), end=stop)
    if delimiter := _DELIMITER.match(window, at):
        return Other(
            manner=replace(manner, delimiter=delimiter[1].decode("utf-8", "replace")),
            end=delimiter.end(),
            is_sql=True,
            ended=True,
        )
    if used := _USE.match(window, at):
        return Other(manner=replace(manner, database=_name(used[1])), end=used.end(), is_sql=True)
    if _SET.match(window, at):
        end = _end(window, at, manner)
        stop = min(len(window), at + HEAD_BYTES) if end is None else end
        return Other(manner=_after_set(window[at:stop], manner), end=at + 3, is_sql=True)
    return Other(
        manner=manner, end=at, is_sql=_STATEMENT.match(window, at) is not None or window.startswith(b"/*", at)
    )


def _end(window: bytes, at: int, manner: Manner) -> int | None:
    """Where the statement's delimiter stands; None when it is not in the window."""
    skipped = skipping(manner.delimiter, no_backslash=manner.no_backslash).match(window, at)
    end = skipped.end() if skipped else at
    return end if window.startswith(manner.delimiter.encode(), end) else None


def _after_set(text: bytes, manner: Manner) -> Manner:
    if named := _NAMES.search(text):
        charset = named[1].decode("ascii", "replace").lower()
        if charset != "default":
            manner = replace(manner, charset=charset)
    for mode in _MODE.finditer(text):
        # A mode that is put back (`@saved_sql_mode`, behind a trigger) is the one a tool dumps in: none.
        manner = replace(manner, no_backslash=b"NO_BACKSLASH_ESCAPES" in mode[1].upper())
    return manner


def _defined(body: bytes) -> Layout:
    """The columns of a table's definition, in order."""
    columns: list[str] = []
    at = 0
    while not _KEYS.match(body, at) and (column := _COLUMN.match(body, at)):
        columns.append(_name(column[1]))
        at = column.end()
        if body[at : at + 1] != b",":
            break
        at += 1
    if not _KEYS.match(body, at) and body[at : at + 1] != b")":
        columns = []  # A definition that is not understood to its end tells no order.
    charsets = _CHARSET.findall(body, at)
    return Layout(
        columns=tuple(columns),
        charset=charsets[-1].decode("ascii", "replace").lower() if charsets else "",
        found="CREATE TABLE",
    )


def _names(found: re.Match[bytes]) -> tuple[str, str]:
    return (_name(found[1]), _name(found[2])) if found[2] else ("", _name(found[1]))


def _name(quoted: bytes) -> str:
    plain = quoted.strip()
    if plain[:1] in (b"`", b'"'):
        mark = plain[:1]
        plain = plain[1:-1].replace(mark + mark, mark)
    return plain.decode("utf-8", "replace")
