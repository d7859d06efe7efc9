"""
Dump generator: WHMCS dumps in every layout that real tools write, of any size, with the truth beside them.

    python -m tests.benchmarks.dump_generator --size-mb 200 --style mysqldump --out whmcs.sql

Written in a stream: 200 MB take as little memory as 2. The same seed gives the same bytes.
"""

import argparse
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tests.benchmarks.dump_sql import Cell, encoder, quoting
from tests.benchmarks.dump_world import SECRETS, World

Row = Mapping[str, Cell]

STYLES = (
    "mysqldump",
    "mariadb",
    "single",
    "complete",
    "phpmyadmin",
    "adminer",
    "hex",
    "replace",
    "ignore",
    "ansi",
    "bare",
    "no_backslash",
)
ENCODINGS = ("utf8mb4", "latin1", "latin1_unsaid", "garbled", "bom", "utf16")
VERSIONS = ("5", "7", "8.4", "8.8")


def _words(text: str) -> list[str]:
    return text.split()


_NEWEST = _words(
    "id tid did userid contactid requestor_id prevent_client_closure name email cc c ipaddress date title "
    "message status urgency admin attachment attachments_removed lastreply flag clientunread adminunread "
    "replyingadmin replyingtime service merged_ticket_id editor pinned_at updated_at"
)
_NEWEST_REPLIES = _words(
    "id tid userid contactid requestor_id name email date message admin attachment attachments_removed "
    "rating editor"
)
_LACKING: Mapping[str, tuple[str, str]] = {
    "8.8": ("", ""),
    "8.4": ("prevent_client_closure pinned_at", ""),
    "7": ("prevent_client_closure pinned_at requestor_id ipaddress attachments_removed", "requestor_id"),
    "5": (
        "prevent_client_closure pinned_at requestor_id ipaddress attachments_removed merged_ticket_id editor "
        "updated_at",
        "requestor_id attachments_removed editor",
    ),
}
_NUMBERS = frozenset(
    _words(
        "id did userid contactid requestor_id prevent_client_closure attachments_removed merged_ticket_id "
        "rating flag clientunread replyingadmin gid hidden retired parentid"
    )
)
_DATES = frozenset(_words("date lastreply replyingtime pinned_at updated_at"))
_ROW_BYTES = 1_000_000
"""Of one INSERT, as `net_buffer_length` limits it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How a dump is written."""

    style: str = "mysqldump"
    version: str = "8.8"
    encoding: str = "utf8mb4"
    prefix: str = "tbl"
    database: str = "whmcs"

    @property
    def ticket_columns(self) -> list[str]:
        return [name for name in _NEWEST if name not in _LACKING[self.version][0].split()]

    @property
    def reply_columns(self) -> list[str]:
        return [name for name in _NEWEST_REPLIES if name not in _LACKING[self.version][1].split()]


