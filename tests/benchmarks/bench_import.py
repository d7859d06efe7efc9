"""
Import: how fast a WHMCS dump is read, joined and stored, in how much memory, and what differs from the truth.

    python -m tests.benchmarks.bench_import [--size-mb 200] [--style mysqldump] [--packing gz]

Rates are of the clock; the processor's seconds beside them tell what else ran on the machine. Reading is
done by one process, joining by as many as there are cores, as in `make import-whmcs-dry`; memory is that of
all of them. Work files are in a folder and need not outlive a power cut, as there. The two references of the
same run (a checksum, and the least that any reader in Python must do) tell how much of it is ours. Storing
has its turn with the table alone, step by step: rows that are ready, the same requests, nothing reckoned and
nothing entered.
"""

import argparse
import gzip
import json
import lzma
import os
import re
import resource
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Self

from candor.adapters.cores import spread
from candor.adapters.dump_files import FolderDump
from candor.adapters.spills import FolderSpill
from candor.tickets.values import TicketDraft
from candor.whmcs import dumps
from tests.benchmarks.dump_generator import STYLES, Shape, tickets_for, world_for, write
from tests.benchmarks.dump_world import World

_TOKENS = re.compile(rb"'[^'\\]*+(?:\\.[^'\\]*+)*+'|[^']++", re.DOTALL)

_now = time.process_time
"""Of the references: on a quiet machine it is that of the clock, on a busy one it can still be compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seconds:
    """Of the clock, and of the processors in this process and the children it has had."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Self:
        times = os.times()
        return cls(wall=time.perf_counter(), cpu=sum(times[:4]))

    def since(self) -> "Seconds":
        now = Seconds.now()
        return Seconds(wall=now.wall - self.wall, cpu=now.cpu - self.cpu)


def reference(path: Path) -> tuple[float, float]:
    """MB/s of a checksum, and of the barest way to tell strings from what stands between them."""
    body = path.read_bytes()[:64_000_000]
    size = len(body) / 1e6
    begun = _now()
    zlib.crc32(body)
    checksum = _now() - begun
    begun = _now()
    for _ in _TOKENS.finditer(body):
        pass
    return size / checksum, size / (_now() - begun)


def read(path: Path, spill: FolderSpill) -> tuple[dumps.Scan, Seconds]:
    begun = Seconds.now()
    scan = dumps.scan(FolderDump([path]), spill, dumps.Options())
    return scan, begun.since()


def joined(scan: dumps.Scan, spill: FolderSpill) -> Iterator[TicketDraft]:
    for partition in range(scan.partitions):
        yield from dumps.tickets(scan, spill, partition, dumps.Options())


def join(scan: dumps.Scan, spill: FolderSpill) -> tuple[dumps.Tally, Seconds, float]:
    """
    The time of joining alone: every ticket is made and dropped. And the MB that all processes had at most.

    Pages that they share are counted for each of them: it is never more than that.
    """

    def work(partition: int) -> bytes:
        tally = dumps.Tally()
        for _ in dumps.tickets(scan, spill, partition, dumps.Options(), tally=tally):
            pass
        return json.dumps([os.getpid(), peak_mb(), tally.as_dict()]).encode()

    whole, peaks, before = dumps.Tally(), dict[int, float](), resident_mb()
    begun = Seconds.now()
    for result in spread(scan.partitions, work):
        pid, peak, told = json.loads(result)
        whole.add(dumps.Tally.of(told))
        peaks[pid] = peak
    took = begun.since()
    mine = peaks.pop(os.getpid(), before)
    return whole, took, mine + sum(peaks.values())


def differences(scan: dumps.Scan, spill: FolderSpill, world: World) -> int:
    """Tickets that are not as the generator knows them, that are missing, or too many."""
    expected = {draft.number: draft.checksum for draft in world.truth()}

    def work(partition: int) -> bytes:
        wrong, right = 0, set[str]()
        for draft in dumps.tickets(scan, spill, partition, dumps.Options()):
            same = expected.get(draft.number) == replace(draft, source_file="").checksum
            wrong += not same or draft.number in right
            if same:
                right.add(draft.number)
        return json.dumps([wrong, sorted(right)]).encode()

    wrong, missing = 0, set(expected)
    for result in spread(scan.partitions, work):
        some, right = json.loads(result)
        wrong += some + len(set(right) - missing)
        missing.difference_update(right)
    return wrong + len(missing)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mb() -> float:
    """What this process has now; where nothing tells, what it had at most."""
    told = Path("/proc/self/statm")
    if not told.exists():
        return peak_mb()
    return int(told.read_text().split()[1]) * resource.getpagesize() / (1 << 20)


