"""Moving: messages of merged tickets are laid into the partition of the ticket they belong to."""

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from candor.whmcs.dumps.layouts import TABLES
from candor.whmcs.dumps.spilling import (
    ALL_MERGES,
    ALL_NAMES,
    FIELD,
    MERGES,
    NAMES,
    RECORD,
    packed,
    partition_block,
    partition_sections,
    picked,
    sections,
    whole_sections,
)
from candor.whmcs.dumps.values import Scan, Spill

HELD_BYTES: Final = 32 << 20
"""Moved between two checkpoints."""


class Merges:
    """Which ticket was merged into which."""

    def __init__(self, scan: Scan, spill: Spill) -> None:
        self._partitions = scan.partitions
        self._into, self._ends = _read(tuple(one.body for one in sections(scan, spill, ALL_MERGES)))

    def among(self, present: Mapping[int, object]) -> set[int]:
        """Those of these tickets that were merged into others."""
        return self._ends.keys() & present.keys()

    def elsewhere(self, number: int, partition: int) -> bool:
        """Whether the ticket's rows have been moved out of this partition."""
        return self._ends.get(number, partition) % self._partitions != partition

    def master(self, number: int, present: Container[int]) -> int:
        """The ticket it belongs to in the end, of those which the dump has; itself when it is none's."""
        end = self._ends.get(number, number)
        if end in present:
            return end
        found, here, seen = number, number, set[int]()
        while here in self._into and here not in seen:
            seen.add(here)
            here = self._into[here]
            found = here if here in present else found
        return found

    def away(self) -> dict[int, set[int]]:
        """Partition → tickets whose rows lie there and belong elsewhere."""
        found: dict[int, set[int]] = {}
        for child, master in self._ends.items():
            if child % self._partitions != master % self._partitions:
                found.setdefault(child % self._partitions, set()).add(child)
        return found

    def target(self, number: int) -> int:
        return self._ends[number] % self._partitions


@lru_cache(maxsize=1)
def _read(bodies: tuple[bytes, ...]) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """Ticket → the one it was merged into, and → the one at the end. Every partition asks for the same."""
    into: dict[int, int] = {}
    for body in bodies:
        numbers = body.replace(RECORD, FIELD).split(FIELD)
        into.update(zip(map(int, numbers[::2]), map(int, numbers[1::2]), strict=True))
    return into, ends(into)


def ends(into: Mapping[int, int]) -> dict[int, int]:
    """Ticket → the one at the end of its chain. A ring of tickets belongs to its lowest number."""
    found: dict[int, int] = {}
    for start in into:
        path, seen, here = list[int](), set[int](), start
        while here in into and here not in seen and here not in found:
            seen.add(here)
            path.append(here)
            here = into[here]
        end = min(path[path.index(here) :]) if here in seen else found.get(here, here)
        for one in path:
            found[one] = end
    return {child: master for child, master in found.items() if child != master}


def move(
    scan: Scan, spill: Spill, *, remaining: Callable[[], float], on_progress: Callable[[Scan], None]
) -> Scan:
    """As far as time allows; `finished` when no partition is left to look through."""
    if scan.moved == 0:
        _together(scan, spill)
    merges = Merges(scan, spill)
    away, count = merges.away(), scan.partitions
    held: dict[int, dict[bytes, list[bytes]]] = {}
    size, first = 0, scan.moved
    for partition in range(scan.moved, count):
        if remaining() < 0:
            if first < partition:
                scan = _moved(scan, spill, held, first, partition)
                on_progress(scan)
            return scan
        if partition in away:
            size += _collect(scan, spill, partition, merges, away[partition], held)
        if size >= HELD_BYTES:
            scan = _moved(scan, spill, held, first, partition + 1)
            on_progress(scan)
            held, size, first = {}, 0, partition + 1
    scan = replace(_moved(scan, spill, held, first, count), finished=True)
    on_progress(scan)
    return scan


def _together(scan: Scan, spill: Spill) -> None:
    """Names and merges of all segments in one block each; what comes later counts."""
    for block, whole in ((NAMES, ALL_NAMES), (MERGES, ALL_MERGES)):
        held: dict[bytes, list[bytes]] = {}
        for section in whole_sections(scan, spill, block):
            held.setdefault(section.head, []).append(section.body)
        if held:
            spill.append(whole, packed(held.items()))


def _collect(
    scan: Scan,
    spill: Spill,
    partition: int,
    merges: Merges,
    away: set[int],
    held: dict[int, dict[bytes, list[bytes]]],
) -> int:
    """Rows of tickets that belong elsewhere, by the partition they belong to."""
    size = 0
    names = {str(child).encode(): child for child in away}
    for section in partition_sections(replace(scan, moves=()), spill, partition):
        head = section.head
        for child, record in picked(section, TABLES[section.table].by, names):
            target = merges.target(names[child])
            held.setdefault(target, {}).setdefault(head, []).append(record)
            size += len(record)
    return size


def _moved(
    scan: Scan, spill: Spill, held: Mapping[int, dict[bytes, list[bytes]]], first: int, after: int
) -> Scan:
    """What is held becomes blocks, under the name of the partitions it came from."""
    name = f"moved-{first}-{after}"
    for target, records in held.items():
        spill.append(partition_block(target, name), packed(records.items()))
    return replace(scan, moves=(*scan.moves, name) if held else scan.moves, moved=after)