def world_for(shape: Shape, *, tickets: int, seed: int = 1) -> World:
    """A world that this shape can tell: old versions merge nothing, and latin1 has no Cyrillic."""
    return World(
        tickets=tickets,
        seed=seed,
        western=shape.encoding in ("latin1", "latin1_unsaid"),
        merging=shape.version != "5",
        modern=shape.version != "5",
        clients=max(40, tickets // 6),
    )


def write(world: World, shape: Shape, out: BinaryIO) -> None:
    """The whole dump, tables in the order of their names, as mysqldump writes them."""
    encode = encoder(shape.encoding)
    for piece in _pieces(world, shape):
        out.write(encode(piece))


def write_folder(world: World, shape: Shape, folder: Path) -> list[Path]:
    """As mydumper lays it: a file for each table's definition, and several for the rows of large ones."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [folder / "metadata"]
    found[0].write_text("Started dump at: 2024-05-01 00:00:00\n")
    encode = encoder(shape.encoding)
    for name, columns, rows in _tables(world, shape):
        table = f"{shape.prefix}{name}"
        path = folder / f"{shape.database}.{table}-schema.sql"
        path.write_bytes(encode(f"/*!40101 SET NAMES binary*/;\n{_create(table, columns, shape)}"))
        found.append(path)
        for number, some in enumerate(_batches(rows, 400)):
            path = folder / f"{shape.database}.{table}.{number:05}.sql"
            body = "/*!40101 SET NAMES binary*/;\n" + "".join(_inserts(table, columns, some, shape))
            path.write_bytes(encode(body))
            found.append(path)
    return found


def _pieces(world: World, shape: Shape) -> Iterator[str]:
    style = shape.style
    yield _header(shape)
    for name, columns, rows in _tables(world, shape):
        table = f"{shape.prefix}{name}"
        if style not in ("bare", "ignore"):
            yield _create(table, columns, shape)
        if style in ("mysqldump", "mariadb"):
            yield f"LOCK TABLES `{table}` WRITE;\n/*!40000 ALTER TABLE `{table}` DISABLE KEYS */;\n"
        yield from _inserts(table, columns, rows, shape)
        if style in ("mysqldump", "mariadb"):
            yield f"/*!40000 ALTER TABLE `{table}` ENABLE KEYS */;\nUNLOCK TABLES;\n"
            if name == "activitylog":
                yield _trigger(table, shape)
    if style == "phpmyadmin":
        keys = "ADD PRIMARY KEY (`id`),\n  ADD KEY `tid_c` (`tid`,`c`(64))"
        yield f"ALTER TABLE `{shape.prefix}tickets`\n  {keys};\n"
        yield "COMMIT;\n\n/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;\n"
    elif style in ("mysqldump", "mariadb", "single", "complete", "hex", "replace", "ansi"):
        yield "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n\n-- Dump completed on 2024-05-01  0:00:00\n"


def _header(shape: Shape) -> str:
    names = {"latin1": "latin1", "latin1_unsaid": ""}.get(shape.encoding, "utf8mb4")
    said = f"/*!40101 SET NAMES {names} */;\n" if names else ""
    if shape.style == "phpmyadmin":
        return (
            "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n-- Host: localhost:3306\n\n"
            'SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";\nSTART TRANSACTION;\nSET time_zone = "+00:00";\n\n'
            f"{said}\n--\n-- Database: `{shape.database}`\n--\n\n"
        )
    if shape.style == "adminer":
        said = f"SET NAMES {names};\n" if names else ""
        return f"-- Adminer 4.8.1 MySQL 8.0.36 dump\n\n{said}SET time_zone = '+00:00';\n\n"
    if shape.style in ("bare", "ignore"):
        return said
    if shape.style == "no_backslash":
        return f"{said}SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES';\n"
    sandbox = "/*M!999999\\- enable the sandbox mode */ \n" if shape.style == "mariadb" else ""
    tool = (
        "MariaDB dump 10.19-11.4.2-MariaDB"
        if shape.style == "mariadb"
        else "MySQL dump 10.13  Distrib 8.0.36"
    )
    mode = "NO_AUTO_VALUE_ON_ZERO" + (",ANSI_QUOTES" if shape.style == "ansi" else "")
    return (
        f"{sandbox}-- {tool}, for Linux (x86_64)\n--\n-- Host: localhost    Database: {shape.database}\n"
        "-- ------------------------------------------------------\n-- Server version\t8.0.36\n\n"
        f"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n{said}"
        f"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='{mode}' */;\n\n"
    )


def _create(table: str, columns: Sequence[str], shape: Shape) -> str:
    def kind(name: str) -> str:
        if name in _NUMBERS or (name == "tid" and "rating" in columns):
            return "int(10) NOT NULL DEFAULT '0'"
        if name in _DATES:
            return "datetime DEFAULT NULL COMMENT 'when; (as the server has it)'"
        if name == "editor":
            return "enum('plain','markdown','bbcode') NOT NULL DEFAULT 'plain'"
        return "mediumtext COLLATE utf8mb4_unicode_ci NOT NULL"

    charset = "latin1" if shape.encoding.startswith("latin1") else "utf8mb4"
    mark = _mark(shape)
    lines = [f"  {mark}{name}{mark} {kind(name)}" for name in columns]
    if shape.style != "phpmyadmin":
        lines.append(f"  PRIMARY KEY ({mark}id{mark})")
    body = ",\n".join(lines)
    drop = "" if shape.style == "phpmyadmin" else f"DROP TABLE IF EXISTS {mark}{table}{mark};\n"
    return (
        f"\n--\n-- Table structure for table {mark}{table}{mark}\n--\n\n{drop}"
        "/*!40101 SET @saved_cs_client     = @@character_set_client */;\n/*!40101 SET "
        "character_set_client = utf8 */;\n"
        f"CREATE TABLE {mark}{table}{mark} (\n{body}\n) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT "
        f"CHARSET={charset};\n"
        "/*!40101 SET character_set_client = @saved_cs_client */;\n\n"
    )


def _inserts(table: str, columns: Sequence[str], rows: Iterable[Row], shape: Shape) -> Iterator[str]:
    style, mark = shape.style, _mark(shape)
    verb = {"replace": "REPLACE INTO", "ignore": "INSERT IGNORE INTO"}.get(style, "INSERT INTO")
    listed = style in ("phpmyadmin", "adminer", "complete")
    names = f" ({', '.join(mark + name + mark for name in columns)})" if listed else ""
    between = ",\n" if style in ("mariadb", "phpmyadmin", "adminer") else ","
    after = "\n" if style in ("mariadb", "phpmyadmin", "adminer") else " "
    head = f"{verb} {mark}{table}{mark}{names} VALUES{after}"
    gap = {"phpmyadmin": ", ", "adminer": ",\t"}.get(style, ",")
    most = 1 if style == "single" else 50_000 if style == "phpmyadmin" else _ROW_BYTES
    quote = quoting(style)
    held: list[str] = []
    size = 0
    for row in rows:
        told = gap.join([quote(row.get(name, "")) for name in columns])
        held.append(f"({told})")
        size += len(told)
        if size >= most:
            yield f"{head}{between.join(held)};\n"
            held, size = [], 0
    if held:
        yield f"{head}{between.join(held)};\n"


def _trigger(table: str, shape: Shape) -> str:
    return (
        "DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER "
        "`kept` BEFORE DELETE "
        f"ON `{table}` FOR EACH ROW BEGIN\n  -- it's kept; (all of it)\n  INSERT INTO "
        f"`{shape.prefix}tickets` "
        "VALUES (OLD.id,'it''s; not a row');\n  /* nested */ DELETE FROM `x` WHERE a = ';';\nEND "
        "*/;;\nDELIMITER ;\n"
    )


def _tables(world: World, shape: Shape) -> Iterator[tuple[str, list[str], Iterable[Row]]]:
    """Name without prefix, columns, rows; in the order of the names, replies before their tickets."""
    numbers = range(1, world.tickets + 1)
    text = 'it\'s done; (really), "yes" ' * 6
    yield (
        "activitylog",
        _words("id date description user ipaddr"),
        (
            {
                "id": at,
                "date": "2024-01-01 00:00:00",
                "description": text,
                "user": "x",
                "ipaddr": SECRETS["ipaddress"],
            }
            for at in numbers
        ),
    )
    yield (
        "admins",
        _words("id username password"),
        [{"id": 1, "username": "root", "password": SECRETS["password"]}],
    )
    yield (
        "clients",
        _words("id firstname lastname companyname email address1 password"),
        (
            {
                "id": at,
                "firstname": world.names(at)[0],
                "lastname": world.names(at)[1],
                "email": world.client(at)[1],
                "address1": SECRETS["address"],
                "password": SECRETS["password"],
            }
            for at in range(1, world.clients + 1)
        ),
    )
    yield (
        "ticketdepartments",
        _words("id name email password"),
        [
            {"id": at, "name": name.replace("&", "&amp;"), "password": SECRETS["mailbox"]}
            for at, name in world.departments.items()
        ],
    )
    yield (
        "ticketnotes",
        _words("id ticketid admin message"),
        (
            {"id": at, "ticketid": at, "admin": "Pat", "message": SECRETS["note"]}
            for at in numbers
            if at % 5 == 0
        ),
    )
    yield "ticketreplies", shape.reply_columns, _replies(world)
    yield "tickets", shape.ticket_columns, (world.first(number).row for number in numbers)


def _replies(world: World) -> Iterator[Row]:
    """In the order they were written in, more or less: those of one ticket are not side by side."""
    rng = random.Random(world.seed)
    for begin in range(1, world.tickets + 1, 40):
        some = [
            reply.row
            for number in range(begin, min(begin + 40, world.tickets + 1))
            for reply in world.replies(number)
        ]
        rng.shuffle(some)
        yield from some


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    held: list[Row] = []
    for row in rows:
        held.append(row)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


def _mark(shape: Shape) -> str:
    return '"' if shape.style == "ansi" else "`"


def tickets_for(size_mb: float) -> int:
    """About how many tickets make a dump of that size."""
    return max(1, int(size_mb * 1_000_000 / 2_350))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size-mb", type=float, default=5)
    parser.add_argument("--style", choices=STYLES, default="mysqldump")
    parser.add_argument("--version", choices=VERSIONS, default="8.8")
    parser.add_argument("--encoding", choices=ENCODINGS, default="utf8mb4")
    parser.add_argument("--prefix", default="tbl")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    shape = Shape(style=asked.style, version=asked.version, encoding=asked.encoding, prefix=asked.prefix)
    world = world_for(shape, tickets=tickets_for(asked.size_mb), seed=asked.seed)
    with asked.out.open("wb") as out:
        write(world, shape, out)
    print(f"{asked.out}: {asked.out.stat().st_size:,} bytes, {world.tickets:,} tickets")


if __name__ == "__main__":
    main()