def packed(path: Path, packing: str) -> Path:
    if not packing:
        return path
    to = path.with_name(f"{path.name}.{packing}")
    with ExitStack() as files:
        source = files.enter_context(path.open("rb"))
        if packing == "gz":
            shutil.copyfileobj(source, files.enter_context(gzip.open(to, "wb", compresslevel=6)))
        else:
            shutil.copyfileobj(source, files.enter_context(lzma.open(to, "wb", preset=1)))
    return to


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size-mb", type=float, default=200)
    parser.add_argument("--style", choices=STYLES, default="mysqldump")
    parser.add_argument("--packing", choices=("", "gz", "xz"), default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--store", type=int, default=5_000, help="of the tickets so many are stored, and read back (5000)"
    )
    asked = parser.parse_args()
    shape = Shape(style=asked.style)
    world = world_for(shape, tickets=tickets_for(asked.size_mb), seed=asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "whmcs.sql"
        with text.open("wb") as out:
            write(world, shape, out)
        size = text.stat().st_size / 1e6
        path = packed(text, asked.packing)
        print(f"{size:.1f} MB, {world.tickets:,} tickets, {asked.style} {asked.packing}")
        spill = FolderSpill(Path(folder) / "spill", durable=False)
        scan, reading = read(path, spill)
        memory = peak_mb()
        tally, joining, of_all = join(scan, spill)
        checksum, tokens = reference(text)
        together = Seconds(wall=reading.wall + joining.wall, cpu=reading.cpu + joining.cpu)
        print(told("reading", size, reading, f"{scan.partitions} partitions"))
        print(told("joining", size, joining, f"{tally.tickets:,} tickets"))
        print(told("together", size, together, ""))
        print(f"memory    {max(memory, of_all):7.0f} MB at most: {memory:.0f} reading, {of_all:.0f} joining")
        print(f"reference {checksum:7.1f} MB/s crc32, {tokens:.1f} MB/s bare tokens")
        if asked.store:
            store(scan, spill, world, size, most=asked.store)
        print(f"differences to the truth: {differences(scan, spill, world)}")


def told(name: str, size: float, took: Seconds, what: str) -> str:
    rate = f"{size / took.wall:7.1f} MB/s  {took.wall:6.2f} s"
    return f"{name:<9} {rate}, {took.cpu:.2f} of the processors  {what}".rstrip()


def store(scan: dumps.Scan, spill: FolderSpill, world: World, size: float, *, most: int) -> None:
    """The first tickets joined once more and stored in the embedded AWS, stored again, and read back."""
    from tests.benchmarks.import_storing import ON_DEMAND, as_stored, stored

    drafts, again = (islice(joined(scan, spill), most) for _ in range(2))
    chosen = {draft.number for draft in islice(joined(scan, spill), most)}
    truth = {draft.number: as_stored(draft) for draft in world.truth() if draft.number in chosen}
    found = stored(drafts, again, truth)
    for name, seconds in (("storing", found.seconds), ("the same", found.again_seconds)):
        rate = found.tickets / seconds
        part = size * rate / world.tickets
        print(f"{name:<9} {part:7.1f} MB/s  {seconds:6.2f} s, {rate:,.0f} tickets/s of {found.tickets:,}")
    storing, alone = found.tickets / found.seconds, found.tickets / found.alone_seconds
    print(f"storing: {storing:,.0f} tickets/s; the table alone: {alone:,.0f}; ratio {storing / alone:.2f}")
    units = found.units / found.tickets
    print(f"a new table on AWS takes {ON_DEMAND / units:,.0f} tickets/s, at {units:.1f} write units each")
    print(f"differences of the table to the truth: {found.differences}; memory {peak_mb():.0f} MB at most")


if __name__ == "__main__":
    main()
