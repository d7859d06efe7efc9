"""Spilling: wanted rows laid into blocks by partition, and read from them again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from candor.whmcs.dumps.values import Scan, Spill

FIELD: Final = b"\x1f"
RECORD: Final = b"\x1e"
SECTION: Final = b"\x1d"
"""
ASCII's own separators. They are taken out of what is read, so that a block can be split and unescaped as a
whole, in C: 2 ms a megabyte, against 25 for a record at a time.
"""

SEPARATORS: Final = b"\x1c\x1d\x1e\x1f"

TICKET_BLOCKS: Final = "tickets"
EXTRAS: Final = "extras"
NAMES: Final = "names"
MERGES: Final = "merges"
ALL_NAMES: Final = "names/all"
ALL_MERGES: Final = "merges/all"
"""Every segment's together, written when all is read: each partition wants them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Rows of one table in one layout, their values as written between the quotes."""

    table: str
    installation: str
    columns: tuple[str, ...]
    charset: str
    no_backslash: bool
    body: bytes = b""

    @property
    def head(self) -> bytes:
        flag = "1" if self.no_backslash else ""
        return FIELD.join(
            one.encode()
            for one in (self.table, self.installation, ",".join(self.columns), self.charset, flag)
        )


class Basket:
    """What has been read since the last segment, by block and section."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._parted: dict[bytes, list[list[bytes]]] = {}
        self._whole: dict[str, dict[bytes, list[bytes]]] = {}

    def parted(self, section: Section) -> list[list[bytes]]:
        """A list for each partition, to which records are appended."""
        head = section.head
        if (lists := self._parted.get(head)) is None:
            lists = self._parted[head] = [[] for _ in range(self._partitions)]
        return lists

    def whole(self, block: str, section: Section) -> list[bytes]:
        """The one list of a block that is not parted."""
        return self._whole.setdefault(block, {}).setdefault(section.head, [])

    def flush(self, spill: Spill, segment: str) -> bool:
        """Everything is written, durably, under the segment's name; whether there was anything."""
        filled = False
        for partition in range(self._partitions):
            sections = [(head, lists[partition]) for head, lists in self._parted.items() if lists[partition]]
            if sections:
                filled = True
                spill.append(partition_block(partition, segment), packed(sections))
        for block, lists_by_head in self._whole.items():
            if any(lists_by_head.values()):
                filled = True
                spill.append(f"{block}/{segment}", packed(lists_by_head.items()))
        self._parted.clear()
        self._whole.clear()
        return filled


def partition_block(partition: int, segment: str) -> str:
    return f"{TICKET_BLOCKS}/{partition:03d}/{segment}"


def packed(sections: Iterable[tuple[bytes, list[bytes]]]) -> bytes:
    return SECTION.join([RECORD.join([head, *records]) for head, records in sections])


def partition_sections(scan: Scan, spill: Spill, partition: int) -> Iterator[Section]:
    """A partition's rows as they were read, and then what was moved into it."""
    for segment in scan.segments:
        yield from sections(scan, spill, partition_block(partition, segment))
    for move in scan.moves:
        yield from sections(scan, spill, partition_block(partition, move))


def whole_sections(scan: Scan, spill: Spill, block: str) -> Iterator[Section]:
    for segment in scan.segments:
        yield from sections(scan, spill, f"{block}/{segment}")


def sections(scan: Scan, spill: Spill, name: str) -> Iterator[Section]:
    """A block's sections, those of other installations than the chosen one left out."""
    block = b"".join(spill.read(name))
    if not block:
        return
    for part in block.split(SECTION):
        head, _, body = part.partition(RECORD)
        table, installation, columns, charset, flag = head.decode().split("\x1f")
        if installation == scan.chosen:
            yield Section(
                table=table,
                installation=installation,
                columns=tuple(columns.split(",")),
                charset=charset,
                no_backslash=bool(flag),
                body=body,
            )


def picked(section: Section, column: str, wanted: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The section's records that have one of these in a column, each behind what it has there."""
    place = section.columns.index(column)
    sought = frozenset(wanted)
    for record in section.body.split(RECORD):
        value = record.split(FIELD, place + 1)[place]
        if value in sought:
            yield value, record
